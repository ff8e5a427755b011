//! `wait`: for time to pass, for an alert, for a call from outside.

use actions_contract::{ActionError, ErrorKind};
use engine_model::{Millis, Timestamp, code};
use engine_playbook::expr::Template;
use engine_playbook::plan::{Step, Wait, WaitFor};
use serde_json::{Value, json};

use crate::action::ActionFlow;
use crate::cx::{Cx, Env, Input, Signal, expression_failed, timed_out};
use crate::{Cid, NewsKind, StepStatus, Wants};

/// A step that waits.
pub(crate) struct WaitState {
    begun_at: Timestamp,
    /// When the time is over that the step itself names; later than that of the timer where a
    /// deadline comes first.
    over_at: Timestamp,
    timer: Cid,
    signals: Option<Cid>,
    pub(crate) note: String,
}

impl WaitState {
    /// Begins to wait; in a dry run that is over at once.
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (step, wait): (&Step, &Wait),
        deadline: Timestamp,
    ) -> Result<Result<Self, ActionFlow>, ActionError> {
        if cx.shared.settings.dry_run {
            let output = output(false, None, Millis::from_ms(0));
            return Ok(Err(ActionFlow::Done {
                output,
                status: StepStatus::Simulated,
            }));
        }
        let label = cx.label(step);
        let (over_at, name, note) = match &wait.what {
            WaitFor::Span(span) => {
                let span: Millis = parsed(cx, env, span, "a duration")?;
                (cx.now.plus(span), None, format!("waits for {span}"))
            }
            WaitFor::Instant(at) => {
                let at: Timestamp = parsed(cx, env, at, "a time")?;
                (at, None, format!("waits until {at}"))
            }
            WaitFor::Alert { id, condition } => {
                let id: String = parsed(cx, env, id, "the id of an alert")?;
                let note = format!("waits for alert {id}");
                let now = condition.is_some();
                let about = (format!("alert/{id}"), Wants::Alert { id, now });
                (cx.now.plus(wait.timeout), Some(about), note)
            }
            WaitFor::Webhook { .. } => {
                let about = (format!("webhook/{label}"), Wants::Webhook);
                let note = "waits for a call from outside".to_owned();
                (cx.now.plus(wait.timeout), Some(about), note)
            }
        };
        let until = over_at.min(deadline).max(cx.now);
        let timer = cx.timer(until);
        let signals = name.map(|(name, wants)| cx.wait_for(&name, wants));
        let news = NewsKind::StepWaits {
            note: note.clone(),
            until,
        };
        cx.tell(&label, news);
        let begun_at = cx.now;
        Ok(Ok(Self {
            begun_at,
            over_at,
            timer,
            signals,
            note,
        }))
    }

    /// Handles an event; none when it is about something else.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        wait: &Wait,
        input: &Input<'_>,
    ) -> Option<ActionFlow> {
        match input {
            Input::Signalled(signal) if Some(signal.cid) == self.signals => {
                Some(self.came(cx, env, wait, signal))
            }
            Input::Fired(cid) if *cid == self.timer => {
                self.withdraw(cx);
                Some(self.over(cx, wait))
            }
            Input::Cancel => {
                cx.forget(self.timer);
                self.withdraw(cx);
                Some(ActionFlow::Cancelled(None))
            }
            _ => None,
        }
    }

    fn came(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        wait: &Wait,
        signal: &Signal<'_>,
    ) -> ActionFlow {
        let (name, condition) = match &wait.what {
            WaitFor::Alert { condition, .. } => ("alert", condition),
            WaitFor::Webhook { condition } => ("webhook", condition),
            WaitFor::Span(_) | WaitFor::Instant(_) => return ActionFlow::Waiting,
        };
        let inner = Env {
            local: Some((name, signal.value)),
            outer: Some(env),
        };
        let meant = match condition {
            Some(condition) => cx.holds(&inner, condition),
            None => Ok(true),
        };
        match meant {
            Ok(false) => ActionFlow::Waiting,
            ended => {
                cx.forget(self.timer);
                self.withdraw(cx);
                match ended {
                    Ok(_) => ActionFlow::Done {
                        output: output(true, Some(signal.value), cx.now.since(self.begun_at)),
                        status: StepStatus::Succeeded,
                    },
                    Err(error) => ActionFlow::Failed(error),
                }
            }
        }
    }

    /// The time is over.
    fn over(&self, cx: &Cx<'_>, wait: &Wait) -> ActionFlow {
        if cx.now < self.over_at {
            return ActionFlow::Failed(timed_out(code::RN0103, "the step", cx.now));
        }
        if self.signals.is_some() && !wait.go_on_after {
            return ActionFlow::Failed(nothing_came(cx.now));
        }
        ActionFlow::Done {
            output: output(false, None, cx.now.since(self.begun_at)),
            status: StepStatus::Succeeded,
        }
    }

    fn withdraw(&self, cx: &mut Cx<'_>) {
        if let Some(signals) = self.signals {
            cx.forget(signals);
        }
    }
}

fn nothing_came(at: Timestamp) -> ActionError {
    let message = format!("nothing came of what was waited for until {at}");
    ActionError::permanent(ErrorKind::Timeout, code::RN0111, message)
}

/// A text that means something.
fn parsed<T: std::str::FromStr>(
    cx: &Cx<'_>,
    env: &Env<'_>,
    template: &Template,
    what: &str,
) -> Result<T, ActionError> {
    let value = cx.render(env, template)?;
    let text = match &value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse().map_err(|_| {
        let message = format!("`wait` takes {what}, this is `{text}`");
        expression_failed(code::PB0402, message)
    })
}

fn output(received: bool, event: Option<&Value>, waited: Millis) -> Value {
    json!({ "received": received, "event": event, "waited": waited.to_string() })
}
