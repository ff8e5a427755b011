//! Risks that Identity Protection sees.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::identity::SignInLocation;
use crate::entities::VendorTime;
use crate::enums::Word;
use crate::graph::enums::{RiskLevel, RiskState};

/// A user whom Identity Protection thinks at risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskyUser {
    /// The id of the user.
    pub id: String,
    /// The user principal name.
    pub user_principal_name: Option<String>,
    /// The name, for people.
    pub user_display_name: Option<String>,
    /// Whether the user is gone.
    pub is_deleted: Option<bool>,
    /// Whether the risk is being worked out right now.
    pub is_processing: Option<bool>,
    /// How large the risk is.
    pub risk_level: Option<Word<RiskLevel>>,
    /// What became of it.
    pub risk_state: Option<Word<RiskState>>,
    /// Why it is so, such as `adminConfirmedUserCompromised`.
    pub risk_detail: Option<String>,
    /// When it last changed.
    pub risk_last_updated_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How the risk of a user changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskyUserChange {
    /// The id of the change.
    pub id: String,
    /// The user.
    pub user_id: Option<String>,
    /// The user principal name.
    pub user_principal_name: Option<String>,
    /// The name, for people.
    pub user_display_name: Option<String>,
    /// Whether the user is gone.
    pub is_deleted: Option<bool>,
    /// Whether the risk is being worked out right now.
    pub is_processing: Option<bool>,
    /// Who changed it.
    pub initiated_by: Option<String>,
    /// What changed it.
    pub activity: Option<Map<String, Value>>,
    /// How large the risk was then.
    pub risk_level: Option<Word<RiskLevel>>,
    /// What became of it.
    pub risk_state: Option<Word<RiskState>>,
    /// Why.
    pub risk_detail: Option<String>,
    /// When.
    pub risk_last_updated_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Something risky that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskDetection {
    /// The id of the detection.
    pub id: String,
    /// The sign-in it was seen at.
    pub request_id: Option<String>,
    /// What ties it to the attempts before and after.
    pub correlation_id: Option<String>,
    /// What was seen, in older words.
    pub risk_type: Option<String>,
    /// What was seen, such as `unfamiliarFeatures` or `leakedCredentials`.
    pub risk_event_type: Option<String>,
    /// What became of it.
    pub risk_state: Option<Word<RiskState>>,
    /// How large the risk is.
    pub risk_level: Option<Word<RiskLevel>>,
    /// Why it is so.
    pub risk_detail: Option<String>,
    /// What saw it.
    pub source: Option<String>,
    /// `realtime`, `nearRealtime` or `offline`.
    pub detection_timing_type: Option<String>,
    /// `signin` or `user`.
    pub activity: Option<String>,
    /// Who issued the token.
    pub token_issuer_type: Option<String>,
    /// From which address.
    pub ip_address: Option<String>,
    /// Where it came from.
    pub location: Option<SignInLocation>,
    /// When it happened.
    pub activity_date_time: Option<VendorTime>,
    /// When it was seen.
    pub detected_date_time: Option<VendorTime>,
    /// When it last changed.
    pub last_updated_date_time: Option<VendorTime>,
    /// Who, by id.
    pub user_id: Option<String>,
    /// Who, for people.
    pub user_display_name: Option<String>,
    /// Who.
    pub user_principal_name: Option<String>,
    /// More, as JSON in a text.
    pub additional_info: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An application that Identity Protection thinks at risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskyServicePrincipal {
    /// The id of the service principal.
    pub id: String,
    /// The application.
    pub app_id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// `Application`, `ManagedIdentity` or `Legacy`.
    pub service_principal_type: Option<String>,
    /// Whether it may sign in.
    pub is_enabled: Option<bool>,
    /// Whether the risk is being worked out right now.
    pub is_processing: Option<bool>,
    /// How large the risk is.
    pub risk_level: Option<Word<RiskLevel>>,
    /// What became of it.
    pub risk_state: Option<Word<RiskState>>,
    /// Why it is so.
    pub risk_detail: Option<String>,
    /// When it last changed.
    pub risk_last_updated_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
