//! What every kind of step has in common: condition, deadline, error handling, the record.

mod closing;

use actions_contract::ActionError;
use engine_model::Timestamp;
use engine_playbook::plan::{OnError, Step, StepKind};
use serde_json::{Value, json};

use crate::action::ActionFlow;
use crate::block::Block;
use crate::body::{Body, Came};
use crate::cx::{CLEAN_UP, Cx, End, Env, Flow, Input, RunError};
use crate::verdict::{Verdict, failed_status};
use crate::{NewsKind, StepRecord, StepStatus};

/// Where a step stands.
pub(crate) struct StepState {
    record: usize,
    deadline: Timestamp,
    /// The deadline of what stands around the step.
    outer: Timestamp,
    stage: Stage,
    /// What the items of a `for_each` yielded, and what each came to.
    output: Option<Value>,
    items: Option<Value>,
}

enum Stage {
    New,
    /// What the step does.
    Body(Body),
    /// The steps of `on_error`.
    Handler {
        block: Block,
        deadline: Timestamp,
        failure: RunError,
        error: Value,
    },
    /// The steps of `finally`, and what follows them.
    Finally {
        block: Block,
        deadline: Timestamp,
        then: Verdict,
    },
}

impl StepState {
    /// A step that begins now; its own deadline is never later than `outer`.
    pub(crate) fn new(cx: &mut Cx<'_>, step: &Step, outer: Timestamp) -> Self {
        let record = cx.shared.records.len();
        let (path, label) = (cx.path(step), cx.label(step));
        cx.shared.records.push(StepRecord {
            path,
            label,
            name: step.name.clone(),
            action: match &step.kind {
                StepKind::Action(action) => Some(action.info.id.clone()),
                _ => None,
            },
            status: StepStatus::Running,
            attempts: 0,
            started_at: cx.now,
            ended_at: None,
            note: None,
            output: None,
            error: None,
        });
        let own = step.timeout.map(|timeout| cx.now.plus(timeout));
        let deadline = own.map_or(outer, |own| own.min(outer));
        Self {
            record,
            deadline,
            outer,
            stage: Stage::New,
            output: None,
            items: None,
        }
    }

    /// The number of its record.
    pub(crate) fn record(&self) -> usize {
        self.record
    }

    /// Begins.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step) -> Flow {
        let now = json!(cx.now);
        cx.assign("run", "now", now);
        if let Some(condition) = &step.condition {
            match cx.holds(env, condition) {
                Ok(true) => {}
                Ok(false) => return self.close(cx, step, Verdict::done(StepStatus::Skipped, None)),
                Err(error) => return self.body_failed(cx, env, step, error),
            }
        }
        let action = cx.shared.records[self.record].action.clone();
        let name = step.name.clone();
        let label = cx.label(step);
        cx.tell(&label, NewsKind::StepStarted { action, name });
        if let Some(kept) = self.kept(cx, step) {
            return self.close(cx, step, Verdict::done(StepStatus::Succeeded, Some(kept)));
        }
        match Body::begin(cx, env, step, (self.deadline, self.outer)) {
            Ok((body, came)) => {
                self.stage = Stage::Body(body);
                self.note(cx);
                self.came(cx, env, step, came)
            }
            Err(error) => self.body_failed(cx, env, step, error),
        }
    }

    /// Takes what an event came to for what the step does.
    fn came(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step, came: Came) -> Flow {
        match came {
            Came::Leaf(flow) => self.leaf(cx, env, step, flow),
            Came::Steps(flow) => {
                if let (Flow::Ended(_), Stage::Body(body)) = (&flow, &mut self.stage)
                    && let Some((output, items)) = body.results()
                {
                    self.output = Some(output);
                    self.items = Some(items);
                }
                self.body(cx, env, step, flow)
            }
        }
    }

    /// Tells how often it was tried, and what it waits for.
    fn note(&self, cx: &mut Cx<'_>) {
        if let Stage::Body(body) = &self.stage {
            let (attempts, note) = body.standing();
            let record = &mut cx.shared.records[self.record];
            record.attempts = attempts.unwrap_or(record.attempts);
            record.note = note.map(str::to_owned);
        }
    }

    /// Hands `input` to the part of the step that waits for it; none when no part does.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        step: &Step,
        input: &Input<'_>,
    ) -> Option<Flow> {
        let deadline = self.deadline;
        match (&mut self.stage, &step.kind) {
            (Stage::Body(body), _) => {
                let came = body.deliver(cx, env, (step, deadline), input)?;
                self.note(cx);
                Some(self.came(cx, env, step, came))
            }
            (
                Stage::Handler {
                    block,
                    deadline,
                    error,
                    ..
                },
                _,
            ) => {
                let OnError::Steps(steps) = &step.on_error else {
                    return None;
                };
                let inner = Env {
                    local: Some(("error", error)),
                    outer: Some(env),
                };
                let flow = block.deliver(cx, &inner, (steps, *deadline), input)?;
                Some(self.handled(cx, env, step, flow))
            }
            (
                Stage::Finally {
                    block,
                    deadline,
                    then,
                },
                StepKind::Group { finally, .. },
            ) => {
                // What cleans up is not cancelled, but nothing comes after it; it has a deadline
                // of its own.
                if matches!(input, Input::Cancel) {
                    then.end = End::Cancelled;
                    return Some(Flow::Waiting);
                }
                let flow = block.deliver(cx, env, (finally, *deadline), input)?;
                Some(self.cleaned_up(cx, step, flow))
            }
            _ => None,
        }
    }

    fn leaf(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step, flow: ActionFlow) -> Flow {
        match flow {
            ActionFlow::Waiting => Flow::Waiting,
            ActionFlow::Done { output, status } => {
                self.close(cx, step, Verdict::done(status, Some(output)))
            }
            ActionFlow::Failed(error) => self.body_failed(cx, env, step, error),
            ActionFlow::Denied(error) => self.denied(cx, step, error),
            ActionFlow::Cancelled(came_to) => self.cancelled(cx, step, came_to),
        }
    }

    fn failure(&self, cx: &Cx<'_>, step: &Step, error: ActionError) -> RunError {
        RunError {
            step: cx.label(step),
            attempts: cx.shared.records[self.record].attempts,
            error,
        }
    }

    fn body_failed(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        step: &Step,
        error: ActionError,
    ) -> Flow {
        let failure = self.failure(cx, step, error);
        self.body(cx, env, step, Flow::Ended(End::Failed(failure)))
    }

    /// The work of the step ended: an error is handled here or goes up.
    fn body(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step, flow: Flow) -> Flow {
        let end = match flow {
            Flow::Waiting => return Flow::Waiting,
            Flow::Ended(end) => end,
        };
        let End::Failed(failure) = end else {
            return self.clean_up(cx, env, step, Verdict::of(end));
        };
        // Past the deadline of the run nothing handles an error and goes on; what cleans up has a
        // later deadline of its own.
        let late = cx.now >= cx.shared.deadline && self.deadline <= cx.shared.deadline;
        match &step.on_error {
            _ if late => self.clean_up(cx, env, step, Verdict::of(End::Failed(failure))),
            OnError::Fail => self.clean_up(cx, env, step, Verdict::of(End::Failed(failure))),
            OnError::Continue => {
                let status = failed_status(&failure);
                let verdict = Verdict {
                    status,
                    output: None,
                    failure: Some(failure),
                    end: End::Done,
                };
                self.clean_up(cx, env, step, verdict)
            }
            OnError::Steps(steps) => {
                let error = failure.to_value();
                let deadline = cx.now.plus(CLEAN_UP);
                let mut block = Block::default();
                let inner = Env {
                    local: Some(("error", &error)),
                    outer: Some(env),
                };
                let flow = block.go_on(cx, &inner, steps, deadline);
                self.stage = Stage::Handler {
                    block,
                    deadline,
                    failure,
                    error,
                };
                self.handled(cx, env, step, flow)
            }
        }
    }

    /// The steps of `on_error` went on: a group whose error was handled counts as succeeded.
    fn handled(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step, flow: Flow) -> Flow {
        let end = match flow {
            Flow::Waiting => return Flow::Waiting,
            Flow::Ended(end) => end,
        };
        let Stage::Handler { failure, .. } = &self.stage else {
            return Flow::Waiting;
        };
        let verdict = match end {
            End::Done if !matches!(step.kind, StepKind::Group { .. }) => Verdict {
                status: failed_status(failure),
                output: None,
                failure: Some(failure.clone()),
                end: End::Done,
            },
            End::Failed(raised) => Verdict::of(End::Failed(raised)),
            other => Verdict::of(other),
        };
        self.clean_up(cx, env, step, verdict)
    }

    fn clean_up(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step, then: Verdict) -> Flow {
        match &step.kind {
            StepKind::Group { finally, .. } if !finally.is_empty() => {
                let deadline = cx.now.plus(CLEAN_UP);
                let mut block = Block::default();
                let flow = block.go_on(cx, env, finally, deadline);
                self.stage = Stage::Finally {
                    block,
                    deadline,
                    then,
                };
                self.cleaned_up(cx, step, flow)
            }
            _ => self.close(cx, step, then),
        }
    }

    fn cleaned_up(&mut self, cx: &mut Cx<'_>, step: &Step, flow: Flow) -> Flow {
        let end = match flow {
            Flow::Waiting => return Flow::Waiting,
            Flow::Ended(end) => end,
        };
        let Stage::Finally { then, .. } = std::mem::replace(&mut self.stage, Stage::New) else {
            return Flow::Waiting;
        };
        // An error of the work weighs more than one of the cleaning up.
        let verdict = match (end, &then.end) {
            (failed @ End::Failed(_), End::Done) => Verdict::of(failed),
            _ => then,
        };
        self.close(cx, step, verdict)
    }
}
