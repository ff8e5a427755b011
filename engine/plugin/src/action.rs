//! A plugin's action as the engine calls it.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, ErrorKind, Mode, Outcome,
};
use engine_model::code;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::answer::Reading;
use crate::bindings::{PluginPre, words};
use crate::guest::{Ask, Guest, Loan};
use crate::host::Room;
use crate::invoke::{Question, invoke};
use crate::reach::Reach;
use crate::schema::Schema;

/// What the actions of one plugin share.
pub(crate) struct Installed {
    pub(crate) room: Arc<Room>,
    pub(crate) pre: PluginPre<Guest>,
    pub(crate) reach: Arc<Reach>,
    /// JSON.
    pub(crate) config: String,
    /// The calls of this plugin that may go on at once, fewer than the engine has room for: a slow
    /// plugin must not take the place of the others.
    pub(crate) slots: Semaphore,
}

/// One action of a plugin.
pub(crate) struct PluginAction {
    pub(crate) installed: Arc<Installed>,
    pub(crate) info: ActionInfo,
    /// Its name without the family.
    pub(crate) name: String,
    pub(crate) simulates: bool,
    pub(crate) input: Schema,
    pub(crate) output: Schema,
}

impl PluginAction {
    async fn attempt(&self, call: &Call, egress: &dyn Egress) -> Outcome {
        if let Err(problems) = self.input.check(&call.args) {
            let message = format!("the parameters do not fit `{}`: {problems}", call.action);
            let error = ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, message);
            return Outcome::Failed { error };
        }
        if call.mode == Mode::Simulate && !self.simulates {
            return Outcome::Done {
                output: self.info.example_output.clone(),
            };
        }
        let began = Instant::now();
        let limits = &self.installed.room.limits;
        let time = call.time_left.as_ms().min(u64::from(limits.call_ms_max));
        let deadline = began + Duration::from_millis(time);
        let Some(_slots) = self.slots(deadline).await else {
            let error = ActionError::retryable(
                ErrorKind::Unavailable,
                code::PL0202,
                "other calls of plugins took all the room during this attempt",
                None,
            );
            return Outcome::Failed { error };
        };
        let (asks, asked) = mpsc::channel(1);
        let loan = self.loan(call, asks, (began, deadline));
        let store = Guest::store(&self.installed.room.engine, limits, Some(loan));
        let question = Question {
            action: &self.name,
            input: call.args.to_string(),
            context: self.context(call, deadline),
            deadline,
            response_bytes_max: limits.response_bytes_max,
        };
        let pre = &self.installed.pre;
        let trace = invoke(store, pre, question, asked, (call, egress)).await;
        if trace.lines_dropped > 0 {
            tracing::warn!(
                run = %call.run, step = %call.step, action = %call.action,
                lines = trace.lines_dropped, "dropped lines of a plugin"
            );
        }
        let reading = Reading {
            call,
            output: &self.output,
            example_output: &self.info.example_output,
            output_bytes_max: limits.output_bytes_max,
            needs_reconcile: self.info.effect.kind().needs_reconcile(),
        };
        reading.outcome(trace)
    }

    fn loan(
        &self,
        call: &Call,
        asks: mpsc::Sender<Ask>,
        (began, deadline): (Instant, Instant),
    ) -> Loan {
        Loan {
            reach: Arc::clone(&self.installed.reach),
            action: call.action.to_string(),
            run: call.run.to_string(),
            step: call.step.clone(),
            effect: self.info.effect.kind(),
            mode: call.mode,
            now: call.now,
            began,
            deadline,
            api: self.info.api,
            asks,
            lines_left: self.installed.room.limits.log_lines_max,
            lines_dropped: 0,
            refused: None,
        }
    }

    /// A place of this plugin and one of the engine; none when the time runs out first.
    async fn slots(&self, deadline: Instant) -> Option<[SemaphorePermit<'_>; 2]> {
        let both = async {
            let own = self.installed.slots.acquire().await.ok()?;
            let shared = self.installed.room.slots.acquire().await.ok()?;
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
            config: self.installed.config.clone(),
            resume: call.resume.as_ref().map(ToString::to_string),
            traceparent: None,
        }
    }
}

impl Action for PluginAction {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(self.attempt(call, egress))
    }
}
