//! The interpreter: a plan and events become commands, without IO.
//!
//! [`Run::advance`] is total and deterministic: the same events give the same commands, byte for
//! byte. Time arrives inside events; jitter is a hash; an event for something that is no longer
//! waited for is a no-op. A driver appends the event to the journal, makes that durable, and only
//! then performs the commands; a restart folds the journal and performs nothing.

mod action;
mod ask;
mod block;
mod command;
mod cx;
mod event;
mod raise;
mod record;
mod run;
mod set;
mod step;
mod stop;
mod switch;
mod verdict;

pub use ask::{Answer, Decision, Question};
pub use command::{Approved, Attempt, Await, Cid, Command, Finish, RunStatus, Wants};
pub use event::{Event, Gathered, Settings, Started};
pub use record::{News, NewsKind, StepRecord, StepStatus};
pub use run::{Run, RunView};
