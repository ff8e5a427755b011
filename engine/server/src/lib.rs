//! The HTTP API: intake of alerts, runs for people and programs, and the pollers of alert sources.
//!
//! Nothing is answered as taken before the engine says that it is durable. Every refusal is a
//! problem document (RFC 9457) with a stable code.

mod admission;
mod api;
mod approvals;
mod auth;
mod body;
mod deadletters;
mod guards;
mod herald;
mod inbox;
mod intake;
mod links;
mod metrics;
mod page;
mod poll;
mod problem;

pub use api::{Server, ServerOptions};
pub use auth::{Key, Keys, Person};
pub use herald::{Contact, Herald, Hook};
pub use inbox::{Inbox, InboxError};
pub use intake::{Sources, read_alert};
pub use links::LinkKey;
pub use poll::{Poller, PollerConfig};
