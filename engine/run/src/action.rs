//! `uses`: one action, tried until it succeeds, fails for good or passes its deadline.
//!
//! ```text
//!          ┌────────── Nothing, after the window ──────────┐
//!          ▼                                               │
//!  ──▶ execute ── Unknown, interrupted (effects) ──▶ reconcile ⟲ Nothing, too early
//!       │  │  ▲                                            │
//!       │  │  └── retry timer ◀── Failed, retryable        │
//!       │  └─▶ Pending ──▶ timer ──▶ execute with `resume` ◀── Pending
//!       └────▶ Done / Failed for good
//! ```

use actions_contract::{ActionError, EffectKind, ErrorKind, Idempotency, Mode, Outcome};
use engine_model::{Millis, Timestamp, code};
use engine_playbook::plan::{ActionStep, Step};
use serde_json::Value;

use crate::cx::{Cx, Env, Input, timed_out};
use crate::{Attempt, Cid, Command, NewsKind};

/// The longest one try may take.
const ATTEMPT_MAX: Millis = Millis::from_secs(60);

/// Where an action stands.
pub(crate) struct ActionState {
    args: Value,
    begun_at: Timestamp,
    deadline: Timestamp,
    /// Tries so far.
    pub(crate) attempts: u32,
    /// Tries that failed; interruptions of the engine do not count.
    failures: u32,
    /// Looks at the service in a row, for the waits between them.
    looks: u32,
    wait: Wait,
    /// What the action handed back when it said `Pending`.
    resume: Option<Value>,
    /// Set while it is not known whether an earlier try arrived: until then the service may still
    /// show it late.
    unknown_until: Option<Timestamp>,
    /// Set when the run is cancelled while something that contains may be under way.
    cancelling: bool,
}

enum Wait {
    Try { cid: Cid, mode: Mode },
    Timer { cid: Cid, then: Mode },
}

/// What an event came to for an action.
pub(crate) enum ActionFlow {
    Waiting,
    Done { output: Value, simulated: bool },
    Failed(ActionError),
    Cancelled,
}

/// An action and the step it stands in.
pub(crate) struct Of<'a> {
    pub(crate) step: &'a Step,
    pub(crate) action: &'a ActionStep,
}

impl Of<'_> {
    fn effect(&self) -> EffectKind {
        self.action.info.effect.kind()
    }

    /// Whether it may be done again without asking first.
    fn repeatable(&self) -> bool {
        match self.effect() {
            EffectKind::Read | EffectKind::Notify => true,
            EffectKind::Annotate => self.action.info.idempotency != Idempotency::None,
            EffectKind::Contain | EffectKind::Release | EffectKind::Destroy => false,
        }
    }
}

impl ActionState {
    /// Renders the parameters once, for every try, and asks for the first one.
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        of: &Of<'_>,
        deadline: Timestamp,
    ) -> Result<Self, ActionError> {
        let args = cx.render(env, &of.action.with)?;
        if cx.now >= deadline {
            return Err(timed_out(code::RN0103, "the step", deadline));
        }
        let mut state = Self {
            args,
            begun_at: cx.now,
            deadline,
            attempts: 0,
            failures: 0,
            looks: 0,
            wait: Wait::Timer {
                cid: Cid(0),
                then: Mode::Execute,
            },
            resume: None,
            unknown_until: None,
            cancelling: false,
        };
        let simulate = cx.shared.settings.dry_run && of.effect() != EffectKind::Read;
        state.ask(
            cx,
            of,
            if simulate {
                Mode::Simulate
            } else {
                Mode::Execute
            },
        );
        Ok(state)
    }

    /// Handles an event; none when it is not for this action.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        input: &Input<'_>,
    ) -> Option<ActionFlow> {
        match (input, &self.wait) {
            (Input::Attempted(of_try, outcome), Wait::Try { cid, mode }) if of_try == cid => {
                let mode = *mode;
                Some(self.came_to(cx, of, mode, outcome))
            }
            (Input::Interrupted(of_try), Wait::Try { cid, mode }) if of_try == cid => {
                let mode = *mode;
                Some(self.interrupted(cx, of, mode))
            }
            (Input::Fired(timer), Wait::Timer { cid, then }) if timer == cid => {
                let then = *then;
                Some(self.woken(cx, of, then))
            }
            (Input::Cancel, _) => Some(self.cancel(cx, of)),
            _ => None,
        }
    }

    fn came_to(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        outcome: &Outcome,
    ) -> ActionFlow {
        match outcome {
            Outcome::Done { output } => ActionFlow::Done {
                output: output.clone(),
                simulated: mode == Mode::Simulate,
            },
            Outcome::Pending { .. } if self.cancelling => ActionFlow::Cancelled,
            Outcome::Pending {
                state,
                resume_after,
                note,
            } => {
                self.resume = Some(state.clone());
                self.unknown_until = None;
                self.failures = 0;
                self.looks = 0;
                let note = note.clone().unwrap_or_else(|| "waiting".to_owned());
                let until = self.sleep(cx, *resume_after, Mode::Execute);
                cx.tell(of.step.label(), NewsKind::StepWaits { note, until });
                ActionFlow::Waiting
            }
            Outcome::Nothing => self.nothing_happened(cx, of),
            Outcome::Unclear { message } => ActionFlow::Failed(unclear(message)),
            Outcome::Failed { error } => self.failed(cx, of, mode, error.clone()),
            Outcome::Unknown { error } => self.unknown(cx, of, mode, error),
        }
    }

    /// The engine stopped during a try: it is repeated where that is harmless, else looked up.
    fn interrupted(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, mode: Mode) -> ActionFlow {
        let looked = mode != Mode::Execute || self.resume.is_some();
        if looked || of.repeatable() {
            if self.cancelling && self.unknown_until.is_none() {
                return ActionFlow::Cancelled;
            }
            self.ask(cx, of, mode);
            return ActionFlow::Waiting;
        }
        self.look_up(cx, of, "the engine stopped during the attempt")
    }

    /// The request may have arrived and there is no answer.
    fn unknown(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        error: &ActionError,
    ) -> ActionFlow {
        let looked = mode != Mode::Execute || self.resume.is_some();
        if looked || of.repeatable() {
            let mut error = error.clone();
            error.retryable = true;
            return self.failed(cx, of, mode, error);
        }
        self.failures += 1;
        self.look_up(cx, of, &error.message)
    }

    fn look_up(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, reason: &str) -> ActionFlow {
        if !of.effect().needs_reconcile() {
            return ActionFlow::Failed(unclear(reason));
        }
        self.unknown_until = Some(cx.now.plus(cx.shared.settings.reconcile_window));
        self.looks = 0;
        cx.tell(
            of.step.label(),
            NewsKind::StepReconciles {
                reason: reason.to_owned(),
            },
        );
        self.ask(cx, of, Mode::Reconcile);
        ActionFlow::Waiting
    }

    /// The service shows no trace of the earlier try. Only after the window does that mean that
    /// nothing happened.
    fn nothing_happened(&mut self, cx: &mut Cx<'_>, of: &Of<'_>) -> ActionFlow {
        let Some(until) = self.unknown_until else {
            return ActionFlow::Failed(unclear("the action answered a question nobody asked"));
        };
        if cx.now < until {
            self.looks += 1;
            let pause = Millis::from_ms(500 << self.looks.min(6));
            let left = until.since(cx.now);
            self.sleep(cx, pause.min(left), Mode::Reconcile);
            return ActionFlow::Waiting;
        }
        self.unknown_until = None;
        if self.cancelling {
            return ActionFlow::Cancelled;
        }
        if self.failures >= of.action.retry.max_attempts {
            return ActionFlow::Failed(unclear("no try arrived"));
        }
        self.ask(cx, of, Mode::Execute);
        ActionFlow::Waiting
    }

    fn failed(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        error: ActionError,
    ) -> ActionFlow {
        let following = self.resume.is_some() || self.unknown_until.is_some();
        if self.cancelling && self.unknown_until.is_none() {
            return ActionFlow::Cancelled;
        }
        self.failures += 1;
        let retry = &of.action.retry;
        let again = error.retryable
            && (following
                || (self.failures < retry.max_attempts && retry.on.contains(&error.kind)));
        let pause = error.retry_after.unwrap_or_else(|| self.back_off(cx, of));
        if !again || cx.now.plus(pause) >= self.deadline {
            return ActionFlow::Failed(error);
        }
        let at = self.sleep(cx, pause, mode);
        let reason = error.message;
        cx.tell(of.step.label(), NewsKind::StepRetries { reason, at });
        ActionFlow::Waiting
    }

    fn woken(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, then: Mode) -> ActionFlow {
        if cx.now < self.deadline {
            self.ask(cx, of, then);
            return ActionFlow::Waiting;
        }
        if self.unknown_until.is_some() {
            return ActionFlow::Failed(unclear("the deadline passed first"));
        }
        ActionFlow::Failed(timed_out(code::RN0103, "the step", self.deadline))
    }

    /// A timer is forgotten at once; a try that may contain something is waited for, so that what
    /// it came to is in the journal.
    fn cancel(&mut self, cx: &mut Cx<'_>, of: &Of<'_>) -> ActionFlow {
        let in_doubt = match &self.wait {
            Wait::Try { mode, .. } => {
                *mode == Mode::Execute && of.effect().needs_reconcile() && self.resume.is_none()
            }
            Wait::Timer { .. } => false,
        };
        if in_doubt || self.unknown_until.is_some() {
            self.cancelling = true;
            return ActionFlow::Waiting;
        }
        if let Wait::Timer { cid, .. } = self.wait {
            cx.commands.push(Command::Forget { cid });
        }
        ActionFlow::Cancelled
    }

    fn ask(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, mode: Mode) {
        let cid = cx.cid();
        self.attempts += 1;
        self.wait = Wait::Try { cid, mode };
        let left = self.deadline.since(cx.now).max(Millis::from_ms(1));
        cx.commands.push(Command::Attempt(Box::new(Attempt {
            cid,
            step: of.step.path.clone(),
            label: of.step.label().to_owned(),
            idem: format!("{}/{}", cx.shared.run, of.step.label()),
            attempt: self.attempts,
            mode,
            action: of.action.info.id.clone(),
            effect: of.effect(),
            connection: of.action.connection.clone(),
            args: self.args.clone(),
            resume: self.resume.clone(),
            begun_at: self.begun_at,
            timeout: ATTEMPT_MAX.min(left),
        })));
    }

    fn sleep(&mut self, cx: &mut Cx<'_>, pause: Millis, then: Mode) -> Timestamp {
        let wake_at = cx.now.plus(pause).min(self.deadline);
        let cid = cx.timer(wake_at);
        self.wait = Wait::Timer { cid, then };
        wake_at
    }

    /// Full jitter over an exponential wait; chance is a hash of what is being tried.
    fn back_off(&self, cx: &Cx<'_>, of: &Of<'_>) -> Millis {
        let retry = &of.action.retry;
        let mut wait_ms = retry.delay.as_ms();
        for _ in 1..self.failures.min(32) {
            wait_ms = wait_ms.saturating_mul(u64::from(retry.multiplier_percent)) / 100;
        }
        let wait_ms = wait_ms.min(retry.max_delay.as_ms());
        let seed = format!("{}/{}/{}", cx.shared.run, of.step.path, self.failures);
        let hash = engine_model::Digest::of(seed.as_bytes());
        let share = u64::from_str_radix(&hash.as_str()[7..11], 16).unwrap_or(0);
        Millis::from_ms(wait_ms.saturating_mul(share) / 0xffff)
    }
}

fn unclear(reason: &str) -> ActionError {
    ActionError::permanent(
        ErrorKind::Internal,
        code::AC0108,
        format!("it could not be found out whether the action happened: {reason}"),
    )
}
