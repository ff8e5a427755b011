//! The driver on SQLite: one file, one writer, group commit.
//!
//! The journal is the truth. An event and everything that follows from it are one commit unit;
//! nothing is acknowledged and nothing is done before that unit is durable. After a stop, however
//! sudden, unfinished runs are folded from their journals, and tries that were under way are
//! reported to the interpreter as interrupted.

mod actor;
mod approvals;
mod archive;
mod audit;
mod calls;
mod columns;
mod configured;
mod effects;
mod ends;
mod engine;
mod entries;
mod figures;
mod inner;
mod intake;
mod ledger;
mod letters;
mod locks;
mod open;
mod options;
mod outbox;
mod outcomes;
mod past;
mod planned;
mod readers;
mod records;
mod releases;
mod replay;
mod retention;
mod rows;
mod schedules;
mod schema;
mod signals;
mod stage;
mod storm;
mod storm_rows;
mod switch;
mod tables;
mod timers;
mod writer;

pub use archive::Archive;
pub use engine::Embedded;
pub use options::{GuardOptions, Options};
pub use schema::StoreError;
pub use stage::Stage;
