//! What triggers leave behind: why an alert started nothing, and how often.

use actions_contract::BoxFuture;
use engine_model::{AlertKey, PlaybookName, RunId, TenantId, Timestamp, TriggerId};
use engine_trigger::storm::Verdict;
use serde::{Deserialize, Serialize};

use crate::{EngineError, Page};

/// What storm control made of an alert, for one trigger that it matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
    /// The revision of the alert, from 1.
    pub revision: u32,
    /// The control that held it back; none when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// What the controls made of it.
    pub decided: Verdict,
    /// The alert that it is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<AlertKey>,
    /// The run that works on it, or on the one that it is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// How often something became of alerts or starts of a trigger, since the database was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
    /// What: `started`, `duplicate`, `dropped` …
    pub word: String,
    /// How often.
    pub count: u64,
}

/// Which dead letters to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    /// Only of this playbook.
    pub playbook: Option<PlaybookName>,
    /// Only those before the one with this number, for the next page.
    pub before: Option<u64>,
    /// How many at the most.
    pub limit: usize,
}

/// Why something is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    /// A trigger fired and no run began.
    NotStarted,
    /// Too many starts waited.
    Dropped,
    /// A run that a trigger started failed.
    Failed,
}

impl LetterKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::NotStarted, Self::Dropped, Self::Failed];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// A dead letter: what should have been done and was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// Its number.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Why.
    pub kind: LetterKind,
    /// The tenant.
    pub tenant: TenantId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
    /// The code of the error.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// The alerts that nobody worked on.
    pub alerts: Vec<AlertKey>,
    /// The run that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The run that began when somebody asked for it once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_as: Option<RunId>,
}

/// What triggers leave behind.
pub trait TriggerRecords: Send + Sync {
    /// What storm control made of an alert, newest revision first; nothing for triggers that use
    /// none.
    fn decisions<'a>(
        &'a self,
        alert: &'a AlertKey,
    ) -> BoxFuture<'a, Result<Vec<Decision>, EngineError>>;

    /// How often what became of alerts.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<Count>, EngineError>>;

    /// Dead letters, newest first.
    fn letters<'a>(
        &'a self,
        filter: &'a LetterFilter,
    ) -> BoxFuture<'a, Result<Page<Letter>, EngineError>>;

    /// A dead letter.
    fn letter(&self, number: u64) -> BoxFuture<'_, Result<Letter, EngineError>>;

    /// Starts once more what a dead letter is about, with the playbook as it is now. However
    /// often it is asked for, one run begins.
    fn replay<'a>(&'a self, number: u64, by: &'a str) -> BoxFuture<'a, Result<RunId, EngineError>>;
}
