//! Remediation activities and scores.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{MachineReference, RemediationTask, Score};
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_REMEDIATION, SEE_SCORES, UNSTATED_RATE, given};

/// Reads what was asked for to follow recommendations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRemediationActivities {
    /// Which ones, over the vendor's field names: `status eq 'Active'`. Known are createdOn and
    /// status.
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

impl Collection for ListRemediationActivities {
    type Entry = RemediationTask;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-remediation-activities",
        title: "List remediation activities",
        path: "/api/remediationTasks",
        permissions: SEE_REMEDIATION,
        rate: UNSTATED_RATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-remediation-all-activities",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("status eq 'Active'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<RemediationTask> {
        lists::example(include_str!(
            "../fixtures/list-remediation-activities.response.json"
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

/// Reads one remediation activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRemediationActivity {
    /// The id of the activity.
    #[schemars(length(min = 1))]
    pub remediation_activity_id: String,
}

impl Operation for GetRemediationActivity {
    type Output = RemediationTask;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-remediation-activity",
        title: "Read a remediation activity",
        path: "/api/remediationTasks/{id}",
        permissions: SEE_REMEDIATION,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-remediation-one-activity",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            remediation_activity_id: "03942ef5-aecb-4c6e-b555-d6a97013844c".to_owned(),
        }
    }

    fn example_output() -> RemediationTask {
        read::example(include_str!(
            "../fixtures/get-remediation-activity.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given(
            "remediation_activity_id",
            &self.remediation_activity_id,
        )?]))
    }
}

/// Reads the devices on which an activity has still to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRemediationActivityMachines {
    /// The id of the activity.
    #[schemars(length(min = 1))]
    pub remediation_activity_id: String,
}

impl Collection for ListRemediationActivityMachines {
    type Entry = MachineReference;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-remediation-activity-machines",
        title: "List the devices of a remediation activity",
        path: "/api/remediationTasks/{id}/machineReferences",
        permissions: SEE_REMEDIATION,
        rate: UNSTATED_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-remediation-exposed-devices-activities"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            remediation_activity_id: "03942ef5-aecb-4c6e-b555-d6a97013844c".to_owned(),
        }
    }

    fn example_output() -> Listed<MachineReference> {
        lists::example(include_str!(
            "../fixtures/list-remediation-activity-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given(
            "remediation_activity_id",
            &self.remediation_activity_id,
        )?]))
    }
}

/// Reads how exposed the organisation is, from 0 to 100; less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetExposureScore {}

impl Operation for GetExposureScore {
    type Output = Score;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-exposure-score",
        title: "Read the exposure score",
        path: "/api/exposureScore",
        permissions: SEE_SCORES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-exposure-score",
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Score {
        read::example(include_str!("../fixtures/get-exposure-score.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}

/// Reads how exposed each device group is, from 0 to 100; less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListExposureScoreByMachineGroup {}

impl Collection for ListExposureScoreByMachineGroup {
    type Entry = Score;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-exposure-score-by-machine-group",
        title: "List the exposure scores of device groups",
        path: "/api/exposureScore/ByMachineGroups",
        permissions: SEE_SCORES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-machine-group-exposure-score"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Listed<Score> {
        lists::example(include_str!(
            "../fixtures/list-exposure-score-by-machine-group.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}

/// Reads how well devices are configured; more is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDeviceSecureScore {}

impl Operation for GetDeviceSecureScore {
    type Output = Score;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-device-secure-score",
        title: "Read the configuration score",
        path: "/api/configurationScore",
        permissions: SEE_SCORES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-device-secure-score",
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Score {
        read::example(include_str!(
            "../fixtures/get-device-secure-score.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}
