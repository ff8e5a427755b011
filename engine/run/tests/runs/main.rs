//! The interpreter, seen from outside: a playbook and what the world answers become commands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actions;
mod answers;
mod cancel;
mod deadlines;
mod doubt;
mod dry_run;
mod each;
mod errors;
mod fold;
mod held;
mod order;
mod pauses;
mod properties;
mod remote;
mod retries;
mod world;
