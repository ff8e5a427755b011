//! Indicators, many at a time.

use std::borrow::Cow;

use actions_contract::{
    ActionError, Call, Effect, Endpoint, Finding, Next, Operation, Permissions, Rate, Request,
    Response, json, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entities::{Done, ImportedIndicator, Indicator, VendorTime};
use crate::enums::{IndicatorAction, IndicatorSeverity, IndicatorType, Word};
use crate::indicators::{ListIndicators, SubmitIndicator};
use crate::{Collection, INDICATORS, MARK, listed, misfit, odata};

/// How many indicators one request may carry.
const BATCH: usize = 500;

/// How many indicators a tenant may have.
const TENANT_MAX: usize = 15_000;

/// Submits many indicators, 500 in a request, and tells for each of them what became of it.
///
/// Indicators of the same value and type are replaced. Some may be refused while others are taken:
/// look at `failed`. Guard rails look at each of them, and refuse several at once where a limit
/// counts targets: there, use `defender.submit-indicator` in a `for_each`.
/// `defender.remove-indicators` takes all of them back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportIndicators {
    /// The indicators, 1 to 15,000.
    #[schemars(length(min = 1, max = 15000))]
    pub indicators: Vec<SubmitIndicator>,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Indicator by indicator, in the order of the service.
    pub value: Vec<ImportedIndicator>,
    /// How many were sent.
    pub sent: u32,
    /// How many of them were refused.
    pub failed: u32,
}

impl ImportIndicators {
    fn batch(&self, from: usize) -> Result<Option<Request>, ActionError> {
        let rest = self.indicators.get(from..).unwrap_or_default();
        let batch = rest
            .iter()
            .take(BATCH)
            .map(|indicator| indicator.body().map(Value::Object))
            .collect::<Result<Vec<_>, _>>()?;
        let request = Self::ENDPOINT.request(&[]);
        Ok((!batch.is_empty()).then(|| request.with_json(json!({ "Indicators": batch }))))
    }
}

impl Operation for ImportIndicators {
    type Output = Imported;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.import-indicators",
        title: "Import indicators",
        path: "/api/indicators/import",
        effect: Effect::Contain {
            undo: Cow::Borrowed("defender.remove-indicators"),
        },
        permissions: INDICATORS,
        rate: Rate {
            per_minute: Some(30),
            per_hour: None,
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/import-ti-indicators",
        ..MARK
    };

    fn example() -> Self {
        let indicator = |value: &str, title: &str| SubmitIndicator {
            indicator_value: value.to_owned(),
            indicator_type: IndicatorType::FileSha1,
            action: IndicatorAction::Alert,
            application: Some("demo-test".to_owned()),
            title: title.to_owned(),
            description: "demo2".to_owned(),
            expiration_time: Some(VendorTime("2030-12-12T00:00:00Z".to_owned())),
            severity: Some(IndicatorSeverity::Informational),
            recommended_actions: Some("nothing".to_owned()),
            rbac_group_names: Some(vec!["group1".to_owned()]),
            educate_url: None,
            generate_alert: None,
        };
        Self {
            indicators: vec![
                indicator("220e7d15b011d7fac48f2bd61114db1022197f7f", "demo"),
                indicator("2233223322332233223322332233223322332222", "demo2"),
            ],
        }
    }

    fn example_output() -> Imported {
        let text = include_str!("../fixtures/import-indicators.response.json");
        let mut body: Value = serde_json::from_str(text).expect("documented examples are JSON");
        let value: Vec<ImportedIndicator> =
            read::collection(&mut body).expect("documented examples have the documented shape");
        Imported {
            sent: u32::try_from(value.len()).unwrap_or(u32::MAX),
            value,
            failed: 0,
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        if self.indicators.len() > TENANT_MAX {
            return Err(misfit(format!("`indicators` may hold {TENANT_MAX}")));
        }
        // A mistake in any of them is found before the first is sent.
        for indicator in &self.indicators {
            indicator.body()?;
        }
        self.batch(0)?
            .ok_or_else(|| misfit("`indicators` is empty"))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Imported>,
    ) -> Result<Next<Imported>, ActionError> {
        let mut imported = so_far.unwrap_or(Imported {
            value: Vec::new(),
            sent: 0,
            failed: 0,
        });
        let mut body: Value = json(response)?;
        let results: Vec<ImportedIndicator> = read::collection(&mut body)?;
        let failed = results.iter().filter(|one| one.is_failed == Some(true));
        imported.failed += u32::try_from(failed.count()).unwrap_or(u32::MAX);
        imported.value.extend(results);
        let sent = self.indicators.len().min(imported.sent as usize + BATCH);
        imported.sent = u32::try_from(sent).unwrap_or(u32::MAX);
        Ok(match self.batch(sent)? {
            Some(request) => Next::More {
                request,
                so_far: imported,
            },
            None => Next::Done(imported),
        })
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        let first = self.indicators.iter().take(ASKED);
        with_any(first.map(|indicator| indicator.indicator_value.as_str()))
    }

    /// A small import that is there is not sent again. A large one is: its indicators take the
    /// place of those that arrived.
    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<Imported>, ActionError> {
        let mut body: Value = json(response)?;
        let found: Vec<Indicator> = read::collection(&mut body)?;
        let there = |wanted: &SubmitIndicator| {
            let same = |one: &&Indicator| {
                one.indicator_value.as_ref() == Some(&wanted.indicator_value)
                    && one.indicator_type == Some(Word::Known(wanted.indicator_type))
                    && one.action == Some(Word::Known(wanted.action))
                    && one.title.as_ref() == Some(&wanted.title)
            };
            let one = found.iter().find(same)?;
            Some(ImportedIndicator {
                id: Some(one.id.clone()),
                indicator: one.indicator_value.clone(),
                is_failed: Some(false),
                failure_reason: None,
                extra: serde_json::Map::new(),
            })
        };
        let value: Option<Vec<_>> = self.indicators.iter().map(there).collect();
        Ok(match value {
            Some(value) => Finding::Happened(Next::Done(Imported {
                sent: count(value.len()),
                value,
                failed: 0,
            })),
            None => Finding::Nothing,
        })
    }
}

/// Deletes the indicators of many values, whatever their ids: the way back from
/// `defender.import-indicators`.
///
/// Done as well where there is none. Only indicators that the application may see are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveIndicators {
    /// What is looked for, 1 to 15,000 values.
    #[schemars(length(min = 1, max = 15000), extend("x-entity" = "indicator"))]
    pub indicator_values: Vec<String>,
}

/// How many values are asked about in one request: the filter has to fit into a link.
const ASKED: usize = 20;

/// How far a removal is, and what it has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovedMany {
    /// How many values were asked about.
    pub asked: u32,
    /// The ids of the indicators that were found.
    pub indicator_ids: Vec<String>,
    /// How many are deleted.
    pub deleted: u32,
}

impl RemoveIndicators {
    /// The request for the indicators of the values from this one on.
    fn look(&self, from: usize) -> Option<Request> {
        let values = self.indicator_values.get(from..)?.iter().take(ASKED);
        with_any(values.map(String::as_str))
    }

    /// The next look, else the next deletion, else the end.
    fn go_on(&self, so_far: RemovedMany) -> Next<RemovedMany> {
        let rest = so_far.indicator_ids.get(so_far.deleted as usize..);
        let batch: Vec<&String> = rest.unwrap_or_default().iter().take(BATCH).collect();
        let request = self.look(so_far.asked as usize).or_else(|| {
            let request = BatchDeleteIndicators::ENDPOINT.request(&[]);
            let request = request.with_json(json!({ "IndicatorIds": batch }));
            (!batch.is_empty()).then_some(request)
        });
        match request {
            Some(request) => Next::More { request, so_far },
            None => Next::Done(so_far),
        }
    }
}

impl Operation for RemoveIndicators {
    type Output = RemovedMany;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.remove-indicators",
        title: "Remove indicators by their values",
        path: "/api/indicators/BatchDelete",
        effect: Effect::Release,
        permissions: Permissions {
            application: INDICATORS.application,
            delegated: &[],
        },
        rate: Rate {
            per_minute: Some(30),
            per_hour: Some(1500),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/batch-delete-ti-indicators",
        ..MARK
    };

    fn example() -> Self {
        Self {
            indicator_values: vec![
                "220e7d15b011d7fac48f2bd61114db1022197f7f".to_owned(),
                "2233223322332233223322332233223322332222".to_owned(),
            ],
        }
    }

    fn example_output() -> RemovedMany {
        RemovedMany {
            asked: 2,
            indicator_ids: vec!["2841".to_owned(), "2842".to_owned()],
            deleted: 2,
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        listed("indicator_values", &self.indicator_values, TENANT_MAX)?;
        self.look(0)
            .ok_or_else(|| misfit("`indicator_values` is empty"))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<RemovedMany>,
    ) -> Result<Next<RemovedMany>, ActionError> {
        let mut so_far = so_far.unwrap_or(RemovedMany {
            asked: 0,
            indicator_ids: Vec::new(),
            deleted: 0,
        });
        let all = self.indicator_values.len();
        if (so_far.asked as usize) < all {
            let mut body: Value = json(response)?;
            let found: Vec<Indicator> = read::collection(&mut body)?;
            so_far
                .indicator_ids
                .extend(found.into_iter().map(|one| one.id));
            so_far.asked = count(all.min(so_far.asked as usize + ASKED));
        } else {
            let deleted = so_far.deleted as usize + BATCH;
            so_far.deleted = count(deleted.min(so_far.indicator_ids.len()));
        }
        Ok(self.go_on(so_far))
    }
}

/// The request for the indicators of any of these values.
fn with_any<'a>(values: impl Iterator<Item = &'a str>) -> Option<Request> {
    let each = values.map(|value| format!("indicatorValue eq {}", odata::text(value.trim())));
    let filter = each.collect::<Vec<_>>().join(" or ");
    let request = ListIndicators::ENDPOINT.request(&[]);
    let whole = || {
        request
            .with_query("$filter", filter.as_str())
            .with_query("$top", "1000")
    };
    (!filter.is_empty()).then(whole)
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Deletes up to 500 indicators by their ids.
///
/// One id that is not known gives `not_found`, and nothing is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchDeleteIndicators {
    /// The ids of the indicators, 1 to 500.
    #[schemars(length(min = 1, max = 500), extend("x-entity" = "indicator"))]
    pub indicator_ids: Vec<String>,
}

impl Operation for BatchDeleteIndicators {
    type Output = Done;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.batch-delete-indicators",
        title: "Delete several indicators",
        path: "/api/indicators/BatchDelete",
        effect: Effect::Release,
        permissions: Permissions {
            application: INDICATORS.application,
            delegated: &[],
        },
        rate: Rate {
            per_minute: Some(30),
            per_hour: Some(1500),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/batch-delete-ti-indicators",
        ..MARK
    };

    fn example() -> Self {
        Self {
            indicator_ids: ["1", "2", "5"].map(str::to_owned).to_vec(),
        }
    }

    fn example_output() -> Done {
        Done::new()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let ids = listed("indicator_ids", &self.indicator_ids, BATCH)?;
        let request = Self::ENDPOINT.request(&[]);
        Ok(request.with_json(json!({ "IndicatorIds": ids })))
    }

    fn decode(&self, _: &Call, _: &Response, _: Option<Done>) -> Result<Next<Done>, ActionError> {
        Ok(Next::Done(Done::new()))
    }
}
