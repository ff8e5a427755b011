//! Files.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{DefenderAlert, DefenderFile, FileStatistics, Machine};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_ALERTS, SEE_FILES, SEE_MACHINES, given, within};

/// Reads what the service knows about a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFile {
    /// SHA-1 or SHA-256 of the file.
    #[schemars(length(min = 1), extend("x-entity" = "file"))]
    pub file_id: String,
}

impl Operation for GetFile {
    type Output = DefenderFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-file",
        title: "Read a file",
        path: "/api/files/{id}",
        permissions: SEE_FILES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-file-information",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            file_id: "4388963aaa83afe2042a46a3c017ad50bdcdafb3".to_owned(),
        }
    }

    fn example_output() -> DefenderFile {
        read::example(include_str!("../fixtures/get-file.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("file_id", &self.file_id)?]))
    }
}

/// Reads how widespread a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFileStatistics {
    /// SHA-1 or SHA-256 of the file.
    #[schemars(length(min = 1), extend("x-entity" = "file"))]
    pub file_id: String,
    /// How many hours are looked back; 30 days where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 720))]
    pub look_back_hours: Option<u32>,
}

impl Operation for GetFileStatistics {
    type Output = FileStatistics;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-file-statistics",
        title: "Read the statistics of a file",
        path: "/api/files/{id}/stats",
        permissions: SEE_FILES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-file-statistics",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            file_id: "4388963aaa83afe2042a46a3c017ad50bdcdafb3".to_owned(),
            look_back_hours: Some(48),
        }
    }

    fn example_output() -> FileStatistics {
        read::example(include_str!(
            "../fixtures/get-file-statistics.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .look_back_hours
            .map(|hours| within("look_back_hours", hours, 720))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[given("file_id", &self.file_id)?])
            .with_query_if("lookBackHours", hours.map(|hours| hours.to_string())))
    }
}

/// Reads the alerts about a file; none for a file that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFileAlerts {
    /// SHA-1 of the file.
    #[schemars(length(min = 1), extend("x-entity" = "file"))]
    pub file_id: String,
}

impl Collection for ListFileAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-file-alerts",
        title: "List the alerts of a file",
        path: "/api/files/{id}/alerts",
        permissions: SEE_ALERTS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-file-related-alerts",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            file_id: "4388963aaa83afe2042a46a3c017ad50bdcdafb3".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!("../fixtures/list-file-alerts.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("file_id", &self.file_id)?]))
    }
}

/// Reads the devices a file was seen on; none for a file that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFileMachines {
    /// SHA-1 of the file.
    #[schemars(length(min = 1), extend("x-entity" = "file"))]
    pub file_id: String,
}

impl Collection for ListFileMachines {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-file-machines",
        title: "List the devices of a file",
        path: "/api/files/{id}/machines",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-file-related-machines",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            file_id: "4388963aaa83afe2042a46a3c017ad50bdcdafb3".to_owned(),
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!("../fixtures/list-file-machines.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("file_id", &self.file_id)?]))
    }
}
