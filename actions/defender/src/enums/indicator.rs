//! Words of indicators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing an indicator looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IndicatorType {
    /// A file by SHA-1.
    FileSha1,
    /// A file by SHA-256.
    FileSha256,
    /// A file by MD5; the weakest of the three.
    FileMd5,
    /// What a certificate has signed.
    CertificateThumbprint,
    /// One address; ranges are not known.
    IpAddress,
    /// A domain with everything below it.
    DomainName,
    /// A link.
    Url,
}

/// What happens when an indicator is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IndicatorAction {
    /// The user is warned and may go on.
    Warn,
    /// It is stopped.
    Block,
    /// It is written down; needs `generate_alert`.
    Audit,
    /// An alert, nothing else; an older word.
    Alert,
    /// An alert, and it is stopped; an older word.
    AlertAndBlock,
    /// It is stopped and removed.
    BlockAndRemediate,
    /// It may run, whatever else says no.
    Allowed,
}

/// How severe the alerts of an indicator are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IndicatorSeverity {
    /// Worth knowing.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// Who created an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IndicatorSource {
    /// A person.
    User,
    /// An application.
    AadApp,
}
