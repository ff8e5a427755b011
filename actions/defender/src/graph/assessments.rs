//! Assessments that Microsoft is asked for.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::submission::ThreatAssessment;
use super::words::{AssessmentCategory, ExpectedAssessment};
use super::{LOOK, MARK, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// What is assessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AssessedThing {
    /// A message in a mailbox.
    #[serde(rename = "#microsoft.graph.mailAssessmentRequest")]
    Mail,
    /// A message that is given as a file.
    #[serde(rename = "#microsoft.graph.emailFileAssessmentRequest")]
    EmailFile,
    /// A file.
    #[serde(rename = "#microsoft.graph.fileAssessmentRequest")]
    File,
    /// A link.
    #[serde(rename = "#microsoft.graph.urlAssessmentRequest")]
    Url,
}

/// Asks Microsoft whether something was rightly blocked or let through.
///
/// In user context only. Once in 15 minutes for the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateThreatAssessmentRequest {
    /// What is assessed; it decides which of the other parameters are needed.
    pub odata_type: AssessedThing,
    /// What should have happened.
    pub expected_assessment: ExpectedAssessment,
    /// What it is about.
    pub category: AssessmentCategory,
    /// Who got the message; for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_email: Option<String>,
    /// The message in its mailbox; for messages there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_uri: Option<String>,
    /// The content, in Base64; for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_data: Option<String>,
    /// The name of the file; for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The link; for links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Operation for CreateThreatAssessmentRequest {
    type Output = ThreatAssessment;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.create-threat-assessment-request",
        title: "Ask for an assessment",
        path: "/v1.0/informationProtection/threatAssessmentRequests",
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &[],
            delegated: &["ThreatAssessment.ReadWrite.All"],
        },
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "informationprotection-post-threatassessmentrequests",
        ),
        ..MARK
    };

    fn example() -> Self {
        Self {
            odata_type: AssessedThing::Url,
            expected_assessment: ExpectedAssessment::Block,
            category: AssessmentCategory::Phishing,
            recipient_email: None,
            message_uri: None,
            content_data: None,
            file_name: None,
            url: Some("http://test.com".to_owned()),
        }
    }

    fn example_output() -> ThreatAssessment {
        read::example(include_str!(
            "../../fixtures/get-threat-assessment-request.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            ("@odata.type", json!(self.odata_type)),
            ("expectedAssessment", json!(self.expected_assessment)),
            ("category", json!(self.category)),
            ("recipientEmail", json!(self.recipient_email)),
            ("messageUri", json!(self.message_uri)),
            ("contentData", json!(self.content_data)),
            ("fileName", json!(self.file_name)),
            ("url", json!(self.url)),
        ])))
    }
}

/// Reads the assessments that were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListThreatAssessmentRequests {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListThreatAssessmentRequests {
    type Entry = ThreatAssessment;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-threat-assessment-requests",
        title: "List assessments",
        path: "/v1.0/informationProtection/threatAssessmentRequests",
        permissions: Permissions {
            application: &["ThreatAssessment.Read.All"],
            delegated: &["ThreatAssessment.ReadWrite.All"],
        },
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "informationprotection-list-threatassessmentrequests",
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ThreatAssessment> {
        lists::example(include_str!(
            "../../fixtures/list-threat-assessment-requests.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetThreatAssessmentRequest {
    /// The id of the request.
    #[schemars(length(min = 1))]
    pub request_id: String,
    /// Whether what came out is read as well.
    #[serde(default)]
    pub expand_results: bool,
}

impl Operation for GetThreatAssessmentRequest {
    type Output = ThreatAssessment;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-threat-assessment-request",
        title: "Read an assessment",
        path: "/v1.0/informationProtection/threatAssessmentRequests/{id}",
        permissions: Permissions {
            application: &["ThreatAssessment.Read.All"],
            delegated: &["ThreatAssessment.ReadWrite.All"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/threatassessmentrequest-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            request_id: "49c5ef5b-1f65-444a-e6b9-08d772ea2059".to_owned(),
            expand_results: true,
        }
    }

    fn example_output() -> ThreatAssessment {
        read::example(include_str!(
            "../../fixtures/get-threat-assessment-request.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("request_id", &self.request_id)?])
            .with_query_if("$expand", self.expand_results.then_some("results")))
    }
}
