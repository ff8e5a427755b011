//! Connections after the check.

use std::collections::BTreeMap;

use actions_contract::Api;
use engine_model::code;
use reqwest::Url;

use crate::credential::Proof;
use crate::keep::KeepRefs;
use crate::partner::{PartnerRole, Turned};
use crate::problems::{Problems, parse_base};
use crate::secret::SecretRef;
use crate::target::is_loopback;
use crate::user::delegate;
use crate::wallet::Candidate;
use crate::{
    ApiOverride, ApplicationConnection, Cloud, Connection, Limits, PartnerConnection,
    UserConnection,
};

/// A checked connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) authority: Url,
    pub(crate) apis: BTreeMap<Api, Route>,
    pub(crate) role: Role,
}

/// On whose behalf a connection speaks, and where.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// The application itself, in one directory.
    Application { home: Home, proof: Proof },
    /// A person of one directory.
    User { home: Home, user: Box<UserRole> },
    /// The application itself, in the directories of customers.
    Partner(Box<PartnerRole>),
}

/// How a person is signed in.
#[derive(Clone, Debug)]
pub(crate) struct UserRole {
    pub(crate) way: Way,
    /// None for a public client.
    pub(crate) proof: Option<Proof>,
    /// Who has to be signed in.
    pub(crate) upn: Option<String>,
    pub(crate) keep: Option<KeepRefs>,
}

/// The way in which a person signs in.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Code {
        redirect: Url,
    },
    Device,
    Password {
        username: String,
        password: SecretRef,
    },
    OnBehalfOf,
}

/// The one directory of a connection, and whose runs may use it.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) tenant: String,
    /// Further tenants whose runs may use the connection.
    pub(crate) tenants: Vec<String>,
}

/// How a connection reaches one API.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) base_url: Url,
    pub(crate) scope: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) limits: Limits,
}

impl Link {
    /// The directory of the connection, where it has only one.
    pub(crate) fn home(&self) -> Option<&str> {
        match &self.role {
            Role::Application { home, .. } | Role::User { home, .. } => Some(&home.tenant),
            Role::Partner(_) => None,
        }
    }

    /// The directory whose tokens a run of `tenant` uses, once [`Link::admit`] let it pass.
    pub(crate) fn directory<'a>(&'a self, tenant: &'a str) -> &'a str {
        match &self.role {
            Role::Application { home, .. } | Role::User { home, .. } => &home.tenant,
            Role::Partner(partner) => partner
                .customer(tenant)
                .map_or(tenant, |customer| &customer.tenant),
        }
    }

    /// Whether runs of this tenant may use the connection.
    pub(crate) fn admit(&self, tenant: &str) -> Result<(), Turned> {
        match &self.role {
            Role::Application { home, .. } | Role::User { home, .. } => {
                home.serves(tenant).then_some(()).ok_or(Turned::Unlisted)
            }
            Role::Partner(partner) => partner.admit(tenant),
        }
    }

    /// The ways to prove who the application is, in their order.
    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        match &self.role {
            Role::Application { proof, .. } => proof.candidates(),
            Role::Partner(partner) => partner.proof.candidates(),
            Role::User { user, .. } => match &user.proof {
                Some(proof) => proof.candidates(),
                None => vec![Candidate::Nothing],
            },
        }
    }

    /// Where tokens of a directory are asked for.
    pub(crate) fn token_url(&self, tenant: &str) -> Url {
        self.endpoint(tenant, "oauth2/v2.0/token")
    }

    /// An endpoint of the token service for a directory.
    pub(crate) fn endpoint(&self, tenant: &str, path: &str) -> Url {
        endpoint_of(&self.authority, tenant, path)
    }
}

impl Home {
    fn serves(&self, tenant: &str) -> bool {
        self.tenant.eq_ignore_ascii_case(tenant)
            || self
                .tenants
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(tenant))
    }
}

/// What every kind of connection has.
struct Shape<'a> {
    cloud: Cloud,
    client_id: &'a str,
    authority: Option<&'a str>,
    apis: &'a [String],
    /// Delegated permissions, where a person is spoken for.
    scopes: Option<&'a BTreeMap<String, Vec<String>>>,
    base_urls: &'a BTreeMap<String, String>,
    limits: Option<&'a Limits>,
}

/// Checks a connection at a place of the configuration.
pub(crate) struct LinkBuilder<'a> {
    pub(crate) at: String,
    pub(crate) overrides: &'a BTreeMap<Api, &'a ApiOverride>,
}

impl LinkBuilder<'_> {
    pub(crate) fn build(
        &self,
        name: &str,
        connection: &Connection,
        problems: &mut Problems,
    ) -> Option<Link> {
        match connection {
            Connection::Application(given) => self.application(name, given, problems),
            Connection::User(given) => self.user(name, given, problems),
            Connection::Partner(given) => self.partner(name, given, problems),
        }
    }

    fn application(
        &self,
        name: &str,
        given: &ApplicationConnection,
        problems: &mut Problems,
    ) -> Option<Link> {
        let at = format!("{}.credential", self.at);
        let home = self.home(&given.tenant, &given.tenants, problems);
        let shape = Shape {
            cloud: given.cloud,
            client_id: &given.client_id,
            authority: given.authority.as_deref(),
            apis: &given.apis,
            scopes: None,
            base_urls: &given.base_urls,
            limits: given.limits.as_ref(),
        };
        let proof = given.credential.build(&at, given.cloud, problems);
        let role = |home, proof| Role::Application { home, proof };
        let role = home.zip(proof).map(|(home, proof)| role(home, proof));
        self.link(name, &shape, role, problems)
    }

    fn user(&self, name: &str, given: &UserConnection, problems: &mut Problems) -> Option<Link> {
        let home = self.home(&given.tenant, &given.tenants, problems);
        let shape = Shape {
            cloud: given.cloud,
            client_id: &given.client_id,
            authority: given.authority.as_deref(),
            apis: &given.apis,
            scopes: Some(&given.scopes),
            base_urls: &given.base_urls,
            limits: given.limits.as_ref(),
        };
        let user = given.build(&self.at, problems);
        let role = |home, user| Role::User {
            home,
            user: Box::new(user),
        };
        let role = home.zip(user).map(|(home, user)| role(home, user));
        self.link(name, &shape, role, problems)
    }

    fn partner(
        &self,
        name: &str,
        given: &PartnerConnection,
        problems: &mut Problems,
    ) -> Option<Link> {
        let shape = Shape {
            cloud: given.cloud,
            client_id: &given.client_id,
            authority: given.authority.as_deref(),
            apis: &given.apis,
            scopes: None,
            base_urls: &given.base_urls,
            limits: given.limits.as_ref(),
        };
        let role = given.build(&self.at, problems);
        let role = role.map(|role| Role::Partner(Box::new(role)));
        self.link(name, &shape, role, problems)
    }

    fn home(&self, tenant: &str, tenants: &[String], problems: &mut Problems) -> Option<Home> {
        let at = &self.at;
        let tenant = problems.guid(&format!("{at}.tenant"), tenant);
        let tenants = tenants
            .iter()
            .enumerate()
            .filter_map(|(i, tenant)| problems.guid(&format!("{at}.tenants[{i}]"), tenant))
            .collect();
        tenant.map(|tenant| Home { tenant, tenants })
    }

    fn link(
        &self,
        name: &str,
        shape: &Shape<'_>,
        role: Option<Role>,
        problems: &mut Problems,
    ) -> Option<Link> {
        let at = &self.at;
        let client_id = problems.guid(&format!("{at}.client_id"), shape.client_id);
        let authority = shape.authority.unwrap_or(shape.cloud.authority());
        let authority = problems.url(&format!("{at}.authority"), authority);
        problems.limits(&format!("{at}.limits"), shape.limits);
        let apis = self.routes(shape, problems);
        Some(Link {
            name: name.to_owned(),
            client_id: client_id?,
            authority: authority?,
            apis,
            role: role?,
        })
    }

    fn routes(&self, shape: &Shape<'_>, problems: &mut Problems) -> BTreeMap<Api, Route> {
        let at = &self.at;
        if shape.apis.is_empty() {
            problems.add(
                code::CF0101,
                format!("{at}.apis"),
                "the connection offers no API".to_owned(),
                "list some of `mde`, `xdr`, `graph`",
            );
        }
        let mut base_urls = BTreeMap::new();
        for (name, url) in shape.base_urls {
            let at = format!("{at}.base_urls.{name}");
            let url = problems.url(&at, url);
            if let (Some(api), Some(url)) = (problems.api(&at, name), url) {
                base_urls.insert(api, url);
            }
        }
        let mut routes = BTreeMap::new();
        for (i, name) in shape.apis.iter().enumerate() {
            let at = format!("{at}.apis[{i}]");
            let Some(api) = problems.api(&at, name) else {
                continue;
            };
            let place = (at.as_str(), shape.cloud);
            if let Some(mut route) = self.route(api, base_urls.get(&api), place, problems) {
                let given = self.overrides.get(&api);
                let given = given.and_then(|given| given.limits.as_ref());
                route.limits = Limits::merged(shape.limits, given);
                if route.limits == Limits::Off && !is_loopback(&route.base_url) {
                    problems.add_unlimited(api, &at);
                }
                routes.insert(api, route);
            }
        }
        if let Some(scopes) = shape.scopes {
            delegate(scopes, &self.at, &mut routes, problems);
        }
        routes
    }

    fn route(
        &self,
        api: Api,
        base_url: Option<&Url>,
        (at, cloud): (&str, Cloud),
        problems: &mut Problems,
    ) -> Option<Route> {
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
        let built_in = facts.iter().flat_map(|facts| facts.audiences);
        audiences.extend(built_in.map(|audience| (*audience).to_owned()));
        Some(Route {
            base_url,
            scope,
            audiences,
            limits: Limits::default(),
        })
    }
}

/// An endpoint of a token service for a directory.
pub(crate) fn endpoint_of(authority: &Url, tenant: &str, path: &str) -> Url {
    let mut url = authority.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{tenant}/{path}"));
    url
}

/// The resource that a scope such as `https://host/.default` names.
pub(crate) fn resource_of(scope: &str) -> &str {
    scope
        .rsplit_once('/')
        .map_or(scope, |(resource, _)| resource)
}
