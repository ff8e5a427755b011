//! Links and files that are handed in to Microsoft to be looked at.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::submission::ThreatSubmission;
use super::words::ThreatCategory;
use super::{LOOK, MARK, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// What it takes to see submissions.
const SEE: Permissions = Permissions {
    application: &[
        "ThreatSubmission.Read.All",
        "ThreatSubmission.ReadWrite.All",
    ],
    delegated: &[
        "ThreatSubmission.Read.All",
        "ThreatSubmission.ReadWrite.All",
    ],
};

/// What it takes to hand something in.
const HAND_IN: Permissions = Permissions {
    application: &["ThreatSubmission.ReadWrite.All"],
    delegated: &["ThreatSubmission.ReadWrite.All"],
};

/// How a link is handed in; both spellings of the vendor's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UrlForm {
    /// As the type is called.
    #[serde(rename = "#microsoft.graph.security.urlThreatSubmission")]
    Usual,
    /// As the example of the page spells it.
    #[serde(rename = "#microsoft.graph.urlThreatSubmission")]
    AsShown,
}

/// How a file is handed in; both spellings of the vendor's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FileForm {
    /// As the type is called.
    #[serde(rename = "#microsoft.graph.security.fileContentThreatSubmission")]
    Usual,
    /// As the example of the page spells it.
    #[serde(rename = "#microsoft.graph.fileContentThreatSubmission")]
    AsShown,
}

/// Hands in a link that was taken for something it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitUrlThreat {
    /// How it is handed in; it need not be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odata_type: Option<UrlForm>,
    /// What it is thought to be.
    pub category: ThreatCategory,
    /// The link.
    #[schemars(length(min = 1))]
    pub web_url: String,
}

impl Operation for SubmitUrlThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.submit-url-threat",
        title: "Hand in a link",
        path: "/beta/security/threatSubmission/urlThreats",
        idempotency: Idempotency::None,
        permissions: HAND_IN,
        beta: true,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "security-urlthreatsubmission-post-urlthreats",
        ),
        ..MARK
    };

    fn example() -> Self {
        Self {
            odata_type: None,
            category: ThreatCategory::Phishing,
            web_url: "http://phishing.contoso.com".to_owned(),
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!(
            "../../fixtures/submit-url-threat.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            (
                "@odata.type",
                json!(self.odata_type.unwrap_or(UrlForm::Usual)),
            ),
            ("category", json!(self.category)),
            ("webUrl", json!(given("web_url", &self.web_url)?)),
        ])))
    }
}

/// Reads the links that were handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUrlThreats {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListUrlThreats {
    type Entry = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-url-threats",
        title: "List links that were handed in",
        path: "/beta/security/threatSubmission/urlThreats",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-urlthreatsubmission-list",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ThreatSubmission> {
        lists::example(include_str!(
            "../../fixtures/list-url-threats.response.json"
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

/// Reads one link that was handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUrlThreat {
    /// The id of the submission.
    #[schemars(length(min = 1))]
    pub submission_id: String,
}

impl Operation for GetUrlThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-url-threat",
        title: "Read a link that was handed in",
        path: "/beta/security/threatSubmission/urlThreats/{id}",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-urlthreatsubmission-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            submission_id: "49c5ef5b-1f65-444a-e6b9-08d772ea2059".to_owned(),
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!("../../fixtures/get-url-threat.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("submission_id", &self.submission_id)?]))
    }
}

/// Hands in a file that was taken for something it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitFileThreat {
    /// How it is handed in; it need not be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odata_type: Option<FileForm>,
    /// What it is thought to be.
    pub category: ThreatCategory,
    /// Its name.
    #[schemars(length(min = 1))]
    pub file_name: String,
    /// The file, in Base64.
    #[schemars(length(min = 1))]
    pub file_content: String,
}

impl Operation for SubmitFileThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.submit-file-threat",
        title: "Hand in a file",
        path: "/beta/security/threatSubmission/fileThreats",
        idempotency: Idempotency::None,
        permissions: HAND_IN,
        beta: true,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "security-filethreatsubmission-post-filethreats",
        ),
        ..MARK
    };

    fn example() -> Self {
        Self {
            odata_type: None,
            category: ThreatCategory::Malware,
            file_name: "test.html".to_owned(),
            file_content: "UmVjZWl2ZWQ6IGZyb20gTVcyUFIwME1CMDMxNC5uYW1wcmQwMC4=".to_owned(),
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!(
            "../../fixtures/submit-file-threat.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            (
                "@odata.type",
                json!(self.odata_type.unwrap_or(FileForm::Usual)),
            ),
            ("category", json!(self.category)),
            ("fileName", json!(given("file_name", &self.file_name)?)),
            (
                "fileContent",
                json!(given("file_content", &self.file_content)?),
            ),
        ])))
    }
}

/// Reads the files that were handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFileThreats {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListFileThreats {
    type Entry = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-file-threats",
        title: "List files that were handed in",
        path: "/beta/security/threatSubmission/fileThreats",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-filethreatsubmission-list",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ThreatSubmission> {
        lists::example(include_str!(
            "../../fixtures/list-file-threats.response.json"
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

/// Reads one file that was handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFileThreat {
    /// The id of the submission.
    #[schemars(length(min = 1))]
    pub submission_id: String,
}

impl Operation for GetFileThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-file-threat",
        title: "Read a file that was handed in",
        path: "/beta/security/threatSubmission/fileThreats/{id}",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-filethreatsubmission-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            submission_id: "49c5ef5b-1f65-444a-e6b9-08d772ea2059".to_owned(),
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!("../../fixtures/get-file-threat.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("submission_id", &self.submission_id)?]))
    }
}
