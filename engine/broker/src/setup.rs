//! The configuration after the check: parsed once, then only used.

use std::collections::BTreeMap;

use actions_contract::Api;
use engine_model::{Diagnostic, code};
use reqwest::Url;

use crate::key_vault_config::KeyVaultSetup;
use crate::link::{Link, LinkBuilder};
use crate::problems::{Problems, listed};
use crate::secret::SecretRef;
use crate::vault::VaultSetup;
use crate::{ApiOverride, Config, Http};

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) links: BTreeMap<String, Link>,
    pub(crate) default: Option<String>,
    pub(crate) secrets: BTreeMap<String, SecretRef>,
    pub(crate) vault: Option<VaultSetup>,
    pub(crate) key_vault: Option<KeyVaultSetup>,
    pub(crate) http: Http,
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
                overrides: &overrides,
            };
            if let Some(link) = builder.build(name, connection, &mut problems) {
                links.insert(name.clone(), link);
            }
        }
        let mut secrets = BTreeMap::new();
        for (name, given) in &self.secrets {
            if let Some(reference) = problems.reference(&format!("secrets.{name}"), given) {
                secrets.insert(name.clone(), reference);
            }
        }
        let vault = self.secret_stores.vault.as_ref();
        let vault = vault.and_then(|vault| vault.build("secret_stores.vault", &mut problems));
        let key_vault = self.secret_stores.key_vault.as_ref();
        let at = "secret_stores.key_vault";
        let key_vault = key_vault.and_then(|given| given.build(at, &mut problems));
        problems.check_stores(&self.secret_stores);
        self.check_bindings(&mut problems);
        check_http(&self.http, &mut problems);
        if problems.all.is_empty() {
            let default = self.bindings.default.clone();
            Ok(Setup {
                links,
                default,
                secrets,
                vault,
                key_vault,
                http: self.http.clone(),
            })
        } else {
            Err(problems.all)
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
        problems.limits(&format!("{at}.limits"), facts.limits.as_ref());
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
