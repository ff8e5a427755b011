//! What a step does, whatever kind it is.

use actions_contract::ActionError;
use engine_model::Timestamp;
use engine_playbook::plan::{Step, StepKind};
use serde_json::Value;

use crate::action::{ActionFlow, ActionState, Of};
use crate::approve::ApproveState;
use crate::block::Block;
use crate::child::ChildState;
use crate::cx::{Cx, End, Env, Flow, Input};
use crate::each::EachState;
use crate::parallel::ParallelState;
use crate::wait::WaitState;
use crate::{raise, set, stop, switch};

/// The state of what a step does.
pub(crate) enum Body {
    Action(Box<ActionState>),
    Group(Block),
    Switch(usize, Block),
    Each(Box<EachState>),
    Parallel(Box<ParallelState>),
    Approve(Box<ApproveState>),
    Wait(Box<WaitState>),
    Child(Box<ChildState>),
    /// What ends as soon as it begins.
    Instant,
}

/// What an event came to for what a step does.
pub(crate) enum Came {
    /// To what a step without steps inside comes to.
    Leaf(ActionFlow),
    /// To what its steps came to.
    Steps(Flow),
}

type Begun = Result<(Body, Came), ActionError>;

/// A state, or what it came to before there was any.
fn leaf<T>(begun: Result<T, ActionFlow>, body: impl FnOnce(Box<T>) -> Body) -> (Body, Came) {
    match begun {
        Ok(state) => (body(Box::new(state)), Came::Leaf(ActionFlow::Waiting)),
        Err(flow) => (Body::Instant, Came::Leaf(flow)),
    }
}

impl Body {
    /// Begins; `outer` is the deadline of what stands around the step.
    pub(crate) fn begin(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        step: &Step,
        (deadline, outer): (Timestamp, Timestamp),
    ) -> Begun {
        let of_steps = |body, flow| Ok((body, Came::Steps(flow)));
        match &step.kind {
            StepKind::Action(action) => {
                let of = Of { step, action, env };
                let state = ActionState::start(cx, &of, (deadline, outer))?;
                Ok(leaf(Ok(state), Self::Action))
            }
            StepKind::Approve(approve) => {
                let begun = ApproveState::start(cx, env, (step, approve), deadline)?;
                Ok(leaf(begun, Self::Approve))
            }
            StepKind::Wait(wait) => {
                let begun = WaitState::start(cx, env, (step, wait), deadline)?;
                Ok(leaf(begun, Self::Wait))
            }
            StepKind::Playbook(child) => {
                let begun = ChildState::start(cx, env, (step, child), deadline)?;
                Ok(leaf(begun, Self::Child))
            }
            StepKind::Group { steps, .. } => {
                let mut block = Block::default();
                let flow = block.go_on(cx, env, steps, deadline);
                of_steps(Self::Group(block), flow)
            }
            StepKind::Switch(branches) => {
                let Some(index) = switch::choose(cx, env, branches)? else {
                    return of_steps(Self::Instant, Flow::Ended(End::Done));
                };
                let mut block = Block::default();
                let flow = block.go_on(cx, env, &branches[index].steps, deadline);
                of_steps(Self::Switch(index, block), flow)
            }
            StepKind::Parallel(parallel) => {
                let (state, flow) = ParallelState::start(cx, env, parallel, deadline);
                of_steps(Self::Parallel(Box::new(state)), flow)
            }
            StepKind::Each(each) => {
                let (state, flow) = EachState::start(cx, env, (step, each), deadline)?;
                of_steps(Self::Each(Box::new(state)), flow)
            }
            StepKind::Set(_) | StepKind::Stop { .. } | StepKind::Fail(_) => {
                of_steps(Self::Instant, Flow::Ended(at_once(cx, env, step)?))
            }
        }
    }

    /// Hands `input` to the part that waits for it; none when no part does.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (step, deadline): (&Step, Timestamp),
        input: &Input<'_>,
    ) -> Option<Came> {
        match (self, &step.kind) {
            (Self::Action(state), StepKind::Action(action)) => {
                let of = Of { step, action, env };
                state.deliver(cx, &of, input).map(Came::Leaf)
            }
            (Self::Approve(state), StepKind::Approve(approve)) => {
                state.deliver(cx, approve, input).map(Came::Leaf)
            }
            (Self::Wait(state), StepKind::Wait(wait)) => {
                state.deliver(cx, env, wait, input).map(Came::Leaf)
            }
            (Self::Child(state), StepKind::Playbook(_)) => state.deliver(cx, input).map(Came::Leaf),
            (Self::Group(block), StepKind::Group { steps, .. }) => {
                let flow = block.deliver(cx, env, (steps, deadline), input);
                flow.map(Came::Steps)
            }
            (Self::Switch(index, block), StepKind::Switch(branches)) => {
                let steps = &branches[*index].steps;
                let flow = block.deliver(cx, env, (steps, deadline), input);
                flow.map(Came::Steps)
            }
            (Self::Parallel(state), StepKind::Parallel(parallel)) => {
                state.deliver(cx, env, parallel, input).map(Came::Steps)
            }
            (Self::Each(state), StepKind::Each(each)) => {
                state.deliver(cx, env, each, input).map(Came::Steps)
            }
            _ => None,
        }
    }

    /// How often it was tried, where that is counted, and what it waits for.
    pub(crate) fn standing(&self) -> (Option<u32>, Option<&str>) {
        match self {
            Self::Action(state) => (Some(state.attempts), state.note.as_deref()),
            Self::Approve(state) => (None, Some(&state.note)),
            Self::Wait(state) => (None, Some(&state.note)),
            Self::Child(state) => (None, Some(&state.note)),
            _ => (None, None),
        }
    }

    /// The outputs and items of a `for_each` that ended.
    pub(crate) fn results(&mut self) -> Option<(Value, Value)> {
        match self {
            Self::Each(state) => Some(state.results()),
            _ => None,
        }
    }
}

/// Does what ends as soon as it begins.
fn at_once(cx: &mut Cx<'_>, env: &Env<'_>, step: &Step) -> Result<End, ActionError> {
    match &step.kind {
        StepKind::Set(values) => {
            set::assign(cx, env, values)?;
            Ok(End::Done)
        }
        StepKind::Stop { status, reason } => stop::stop(cx, env, *status, reason.as_ref()),
        StepKind::Fail(Some(raise)) => Err(raise::raised(cx, env, raise)),
        StepKind::Fail(None) => Ok(End::Failed(raise::again(cx, env))),
        _ => Ok(End::Done),
    }
}
