//! Enumerations of alerts, incidents and risks in Microsoft Graph.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spelling;

/// The verdict on an alert or an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = spelling::any)]
pub enum AlertClassification {
    /// There is none.
    Unknown,
    /// It was nothing.
    #[serde(alias = "FalsePositive")]
    FalsePositive,
    /// It was an attack.
    #[serde(alias = "TruePositive")]
    TruePositive,
    /// It happened, and was meant to.
    #[serde(alias = "InformationalExpectedActivity")]
    InformationalExpectedActivity,
}

/// The reason of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = spelling::any)]
pub enum AlertDetermination {
    /// There is none.
    Unknown,
    /// A group that attacks with patience.
    Apt,
    /// Malware.
    #[serde(alias = "Malware")]
    Malware,
    /// Somebody of the security team.
    SecurityPersonnel,
    /// A security test.
    #[serde(alias = "SecurityTesting")]
    SecurityTesting,
    /// Unwanted software.
    #[serde(alias = "UnwantedSoftware")]
    UnwantedSoftware,
    /// Something else.
    #[serde(alias = "Other")]
    Other,
    /// An attack in several stages.
    #[serde(alias = "MultiStagedAttack")]
    MultiStagedAttack,
    /// An account was taken over.
    #[serde(
        alias = "compromisedUser",
        alias = "CompromisedUser",
        alias = "CompromisedAccount"
    )]
    CompromisedAccount,
    /// Phishing.
    #[serde(alias = "Phishing")]
    Phishing,
    /// A user acted with bad intent.
    #[serde(alias = "MaliciousUserActivity")]
    MaliciousUserActivity,
    /// Nothing bad.
    #[serde(alias = "clean", alias = "Clean", alias = "NotMalicious")]
    NotMalicious,
    /// It cannot be told.
    #[serde(
        alias = "insufficientData",
        alias = "InsufficientData",
        alias = "NotEnoughDataToValidate",
        alias = "NoEnoughDataToValidate"
    )]
    NotEnoughDataToValidate,
    /// The user confirmed having done it.
    #[serde(
        alias = "confirmedUserActivity",
        alias = "ConfirmedUserActivity",
        alias = "ConfirmedActivity"
    )]
    ConfirmedActivity,
    /// An application of the business.
    #[serde(alias = "LineOfBusinessApplication")]
    LineOfBusinessApplication,
}

/// How severe an alert or an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertSeverity {
    /// Not given.
    Unknown,
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
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// Not known.
    Unknown,
    /// Nobody has looked yet.
    New,
    /// Somebody is at it.
    InProgress,
    /// It is closed.
    Resolved,
}

/// The state an alert can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NewAlertState {
    /// Nobody has looked yet.
    #[serde(alias = "New")]
    New,
    /// Somebody is at it.
    #[serde(alias = "InProgress")]
    InProgress,
    /// It is closed.
    #[serde(alias = "Resolved")]
    Resolved,
}

/// How far an incident has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IncidentStatus {
    /// It is open.
    Active,
    /// It is closed.
    Resolved,
    /// Somebody is at it.
    InProgress,
    /// It was merged into another.
    Redirected,
    /// It waits for somebody.
    AwaitingAction,
}

/// The state of an automated investigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
    Queued,
    InnerFailure,
    PreexistingAlert,
    UnsupportedOs,
    UnsupportedAlertType,
    SuppressedAlert,
    PartiallyInvestigated,
    TerminatedByUser,
    TerminatedBySystem,
}

/// What an automated investigation thinks of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It does not know.
    Unknown,
    /// It may be bad.
    Suspicious,
    /// It is bad.
    Malicious,
    /// It is not bad.
    NoThreatsFound,
}

/// What was done about a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "the vendor documents the words, not what they mean"
)]
pub enum RemediationStatus {
    None,
    Remediated,
    Prevented,
    Blocked,
    NotFound,
    Active,
    PendingApproval,
    Declined,
    Unremediated,
    Running,
    PartiallyRemediated,
}

/// The part of a piece of evidence in an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "the vendor documents the words, not what they mean"
)]
pub enum EvidenceRole {
    Unknown,
    Contextual,
    Scanned,
    Source,
    Destination,
    Created,
    Added,
    Compromised,
    Edited,
    Attacked,
    Attacker,
    CommandAndControl,
    Loaded,
    Suspicious,
    PolicyViolator,
}

/// How large a risk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RiskLevel {
    /// None.
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// The licence of the tenant does not show it.
    Hidden,
}

/// What became of a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RiskState {
    /// There is none.
    None,
    /// An administrator says that it is none.
    ConfirmedSafe,
    /// It was removed, by a new password for example.
    Remediated,
    /// An administrator does not mind.
    Dismissed,
    /// It is there.
    AtRisk,
    /// An administrator says that it is an attack.
    ConfirmedCompromised,
}
