//! What an alert is about.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{DefenderFile, DefenderUser, Machine, RelatedDomain, RelatedIp};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_FILES, SEE_IPS, SEE_MACHINES, SEE_URLS, SEE_USERS, given};

/// Reads the domains that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAlertDomains {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Collection for ListAlertDomains {
    type Entry = RelatedDomain;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-alert-domains",
        title: "List the domains of an alert",
        path: "/api/alerts/{id}/domains",
        permissions: SEE_URLS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-related-domain-info",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> Listed<RelatedDomain> {
        lists::example(include_str!("../fixtures/list-alert-domains.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Reads the files that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAlertFiles {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Collection for ListAlertFiles {
    type Entry = DefenderFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-alert-files",
        title: "List the files of an alert",
        path: "/api/alerts/{id}/files",
        permissions: SEE_FILES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-related-files-info",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderFile> {
        lists::example(include_str!("../fixtures/list-alert-files.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Reads the addresses that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAlertIps {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Collection for ListAlertIps {
    type Entry = RelatedIp;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-alert-ips",
        title: "List the addresses of an alert",
        path: "/api/alerts/{id}/ips",
        permissions: SEE_IPS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-related-ip-info",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> Listed<RelatedIp> {
        lists::example(include_str!("../fixtures/list-alert-ips.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Reads the device that an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAlertMachine {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Operation for GetAlertMachine {
    type Output = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-alert-machine",
        title: "Read the device of an alert",
        path: "/api/alerts/{id}/machine",
        permissions: SEE_MACHINES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> Machine {
        read::example(include_str!("../fixtures/get-alert-machine.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Reads the account that an alert is about.
///
/// An alert without one gives `not_found`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAlertUser {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Operation for GetAlertUser {
    type Output = DefenderUser;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-alert-user",
        title: "Read the user of an alert",
        path: "/api/alerts/{id}/user",
        permissions: SEE_USERS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-related-user-info",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> DefenderUser {
        read::example(include_str!("../fixtures/get-alert-user.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}
