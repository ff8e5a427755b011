//! Automated investigations.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::Investigation;
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_ALERTS, given};

/// Reads automated investigations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInvestigations {
    /// Which ones, over the vendor's field names: `state eq 'Running'`. Known are startTime, id,
    /// state, machineId and triggeringAlertId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-language" = "odata"))]
    pub filter: Option<String>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListInvestigations {
    type Entry = Investigation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-investigations",
        title: "List investigations",
        path: "/api/investigations",
        permissions: SEE_ALERTS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-investigation-collection",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("state eq 'Running'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Investigation> {
        lists::example(include_str!(
            "../fixtures/list-investigations.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one automated investigation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetInvestigation {
    /// The id of the investigation.
    #[schemars(length(min = 1))]
    pub investigation_id: String,
}

impl Operation for GetInvestigation {
    type Output = Investigation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-investigation",
        title: "Read an investigation",
        path: "/api/investigations/{id}",
        permissions: SEE_ALERTS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-investigation-object",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            investigation_id: "63017".to_owned(),
        }
    }

    fn example_output() -> Investigation {
        read::example(include_str!("../fixtures/get-investigation.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("investigation_id", &self.investigation_id)?]))
    }
}
