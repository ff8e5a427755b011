//! The vendor's enumerations.
//!
//! As parameters they are closed: a word that is not listed is refused before anything is sent. In
//! outputs they stand inside [`Word`], so that a word the vendor adds later is kept as it is.

mod indicator;
mod request;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use indicator::*;
pub use request::*;

/// A word of enumeration `T`, or one that was not known when this was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Word<T> {
    /// A documented word.
    Known(T),
    /// Any other, as the service sent it.
    Other(String),
}

impl<T: JsonSchema> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    /// A text; the documented words are its examples.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let closed = T::json_schema(generator);
        let described = closed.get("oneOf").and_then(Value::as_array);
        let plain = closed.get("enum").and_then(Value::as_array);
        let words: Vec<Value> = described
            .into_iter()
            .flatten()
            .filter_map(|word| word.get("const").cloned())
            .chain(plain.into_iter().flatten().cloned())
            .collect();
        json_schema!({ "type": "string", "examples": words })
    }
}

/// How much of the network an isolated device loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IsolationType {
    /// Everything but the Defender service itself.
    Full,
    /// As `Full`, but Outlook, Teams and Skype go on; Windows 10 version 1709 and later.
    Selective,
    /// Other devices stop talking to this one, which itself has no agent.
    UnManagedDevice,
}

/// What a machine action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MachineActionType {
    /// A virus scan.
    RunAntiVirusScan,
    /// The device leaves the service.
    Offboard,
    /// A live response session.
    LiveResponse,
    /// A forensic package is collected.
    CollectInvestigationPackage,
    /// The device loses its network.
    Isolate,
    /// The device gets its network back.
    Unisolate,
    /// A file is stopped and quarantined.
    StopAndQuarantineFile,
    /// Only programs signed by Microsoft may start.
    RestrictCodeExecution,
    /// Any program may start again.
    UnrestrictCodeExecution,
}

/// How far a machine action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MachineActionStatus {
    /// It waits for the device.
    Pending,
    /// The device is at it.
    InProgress,
    /// It is done.
    Succeeded,
    /// The device could not do it.
    Failed,
    /// The device did not answer in time.
    TimeOut,
    /// Somebody cancelled it.
    Cancelled,
}

impl MachineActionStatus {
    /// Whether it stays so.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::TimeOut | Self::Cancelled
        )
    }
}

/// How the sensor of a device is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HealthStatus {
    /// It reports.
    Active,
    /// It has not reported for a week.
    Inactive,
    /// It is heard only in part.
    ImpairedCommunication,
    /// It is heard, but sends nothing.
    NoSensorData,
    /// Both of the former.
    NoSensorDataImpairedCommunication,
    /// Not known.
    Unknown,
}

/// A level of risk or exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// None.
    None,
    /// Worth knowing.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// What a device is worth to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeviceValue {
    /// Less than others.
    Low,
    /// As much as others.
    Normal,
    /// More than others.
    High,
}

/// Whether a device reports to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnboardingStatus {
    /// It does.
    Onboarded,
    /// It could.
    CanBeOnboarded,
    /// It cannot.
    Unsupported,
    /// Not known yet.
    InsufficientInfo,
}

/// How severe an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AlertSeverity {
    /// Not given.
    UnSpecified,
    /// Worth knowing.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// How far an alert has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AlertStatus {
    /// Not known.
    Unknown,
    /// Nobody has looked yet.
    New,
    /// Somebody is at it.
    InProgress,
    /// It is closed.
    Resolved,
}

/// The status an alert can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NewAlertStatus {
    /// Nobody has looked yet.
    New,
    /// Somebody is at it.
    InProgress,
    /// It is closed.
    Resolved,
}

/// The verdict on an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::spelling::any)]
pub enum Classification {
    /// It was an attack.
    #[serde(alias = "truePositive")]
    TruePositive,
    /// It happened, and was meant to.
    #[serde(alias = "informationalExpectedActivity")]
    InformationalExpectedActivity,
    /// It was nothing.
    #[serde(alias = "falsePositive")]
    FalsePositive,
}

/// The reason of a verdict.
///
/// The vendor's pages spell some of these differently from endpoint to endpoint. Every spelling is
/// read; written is that of the page *Update alert*, which is also the one playbooks use, and at
/// each endpoint the word that its own page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = also_spelled)]
pub enum Determination {
    /// An attack in several stages.
    #[serde(alias = "multiStagedAttack")]
    MultiStagedAttack,
    /// A user acted with bad intent.
    #[serde(alias = "maliciousUserActivity")]
    MaliciousUserActivity,
    /// An account was taken over.
    #[serde(
        alias = "CompromisedAccount",
        alias = "compromisedUser",
        alias = "compromisedAccount"
    )]
    CompromisedUser,
    /// Malware.
    #[serde(alias = "malware")]
    Malware,
    /// Phishing.
    #[serde(alias = "phishing")]
    Phishing,
    /// Unwanted software.
    #[serde(alias = "unwantedSoftware")]
    UnwantedSoftware,
    /// A security test.
    #[serde(alias = "securityTesting")]
    SecurityTesting,
    /// An application of the business.
    #[serde(alias = "lineOfBusinessApplication")]
    LineOfBusinessApplication,
    /// The user confirmed having done it.
    #[serde(
        alias = "ConfirmedUserActivity",
        alias = "confirmedUserActivity",
        alias = "confirmedActivity"
    )]
    ConfirmedActivity,
    /// Nothing bad.
    #[serde(alias = "Clean", alias = "clean", alias = "notMalicious")]
    NotMalicious,
    /// It cannot be told.
    #[serde(
        alias = "NoEnoughDataToValidate",
        alias = "NotEnoughDataToValidate",
        alias = "insufficientData",
        alias = "notEnoughDataToValidate"
    )]
    InsufficientData,
    /// Something else.
    #[serde(alias = "other")]
    Other,
}

impl Determination {
    /// The word of the page *Batch update alerts*.
    pub(crate) const fn in_batches(self) -> BatchWord {
        match self {
            Self::ConfirmedActivity => BatchWord::Other("ConfirmedUserActivity"),
            Self::NotMalicious => BatchWord::Other("Clean"),
            same => BatchWord::Same(same),
        }
    }
}

/// A determination as batches spell it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum BatchWord {
    Same(Determination),
    Other(&'static str),
}

/// Adds the spellings of other endpoints to the words that a playbook may use.
fn also_spelled(schema: &mut Schema) {
    let Some(words) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    for (spelling, word) in [
        ("ConfirmedUserActivity", "ConfirmedActivity"),
        ("Clean", "NotMalicious"),
    ] {
        words.push(serde_json::json!({
            "const": spelling,
            "description": format!("The same as `{word}`."),
        }));
    }
}

/// The state of an automated investigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(
    missing_docs,
    reason = "the vendor documents the words, not what they mean"
)]
pub enum InvestigationState {
    Unknown,
    Terminated,
    SuccessfullyRemediated,
    Benign,
    Failed,
    PartiallyRemediated,
    Running,
    PendingApproval,
    PendingResource,
    PartiallyInvestigated,
    TerminatedByUser,
    TerminatedBySystem,
    Queued,
    InnerFailure,
    PreexistingAlert,
    UnsupportedOs,
    UnsupportedAlertType,
    SuppressedAlert,
}

/// The kind of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EvidenceType {
    /// An account.
    User,
    /// A process.
    Process,
    /// A file.
    File,
    /// An address.
    Ip,
    /// A URL.
    Url,
    /// A registry key.
    Registry,
}
