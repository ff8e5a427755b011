//! Words that requests use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TagAction {
    /// It is added.
    Add,
    /// It is taken off.
    Remove,
}

/// How thorough a virus scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScanType {
    /// Where malware usually settles; minutes.
    Quick,
    /// Every file; hours.
    Full,
}

/// The severity a created alert can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CreatedSeverity {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// The kind of attack a created alert tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CreatedCategory {
    /// None of the others.
    General,
    /// A way to steer the device.
    CommandAndControl,
    /// Data was gathered.
    Collection,
    /// Passwords or keys were read.
    CredentialAccess,
    /// Protection was avoided.
    DefenseEvasion,
    /// The surroundings were explored.
    Discovery,
    /// Data left.
    Exfiltration,
    /// A weakness was used.
    Exploit,
    /// Code was run.
    Execution,
    /// A way in.
    InitialAccess,
    /// From one device to another.
    LateralMovement,
    /// Malware.
    Malware,
    /// A way to stay.
    Persistence,
    /// More rights than given.
    PrivilegeEscalation,
    /// Files were taken hostage.
    Ransomware,
    /// Something odd.
    SuspiciousActivity,
}

/// What an authenticated scan looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScanKind {
    /// Windows devices without a sensor.
    Windows,
    /// Network devices.
    Network,
}

/// How the targets of a scan are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScanTargetType {
    /// By address.
    Ip,
    /// By name.
    Hostname,
}
