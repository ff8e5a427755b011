//! The end of a step: its record, its fields in expressions, its news.

use actions_contract::ActionError;
use engine_playbook::plan::{Step, StepKind};
use serde_json::{Map, Value, json};

use super::StepState;
use crate::cx::{Cx, End, Flow};
use crate::verdict::Verdict;
use crate::{NewsKind, RunStatus, StepStatus};

impl StepState {
    /// What the step came to in the run that this one goes on with.
    pub(super) fn kept(&self, cx: &Cx<'_>, step: &Step) -> Option<Value> {
        let is_leaf = matches!(
            step.kind,
            StepKind::Action(_) | StepKind::Approve(_) | StepKind::Wait(_) | StepKind::Playbook(_)
        );
        let label = is_leaf.then(|| cx.label(step))?;
        cx.shared.kept.get(&label).cloned()
    }

    /// A person said no, and that ends the run.
    pub(super) fn denied(&self, cx: &mut Cx<'_>, step: &Step, error: ActionError) -> Flow {
        let reason = Some(error.message.clone());
        let verdict = Verdict::of(End::Failed(self.failure(cx, step, error)));
        let end = End::Stopped(RunStatus::Denied, reason);
        self.close(cx, step, Verdict { end, ..verdict })
    }

    /// The run does not go on, but what the step came to is known where that was found out.
    pub(super) fn cancelled(
        &self,
        cx: &mut Cx<'_>,
        step: &Step,
        came_to: Option<Result<Value, ActionError>>,
    ) -> Flow {
        let verdict = match came_to {
            None => Verdict::of(End::Cancelled),
            Some(Ok(output)) => Verdict::done(StepStatus::Succeeded, Some(output)),
            Some(Err(error)) => Verdict::of(End::Failed(self.failure(cx, step, error))),
        };
        let end = End::Cancelled;
        self.close(cx, step, Verdict { end, ..verdict })
    }

    pub(super) fn close(&self, cx: &mut Cx<'_>, step: &Step, verdict: Verdict) -> Flow {
        let Verdict {
            status,
            output,
            failure,
            end,
        } = verdict;
        let error = failure.map(|failure| failure.to_value());
        let output = output.or_else(|| self.output.clone());
        let record = &mut cx.shared.records[self.record];
        record.status = status;
        record.ended_at = Some(cx.now);
        record.note = None;
        record.error.clone_from(&error);
        let mut fields = Map::new();
        fields.insert("status".to_owned(), json!(status));
        fields.insert("attempts".to_owned(), json!(record.attempts));
        fields.insert("started_at".to_owned(), json!(record.started_at));
        fields.insert("ended_at".to_owned(), json!(cx.now));
        fields.insert(
            "simulated".to_owned(),
            json!(status == StepStatus::Simulated),
        );
        if let Some(items) = &self.items {
            fields.insert("items".to_owned(), items.clone());
        }
        if let Some(error) = &error {
            fields.insert("error".to_owned(), error.clone());
        }
        let kind = NewsKind::StepEnded {
            status,
            output: output.clone(),
            error,
        };
        let label = cx.label(step);
        cx.tell(&label, kind);
        // What an item came to is kept in its record: its name goes with the item.
        if !cx.shared.prefix.is_empty() {
            cx.shared.records[self.record].output.clone_from(&output);
        }
        match (&step.id, output) {
            (Some(id), output) => {
                if let Some(output) = output {
                    fields.insert("output".to_owned(), output);
                }
                cx.assign("steps", id.as_str(), Value::Object(fields));
            }
            (None, output) => cx.shared.records[self.record].output = output,
        }
        Flow::Ended(end)
    }
}
