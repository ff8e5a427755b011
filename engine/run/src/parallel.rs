//! `parallel`: steps beside each other.

use engine_model::Timestamp;
use engine_playbook::plan::{Parallel, Step};

use crate::cx::{Cx, Env, Flow, Input};
use crate::window::{Lanes, Rules, Window};

/// Where the steps stand.
pub(crate) struct ParallelState(Window);

/// The steps as lanes; their ids differ, so that they share all names.
struct Steps<'a>(&'a [Step]);

impl Lanes for Steps<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn within<T>(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        lane: usize,
        work: impl FnOnce(&mut Cx<'_>, &Env<'_>, &Step) -> T,
    ) -> T {
        work(cx, env, &self.0[lane])
    }

    fn ended(&mut self, _: &mut Cx<'_>, _: &Env<'_>, _: usize, _: usize) {}
}

impl ParallelState {
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        parallel: &Parallel,
        deadline: Timestamp,
    ) -> (Self, Flow) {
        let mut window = Window::new(Rules {
            concurrency: parallel.concurrency,
            fail_fast: parallel.fail_fast,
            go_on: false,
            deadline,
        });
        let flow = window.go_on(cx, env, &mut Steps(&parallel.steps));
        (Self(window), flow)
    }

    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        parallel: &Parallel,
        input: &Input<'_>,
    ) -> Option<Flow> {
        self.0.deliver(cx, env, &mut Steps(&parallel.steps), input)
    }
}
