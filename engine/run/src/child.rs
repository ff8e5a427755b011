//! `playbook`: another run, whose end is waited for or not.

use actions_contract::{ActionError, ErrorKind};
use engine_model::{RunId, Timestamp, code};
use engine_playbook::plan::{Child, Step};
use serde_json::{Map, Value, json};

use crate::action::ActionFlow;
use crate::cx::{Cx, Env, Input, Signal, timed_out};
use crate::{Cid, Command, NewsKind, StartChild, StepStatus};

/// Playbooks that may call each other in one line.
const DEPTH_MAX: u8 = 8;

/// The trigger of a run that another one started.
pub(crate) const BY_PLAYBOOK: &str = "playbook";

/// Another run, whose end is waited for.
pub(crate) struct ChildState {
    cid: Cid,
    timer: Cid,
    deadline: Timestamp,
    stopping: Option<Stopping>,
    pub(crate) note: String,
}

/// Why the other run was told to stop.
#[derive(Clone, Copy)]
enum Stopping {
    Cancelled,
    Late,
}

impl ChildState {
    /// Starts the other run.
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (step, child): (&Step, &Child),
        deadline: Timestamp,
    ) -> Result<Result<Self, ActionFlow>, ActionError> {
        let inputs = match cx.render(env, &child.with)? {
            Value::Object(inputs) => inputs,
            _ => Map::new(),
        };
        let depth = cx.shared.depth.saturating_add(1);
        if depth > DEPTH_MAX {
            return Err(ActionError::permanent(
                ErrorKind::Unsupported,
                code::RN0113,
                format!("playbooks call each other more than {DEPTH_MAX} deep"),
            ));
        }
        if cx.now >= deadline {
            return Err(timed_out(code::RN0103, "the step", deadline));
        }
        let cid = cx.cid();
        let label = cx.label(step);
        let trigger = BY_PLAYBOOK.parse().expect("the constant is a trigger id");
        let cause = format!("{}/{}", cx.shared.run, cid.0);
        let run = RunId::derive(&cx.shared.tenant, &child.playbook, &trigger, &cause);
        cx.commands.push(Command::Child(Box::new(StartChild {
            cid,
            run: run.clone(),
            playbook: child.playbook.clone(),
            inputs,
            depth,
            wait: child.wait,
            dry_run: cx.shared.settings.dry_run,
            by: cx.shared.by.clone(),
            step: label.clone(),
        })));
        if !child.wait {
            let output = json!({ "run": run });
            return Ok(Err(ActionFlow::Done {
                output,
                status: StepStatus::Succeeded,
            }));
        }
        let timer = cx.timer(deadline);
        let note = format!("waits for `{}`, {run}", child.playbook);
        let news = NewsKind::StepWaits {
            note: note.clone(),
            until: deadline,
        };
        cx.tell(&label, news);
        Ok(Ok(Self {
            cid,
            timer,
            deadline,
            stopping: None,
            note,
        }))
    }

    /// Handles an event; none when it is about something else.
    pub(crate) fn deliver(&mut self, cx: &mut Cx<'_>, input: &Input<'_>) -> Option<ActionFlow> {
        match input {
            Input::Signalled(signal) if signal.cid == self.cid => Some(self.ended(cx, signal)),
            Input::Fired(cid) if *cid == self.timer => {
                self.timer = Cid(0);
                self.stop(cx, Stopping::Late);
                Some(ActionFlow::Waiting)
            }
            // What the other run contains is finished or taken back before this one goes on.
            Input::Cancel => {
                self.stop(cx, Stopping::Cancelled);
                Some(ActionFlow::Waiting)
            }
            _ => None,
        }
    }

    fn stop(&mut self, cx: &mut Cx<'_>, why: Stopping) {
        if self.stopping.is_none() {
            cx.commands.push(Command::StopChild { cid: self.cid });
        }
        self.stopping = Some(why);
    }

    fn ended(&self, cx: &mut Cx<'_>, signal: &Signal<'_>) -> ActionFlow {
        if self.timer.0 != 0 {
            cx.forget(self.timer);
        }
        cx.forget(self.cid);
        let came_to = came_to(signal.value);
        match self.stopping {
            Some(Stopping::Cancelled) => ActionFlow::Cancelled(match came_to {
                Err(error) if error.kind == ErrorKind::Cancelled => None,
                came_to => Some(came_to),
            }),
            Some(Stopping::Late) => {
                ActionFlow::Failed(timed_out(code::RN0103, "the step", self.deadline))
            }
            None => match came_to {
                Ok(output) => ActionFlow::Done {
                    output,
                    status: if cx.shared.settings.dry_run {
                        StepStatus::Simulated
                    } else {
                        StepStatus::Succeeded
                    },
                },
                Err(error) => ActionFlow::Failed(error),
            },
        }
    }
}

/// The outputs of the other run, or why it has none.
fn came_to(end: &Value) -> Result<Value, ActionError> {
    let status = end
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or("failed");
    if status == "succeeded" {
        return Ok(end.get("outputs").cloned().unwrap_or_else(|| json!({})));
    }
    let error = end.get("error").filter(|error| !error.is_null());
    let text = |key: &str| {
        error
            .and_then(|error| error.get(key))
            .and_then(Value::as_str)
    };
    let kind = match status {
        "denied" => ErrorKind::ApprovalDenied,
        "refused" => ErrorKind::GuardRefused,
        "timed_out" => ErrorKind::Timeout,
        "cancelled" => ErrorKind::Cancelled,
        _ => text("kind").map_or(ErrorKind::Internal, |kind| kind.to_owned().into()),
    };
    let run = end.get("run").and_then(Value::as_str).unwrap_or_default();
    let why = text("message").or_else(|| end.get("reason").and_then(Value::as_str));
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let message = format!("{run} ended {status}{why}");
    let mut failed = ActionError::permanent(kind, code::RN0112, message);
    failed.details = error.cloned();
    Err(failed)
}
