//! Microsoft Graph: alerts and incidents of every product, mail, users, risks, posture.
//!
//! Grouped by resource, as the rest of this crate. What operations give back is in [`entities`];
//! the words they take are in [`enums`] and [`words`].

pub mod access;
pub mod accounts;
pub mod alerts;
pub mod applications;
pub mod assessments;
pub mod detection_rules;
pub mod directory;
pub mod ediscovery;
pub mod email;
pub mod email_threats;
pub mod entities;
pub mod enums;
pub mod incidents;
pub mod long_running;
pub mod mailbox;
pub mod passwords;
pub mod risk;
pub mod risky_users;
pub mod rule_parts;
pub mod secure_score;
pub mod security_actions;
pub mod threats;
pub mod users;
pub mod words;

use actions_contract::{ActionError, Api, Endpoint, Rate, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{given, misfit};

/// The limit of alerts, incidents, rules and actions, together, of an application in a tenant.
const SECURITY_RATE: Rate = Rate {
    per_minute: Some(150),
    per_hour: None,
};

/// The limit of eDiscovery.
const EDISCOVERY_RATE: Rate = Rate {
    per_minute: Some(5),
    per_hour: None,
};

/// What operations that look have in common; each names what is different.
const LOOK: Endpoint = Endpoint {
    api: Api::Graph,
    rate: Rate {
        per_minute: None,
        per_hour: None,
    },
    ..crate::LOOK
};

/// What operations that change something have in common.
const MARK: Endpoint = Endpoint {
    api: Api::Graph,
    rate: LOOK.rate,
    ..crate::MARK
};

/// What is left when the service answers with success alone: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoContent {}

/// That the service has begun, and works on by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Where a person can see how far it is.
    pub location: Option<String>,
}

impl Accepted {
    fn of(response: &Response) -> Self {
        Self {
            location: location(response).map(str::to_owned),
        }
    }
}

/// Where the service says that its work can be followed.
fn location(response: &Response) -> Option<&str> {
    let mut headers = response.headers.iter();
    let header = headers.find(|(name, _)| name == "location");
    header.map(|(_, value)| value.as_str())
}

/// An object with the fields that were given.
fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    let given = pairs.into_iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The same, of a change, which has at least one.
pub(crate) fn change<const N: usize>(pairs: [(&str, Value); N]) -> Result<Value, ActionError> {
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    match fields(pairs) {
        Value::Object(change) if change.is_empty() => {
            Err(misfit(format!("nothing to change: give one of {names}")))
        }
        change => Ok(change),
    }
}

/// Ids of which there is at least one, and none is empty.
fn all_given<'a>(param: &str, ids: &'a [String]) -> Result<&'a [String], ActionError> {
    if ids.is_empty() {
        return Err(misfit(format!("`{param}` is empty")));
    }
    for id in ids {
        given(param, id)?;
    }
    Ok(ids)
}
