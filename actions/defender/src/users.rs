//! Accounts.

use actions_contract::{ActionError, Endpoint, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{DefenderAlert, Machine};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_ALERTS, SEE_MACHINES, given};

/// Reads the alerts about an account; none for one that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUserAlerts {
    /// The bare name of the account: `user1`, neither with its domain nor as a mail address.
    #[schemars(length(min = 1))]
    pub user_id: String,
}

impl Collection for ListUserAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-user-alerts",
        title: "List the alerts of a user",
        path: "/api/users/{id}/alerts",
        permissions: SEE_ALERTS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-user-related-alerts",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "user1".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!("../fixtures/list-user-alerts.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }
}

/// Reads the devices an account has logged on to; none for one that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUserMachines {
    /// The bare name of the account: `user1`, neither with its domain nor as a mail address.
    #[schemars(length(min = 1))]
    pub user_id: String,
}

impl Collection for ListUserMachines {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-user-machines",
        title: "List the devices of a user",
        path: "/api/users/{id}/machines",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-user-related-machines",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "user1".to_owned(),
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!("../fixtures/list-user-machines.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }
}
