//! Several parts of a run beside each other: at most so many at a time, and one way to end.

use engine_model::Timestamp;
use engine_playbook::plan::Step;

use crate::cx::{Cx, End, Env, Flow, Input, RunError};
use crate::step::StepState;

/// What runs beside each other.
pub(crate) trait Lanes {
    /// How many there are.
    fn count(&self) -> usize;

    /// Does `work` where the step of this lane stands: with its names, and its name in front.
    fn within<T>(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        lane: usize,
        work: impl FnOnce(&mut Cx<'_>, &Env<'_>, &Step) -> T,
    ) -> T;

    /// The step of this lane ended; its record is at `record`.
    fn ended(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, lane: usize, record: usize);
}

/// How many run at a time, and what a failure does.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) concurrency: u32,
    pub(crate) fail_fast: bool,
    pub(crate) go_on: bool,
    pub(crate) deadline: Timestamp,
}

/// Where the lanes stand.
pub(crate) struct Window {
    rules: Rules,
    next: usize,
    running: Vec<(usize, Box<StepState>)>,
    failed: Option<RunError>,
    /// Set when no other lane begins: something ends all of them.
    halted: Option<End>,
}

impl Window {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            next: 0,
            running: Vec::new(),
            failed: None,
            halted: None,
        }
    }

    /// Begins as many lanes as may run.
    pub(crate) fn go_on(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, lanes: &mut impl Lanes) -> Flow {
        let limit = usize::try_from(self.rules.concurrency).unwrap_or(usize::MAX);
        while self.halted.is_none() && self.running.len() < limit && self.next < lanes.count() {
            let lane = self.next;
            self.next += 1;
            let deadline = self.rules.deadline;
            let (state, flow) = lanes.within(cx, env, lane, |cx, env, step| {
                let mut state = Box::new(StepState::new(cx, step, deadline));
                let flow = state.start(cx, env, step);
                (state, flow)
            });
            match flow {
                Flow::Waiting => self.running.push((lane, state)),
                Flow::Ended(end) => {
                    lanes.ended(cx, env, lane, state.record());
                    self.settle(cx, env, lanes, end);
                }
            }
        }
        if !self.running.is_empty() {
            return Flow::Waiting;
        }
        Flow::Ended(match (self.halted.take(), self.failed.take()) {
            (Some(End::Done) | None, Some(failed)) => End::Failed(failed),
            (Some(end), _) => end,
            (None, None) => End::Done,
        })
    }

    /// Hands `input` to the lane that waits for it; none when no lane does.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        lanes: &mut impl Lanes,
        input: &Input<'_>,
    ) -> Option<Flow> {
        if matches!(input, Input::Cancel) {
            self.halted = Some(End::Cancelled);
            self.cancel(cx, env, lanes);
            return Some(self.go_on(cx, env, lanes));
        }
        for position in 0..self.running.len() {
            let (lane, state) = &mut self.running[position];
            let lane = *lane;
            let flow = lanes.within(cx, env, lane, |cx, env, step| {
                state.deliver(cx, env, step, input)
            });
            match flow {
                None => {}
                Some(Flow::Waiting) => return Some(Flow::Waiting),
                Some(Flow::Ended(end)) => {
                    let (_, state) = self.running.remove(position);
                    lanes.ended(cx, env, lane, state.record());
                    self.settle(cx, env, lanes, end);
                    return Some(self.go_on(cx, env, lanes));
                }
            }
        }
        None
    }

    /// What the end of one lane means for the others.
    fn settle(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, lanes: &mut impl Lanes, end: End) {
        match end {
            End::Done => {}
            End::Failed(_) if self.rules.go_on => {}
            End::Failed(failed) => {
                self.failed.get_or_insert(failed);
                if self.rules.fail_fast && self.halted.is_none() {
                    self.halted = Some(End::Done);
                    self.cancel(cx, env, lanes);
                }
            }
            // Somebody cancelled, and that is known here already.
            End::Cancelled => {}
            stopped @ End::Stopped(..) => {
                if !matches!(self.halted, Some(End::Cancelled | End::Stopped(..))) {
                    self.halted = Some(stopped);
                    self.cancel(cx, env, lanes);
                }
            }
        }
    }

    /// Cancels what is running; what may contain something is still waited for.
    fn cancel(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, lanes: &mut impl Lanes) {
        for (lane, mut state) in std::mem::take(&mut self.running) {
            let flow = lanes.within(cx, env, lane, |cx, env, step| {
                state.deliver(cx, env, step, &Input::Cancel)
            });
            match flow {
                Some(Flow::Ended(end)) => {
                    lanes.ended(cx, env, lane, state.record());
                    if let End::Failed(failed) = end {
                        self.failed.get_or_insert(failed);
                    }
                }
                Some(Flow::Waiting) | None => self.running.push((lane, state)),
            }
        }
    }
}
