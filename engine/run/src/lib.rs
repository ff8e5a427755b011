//! The interpreter: a plan and events become commands, without IO.
//!
//! [`Run::advance`] is total and deterministic: the same events give the same commands, byte for
//! byte. Time arrives inside events; jitter is a hash; an event for something that is no longer
//! waited for is a no-op. A driver appends the event to the journal, makes that durable, and only
//! then performs the commands; a restart folds the journal and performs nothing.

mod action;
mod approve;
mod ask;
mod block;
mod body;
mod child;
mod command;
mod cx;
mod each;
mod event;
mod fold;
mod parallel;
mod raise;
mod record;
mod run;
mod set;
mod step;
mod stop;
mod switch;
mod turn;
mod verdict;
mod wait;
mod window;

pub use ask::{Answer, Decision, Question};
pub use command::{
    Approved, Attempt, Await, Cid, Command, Conflict, Enter, Finish, Release, RunStatus,
    StartChild, Wants,
};
pub use event::{Again, Event, Gathered, Settings, Started};
pub use record::{News, NewsKind, StepRecord, StepStatus};
pub use run::{Run, RunView};
