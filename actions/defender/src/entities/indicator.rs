//! Indicators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;
use crate::enums::{IndicatorAction, IndicatorSeverity, IndicatorSource, IndicatorType, Word};

/// Something that devices look for, and what they do when they find it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// The id of the indicator.
    pub id: String,
    /// What is looked for.
    pub indicator_value: Option<String>,
    /// What kind of thing that is.
    pub indicator_type: Option<Word<IndicatorType>>,
    /// What happens when it is found.
    pub action: Option<Word<IndicatorAction>>,
    /// The application it belongs to.
    pub application: Option<String>,
    /// The id its creator gave it.
    pub external_id: Option<String>,
    /// Who created it, a person or an application.
    pub source_type: Option<Word<IndicatorSource>>,
    /// The name of its creator.
    #[schemars(extend("x-vendor-name" = "source"))]
    pub created_by_source: Option<String>,
    /// The name of its creator as people know it.
    pub created_by_display_name: Option<String>,
    /// The id of its creator.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub last_updated_by: Option<String>,
    /// When it was created.
    pub creation_time_date_time_utc: Option<VendorTime>,
    /// When it ends; never where it is null.
    pub expiration_time: Option<VendorTime>,
    /// When it last changed.
    pub last_update_time: Option<VendorTime>,
    /// How severe its alerts are.
    pub severity: Option<Word<IndicatorSeverity>>,
    /// The title of its alerts.
    pub title: Option<String>,
    /// The text of its alerts.
    pub description: Option<String>,
    /// What its alerts advise.
    pub recommended_actions: Option<String>,
    /// The device groups it holds for; all of them where it is empty.
    #[serde(default)]
    pub rbac_group_names: Vec<String>,
    /// The ids of those groups.
    #[serde(default)]
    pub rbac_group_ids: Vec<String>,
    /// Whether a find raises an alert.
    pub generate_alert: Option<bool>,
    /// Where a user who was stopped is sent.
    pub educate_url: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What became of one indicator of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedIndicator {
    /// The id of the indicator; null where it failed.
    pub id: Option<String>,
    /// What is looked for.
    pub indicator: Option<String>,
    /// Whether it was refused.
    pub is_failed: Option<bool>,
    /// Why.
    pub failure_reason: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
