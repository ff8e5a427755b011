//! The broker from outside: real HTTP over loopback, a token service and an API that do what a test
//! tells them.
#![expect(clippy::disallowed_methods, reason = "tests write secret files")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "campaigns print their tallies")]

mod api;
mod certificates;
mod challenges;
mod config;
mod doors;
mod federation;
mod key_vaults;
mod kills;
mod leaks;
mod limits;
mod machine;
mod metadata;
mod partner;
mod people;
mod people_stage;
mod preflight;
mod real;
mod stage;
mod stores;
mod tokens;
