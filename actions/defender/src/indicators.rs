//! Indicators: what devices look for, one at a time.

use std::borrow::Cow;

use actions_contract::{
    ActionError, Call, Effect, Endpoint, Finding, Method, Next, Operation, Permissions, Request,
    Response, json, read,
};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::{Done, Indicator, VendorTime};
use crate::enums::{IndicatorAction, IndicatorSeverity, IndicatorType, Word};
use crate::lists::{self, Collection, Listed, Part};
use crate::{INDICATORS, LOOK, MARK, given, misfit, odata};

/// Reads indicators.
///
/// With `Ti.ReadWrite` an application sees only those it has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListIndicators {
    /// Which ones, over the vendor's field names: `indicatorType eq 'IpAddress'`. Known are
    /// application, createdByDisplayName, expirationTime, generateAlert, title, rbacGroupNames,
    /// rbacGroupIds, indicatorValue, indicatorType, creationTimeDateTimeUtc, createdBy, action and
    /// severity.
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

impl Collection for ListIndicators {
    type Entry = Indicator;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-indicators",
        title: "List indicators",
        path: "/api/indicators",
        permissions: INDICATORS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-ti-indicators-collection",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("indicatorType eq 'IpAddress'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Indicator> {
        lists::example(include_str!("../fixtures/list-indicators.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let request = Self::ENDPOINT.request(&[]);
        Ok(request.with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Makes devices look for something, and says what they do when they find it.
///
/// An indicator of the same value and type is replaced. A tenant may have 15,000; ranges of
/// addresses are not known. `defender.remove-indicator` takes it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitIndicator {
    /// What is looked for: a hash, a thumbprint, an address, a domain or a link.
    #[schemars(length(min = 1), extend("x-entity" = "indicator"))]
    pub indicator_value: String,
    /// What kind of thing that is.
    pub indicator_type: IndicatorType,
    /// What happens when it is found.
    pub action: IndicatorAction,
    /// The application it belongs to; only where the indicator is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The title of its alerts.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The text of its alerts.
    #[schemars(length(min = 1))]
    pub description: String,
    /// When it ends; never where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<VendorTime>,
    /// How severe its alerts are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<IndicatorSeverity>,
    /// What its alerts advise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_actions: Option<String>,
    /// The device groups it holds for; all of them where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rbac_group_names: Option<Vec<String>>,
    /// Where a user who was stopped is sent; for links that are blocked or warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub educate_url: Option<String>,
    /// Whether a find raises an alert; true is needed for `Audit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate_alert: Option<bool>,
}

impl SubmitIndicator {
    /// The indicator as the service takes it.
    pub(crate) fn body(&self) -> Result<Map<String, Value>, ActionError> {
        let expiration = self.expiration_time.as_ref().map(|time| &time.0);
        if expiration.is_some_and(|time| time.parse::<Timestamp>().is_err()) {
            return Err(misfit("`expiration_time` is not a point in time"));
        }
        if self.action == IndicatorAction::Audit && self.generate_alert != Some(true) {
            return Err(misfit("`Audit` needs `generate_alert: true`"));
        }
        Ok(odata::body([
            (
                "indicatorValue",
                json!(given("indicator_value", &self.indicator_value)?),
            ),
            ("indicatorType", json!(self.indicator_type)),
            ("action", json!(self.action)),
            ("application", json!(self.application)),
            ("title", json!(given("title", &self.title)?)),
            (
                "description",
                json!(given("description", &self.description)?),
            ),
            ("expirationTime", json!(expiration)),
            ("severity", json!(self.severity)),
            ("recommendedActions", json!(self.recommended_actions)),
            ("rbacGroupNames", json!(self.rbac_group_names)),
            ("educateUrl", json!(self.educate_url)),
            ("generateAlert", json!(self.generate_alert)),
        ]))
    }
}

impl Operation for SubmitIndicator {
    type Output = Indicator;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.submit-indicator",
        title: "Submit an indicator",
        path: "/api/indicators",
        effect: Effect::Contain {
            undo: Cow::Borrowed("defender.remove-indicator"),
        },
        permissions: INDICATORS,
        source: "https://learn.microsoft.com/defender-endpoint/api/post-ti-indicator",
        ..MARK
    };

    fn example() -> Self {
        Self {
            indicator_value: "220e7d15b011d7fac48f2bd61114db1022197f7f".to_owned(),
            indicator_type: IndicatorType::FileSha1,
            action: IndicatorAction::AlertAndBlock,
            application: Some("demo-test".to_owned()),
            title: "test".to_owned(),
            description: "test".to_owned(),
            expiration_time: Some(VendorTime("2030-12-12T00:00:00Z".to_owned())),
            severity: Some(IndicatorSeverity::Informational),
            recommended_actions: Some("nothing".to_owned()),
            rbac_group_names: Some(vec!["group1".to_owned(), "group2".to_owned()]),
            educate_url: None,
            generate_alert: Some(true),
        }
    }

    fn example_output() -> Indicator {
        read::example(include_str!("../fixtures/submit-indicator.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(self.body()?.into()))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(with_value(&self.indicator_value))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<Indicator>, ActionError> {
        let found = indicators(response)?.into_iter().find(|indicator| {
            indicator.indicator_type == Some(Word::Known(self.indicator_type))
                && indicator.action == Some(Word::Known(self.action))
                && indicator.title.as_ref() == Some(&self.title)
        });
        Ok(match found {
            Some(indicator) => Finding::Happened(Next::Done(indicator)),
            None => Finding::Nothing,
        })
    }
}

/// The request for the indicators of a value.
fn with_value(value: &str) -> Request {
    let filter = format!("indicatorValue eq {}", odata::text(value.trim()));
    ListIndicators::ENDPOINT
        .request(&[])
        .with_query("$filter", filter)
        .with_query("$top", "100")
}

fn indicators(response: &Response) -> Result<Vec<Indicator>, ActionError> {
    let mut body: Value = json(response)?;
    read::collection(&mut body)
}

/// Deletes an indicator by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteIndicator {
    /// The id of the indicator.
    #[schemars(length(min = 1), extend("x-entity" = "indicator"))]
    pub indicator_id: String,
}

impl Operation for DeleteIndicator {
    type Output = Done;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.delete-indicator",
        title: "Delete an indicator",
        method: Method::Delete,
        path: "/api/indicators/{id}",
        effect: Effect::Release,
        permissions: Permissions {
            application: INDICATORS.application,
            delegated: &[],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/delete-ti-indicator-by-id",
        ..MARK
    };

    fn example() -> Self {
        Self {
            indicator_id: "995".to_owned(),
        }
    }

    fn example_output() -> Done {
        Done::new()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("indicator_id", &self.indicator_id)?]))
    }

    fn decode(&self, _: &Call, _: &Response, _: Option<Done>) -> Result<Next<Done>, ActionError> {
        Ok(Next::Done(Done::new()))
    }
}

/// Deletes the indicators of a value, whatever their ids: the way back from
/// `defender.submit-indicator`.
///
/// Done as well where there is none. Only indicators that the application may see are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveIndicator {
    /// What is looked for.
    #[schemars(length(min = 1), extend("x-entity" = "indicator"))]
    pub indicator_value: String,
}

/// The indicators that were found, and how many of them are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// Their ids.
    pub indicator_ids: Vec<String>,
    /// How many are deleted.
    pub deleted: u32,
}

impl Removed {
    /// The deletion of the next one, or the end.
    fn go_on(self) -> Next<Self> {
        match self.indicator_ids.get(self.deleted as usize) {
            Some(id) => Next::More {
                request: DeleteIndicator::ENDPOINT.request(&[id]),
                so_far: self,
            },
            None => Next::Done(self),
        }
    }
}

impl Operation for RemoveIndicator {
    type Output = Removed;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.remove-indicator",
        title: "Remove an indicator by its value",
        method: Method::Delete,
        path: "/api/indicators/{id}",
        effect: Effect::Release,
        permissions: INDICATORS,
        source: "https://learn.microsoft.com/defender-endpoint/api/delete-ti-indicator-by-id",
        ..MARK
    };

    fn example() -> Self {
        Self {
            indicator_value: "220e7d15b011d7fac48f2bd61114db1022197f7f".to_owned(),
        }
    }

    fn example_output() -> Removed {
        Removed {
            indicator_ids: vec!["995".to_owned()],
            deleted: 1,
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(with_value(given("indicator_value", &self.indicator_value)?))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Removed>,
    ) -> Result<Next<Removed>, ActionError> {
        let removed = match so_far {
            None => Removed {
                indicator_ids: indicators(response)?
                    .into_iter()
                    .map(|indicator| indicator.id)
                    .collect(),
                deleted: 0,
            },
            Some(removed) => Removed {
                deleted: removed.deleted + 1,
                ..removed
            },
        };
        Ok(removed.go_on())
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(with_value(&self.indicator_value))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<Removed>, ActionError> {
        let left = indicators(response)?;
        Ok(match left.is_empty() {
            true => Finding::Happened(Next::Done(Removed {
                indicator_ids: Vec::new(),
                deleted: 0,
            })),
            false => Finding::Nothing,
        })
    }
}
