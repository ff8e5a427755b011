//! What every kind of step has in common: condition, deadline, error handling, the record.

mod closing;

use actions_contract::ActionError;
use engine_model::Timestamp;
use engine_playbook::plan::{OnError, Step, StepKind};
use serde_json::{Value, json};

use crate::action::{ActionFlow, ActionState, Of};
use crate::block::Block;
use crate::cx::{CLEAN_UP, Cx, End, Env, Flow, Input, RunError};
use crate::verdict::{Verdict, failed_status};
use crate::{NewsKind, StepRecord, StepStatus, raise, set, stop, switch};

/// Where a step stands.
pub(crate) struct StepState {
    record: usize,
    deadline: Timestamp,
    /// The deadline of what stands around the step.
    outer: Timestamp,
    stage: Stage,
}

enum Stage {
    New,
    Action(Box<ActionState>),
    Group(Block),
    Switch(usize, Block),
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
        cx.shared.records.push(StepRecord {
            path: step.path.clone(),
            label: step.label().to_owned(),
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
        }
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
        cx.tell(step.label(), NewsKind::StepStarted { action, name });
        match self.begin(cx, env, step) {
            Ok(flow) => self.body(cx, env, step, flow),
            Err(error) => self.body_failed(cx, env, step, error),
        }
    }

    fn begin(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, step: &Step) -> Result<Flow, ActionError> {
        let deadline = self.deadline;
        match &step.kind {
            StepKind::Action(action) => {
                let state =
                    ActionState::start(cx, env, &Of { step, action }, (deadline, self.outer))?;
                self.stage = Stage::Action(Box::new(state));
                cx.shared.records[self.record].attempts = 1;
                Ok(Flow::Waiting)
            }
            StepKind::Group { steps, .. } => {
                let mut block = Block::default();
                let flow = block.go_on(cx, env, steps, deadline);
                self.stage = Stage::Group(block);
                Ok(flow)
            }
            StepKind::Switch(branches) => {
                let Some(index) = switch::choose(cx, env, branches)? else {
                    return Ok(Flow::Ended(End::Done));
                };
                let mut block = Block::default();
                let flow = block.go_on(cx, env, &branches[index].steps, deadline);
                self.stage = Stage::Switch(index, block);
                Ok(flow)
            }
            StepKind::Set(values) => {
                set::assign(cx, env, values)?;
                Ok(Flow::Ended(End::Done))
            }
            StepKind::Stop { status, reason } => {
                stop::stop(cx, env, *status, reason.as_ref()).map(Flow::Ended)
            }
            StepKind::Fail(Some(raise)) => Err(raise::raised(cx, env, raise)),
            StepKind::Fail(None) => Ok(Flow::Ended(End::Failed(raise::again(cx, env)))),
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
            (Stage::Action(state), StepKind::Action(action)) => {
                let flow = state.deliver(cx, &Of { step, action }, input)?;
                let record = &mut cx.shared.records[self.record];
                record.attempts = state.attempts;
                record.note.clone_from(&state.note);
                Some(self.action_flow(cx, env, step, flow))
            }
            (Stage::Group(block), StepKind::Group { steps, .. }) => {
                let flow = block.deliver(cx, env, (steps, deadline), input)?;
                Some(self.body(cx, env, step, flow))
            }
            (Stage::Switch(index, block), StepKind::Switch(branches)) => {
                let steps = &branches[*index].steps;
                let flow = block.deliver(cx, env, (steps, deadline), input)?;
                Some(self.body(cx, env, step, flow))
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

    fn action_flow(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        step: &Step,
        flow: ActionFlow,
    ) -> Flow {
        match flow {
            ActionFlow::Waiting => Flow::Waiting,
            ActionFlow::Done { output, simulated } => {
                let status = if simulated {
                    StepStatus::Simulated
                } else {
                    StepStatus::Succeeded
                };
                self.close(cx, step, Verdict::done(status, Some(output)))
            }
            ActionFlow::Failed(error) => self.body_failed(cx, env, step, error),
            ActionFlow::Denied(error) => self.denied(cx, step, error),
            ActionFlow::Cancelled(came_to) => self.cancelled(cx, step, came_to),
        }
    }

    fn failure(&self, cx: &Cx<'_>, step: &Step, error: ActionError) -> RunError {
        RunError {
            step: step.label().to_owned(),
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
            End::Done if matches!(step.kind, StepKind::Action(_)) => Verdict {
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
