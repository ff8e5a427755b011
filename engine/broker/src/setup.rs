//! The configuration after the check: parsed once, then only used.

use std::collections::BTreeMap;

use actions_contract::Api;
use engine_model::{Diagnostic, code};
use reqwest::Url;

use crate::problems::{Problems, listed, parse_base};
use crate::secret::SecretRef;
use crate::{ApiOverride, Config, Connection, Credential, Http};

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) links: BTreeMap<String, Link>,
    pub(crate) default: Option<String>,
    pub(crate) secrets: BTreeMap<String, SecretRef>,
    pub(crate) http: Http,
}

/// A checked connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) tenants: Vec<String>,
    pub(crate) client_id: String,
    pub(crate) authority: Url,
    pub(crate) secrets: Vec<SecretRef>,
    pub(crate) apis: BTreeMap<Api, Route>,
}

/// How a connection reaches one API.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) base_url: Url,
    pub(crate) scope: String,
    pub(crate) audiences: Vec<String>,
}

impl Config {
    /// Every problem that the types do not exclude, with the path of the value; empty when the
    /// configuration can be used. Names no secret.
    #[must_use]
    pub fn check(&self) -> Vec<Diagnostic> {
        self.build().err().unwrap_or_default()
    }

    /// Parses everything, or tells every problem.
    pub(crate) fn build(&self) -> Result<Setup, Vec<Diagnostic>> {
        let mut problems = Problems::default();
        let overrides = overrides(&self.apis, &mut problems);
        let mut links = BTreeMap::new();
        for (name, connection) in &self.connections {
            let at = format!("connections.{name}");
            let builder = LinkBuilder {
                at,
                connection,
                overrides: &overrides,
            };
            if let Some(link) = builder.build(name, &mut problems) {
                links.insert(name.clone(), link);
            }
        }
        let mut secrets = BTreeMap::new();
        for (name, given) in &self.secrets {
            if let Some(reference) = problems.reference(&format!("secrets.{name}"), given) {
                secrets.insert(name.clone(), reference);
            }
        }
        self.check_bindings(&mut problems);
        check_http(&self.http, &mut problems);
        if problems.0.is_empty() {
            let default = self.bindings.default.clone();
            Ok(Setup {
                links,
                default,
                secrets,
                http: self.http.clone(),
            })
        } else {
            Err(problems.0)
        }
    }

    fn check_bindings(&self, problems: &mut Problems) {
        let Some(name) = &self.bindings.default else {
            return;
        };
        if !self.connections.contains_key(name) {
            let names: Vec<&str> = self.connections.keys().map(String::as_str).collect();
            problems.add(
                code::CF0101,
                "bindings.default".to_owned(),
                format!("there is no connection `{name}`"),
                &format!("connections: {}", listed(&names)),
            );
        }
    }
}

fn overrides<'a>(
    given: &'a BTreeMap<String, ApiOverride>,
    problems: &mut Problems,
) -> BTreeMap<Api, &'a ApiOverride> {
    let mut found = BTreeMap::new();
    for (name, facts) in given {
        let at = format!("apis.{name}");
        if let Some(url) = &facts.base_url {
            problems.url(&format!("{at}.base_url"), url);
        }
        if let Some(scope) = &facts.scope {
            problems.scope(&format!("{at}.scope"), scope);
        }
        let Some(api) = problems.api(&at, name) else {
            continue;
        };
        if found.insert(api, facts).is_some() {
            problems.add(
                code::CF0101,
                at,
                format!("`{}` is given under two names", api.as_str()),
                "`mtp` is another name of `xdr`; keep one",
            );
        }
    }
    found
}

struct LinkBuilder<'a> {
    at: String,
    connection: &'a Connection,
    overrides: &'a BTreeMap<Api, &'a ApiOverride>,
}

impl LinkBuilder<'_> {
    fn build(&self, name: &str, problems: &mut Problems) -> Option<Link> {
        let (at, given) = (&self.at, self.connection);
        let tenant = problems.guid(&format!("{at}.tenant"), &given.tenant);
        let client_id = problems.guid(&format!("{at}.client_id"), &given.client_id);
        let authority = given
            .authority
            .as_deref()
            .unwrap_or(given.cloud.authority());
        let authority = problems.url(&format!("{at}.authority"), authority);
        let tenants = given
            .tenants
            .iter()
            .enumerate()
            .filter_map(|(i, tenant)| problems.guid(&format!("{at}.tenants[{i}]"), tenant))
            .collect();
        let secrets = self.secrets(problems);
        let apis = self.routes(problems);
        Some(Link {
            name: name.to_owned(),
            tenant: tenant?,
            tenants,
            client_id: client_id?,
            authority: authority?,
            secrets,
            apis,
        })
    }

    fn secrets(&self, problems: &mut Problems) -> Vec<SecretRef> {
        let Credential::Secret { secret } = &self.connection.credential;
        let at = format!("{}.credential.secret", self.at);
        if secret.0.is_empty() {
            problems.add(
                code::CF0101,
                at.clone(),
                "no secret reference is given".to_owned(),
                "write one, such as `env:QUELL_CLIENT_SECRET`",
            );
        }
        secret
            .0
            .iter()
            .filter_map(|given| problems.reference(&at, given))
            .collect()
    }

    fn routes(&self, problems: &mut Problems) -> BTreeMap<Api, Route> {
        let (at, given) = (&self.at, self.connection);
        if given.apis.is_empty() {
            problems.add(
                code::CF0101,
                format!("{at}.apis"),
                "the connection offers no API".to_owned(),
                "list some of `mde`, `xdr`, `graph`",
            );
        }
        let mut base_urls = BTreeMap::new();
        for (name, url) in &given.base_urls {
            let at = format!("{at}.base_urls.{name}");
            let url = problems.url(&at, url);
            if let (Some(api), Some(url)) = (problems.api(&at, name), url) {
                base_urls.insert(api, url);
            }
        }
        let mut routes = BTreeMap::new();
        for (i, name) in given.apis.iter().enumerate() {
            let at = format!("{at}.apis[{i}]");
            let Some(api) = problems.api(&at, name) else {
                continue;
            };
            if let Some(route) = self.route(api, base_urls.get(&api), &at, problems) {
                routes.insert(api, route);
            }
        }
        routes
    }

    fn route(
        &self,
        api: Api,
        base_url: Option<&Url>,
        at: &str,
        problems: &mut Problems,
    ) -> Option<Route> {
        let cloud = self.connection.cloud;
        let facts = cloud.api(api);
        let given = self.overrides.get(&api);
        let built_in = given
            .and_then(|given| given.base_url.as_deref())
            .or_else(|| facts.map(|facts| facts.base_url));
        let base_url = base_url.cloned().or_else(|| built_in.and_then(parse_base));
        let scope = given
            .and_then(|given| given.scope.clone())
            .or_else(|| facts.and_then(|facts| facts.scope).map(str::to_owned));
        let (Some(base_url), Some(scope)) = (base_url, scope) else {
            problems.add_incomplete(api, cloud, at);
            return None;
        };
        let mut audiences = vec![resource_of(&scope).to_owned()];
        audiences.extend(given.iter().flat_map(|given| given.audiences.clone()));
        audiences.extend(
            facts
                .iter()
                .flat_map(|facts| facts.audiences)
                .map(|a| (*a).to_owned()),
        );
        Some(Route {
            base_url,
            scope,
            audiences,
        })
    }
}

/// The resource that a scope such as `https://host/.default` names.
fn resource_of(scope: &str) -> &str {
    scope
        .rsplit_once('/')
        .map_or(scope, |(resource, _)| resource)
}

fn check_http(http: &Http, problems: &mut Problems) {
    let lists = [
        ("allow_hosts", http.allow_hosts.as_ref()),
        ("allow_private", Some(&http.allow_private)),
    ];
    for (key, hosts) in lists {
        for (i, host) in hosts.into_iter().flatten().enumerate() {
            let name = host.strip_prefix("*.").unwrap_or(host);
            if name.is_empty() || name.contains(['/', '*', '@', ' ', '?', '#']) {
                problems.add(
                    code::CF0101,
                    format!("http.{key}[{i}]"),
                    format!("`{host}` is not a host name"),
                    "write the bare name, such as `tickets.corp.example`",
                );
            }
        }
    }
    if let Some(proxy) = &http.proxy {
        let parsed = Url::parse(proxy).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
        });
        if parsed.is_none() {
            problems.add(
                code::CF0101,
                "http.proxy".to_owned(),
                "the proxy is not an http URL without credentials".to_owned(),
                "write it as `http://proxy.corp.example:3128`",
            );
        }
    }
    let zero = engine_model::Millis::ZERO;
    if http.timeout == zero || http.connect_timeout == zero || http.response_bytes_max == 0 {
        problems.add(
            code::CF0101,
            "http".to_owned(),
            "a limit of zero lets nothing through".to_owned(),
            "leave the key out for the default",
        );
    }
}
