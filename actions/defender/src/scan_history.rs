//! Authenticated scans: who scans, and what came of it.

use actions_contract::{
    ActionError, Call, Effect, Endpoint, Method, Next, Operation, Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entities::{Done, ScanAgent, ScanRun, ScanSession};
use crate::lists::{self, Collection, Listed, Part};
use crate::{CHANGE_MACHINES, LOOK, MARK, SEE_SCANS, given, listed};

/// Deletes scans that devices make regularly. Their history goes with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchDeleteScanDefinitions {
    /// The ids of the definitions.
    #[schemars(length(min = 1), extend("x-entity" = "scan"))]
    pub scan_definition_ids: Vec<String>,
}

impl Operation for BatchDeleteScanDefinitions {
    type Output = Done;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.batch-delete-scan-definitions",
        title: "Delete scan definitions",
        path: "/api/DeviceAuthenticatedScanDefinitions/BatchDelete",
        effect: Effect::Destroy,
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition",
        ..MARK
    };

    fn example() -> Self {
        Self {
            scan_definition_ids: vec![
                "td32f17af-5cc2-4e4e-964a-4c4ef7d216e2".to_owned(),
                "ab32g20af-5dd2-4a5e-954a-4c4ef7d216e2".to_owned(),
            ],
        }
    }

    fn example_output() -> Done {
        Done::new()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let ids = listed("scan_definition_ids", &self.scan_definition_ids, 500)?;
        let body = json!({ "ScanDefinitionIds": ids });
        Ok(Self::ENDPOINT.request(&[]).with_json(body))
    }

    fn decode(&self, _: &Call, _: &Response, _: Option<Done>) -> Result<Next<Done>, ActionError> {
        Ok(Next::Done(Done::new()))
    }
}

/// Reads the devices that scan others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListScanAgents {}

impl Collection for ListScanAgents {
    type Entry = ScanAgent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-scan-agents",
        title: "List scan agents",
        path: "/api/DeviceAuthenticatedScanAgents",
        permissions: SEE_SCANS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-all-scan-agents",
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Listed<ScanAgent> {
        lists::example(include_str!("../fixtures/list-scan-agents.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}

/// Reads one device that scans others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetScanAgent {
    /// The id of the agent.
    #[schemars(length(min = 1))]
    pub scan_agent_id: String,
}

impl Operation for GetScanAgent {
    type Output = ScanAgent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-scan-agent",
        title: "Read a scan agent",
        path: "/api/DeviceAuthenticatedScanAgents/{id}",
        permissions: SEE_SCANS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-agent-details",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            scan_agent_id: "47df41a0c-asad-4fd6d3-bbea-a93dbc0bfcaa_4edd75b2407a5b64d704b4e53d7"
                .to_owned(),
        }
    }

    fn example_output() -> ScanAgent {
        read::example(include_str!("../fixtures/get-scan-agent.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("scan_agent_id", &self.scan_agent_id)?]))
    }
}

/// Reads the scans that definitions have led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetScanHistoryByDefinition {
    /// The ids of the definitions.
    #[schemars(length(min = 1))]
    pub scan_definition_ids: Vec<String>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for GetScanHistoryByDefinition {
    type Entry = ScanRun;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-scan-history-by-definition",
        title: "Read the history of scan definitions",
        method: Method::Post,
        path: "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId",
        permissions: SEE_SCANS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-scan-history-by-definition",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            scan_definition_ids: vec![
                "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae".to_owned(),
                "60c4aa57-c573-4488-8d18-230914792a92".to_owned(),
            ],
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ScanRun> {
        lists::example(include_str!(
            "../fixtures/get-scan-history-by-definition.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let ids = listed("scan_definition_ids", &self.scan_definition_ids, 500)?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_json(json!({ "ScanDefinitionIds": ids })))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads what scans have found, target by target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetScanHistoryBySession {
    /// The ids of the sessions.
    #[schemars(length(min = 1))]
    pub session_ids: Vec<String>,
}

impl Collection for GetScanHistoryBySession {
    type Entry = ScanSession;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-scan-history-by-session",
        title: "Read the history of scan sessions",
        method: Method::Post,
        path: "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId",
        permissions: SEE_SCANS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-scan-history-by-session",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            session_ids: vec!["01decc497f4b4ec49a5fc4e12597f8c8".to_owned()],
        }
    }

    fn example_output() -> Listed<ScanSession> {
        lists::example(include_str!(
            "../fixtures/get-scan-history-by-session.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let ids = listed("session_ids", &self.session_ids, 500)?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_json(json!({ "SessionIds": ids })))
    }
}
