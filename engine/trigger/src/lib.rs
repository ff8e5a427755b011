//! What starts a run: alert matches, schedules and people, each ending in a [`Start`].
//!
//! Pure: no clock, no randomness, no files, no network. The hour arrives as an argument, and what
//! must be remembered between two calls is the caller's to keep.
//!
//! - [`Index`] holds the alert triggers of all playbooks; [`Index::matches`] names those that fire
//!   for an [`AlertView`], [`Index::explain`] says of each why it does not.
//! - [`Timetable`] gives the planned instants of a schedule.
//! - [`start_for_alert`], [`start_for_instant`] and [`start_by_hand`] make the [`Start`]. Its run
//!   id derives from the cause: the same cause again is the same run.
//! - [`check`] finds what is wrong with triggers before anything is loaded.
//!
//! [`storm`] control (dedup, accumulate, suppress, batch, throttle) has its place between a [`Hit`]
//! and its [`Start`]: a fold over hits whose state the driver keeps.

mod alert_shape;
mod cause;
mod check;
mod compile;
mod condition;
mod detection;
mod encoding;
#[cfg(test)]
mod fixture;
mod fold;
mod index;
pub mod inputs;
mod judge;
mod key;
mod literal;
mod modifier;
mod names;
mod naming;
mod net;
mod number;
mod path;
mod pattern;
mod problem;
mod rule;
mod schedule;
mod start;
pub mod storm;
mod test;
mod values;
mod view;
mod wanted;

pub use alert_shape::filled as filled_alert;
pub use cause::{AlertChange, Cause};
pub use check::check;
pub use index::{Account, Hit, Index};
pub use problem::Problem;
pub use rule::{Explanation, explain, why_not};
pub use schedule::Timetable;
pub use start::{
    ByHand, Call, Gathered, Start, StartError, start_again, start_by_hand, start_by_run,
    start_for_alert, start_for_end, start_for_firing, start_for_instant,
};
pub use view::AlertView;
