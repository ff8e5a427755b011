//! `concurrency`: a run waits for its turn among the runs of its playbook.

use engine_model::Timestamp;
use engine_playbook::plan::{Concurrency, OnConflict};
use serde_json::Value;

use crate::cx::{Cx, Env, Input, timed_out};
use crate::{Cid, Command, Conflict, Enter};
use actions_contract::ActionError;
use engine_model::code;

/// A run that waits for its turn.
pub(crate) struct Turn {
    cid: Cid,
    timer: Cid,
    deadline: Timestamp,
}

/// What became of the wait.
pub(crate) enum Turned {
    /// It is this run's turn.
    Go,
    /// It will not be.
    Never(String),
    /// Somebody cancelled the run.
    Cancelled,
    /// The run passed its deadline.
    Late(ActionError),
}

impl Turn {
    /// Asks for a turn.
    pub(crate) fn ask(
        cx: &mut Cx<'_>,
        concurrency: &Concurrency,
        deadline: Timestamp,
    ) -> Result<Self, ActionError> {
        let key = match cx.render(&Env::EMPTY, &concurrency.key)? {
            Value::String(key) => key,
            other => other.to_string(),
        };
        let timer = cx.timer(deadline);
        let cid = cx.cid();
        cx.commands.push(Command::Enter(Box::new(Enter {
            cid,
            key,
            limit: concurrency.limit,
            on_conflict: match concurrency.on_conflict {
                OnConflict::Queue => Conflict::Queue,
                OnConflict::Skip => Conflict::Skip,
                OnConflict::CancelRunning => Conflict::CancelRunning,
            },
            max_queue: concurrency.max_queue,
        })));
        Ok(Self {
            cid,
            timer,
            deadline,
        })
    }

    /// Handles an event; none when it is about something else.
    pub(crate) fn deliver(&self, cx: &mut Cx<'_>, input: &Input<'_>) -> Option<Turned> {
        match input {
            Input::Signalled(signal) if signal.cid == self.cid => {
                cx.forget(self.timer);
                cx.forget(self.cid);
                Some(match signal.value.get("refused").and_then(Value::as_str) {
                    Some(why) => Turned::Never(why.to_owned()),
                    None => Turned::Go,
                })
            }
            Input::Cancel => {
                cx.forget(self.timer);
                cx.forget(self.cid);
                Some(Turned::Cancelled)
            }
            Input::Fired(cid) if *cid == self.timer => {
                cx.forget(self.cid);
                Some(Turned::Late(timed_out(
                    code::RN0102,
                    "the run",
                    self.deadline,
                )))
            }
            _ => None,
        }
    }
}
