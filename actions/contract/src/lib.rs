//! What an action is, for those who write actions and for those who run them.
//!
//! An [`Operation`] is pure: parameters become a [`Request`], a [`Response`] becomes an output or
//! the next request. [`OperationAction`] makes an [`Action`] of it; a plugin is an [`Action`]
//! directly. Both reach the world through [`Egress`] and nothing else.

mod action;
mod adapter;
mod ask;
mod egress;
mod endpoint;
mod error;
mod info;
mod operation;
pub mod read;
mod secret;
mod source;
mod target;

pub use action::{Action, BoxFuture, Call, Follow, Mode, Outcome};
pub use adapter::OperationAction;
pub use ask::{Approvers, Ask, Escalation};
pub use egress::{
    Body, Egress, EgressError, HeaderText, KeptFile, Request, Response, Sent, Target,
};
pub use endpoint::{
    Api, Confidence, Effect, EffectKind, Endpoint, Idempotency, Method, Permissions, Rate,
};
pub use error::{ActionError, ErrorKind};
pub use info::{ActionInfo, TargetParam, schema_of};
pub use operation::{Finding, Next, Operation, service_error};
pub use read::json;
pub use secret::Secret;
pub use source::{MapError, Source, SourcePage};
pub use target::{Facts, Resolver};
