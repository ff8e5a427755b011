//! Users, their sign-ins and their accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::VendorTime;

/// A user of the directory.
///
/// The service sends a few fields unless `select` names others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The id of the user.
    pub id: String,
    /// The user principal name.
    pub user_principal_name: Option<String>,
    /// The name, for people.
    pub display_name: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub surname: Option<String>,
    /// The address.
    pub mail: Option<String>,
    /// The mobile phone.
    pub mobile_phone: Option<String>,
    /// Phones at work.
    #[serde(default)]
    pub business_phones: Vec<String>,
    /// What the user does.
    pub job_title: Option<String>,
    /// Where.
    pub department: Option<String>,
    /// For whom.
    pub company_name: Option<String>,
    /// In which office.
    pub office_location: Option<String>,
    /// In which language.
    pub preferred_language: Option<String>,
    /// Whether the user may sign in.
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// Since when the user exists.
    pub created_date_time: Option<VendorTime>,
    /// When the password last changed.
    pub last_password_change_date_time: Option<VendorTime>,
    /// Sessions that began earlier are void.
    pub sign_in_sessions_valid_from_date_time: Option<VendorTime>,
    /// Whether the user comes from a directory on premises.
    pub on_premises_sync_enabled: Option<bool>,
    /// The account there.
    pub on_premises_sam_account_name: Option<String>,
    /// Its domain there.
    pub on_premises_domain_name: Option<String>,
    /// Its security identifier there.
    pub on_premises_security_identifier: Option<String>,
    /// Its distinguished name there.
    pub on_premises_distinguished_name: Option<String>,
    /// The country the user works in, two letters.
    pub usage_location: Option<String>,
    /// The number of the employee.
    pub employee_id: Option<String>,
    /// The manager, where asked for.
    pub manager: Option<DirectoryObject>,
    /// Groups and roles, where asked for.
    #[serde(default)]
    pub member_of: Vec<DirectoryObject>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A group, a role, a user: an object of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryObject {
    /// What it is, such as `#microsoft.graph.group`.
    #[schemars(extend("x-vendor-name" = "@odata.type"))]
    pub odata_type: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its address.
    pub mail: Option<String>,
    /// Whether it is a list for mail.
    pub mail_enabled: Option<bool>,
    /// Whether permissions may rest on it.
    pub security_enabled: Option<bool>,
    /// `Unified` for groups of Microsoft 365, `DynamicMembership` for those with a rule.
    #[serde(default)]
    pub group_types: Vec<String>,
    /// The role it is.
    pub role_template_id: Option<String>,
    /// The user principal name of a user.
    pub user_principal_name: Option<String>,
    /// What a user does.
    pub job_title: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The id of the sign-in.
    pub id: String,
    /// When.
    pub created_date_time: Option<VendorTime>,
    /// Who, by id.
    pub user_id: Option<String>,
    /// Who.
    pub user_principal_name: Option<String>,
    /// Who, for people.
    pub user_display_name: Option<String>,
    /// Into which application, by id.
    pub app_id: Option<String>,
    /// Into which application.
    pub app_display_name: Option<String>,
    /// From which address.
    pub ip_address: Option<String>,
    /// With what.
    pub client_app_used: Option<String>,
    /// What ties it to the attempts before and after.
    pub correlation_id: Option<String>,
    /// `success`, `failure` or `notApplied`.
    pub conditional_access_status: Option<String>,
    /// The policies that were looked at, each with its result.
    #[serde(default)]
    pub applied_conditional_access_policies: Vec<Map<String, Value>>,
    /// Whether a person was asked.
    pub is_interactive: Option<bool>,
    /// Why the risk is what it is.
    pub risk_detail: Option<String>,
    /// The risk of the user.
    pub risk_level_aggregated: Option<String>,
    /// The risk of this sign-in.
    pub risk_level_during_sign_in: Option<String>,
    /// What became of the risk.
    pub risk_state: Option<String>,
    /// What was risky.
    #[serde(default)]
    pub risk_event_types: Vec<String>,
    /// What was risky, in newer words.
    #[serde(default)]
    #[schemars(extend("x-vendor-name" = "riskEventTypes_v2"))]
    pub risk_event_types_v2: Vec<String>,
    /// What was used.
    pub resource_display_name: Option<String>,
    /// What was used, by id.
    pub resource_id: Option<String>,
    /// How it ended.
    pub status: Option<SignInStatus>,
    /// The device.
    pub device_detail: Option<SignInDevice>,
    /// Where it came from.
    pub location: Option<SignInLocation>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInStatus {
    /// 0 when it succeeded.
    pub error_code: Option<i64>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// More on that.
    pub additional_details: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The device of a sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInDevice {
    /// Its id in the directory.
    pub device_id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// Its operating system.
    pub operating_system: Option<String>,
    /// The browser.
    pub browser: Option<String>,
    /// Whether it keeps the rules.
    pub is_compliant: Option<bool>,
    /// Whether it is managed.
    pub is_managed: Option<bool>,
    /// How it is joined.
    pub trust_type: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Where a sign-in or a risk came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInLocation {
    /// The city.
    pub city: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The country, two letters.
    pub country_or_region: Option<String>,
    /// The place on the map.
    pub geo_coordinates: Option<GeoCoordinates>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoCoordinates {
    /// Metres above the sea.
    pub altitude: Option<f64>,
    /// Degrees to the north.
    pub latitude: Option<f64>,
    /// Degrees to the east.
    pub longitude: Option<f64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An identity as Defender for Identity sees it, with its accounts everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityAccount {
    /// The id of the identity.
    pub id: String,
    /// The name, for people.
    pub display_name: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The security identifier in the cloud.
    pub cloud_security_identifier: Option<String>,
    /// The security identifier on premises.
    pub on_premises_security_identifier: Option<String>,
    /// Whether it may sign in.
    pub is_enabled: Option<bool>,
    /// Its accounts.
    #[serde(default)]
    pub accounts: Vec<AccountOf>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An account of an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountOf {
    /// Its id where it lives.
    pub identifier: Option<String>,
    /// Where it lives: `entraID`, `activeDirectory` or `okta`.
    pub provider: Option<String>,
    /// What can be done to it.
    #[serde(default)]
    pub actions: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An action on an account that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountActionResult {
    /// The account.
    pub account_id: Option<String>,
    /// The action.
    pub action: Option<String>,
    /// Where the account lives.
    pub provider: Option<String>,
    /// What to ask support about.
    pub correlation_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
