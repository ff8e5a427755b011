//! Recommendations.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{MachineReference, Recommendation, Software, Vulnerability};
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_RECOMMENDATIONS, SEE_VULNERABILITIES, UNSTATED_RATE, given};

/// Reads what would make the organisation safer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRecommendations {
    /// Which ones, over the vendor's field names: `remediationType eq 'Update'`. Known are id,
    /// productName, vendor, recommendedVersion, recommendationCategory, subCategory, severityScore,
    /// remediationType, recommendedProgram, recommendedVendor and status.
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

impl Collection for ListRecommendations {
    type Entry = Recommendation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-recommendations",
        title: "List recommendations",
        path: "/api/recommendations",
        permissions: SEE_RECOMMENDATIONS,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-all-recommendations",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("remediationType eq 'Update'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Recommendation> {
        lists::example(include_str!(
            "../fixtures/list-recommendations.response.json"
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

/// Reads one recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRecommendation {
    /// The id of the recommendation, as `va-_-microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub recommendation_id: String,
}

impl Operation for GetRecommendation {
    type Output = Recommendation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-recommendation",
        title: "Read a recommendation",
        path: "/api/recommendations/{id}",
        permissions: SEE_RECOMMENDATIONS,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-recommendation-by-id",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            recommendation_id: "va-_-google-_-chrome".to_owned(),
        }
    }

    fn example_output() -> Recommendation {
        read::example(include_str!("../fixtures/get-recommendation.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("recommendation_id", &self.recommendation_id)?]))
    }
}

/// Reads the product that a recommendation is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRecommendationSoftware {
    /// The id of the recommendation, as `va-_-microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub recommendation_id: String,
}

impl Operation for GetRecommendationSoftware {
    type Output = Software;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-recommendation-software",
        title: "Read the product of a recommendation",
        path: "/api/recommendations/{id}/software",
        permissions: Permissions {
            application: &["Software.Read.All"],
            delegated: &["SecurityRecommendation.Read"],
        },
        rate: UNSTATED_RATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/list-recommendation-software",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            recommendation_id: "va-_-google-_-chrome".to_owned(),
        }
    }

    fn example_output() -> Software {
        read::example(include_str!(
            "../fixtures/get-recommendation-software.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("recommendation_id", &self.recommendation_id)?]))
    }
}

/// Reads the devices that a recommendation is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRecommendationMachines {
    /// The id of the recommendation, as `va-_-microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub recommendation_id: String,
}

impl Collection for ListRecommendationMachines {
    type Entry = MachineReference;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-recommendation-machines",
        title: "List the devices of a recommendation",
        path: "/api/recommendations/{id}/machineReferences",
        permissions: SEE_RECOMMENDATIONS,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-recommendation-machines",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            recommendation_id: "va-_-google-_-chrome".to_owned(),
        }
    }

    fn example_output() -> Listed<MachineReference> {
        lists::example(include_str!(
            "../fixtures/list-recommendation-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("recommendation_id", &self.recommendation_id)?]))
    }
}

/// Reads the vulnerabilities that a recommendation would remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRecommendationVulnerabilities {
    /// The id of the recommendation, as `va-_-microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub recommendation_id: String,
}

impl Collection for ListRecommendationVulnerabilities {
    type Entry = Vulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-recommendation-vulnerabilities",
        title: "List the vulnerabilities of a recommendation",
        path: "/api/recommendations/{id}/vulnerabilities",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-recommendation-vulnerabilities"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            recommendation_id: "va-_-google-_-chrome".to_owned(),
        }
    }

    fn example_output() -> Listed<Vulnerability> {
        lists::example(include_str!(
            "../fixtures/list-recommendation-vulnerabilities.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("recommendation_id", &self.recommendation_id)?]))
    }
}
