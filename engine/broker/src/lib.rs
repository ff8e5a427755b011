//! Tokens and the only HTTP client.
//!
//! [`Broker`] implements [`actions_contract::Egress`]: it decides whether a request may leave,
//! finds the connection, adds host and token, and gives back what the service answered. Actions and
//! plugins name an API or a URL; they never see a token, a secret or a configured host.
//!
//! No type of this crate that others can name holds a token, so none can be printed or handed on:
//!
//! ```compile_fail,E0603
//! use engine_broker::token::Token;
//! ```
//!
//! ```compile_fail,E0616
//! fn tokens(broker: &engine_broker::Broker) {
//!     let _ = &broker.cache;
//! }
//! ```
//!
//! What an action or a plugin is given back has no field for one:
//!
//! ```compile_fail,E0609
//! fn token_of(response: actions_contract::Response) {
//!     let _ = response.token;
//! }
//! ```
//!
//! What this crate must not do: know playbooks, runs or the journal; write anything to disk but the
//! encrypted refresh token of a connection that asks for it; let a token or secret into a log, an
//! error or a `Debug` text.
#![expect(
    clippy::disallowed_methods,
    reason = "the broker is the edge: it reads the clock, the environment and secret files"
)]

mod aadsts;
mod broker;
mod cache;
mod carrier;
mod certificate;
mod challenge;
mod clients;
mod clock;
mod clouds;
mod config;
mod consent;
mod control;
mod credential;
mod device;
mod egress;
mod errand;
mod error;
mod exchange;
mod federation;
mod fetch;
mod grant;
mod guard;
mod keep;
mod key;
mod key_vault;
mod key_vault_config;
mod limit;
mod limit_config;
mod limit_store;
mod limit_window;
mod limiter;
mod link;
mod loopback;
#[doc(hidden)]
pub mod measured;
mod metadata;
mod partner;
mod preflight;
mod prepare;
mod problems;
mod reference;
mod refusal;
mod reply;
mod retry_after;
mod roster;
mod secret;
mod session;
mod setup;
mod sign_in;
mod slot;
mod statement;
mod store;
mod stores;
mod target;
mod telemetry;
mod token;
mod user;
mod vault;
mod wallet;

pub use broker::{Broker, InvalidConfig, Surroundings};
pub use cache::Chance;
pub use clock::{Clock, Moment, SystemClock};
pub use clouds::Cloud;
pub use config::{
    ApiOverride, ApplicationConnection, Bindings, Config, Connection, Consent, Customer,
    CustomerStatus, ExpectedUser, Http, PartnerConnection, RefreshTokenFile, SignIn,
    UserConnection,
};
pub use control::{ControlAnswer, ControlClient, ControlError, path_segment, resolve};
pub use credential::{Credential, FederatedSource, Identity, MetadataEndpoint};
pub use key_vault_config::{KeyVaultConfig, KeyVaultRef};
pub use limit::{Lane, Obstacle, QuotaAnswer, QuotaChange, QuotaFigures, QuotaState};
pub use limit_config::{Ceiling, LimitFigures, Limits, OperationLimit, OperationRate};
pub use limit_store::{Bucket, MemoryQuotas, QuotaKeeper, QuotaStore, QuotaUnreachable};
pub use partner::{ConsentLink, Consented};
pub use preflight::{Context, Difference, Grants, Need};
pub use roster::{ConnectionFacts, ReferenceFacts, TenantFacts};
pub use secret::{Environment, GivenRef, GivenRefs, RefError, SecretRef};
pub use session::Account;
pub use sign_in::Prompt;
pub use stores::SecretStores;
pub use telemetry::{Observer, TokenEvent, TokenEventKind, TokenSource, TokenSubject};
pub use vault::{VaultAuth, VaultConfig, VaultRef};
