//! Tokens and the only HTTP client.
//!
//! [`Broker`] implements [`actions_contract::Egress`]: it decides whether a request may leave,
//! finds the connection, adds host and token, and gives back what the service answered. Actions and
//! plugins name an API or a URL; they never see a token, a secret or a configured host.
//!
//! What this crate must not do: know playbooks, runs or the journal; write anything to disk; let a
//! token or secret into a log, an error or a `Debug` text.
#![expect(
    clippy::disallowed_methods,
    reason = "the broker is the edge: it reads the clock, the environment and secret files"
)]

mod broker;
mod cache;
mod carrier;
mod certificate;
mod clients;
mod clock;
mod clouds;
mod config;
mod control;
mod credential;
mod egress;
mod error;
mod exchange;
mod federation;
mod fetch;
mod guard;
mod key;
mod link;
mod metadata;
mod problems;
mod refusal;
mod reply;
mod retry_after;
mod secret;
mod setup;
mod slot;
mod statement;
mod target;
mod telemetry;
mod token;
mod wallet;

pub use broker::{Broker, InvalidConfig, Surroundings};
pub use cache::Chance;
pub use clock::{Clock, Moment, SystemClock};
pub use clouds::Cloud;
pub use config::{ApiOverride, ApplicationConnection, Bindings, Config, Connection, Http};
pub use control::{ControlAnswer, ControlClient, ControlError, path_segment, resolve};
pub use credential::{Credential, FederatedSource, Identity, MetadataEndpoint};
pub use secret::{Environment, GivenRef, GivenRefs, RefError, SecretRef};
pub use telemetry::{Observer, TokenEvent, TokenEventKind, TokenSource, TokenSubject};
