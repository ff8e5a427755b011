//! eDiscovery: what a search has found.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Idempotency, Next, Operation, Permissions,
    Request, Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::EDISCOVERY_RATE;
use super::long_running::{self, LongRunning};
use super::words::{PurgeAreas, PurgeType};
use super::{MARK, fields};
use crate::given;

/// Purges what an eDiscovery search has found, and follows it to the end.
///
/// The vendor says that it reaches messages of Teams and no mailboxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeEdiscoverySearch {
    /// The id of the eDiscovery case.
    #[schemars(length(min = 1))]
    pub case_id: String,
    /// The id of its search.
    #[schemars(length(min = 1), extend("x-entity" = "ediscovery_search"))]
    pub search_id: String,
    /// How; recoverable where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_type: Option<PurgeType>,
    /// Where; in mailboxes where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_areas: Option<PurgeAreas>,
}

impl Operation for PurgeEdiscoverySearch {
    type Output = LongRunning;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.purge-ediscovery-search-data",
        title: "Purge what a search has found",
        path: "/v1.0/security/cases/ediscoveryCases/{caseId}/searches/{searchId}/purgeData",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &["eDiscovery.ReadWrite.All"],
            delegated: &["eDiscovery.ReadWrite.All"],
        },
        rate: EDISCOVERY_RATE,
        settles: true,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-ediscoverysearch-purgedata",
        ..MARK
    };

    fn example() -> Self {
        Self {
            case_id: "b0073e4e-4184-41c6-9eb7-8c8cc3e2288b".to_owned(),
            search_id: "c17e91d6-6bc0-4ecb-b388-269ea3d4ffb7".to_owned(),
            purge_type: Some(PurgeType::Recoverable),
            purge_areas: Some(PurgeAreas::TeamsMessages),
        }
    }

    fn example_output() -> LongRunning {
        LongRunning {
            id: Some("850c64a5fa8344aea6a5c8ac9ae17f9c".to_owned()),
            status: "succeeded".to_owned(),
            status_detail: None,
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[
                given("case_id", &self.case_id)?,
                given("search_id", &self.search_id)?,
            ])
            .with_json(fields([
                ("purgeType", json!(self.purge_type)),
                ("purgeAreas", json!(self.purge_areas)),
            ])))
    }

    fn decode(
        &self,
        call: &Call,
        response: &Response,
        _: Option<LongRunning>,
    ) -> Result<Next<LongRunning>, ActionError> {
        long_running::begun(call, response)
    }

    fn resume(&self, _: &Call, state: &Value) -> Result<Request, ActionError> {
        long_running::look(&Self::ENDPOINT, state)
    }

    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<LongRunning>, ActionError> {
        long_running::settle(call, state, response)
    }
}
