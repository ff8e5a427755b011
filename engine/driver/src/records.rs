//! What triggers leave behind: why an alert started nothing, and how often.

use actions_contract::BoxFuture;
use engine_model::{AlertKey, PlaybookName, RunId, TriggerId};
use engine_trigger::storm::Verdict;
use serde::{Deserialize, Serialize};

use crate::EngineError;

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
}
