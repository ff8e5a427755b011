//! What a token may do, compared with what is needed.
//!
//! The content of a token is read for diagnosis only, unsigned. A token that cannot be read is no
//! failure: clients have no right to its content.

use std::collections::BTreeSet;

use actions_contract::{ActionError, Api};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::credential::Proof;
use crate::link::{Link, Role};
use crate::roster::admitted;
use crate::telemetry::TokenSubject;
use crate::token::claims_of;
use secrecy::ExposeSecret as _;

/// Scopes of the sign-in itself; they give no access to an API.
const SESSION_SCOPES: [&str; 4] = ["email", "offline_access", "openid", "profile"];

/// On whose behalf a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// The application itself, in its own directory.
    Application,
    /// A person.
    User,
    /// The application itself, in the directories of customers.
    Partner,
}

impl Context {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::User => "user",
            Self::Partner => "partner",
        }
    }
}

/// What the token of a connection says that it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// On whose behalf.
    pub context: Context,
    /// The permissions; none where the token cannot be read.
    pub permissions: Option<BTreeSet<String>>,
    /// Whether the platform keeps tokens, so that a new permission shows up to a day late.
    pub is_late: bool,
}

/// What an action needs: one of these permissions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Need {
    /// The action.
    pub action: String,
    /// The permissions of which one is enough, the weakest first.
    pub any_of: Vec<String>,
}

/// The difference between what is granted and what is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What is needed and not granted.
    pub missing: Vec<Need>,
    /// What is granted and not needed.
    pub excess: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Powers {
    roles: Option<Vec<String>>,
    scp: Option<String>,
}

impl Grants {
    fn of(token: &str, link: &Link) -> Self {
        let context = link.context();
        let powers: Option<Powers> = claims_of(token);
        let permissions = powers.map(|powers| match context {
            Context::User => {
                let scopes = powers.scp.unwrap_or_default();
                let scopes = scopes.split_whitespace();
                let of_api = scopes.filter(|scope| !SESSION_SCOPES.contains(scope));
                of_api.map(str::to_owned).collect()
            }
            Context::Application | Context::Partner => {
                powers.roles.unwrap_or_default().into_iter().collect()
            }
        });
        let is_late = matches!(
            &link.role,
            Role::Application {
                proof: Proof::Managed(_),
                ..
            }
        );
        Self {
            context,
            permissions,
            is_late,
        }
    }

    /// What is missing and what is too much; nothing of both where the token cannot be read.
    #[must_use]
    pub fn compare(&self, needs: &[Need]) -> Difference {
        let Some(granted) = &self.permissions else {
            return Difference::default();
        };
        let mut used = BTreeSet::new();
        let mut missing = Vec::new();
        for need in needs {
            match need.any_of.iter().find(|name| granted.contains(*name)) {
                Some(name) => {
                    used.insert(name.clone());
                }
                None => missing.push(need.clone()),
            }
        }
        missing.sort();
        missing.dedup();
        Difference {
            missing,
            excess: granted.difference(&used).cloned().collect(),
        }
    }
}

impl Link {
    pub(crate) const fn context(&self) -> Context {
        match self.role {
            Role::Application { .. } => Context::Application,
            Role::User { .. } => Context::User,
            Role::Partner(_) => Context::Partner,
        }
    }
}

impl Broker {
    /// What the token of a connection may do at an API of a tenant. Asks for a token where none
    /// is at hand, and sends nothing to the API.
    ///
    /// # Errors
    ///
    /// When the connection may not act for the tenant, or there is no token.
    pub async fn grants(
        &self,
        connection: &str,
        tenant: &str,
        api: Api,
    ) -> Result<Grants, ActionError> {
        let link = self.named(Some(connection)).map_err(|error| error.error)?;
        admitted(link, tenant).map_err(|error| error.error)?;
        let subject = TokenSubject {
            connection: link.name.clone(),
            tenant: link.directory(tenant).to_owned(),
            client_id: link.client_id.clone(),
            api,
            run: None,
            step: None,
            attempt: None,
        };
        match self.token(link, api, &subject).await {
            Ok(pass) => Ok(Grants::of(pass.grasp.token.secret.expose_secret(), link)),
            Err(error) => Err(error.to_action_error(&link.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(permissions: Option<&[&str]>) -> Grants {
        Grants {
            context: Context::Application,
            permissions: permissions
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            is_late: false,
        }
    }

    fn need(action: &str, any_of: &[&str]) -> Need {
        Need {
            action: action.to_owned(),
            any_of: any_of.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[track_caller]
    fn check(granted: Option<&[&str]>, needs: &[Need], missing: &[&str], excess: &[&str]) {
        let found = grants(granted).compare(needs);
        let actions: Vec<&str> = found.missing.iter().map(|n| n.action.as_str()).collect();
        assert_eq!(actions, missing);
        assert_eq!(found.excess.iter().collect::<Vec<_>>(), excess);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told_and_one_of_several_is_enough() {
        let look = || need("look", &["Machine.Read.All", "Machine.ReadWrite.All"]);
        let isolate = || need("isolate", &["Machine.Isolate"]);
        let both = ["Machine.Isolate", "Machine.ReadWrite.All"];
        check(Some(&both), &[look(), isolate()], &[], &[]);
        check(Some(&both[1..]), &[look(), isolate()], &["isolate"], &[]);
        let all = [
            "Machine.Isolate",
            "Machine.Read.All",
            "Machine.ReadWrite.All",
        ];
        check(Some(&all), &[look()], &[], &[all[0], all[2]]);
        check(Some(&[]), &[look(), look()], &["look"], &[]);
    }

    #[test]
    fn a_token_that_cannot_be_read_is_no_failure() {
        check(None, &[need("isolate", &["Machine.Isolate"])], &[], &[]);
    }
}
