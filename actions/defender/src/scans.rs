//! Authenticated scans: what is scanned.

use actions_contract::{
    ActionError, Call, Endpoint, Idempotency, Method, Operation, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::ScanDefinition;
use crate::enums::{ScanKind, ScanTargetType};
use crate::lists::{self, Collection, Listed};
use crate::{CHANGE_MACHINES, LOOK, MARK, SEE_SCANS, given, misfit, odata, said};

/// The device that makes a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScannerAgent {
    /// The id of the device.
    #[schemars(length(min = 1))]
    pub machine_id: String,
}

/// How a scan signs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanAuthentication {
    /// `#microsoft.windowsDefenderATP.api.WindowsAuthParams` or
    /// `#microsoft.windowsDefenderATP.api.SnmpAuthParams`.
    #[schemars(length(min = 1))]
    pub odata_type: String,
    /// What that takes, in the words of the service: `type`, `username`, `domain`, `isGmsaUser`.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

impl ScanAuthentication {
    fn body(&self) -> Value {
        let mut body = self.fields.clone();
        body.insert("@odata.type".to_owned(), json!(self.odata_type));
        Value::Object(body)
    }
}

/// Reads the scans that devices make regularly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListScanDefinitions {}

impl Collection for ListScanDefinitions {
    type Entry = ScanDefinition;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-scan-definitions",
        title: "List scan definitions",
        path: "/api/DeviceAuthenticatedScanDefinitions",
        permissions: SEE_SCANS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-all-scan-definitions",
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Listed<ScanDefinition> {
        lists::example(include_str!(
            "../fixtures/list-scan-definitions.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}

/// Makes a device scan others regularly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddScanDefinition {
    /// What it looks at.
    pub scan_type: ScanKind,
    /// Its name.
    #[schemars(length(min = 1))]
    pub scan_name: String,
    /// Whether it runs.
    pub is_active: bool,
    /// Addresses or names, separated by commas.
    #[schemars(length(min = 1))]
    pub target: String,
    /// How many hours lie between two scans.
    pub interval_in_hours: u32,
    /// How the targets are written.
    pub target_type: ScanTargetType,
    /// The device that scans.
    pub scanner_agent: ScannerAgent,
    /// How it signs in. A password here stands in the playbook for all to read: use a group managed
    /// service account.
    pub scan_authentication_params: ScanAuthentication,
}

impl Operation for AddScanDefinition {
    type Output = ScanDefinition;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.add-scan-definition",
        title: "Add a scan definition",
        path: "/api/DeviceAuthenticatedScanDefinitions",
        idempotency: Idempotency::None,
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition",
        ..MARK
    };

    fn example() -> Self {
        Self {
            scan_type: ScanKind::Windows,
            scan_name: "Test Windows scan".to_owned(),
            is_active: true,
            target: "127.0.0.1".to_owned(),
            interval_in_hours: 1,
            target_type: ScanTargetType::Ip,
            scanner_agent: ScannerAgent {
                machine_id: "eb663a27ae9d032f61bc268a79eedf14c4b90f77".to_owned(),
            },
            scan_authentication_params: windows_sign_in(),
        }
    }

    fn example_output() -> ScanDefinition {
        read::example(include_str!(
            "../fixtures/add-scan-definition.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({
            "scanType": self.scan_type,
            "scanName": given("scan_name", &self.scan_name)?,
            "isActive": self.is_active,
            "target": given("target", &self.target)?,
            "intervalInHours": self.interval_in_hours,
            "targetType": self.target_type,
            "scannerAgent": { "machineId": self.scanner_agent.machine_id },
            "scanAuthenticationParams": self.scan_authentication_params.body(),
        });
        Ok(Self::ENDPOINT.request(&[]).with_json(body))
    }
}

/// Changes a scan that a device makes regularly.
///
/// What is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateScanDefinition {
    /// The id of the definition.
    #[schemars(length(min = 1))]
    pub scan_definition_id: String,
    /// What it looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_type: Option<ScanKind>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub scan_name: Option<String>,
    /// Whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Addresses or names, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub target: Option<String>,
    /// How many hours lie between two scans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_in_hours: Option<u32>,
    /// How the targets are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<ScanTargetType>,
    /// The device that scans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner_agent: Option<ScannerAgent>,
    /// How it signs in. A password here stands in the playbook for all to read: use a group managed
    /// service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_authentication_params: Option<ScanAuthentication>,
}

impl Operation for UpdateScanDefinition {
    type Output = ScanDefinition;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.update-scan-definition",
        title: "Update a scan definition",
        method: Method::Patch,
        path: "/api/DeviceAuthenticatedScanDefinitions/{id}",
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition",
        ..MARK
    };

    fn example() -> Self {
        Self {
            scan_definition_id: "289224fb-1686-472c-9751-5555960854ca".to_owned(),
            scan_type: None,
            scan_name: Some("Test Update Windows scan".to_owned()),
            is_active: Some(false),
            target: Some("127.0.0.2,127.0.0.3".to_owned()),
            interval_in_hours: Some(1),
            target_type: Some(ScanTargetType::Ip),
            scanner_agent: None,
            scan_authentication_params: Some(windows_sign_in()),
        }
    }

    fn example_output() -> ScanDefinition {
        read::example(include_str!(
            "../fixtures/update-scan-definition.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let agent = self.scanner_agent.as_ref();
        let sign_in = self.scan_authentication_params.as_ref();
        let body = odata::body([
            ("scanType", json!(self.scan_type)),
            (
                "scanName",
                json!(said("scan_name", self.scan_name.as_deref())?),
            ),
            ("isActive", json!(self.is_active)),
            ("target", json!(said("target", self.target.as_deref())?)),
            ("intervalInHours", json!(self.interval_in_hours)),
            ("targetType", json!(self.target_type)),
            (
                "scannerAgent",
                json!(agent.map(|agent| json!({ "machineId": agent.machine_id }))),
            ),
            (
                "scanAuthenticationParams",
                json!(sign_in.map(ScanAuthentication::body)),
            ),
        ]);
        if body.is_empty() {
            return Err(misfit("nothing to change"));
        }
        let id = given("scan_definition_id", &self.scan_definition_id)?;
        Ok(Self::ENDPOINT.request(&[id]).with_json(body.into()))
    }
}

/// The sign-in of the vendor's examples.
fn windows_sign_in() -> ScanAuthentication {
    let fields = json!({
        "type": "Kerberos",
        "username": "username",
        "domain": "password",
        "isGmsaUser": true,
    });
    ScanAuthentication {
        odata_type: "#microsoft.windowsDefenderATP.api.WindowsAuthParams".to_owned(),
        fields: serde_json::from_value(fields).expect("it is an object"),
    }
}
