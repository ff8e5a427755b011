//! One version of a plugin: what is loaded of a file, and one try of one of its actions.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{ActionError, Call, Egress, ErrorKind, Mode, Outcome};
use engine_model::{Digest, code};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::answer::Reading;
use crate::bindings::{PluginPre, words};
use crate::describe::Described;
use crate::guest::{Ask, Guest, Loan};
use crate::host::Room;
use crate::invoke::{Question, Trace, invoke};
use crate::reach::Reach;

/// What is loaded of one file.
pub(crate) struct Version {
    pub(crate) room: Arc<Room>,
    pub(crate) digest: Digest,
    pub(crate) pre: PluginPre<Guest>,
    pub(crate) reach: Arc<Reach>,
    /// JSON.
    pub(crate) config: String,
    pub(crate) actions: Vec<Described>,
    /// The calls of this plugin that may go on at once, fewer than the engine has room for: a slow
    /// plugin must not take the place of the others.
    pub(crate) slots: Semaphore,
}

impl Version {
    /// Performs one try of one of its actions.
    pub(crate) async fn attempt(
        &self,
        action: &Described,
        call: &Call,
        egress: &dyn Egress,
    ) -> Outcome {
        if let Err(problems) = action.input.check(&call.args) {
            let message = format!("the parameters do not fit `{}`: {problems}", call.action);
            let error = ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, message);
            return Outcome::Failed { error };
        }
        if call.mode == Mode::Simulate && !action.simulates {
            return Outcome::Done {
                output: action.info.example_output.clone(),
            };
        }
        let Some(trace) = self.trace(action, call, egress).await else {
            let error = ActionError::retryable(
                ErrorKind::Unavailable,
                code::PL0202,
                "other calls of plugins took all the room during this attempt",
                None,
            );
            return Outcome::Failed { error };
        };
        if trace.lines_dropped > 0 {
            tracing::warn!(
                run = %call.run, step = %call.step, action = %call.action,
                lines = trace.lines_dropped, "dropped lines of a plugin"
            );
        }
        let reading = Reading {
            call,
            output: &action.output,
            example_output: &action.info.example_output,
            output_bytes_max: self.room.limits.output_bytes_max,
            needs_reconcile: action.info.effect.kind().needs_reconcile(),
        };
        reading.outcome(trace)
    }

    /// Invokes the guest; none when there was no room for it in time.
    pub(crate) async fn trace(
        &self,
        action: &Described,
        call: &Call,
        egress: &dyn Egress,
    ) -> Option<Trace> {
        let began = Instant::now();
        let limits = &self.room.limits;
        let time = call.time_left.as_ms().min(u64::from(limits.call_ms_max));
        let deadline = began + Duration::from_millis(time);
        let _slots = self.slots(deadline).await?;
        let (asks, asked) = mpsc::channel(1);
        let loan = self.loan(action, call, asks, (began, deadline));
        let store = Guest::store(&self.room.engine, limits, Some(loan));
        let question = Question {
            action: &action.name,
            input: call.args.to_string(),
            context: self.context(call, deadline),
            deadline,
            response_bytes_max: limits.response_bytes_max,
        };
        Some(invoke(store, &self.pre, question, asked, (call, egress)).await)
    }

    fn loan(
        &self,
        action: &Described,
        call: &Call,
        asks: mpsc::Sender<Ask>,
        (began, deadline): (Instant, Instant),
    ) -> Loan {
        Loan {
            reach: Arc::clone(&self.reach),
            action: call.action.to_string(),
            run: call.run.to_string(),
            step: call.step.clone(),
            effect: action.info.effect.kind(),
            mode: call.mode,
            now: call.now,
            began,
            deadline,
            connection: action.connection.clone(),
            asks,
            lines_left: self.room.limits.log_lines_max,
            lines_dropped: 0,
            refused: None,
            wrote_in_simulation: false,
        }
    }

    /// A place of this plugin and one of the engine; none when the time runs out first.
    async fn slots(&self, deadline: Instant) -> Option<[SemaphorePermit<'_>; 2]> {
        let both = async {
            let own = self.slots.acquire().await.ok()?;
            let shared = self.room.slots.acquire().await.ok()?;
            Some([own, shared])
        };
        let slots = timeout_at(deadline, both).await.ok().flatten()?;
        // A place that came free in the last instant is of no use.
        (Instant::now() < deadline).then_some(slots)
    }

    fn context(&self, call: &Call, deadline: Instant) -> words::Context {
        let left = deadline
            .saturating_duration_since(Instant::now())
            .as_millis();
        words::Context {
            invocation_id: call.idem.clone(),
            attempt: call.attempt,
            mode: match call.mode {
                Mode::Execute => words::Mode::Execute,
                Mode::Simulate => words::Mode::Simulate,
                Mode::Reconcile => words::Mode::Reconcile,
            },
            time_left_ms: u32::try_from(left).unwrap_or(u32::MAX),
            config: self.config.clone(),
            resume: call.resume.as_ref().map(ToString::to_string),
            traceparent: None,
        }
    }
}
