//! The audit log: what happened, in an order that nobody can change unnoticed.

use engine_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an entry of the audit log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// An alert came in; which runs it started.
    Alert,
    /// A run was started by something else: a person, a schedule.
    Started,
    /// An effect is about to begin; everything was checked.
    Effect,
    /// What an effect came to.
    Outcome,
    /// The same effect was there already; the earlier result was given.
    Same,
    /// A guard rail or the stop switch said no.
    Refused,
    /// A policy asks people first.
    Held,
    /// People are asked.
    Asked,
    /// A person answered, or tried to.
    Answered,
    /// A step was only simulated.
    Simulated,
    /// A release is owed, became due, or failed.
    Release,
    /// The stop switch was turned.
    Switch,
    /// The configuration, the policy or the playbooks changed.
    Configuration,
    /// What was kept long enough was removed.
    Retention,
}

impl AuditKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Started => "started",
            Self::Effect => "effect",
            Self::Outcome => "outcome",
            Self::Same => "same",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::Simulated => "simulated",
            Self::Release => "release",
            Self::Switch => "switch",
            Self::Configuration => "configuration",
            Self::Retention => "retention",
        }
    }
}

/// An entry that is to be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: AuditKind,
    /// The tenant; empty where it is about the engine.
    #[serde(default)]
    pub tenant: String,
    /// The run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Everything else.
    pub what: Value,
}

/// An entry as it stands in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Counts from 1, without gaps.
    pub seq: u64,
    /// The entry.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// The digest over this entry and the digest of the one before.
    pub hash: Digest,
}

impl AuditEntry {
    /// The digest that binds the entry to its place: over the number, the digest of the entry
    /// before, and the text of this one.
    #[must_use]
    pub fn chained(seq: u64, before: &str, text: &str) -> Digest {
        Digest::of(format!("{seq}\n{before}\n{text}").as_bytes())
    }
}

/// What a check of the whole log came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// How many entries there are.
    pub entries: u64,
    /// The digest of the last one; keep it elsewhere, to find out whether the end was cut off.
    pub head: Option<Digest>,
    /// The first entry that is not what was written, and why.
    pub broken: Option<(u64, String)>,
}
