//! Steps in the order written, one after another.

use engine_model::Timestamp;
use engine_playbook::plan::Step;

use crate::cx::{Cx, End, Env, Flow, Input};
use crate::step::StepState;

/// Where a list of steps stands.
#[derive(Default)]
pub(crate) struct Block {
    position: usize,
    current: Option<Box<StepState>>,
}

impl Block {
    /// Goes on from the current position until something has to be waited for.
    pub(crate) fn go_on(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        steps: &[Step],
        deadline: Timestamp,
    ) -> Flow {
        while let Some(step) = steps.get(self.position) {
            let mut state = Box::new(StepState::new(cx, step, deadline));
            match state.start(cx, env, step) {
                Flow::Waiting => {
                    self.current = Some(state);
                    return Flow::Waiting;
                }
                Flow::Ended(End::Done) => self.position += 1,
                ended @ Flow::Ended(_) => return ended,
            }
        }
        Flow::Ended(End::Done)
    }

    /// Hands `input` to the step that waits for it; none when no step does.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (steps, deadline): (&[Step], Timestamp),
        input: &Input<'_>,
    ) -> Option<Flow> {
        let step = steps.get(self.position)?;
        match self.current.as_mut()?.deliver(cx, env, step, input)? {
            Flow::Waiting => Some(Flow::Waiting),
            Flow::Ended(end) => {
                self.current = None;
                self.position += 1;
                match end {
                    End::Done => Some(self.go_on(cx, env, steps, deadline)),
                    other => Some(Flow::Ended(other)),
                }
            }
        }
    }
}
