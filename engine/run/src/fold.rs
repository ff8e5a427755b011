//! Rebuilding a run from its journal.

use std::sync::Arc;

use engine_playbook::plan::Plan;

use crate::{Cid, Command, Event, Run};

impl Run {
    /// Folds events without performing anything, and names the tries that were under way at the
    /// end of them: what a restart has to report as interrupted.
    pub fn fold<'a>(
        plan: Arc<Plan>,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> (Self, Vec<Cid>) {
        let (mut run, open) = Self::retold(plan, events);
        run.take_news();
        (run, open)
    }

    /// The same, and what happened is told anew.
    pub fn retold<'a>(
        plan: Arc<Plan>,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> (Self, Vec<Cid>) {
        let mut run = Self::new(plan);
        let mut open: Vec<Cid> = Vec::new();
        for event in events {
            if let Event::Attempted { cid, .. } | Event::Interrupted { cid, .. } = event {
                open.retain(|other| other != cid);
            }
            for command in run.advance(event) {
                if let Command::Attempt(attempt) = command {
                    open.push(attempt.cid);
                }
            }
        }
        (run, open)
    }
}
