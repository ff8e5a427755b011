//! How an engine stands, and which of its runs failed.

use serde::{Deserialize, Serialize};

use crate::RunSummary;

/// A run that failed, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// The step that failed.
    pub step: String,
    /// The code of the error.
    pub code: String,
    /// What went wrong.
    pub message: String,
}

/// Figures of an engine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Runs that are going on.
    pub runs_running: u64,
    /// Questions to people that are open.
    pub approvals_open: u64,
    /// Effects that hold now.
    pub effects_held: u64,
    /// Effects of which nobody knows whether they happened.
    pub effects_in_doubt: u64,
    /// Containments that could not be taken back.
    pub releases_failed: u64,
    /// Containments that are to be taken back later.
    pub releases_owed: u64,
    /// What should have been done, was not, and was not asked for again.
    pub deadletters: u64,
}
