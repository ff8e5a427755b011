//! Indicators, many at a time.

use actions_contract::{
    ActionError, Call, Effect, Endpoint, Next, Operation, Permissions, Rate, Request, Response,
    json, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entities::{Done, ImportedIndicator, VendorTime};
use crate::enums::{IndicatorAction, IndicatorSeverity, IndicatorType};
use crate::indicators::SubmitIndicator;
use crate::{INDICATORS, MARK, listed, misfit};

/// How many indicators one request may carry.
const BATCH: usize = 500;

/// How many indicators a tenant may have.
const TENANT_MAX: usize = 15_000;

/// Submits many indicators, 500 in a request, and tells for each of them what became of it.
///
/// Indicators of the same value and type are replaced. Some may be refused while others are taken:
/// look at `failed`. Guard rails look at one target at a time and therefore not at this action;
/// where they should, use `defender.submit-indicator` in a `for_each`.
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
