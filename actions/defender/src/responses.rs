//! Responses on a device: restriction, scan, package, quarantine, offboarding.

use std::borrow::Cow;

use actions_contract::{ActionError, Confidence, Effect, Endpoint, Permissions, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entities::MachineAction;
use crate::enums::ScanType;
use crate::follow::Submission;
use crate::{RESTRICT, SUBMISSION, misfit};

/// Lets only programs start that Microsoft has signed.
///
/// Followed until the device has done it. Refused with `conflict` while another one of the device
/// is under way. Windows only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestrictAppExecution {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Submission for RestrictAppExecution {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.restrict-app-execution",
        title: "Restrict programs on a device",
        path: "/api/machines/{id}/restrictCodeExecution",
        effect: Effect::Contain {
            undo: Cow::Borrowed("defender.remove-app-restriction"),
        },
        permissions: RESTRICT,
        source: "https://learn.microsoft.com/defender-endpoint/api/restrict-code-execution",
        ..SUBMISSION
    };

    const KIND: &'static str = "RestrictCodeExecution";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Restrict code execution due to alert 1234".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!(
            "../fixtures/restrict-app-execution.response.json"
        ))
    }
}

/// Lets any program start again.
///
/// Followed until the device has done it. Refused with `conflict` while another one of the device
/// is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveAppRestriction {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Submission for RemoveAppRestriction {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.remove-app-restriction",
        title: "Lift the restriction of programs",
        path: "/api/machines/{id}/unrestrictCodeExecution",
        effect: Effect::Release,
        permissions: RESTRICT,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/unrestrict-code-execution",
        ..SUBMISSION
    };

    const KIND: &'static str = "UnrestrictCodeExecution";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Unrestrict code execution since machine was cleaned and validated".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!(
            "../fixtures/remove-app-restriction.response.json"
        ))
    }
}

/// Scans a device with its antivirus.
///
/// Followed until the device has done it; a full scan takes hours. Refused with `conflict` while
/// another one of the device is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAntivirusScan {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
    /// How thorough the scan is.
    pub scan_type: ScanType,
}

impl Submission for RunAntivirusScan {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.run-antivirus-scan",
        title: "Scan a device for malware",
        path: "/api/machines/{id}/runAntiVirusScan",
        permissions: Permissions {
            application: &["Machine.Scan"],
            delegated: &["Machine.Scan"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/run-av-scan",
        ..SUBMISSION
    };

    const KIND: &'static str = "RunAntiVirusScan";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment, "ScanType": self.scan_type })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Check machine for viruses due to alert 3212".to_owned(),
            scan_type: ScanType::Full,
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/run-antivirus-scan.response.json"))
    }
}

/// Collects what an investigator needs from a device: processes, connections, logs, scheduled
/// tasks.
///
/// Followed until the package is there; `defender.download-investigation-package` fetches it.
/// Refused with `conflict` while another one of the device is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectInvestigationPackage {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Submission for CollectInvestigationPackage {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.collect-investigation-package",
        title: "Collect an investigation package",
        path: "/api/machines/{id}/collectInvestigationPackage",
        permissions: Permissions {
            application: &["Machine.CollectForensics"],
            delegated: &["Machine.CollectForensics"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/collect-investigation-package",
        ..SUBMISSION
    };

    const KIND: &'static str = "CollectInvestigationPackage";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Collect forensics due to alert 1234".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!(
            "../fixtures/collect-investigation-package.response.json"
        ))
    }
}

/// Ends the processes of a file on a device and puts the file away.
///
/// Followed until the device has done it. There is no operation that takes it back. Files that
/// Microsoft or a trusted publisher has signed are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopAndQuarantineFile {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
    /// SHA-1 of the file, 40 hex digits.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{40}$"))]
    pub sha1: String,
}

impl Submission for StopAndQuarantineFile {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.stop-and-quarantine-file",
        title: "Stop and quarantine a file",
        path: "/api/machines/{id}/StopAndQuarantineFile",
        effect: Effect::Destroy,
        permissions: Permissions {
            application: &[
                "Machine.StopAndQuarantine",
                "Machine.Read.All",
                "Machine.ReadWrite.All",
            ],
            delegated: &["Machine.StopAndQuarantine"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/stop-and-quarantine-file",
        ..SUBMISSION
    };

    const KIND: &'static str = "StopAndQuarantineFile";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn check(&self) -> Result<(), ActionError> {
        let is_sha1 = self.sha1.len() == 40 && self.sha1.bytes().all(|b| b.is_ascii_hexdigit());
        match is_sha1 {
            true => Ok(()),
            false => Err(misfit("`sha1` is not 40 hex digits")),
        }
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment, "Sha1": self.sha1 })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment:
                "Stop and quarantine file on machine due to alert 441688558380765161_2136280442"
                    .to_owned(),
            sha1: "87662bc3d60e4200ceaf7aae249d1c343f4b83c9".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!(
            "../fixtures/stop-and-quarantine-file.response.json"
        ))
    }
}

/// Takes a device out of the service: its sensor stops.
///
/// Followed until the device has done it. It cannot be taken back from here: somebody has to
/// onboard the device again. Not for macOS and Linux.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffboardMachine {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Submission for OffboardMachine {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.offboard-machine",
        title: "Offboard a device",
        path: "/api/machines/{id}/offboard",
        effect: Effect::Destroy,
        permissions: Permissions {
            application: &["Machine.Offboard"],
            delegated: &["Machine.Offboard"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/offboard-machine-api",
        ..SUBMISSION
    };

    const KIND: &'static str = "Offboard";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment })
    }

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Offboard machine by automation".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/offboard-machine.response.json"))
    }
}
