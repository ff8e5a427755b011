//! Enumerations of what is done through Microsoft Graph: all are parameters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EmailRemediation {
    /// They go to the junk folder.
    MoveToJunk,
    /// They go back to the inbox.
    MoveToInbox,
    /// They are deleted for good.
    HardDelete,
    /// They are deleted, and can be recovered from the folder for that.
    SoftDelete,
    /// They go to the deleted items.
    MoveToDeletedItems,
}

/// How severe the reason of a remediation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RemediationSeverity {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// How content is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PurgeType {
    /// It can be recovered until its time is over.
    Recoverable,
    /// It is gone.
    PermanentlyDelete,
}

/// Where content is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PurgeAreas {
    /// In mailboxes.
    Mailboxes,
    /// In messages of Teams.
    TeamsMessages,
}

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AccountAction {
    /// It may no longer sign in; Active Directory and Okta.
    Disable,
    /// It may sign in again; Active Directory and Okta.
    Enable,
    /// Its owner has to choose a new password; Active Directory.
    ForcePasswordReset,
    /// Its sessions end; Okta.
    RevokeAllSessions,
    /// Its owner has to sign in again.
    RequireUserToSignInAgain,
    /// It counts as taken over.
    MarkUserAsCompromised,
}

/// Where an account lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AccountProvider {
    /// Microsoft Entra ID.
    #[serde(rename = "entraID")]
    EntraId,
    /// Active Directory on premises.
    ActiveDirectory,
    /// Okta.
    Okta,
}

/// What something is thought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ThreatCategory {
    /// Harmless.
    NotJunk,
    /// Spam.
    Spam,
    /// Phishing.
    Phishing,
    /// Malware.
    Malware,
}

/// What an assessment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AssessmentCategory {
    /// Spam.
    Spam,
    /// Phishing.
    Phishing,
    /// Malware.
    Malware,
}

/// What should have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExpectedAssessment {
    /// It should have been blocked.
    Block,
    /// It should not have been blocked.
    Unblock,
}

/// How often a custom detection looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DetectionPeriod {
    /// As events arrive.
    #[serde(rename = "0")]
    Continuous,
    /// Every hour.
    #[serde(rename = "1H")]
    Hourly,
    /// Every three hours.
    #[serde(rename = "3H")]
    ThreeHourly,
    /// Twice a day.
    #[serde(rename = "12H")]
    TwelveHourly,
    /// Once a day.
    #[serde(rename = "24H")]
    Daily,
}
