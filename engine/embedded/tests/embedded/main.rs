//! The driver on SQLite: what every driver does, and what only this one can get wrong.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, and some damage files"
)]

mod conformance;
mod guards;
mod home;
mod store;
mod world;
