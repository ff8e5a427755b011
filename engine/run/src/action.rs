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

mod held;
mod place;
mod reconcile;
mod retry;

use actions_contract::{ActionError, EffectKind, Idempotency, Mode, Outcome};
use engine_model::{Millis, TenantId, Timestamp, code};
use engine_playbook::plan::{ActionStep, Step};
use serde_json::Value;

use self::held::{Held, refusal};
pub(crate) use self::held::{denied, nobody_answered};
use self::reconcile::{Doubt, goes_on, unclear};
use crate::cx::{Cx, Env, Input, timed_out};
use crate::{Approved, Attempt, Cid, Command, NewsKind, Release, StepStatus};

/// The longest one try may take.
const ATTEMPT_MAX: Millis = Millis::from_secs(60);

/// The time that a look at the service may take, even where the step has less left.
const LOOK: Millis = Millis::from_secs(10);

/// The shortest wait between two looks at the same remote action.
const LOOK_PAUSE: Millis = Millis::from_ms(500);

/// Where an action stands.
pub(crate) struct ActionState {
    args: Value,
    /// The tenant that the step names.
    tenant: Option<TenantId>,
    begun_at: Timestamp,
    /// When the try under way was asked for: its answer tells nothing of later.
    asked_at: Timestamp,
    deadline: Timestamp,
    /// The deadline of what stands around the step: time for people goes up to that.
    outer: Timestamp,
    /// Tries so far.
    pub(crate) attempts: u32,
    /// Tries that failed; interruptions of the engine do not count.
    failures: u32,
    /// Looks at the service in a row, for the waits between them.
    looks: u32,
    /// Failures in a row that count or not, for the waits between tries.
    setbacks: u32,
    wait: Wait,
    /// What the action handed back when it said `Pending`.
    resume: Option<Value>,
    /// What it waits for, for people.
    pub(crate) note: Option<String>,
    /// What it began at the service and has not seen the end of, as the action puts it.
    remote: Option<String>,
    /// Set while it is not known whether an earlier try arrived.
    doubt: Option<Doubt>,
    /// Set when the run is cancelled while something that contains may be under way.
    cancelling: bool,
    /// What people agreed to.
    approved: Vec<Approved>,
}

enum Wait {
    Try { cid: Cid, mode: Mode },
    Timer { cid: Cid, then: Mode },
    People(Box<Held>),
}

/// What an event came to for an action.
pub(crate) enum ActionFlow {
    Waiting,
    Done {
        output: Value,
        status: StepStatus,
    },
    Failed(ActionError),
    /// A person said no.
    Denied(ActionError),
    /// The run is being cancelled; what the try came to that was under way, where that was found
    /// out.
    Cancelled(Option<Result<Value, ActionError>>),
}

impl ActionFlow {
    /// The same while the run is being cancelled: it does not go on, whatever the try came to.
    fn cancelled(self) -> Self {
        match self {
            Self::Done { output, .. } => Self::Cancelled(Some(Ok(output))),
            Self::Failed(error) | Self::Denied(error) => Self::Cancelled(Some(Err(error))),
            other => other,
        }
    }
}

/// An action and the step it stands in.
pub(crate) struct Of<'a> {
    pub(crate) step: &'a Step,
    pub(crate) action: &'a ActionStep,
    pub(crate) env: &'a Env<'a>,
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
        of: &Of<'_>,
        (deadline, outer): (Timestamp, Timestamp),
    ) -> Result<Self, ActionError> {
        let args = cx.render(of.env, &of.action.with)?;
        let tenant = place::tenant(cx, of)?;
        if cx.now >= deadline {
            return Err(timed_out(code::RN0103, "the step", deadline));
        }
        let mut state = Self {
            args,
            tenant,
            begun_at: cx.now,
            asked_at: cx.now,
            deadline,
            outer,
            attempts: 0,
            failures: 0,
            looks: 0,
            setbacks: 0,
            wait: Wait::Timer {
                cid: Cid(0),
                then: Mode::Execute,
            },
            resume: None,
            note: None,
            remote: None,
            doubt: None,
            cancelling: false,
            approved: Vec::new(),
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
        let flow = match (input, &self.wait) {
            (Input::Attempted(of_try, outcome), Wait::Try { cid, mode }) if of_try == cid => {
                let mode = *mode;
                self.came_to(cx, of, mode, outcome)
            }
            (Input::Interrupted(of_try), Wait::Try { cid, mode }) if of_try == cid => {
                let mode = *mode;
                self.interrupted(cx, of, mode)
            }
            (Input::Fired(timer), Wait::Timer { cid, then }) if timer == cid => {
                let then = *then;
                self.woken(cx, of, then)
            }
            (Input::Signalled(_) | Input::Fired(_), Wait::People(_)) => {
                self.answered(cx, of, input)?
            }
            (Input::Cancel, _) => return Some(self.cancel(cx, of)),
            _ => return None,
        };
        Some(if self.cancelling {
            flow.cancelled()
        } else {
            flow
        })
    }

    fn came_to(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        outcome: &Outcome,
    ) -> ActionFlow {
        match outcome {
            Outcome::Done { output } => self.done(cx, of, mode, output),
            Outcome::Pending { note, .. } if self.cancelling => {
                ActionFlow::Cancelled(Some(Err(goes_on(note.as_deref()))))
            }
            Outcome::Pending {
                state,
                resume_after,
                note,
            } => {
                self.resume = Some(state.clone());
                self.doubt = None;
                self.failures = 0;
                self.setbacks = 0;
                self.looks = 0;
                // What is only simulated stays simulated.
                let then = match mode {
                    Mode::Simulate => Mode::Simulate,
                    Mode::Execute | Mode::Reconcile => Mode::Execute,
                };
                let until = self.sleep(cx, *resume_after, then);
                let note = note.clone().unwrap_or_else(|| "waiting".to_owned());
                self.note = Some(note.clone());
                self.remote = Some(note.clone());
                cx.tell(&cx.label(of.step), NewsKind::StepWaits { note, until });
                ActionFlow::Waiting
            }
            Outcome::Nothing => self.nothing_happened(cx, of),
            Outcome::Unclear { message } => ActionFlow::Failed(unclear(message)),
            Outcome::Failed { error } => self.failed(cx, of, mode, error.clone()),
            Outcome::Unknown { error } => self.unknown(cx, of, mode, error),
            Outcome::Held { .. } | Outcome::Refused { .. } if self.cancelling => {
                ActionFlow::Cancelled(None)
            }
            Outcome::Held {
                rule,
                digest,
                approval,
                shown,
            } => self.held(cx, of, (rule, digest), (approval, shown)),
            Outcome::Refused { error } => ActionFlow::Failed(refusal(error)),
        }
    }

    /// A read may have to be repeated until its condition holds.
    fn done(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, mode: Mode, output: &Value) -> ActionFlow {
        let status = match mode {
            Mode::Simulate => StepStatus::Simulated,
            Mode::Execute | Mode::Reconcile => StepStatus::Succeeded,
        };
        if let Some(until) = &of.action.until
            && !cx.shared.settings.dry_run
            && !self.cancelling
        {
            let inner = Env {
                local: Some(("output", output)),
                outer: Some(of.env),
            };
            match cx.holds(&inner, &until.condition) {
                Ok(true) => {}
                Ok(false) => return self.again(cx, of, until),
                Err(error) => return ActionFlow::Failed(error),
            }
        }
        let output = output.clone();
        ActionFlow::Done { output, status }
    }

    /// The engine stopped during a try: it is repeated where that is harmless, else looked up.
    fn interrupted(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, mode: Mode) -> ActionFlow {
        if mode == Mode::Reconcile {
            self.ask(cx, of, mode);
            return ActionFlow::Waiting;
        }
        if self.looked(mode) || of.repeatable() {
            return self.woken(cx, of, mode);
        }
        self.look_up(cx, of, None)
    }

    /// The request may have arrived and there is no answer.
    fn unknown(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        error: &ActionError,
    ) -> ActionFlow {
        if self.looked(mode) || of.repeatable() {
            let mut error = error.clone();
            error.retryable = true;
            return self.failed(cx, of, mode, error);
        }
        self.failures += 1;
        self.look_up(cx, of, Some(error))
    }

    /// Whether a try in this mode changes nothing: it only looks.
    fn looked(&self, mode: Mode) -> bool {
        mode != Mode::Execute || self.resume.is_some()
    }

    fn woken(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, then: Mode) -> ActionFlow {
        if cx.now < self.deadline {
            self.ask(cx, of, then);
            return ActionFlow::Waiting;
        }
        if self.doubt.is_some() {
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
            Wait::Timer { .. } | Wait::People(_) => false,
        };
        if in_doubt || self.doubt.is_some() {
            self.cancelling = true;
            return ActionFlow::Waiting;
        }
        match &self.wait {
            Wait::Timer { cid, .. } => cx.forget(*cid),
            Wait::People(held) => held.withdraw(cx),
            Wait::Try { .. } => {}
        }
        let began = self.resume.is_some() && of.effect().needs_reconcile();
        ActionFlow::Cancelled(began.then(|| Err(goes_on(self.remote.as_deref()))))
    }

    fn ask(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, mode: Mode) {
        let cid = cx.cid();
        self.attempts += 1;
        self.asked_at = cx.now;
        self.wait = Wait::Try { cid, mode };
        self.note = None;
        // What happened is worth a look even where the engine was away until past the deadline.
        let least = match mode {
            Mode::Reconcile => LOOK,
            Mode::Execute | Mode::Simulate => Millis::from_ms(1),
        };
        let left = self.deadline.since(cx.now).max(least);
        cx.commands.push(Command::Attempt(Box::new(Attempt {
            cid,
            step: cx.path(of.step),
            label: cx.label(of.step),
            idem: place::idem(cx, of, self.tenant.as_ref()),
            attempt: self.attempts,
            mode,
            action: of.action.info.id.clone(),
            effect: of.effect(),
            connection: of.action.connection.clone(),
            tenant: self.tenant.clone(),
            args: self.args.clone(),
            resume: self.resume.clone(),
            begun_at: self.begun_at,
            timeout: ATTEMPT_MAX.min(left),
            release: of.action.release.as_ref().map(|release| Release {
                after: release.after,
                condition: release.condition.as_ref().map(ToString::to_string),
            }),
            approved: self.approved.clone(),
        })));
    }

    fn sleep(&mut self, cx: &mut Cx<'_>, pause: Millis, then: Mode) -> Timestamp {
        let wake_at = cx.now.plus(pause).min(self.deadline);
        let cid = cx.timer(wake_at);
        self.wait = Wait::Timer { cid, then };
        wake_at
    }
}
