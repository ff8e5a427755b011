//! Connections of people after the check, and their scopes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actions_contract::Api;
use engine_model::code;
use reqwest::Url;

use crate::credential::Proof;
use crate::keep::{Keep, KeepRefs};
use crate::link::{Role, Route, UserRole, Way, resource_of};
use crate::problems::Problems;
use crate::secret::Secrets;
use crate::setup::Setup;
use crate::target::is_loopback;
use crate::{RefreshTokenFile, SignIn, UserConnection};

const REDIRECT: &str = "http://localhost:0";
/// Asked for beside the permissions: a refresh token, and who the person is.
const SESSION_SCOPES: &str = "offline_access openid profile";

/// A scope with what a session needs.
pub(crate) fn with_session_scopes(scope: &str) -> String {
    format!("{scope} {SESSION_SCOPES}")
}

/// The files of refresh tokens, by connection.
pub(crate) fn keeps(setup: &Setup, secrets: &Arc<Secrets>) -> HashMap<String, Arc<Keep>> {
    let mut keeps = HashMap::new();
    for (name, link) in &setup.links {
        if let Role::User { home, user } = &link.role
            && let Some(refs) = &user.keep
        {
            let purpose = [link.authority.as_str(), &home.tenant, &link.client_id, name];
            let keep = Keep::new(refs.clone(), Arc::clone(secrets), purpose);
            keeps.insert(name.clone(), Arc::new(keep));
        }
    }
    keeps
}

/// Says at every start what was accepted with open eyes.
pub(crate) fn warn(setup: &Setup) {
    for (name, link) in &setup.links {
        if let Role::User { user, .. } = &link.role
            && matches!(user.way, Way::Password { .. })
        {
            tracing::warn!(connection = name, "connection.sends_password");
        }
    }
}

impl UserConnection {
    /// Checks how the person signs in.
    pub(crate) fn build(&self, at: &str, problems: &mut Problems) -> Option<UserRole> {
        let way = self.way(&format!("{at}.sign_in"), problems);
        let proof = self.credential.as_ref().map(|given| {
            let at = format!("{at}.credential");
            let proof = given.build(&at, self.cloud, problems);
            proof.filter(|proof| !is_managed(proof, &at, problems))
        });
        let keep = self.persist_refresh_token.as_ref();
        let keep = keep.map(|given| given.build(&format!("{at}.persist_refresh_token"), problems));
        let is_passed_on = matches!(way, Some(Way::OnBehalfOf));
        if is_passed_on && proof.is_none() {
            problems.add(
                code::CF0101,
                format!("{at}.credential"),
                "an application that passes a person on has to prove who it is".to_owned(),
                "add a `credential`",
            );
        }
        if is_passed_on && keep.is_some() {
            problems.add(
                code::CF0101,
                format!("{at}.persist_refresh_token"),
                "there is no refresh token with `on_behalf_of`".to_owned(),
                "remove it",
            );
        }
        Some(UserRole {
            way: way?,
            // What was given and is wrong must not look as if it was not given.
            proof: proof.map_or(Some(None), |proof| proof.map(Some))?,
            upn: self.expected_user.as_ref().map(|user| user.upn.clone()),
            keep: keep.map_or(Some(None), |keep| keep.map(Some))?,
        })
    }

    fn way(&self, at: &str, problems: &mut Problems) -> Option<Way> {
        match &self.sign_in {
            SignIn::AuthCodePkce { redirect } => {
                let text = redirect.as_deref().unwrap_or(REDIRECT);
                let redirect = Url::parse(text).ok().filter(|url| {
                    let plain = url.query().is_none() && url.fragment().is_none();
                    url.scheme() == "http" && is_loopback(url) && plain
                });
                if redirect.is_none() {
                    problems.add(
                        code::CF0101,
                        format!("{at}.redirect"),
                        "the redirect is not a plain `http` URL of this machine".to_owned(),
                        "write it as `http://localhost:0`, as the application is registered",
                    );
                }
                redirect.map(|redirect| Way::Code { redirect })
            }
            SignIn::DeviceCode {} => Some(Way::Device),
            SignIn::OnBehalfOf {} => Some(Way::OnBehalfOf),
            SignIn::Ropc {
                username,
                password,
                accept_ropc_risk,
            } => {
                if !accept_ropc_risk {
                    problems.add(
                        code::CF0101,
                        format!("{at}.accept_ropc_risk"),
                        "signing in with a password is not accepted".to_owned(),
                        "use another way, or set `accept_ropc_risk: true`: there is no second \
                         factor, and wrong passwords lock the account",
                    );
                }
                let password = problems.reference(&format!("{at}.password"), password)?;
                accept_ropc_risk.then(|| Way::Password {
                    username: username.clone(),
                    password,
                })
            }
        }
    }
}

/// Whether a credential is a managed identity, which is a problem here.
fn is_managed(proof: &Proof, at: &str, problems: &mut Problems) -> bool {
    let is_managed = matches!(proof, Proof::Managed(_));
    if is_managed {
        problems.add(
            code::CF0101,
            at.to_owned(),
            "a managed identity speaks for itself and for no person".to_owned(),
            "use `type: federated` with `source: managed_identity`",
        );
    }
    is_managed
}

impl RefreshTokenFile {
    fn build(&self, at: &str, problems: &mut Problems) -> Option<KeepRefs> {
        let is_file = self.path.is_absolute() && self.path.file_name().is_some();
        if !is_file {
            problems.add(
                code::CF0101,
                format!("{at}.path"),
                "this is not the absolute path of a file".to_owned(),
                "write it as `/var/lib/quell/analyst.rt`",
            );
        }
        let key = problems.reference(&format!("{at}.key"), &self.key)?;
        is_file.then(|| KeepRefs {
            path: self.path.clone(),
            key,
        })
    }
}

/// Puts the permissions of a person where those of an application stand.
pub(crate) fn delegate(
    scopes: &BTreeMap<String, Vec<String>>,
    at: &str,
    routes: &mut BTreeMap<Api, Route>,
    problems: &mut Problems,
) {
    for (name, permissions) in scopes {
        let at = format!("{at}.scopes.{name}");
        let Some(api) = problems.api(&at, name) else {
            continue;
        };
        let Some(route) = routes.get_mut(&api) else {
            let message = format!("the connection does not offer `{}`", api.as_str());
            problems.add(code::CF0101, at, message, "add it to `apis`");
            continue;
        };
        let mut full = Vec::new();
        for permission in permissions {
            if is_permission(permission) {
                full.push(format!("{}/{permission}", resource_of(&route.scope)));
            } else {
                problems.add(
                    code::CF0101,
                    at.clone(),
                    format!("`{permission}` is not the name of a delegated permission"),
                    "write it bare, such as `Machine.Isolate`; leave the API out for all",
                );
            }
        }
        full.sort_unstable();
        full.dedup();
        if !full.is_empty() {
            route.scope = full.join(" ");
        }
    }
}

/// A bare name: with a resource or `.default` in it, two resources or meanings would mix.
fn is_permission(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(plain)
}
