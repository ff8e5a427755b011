//! The WebAssembly host: a component becomes a list of actions.
//!
//! A plugin has no authority of its own. It is given its input, a clock, a log and one way out:
//! HTTP that the operator granted, sent by the engine's [`Egress`](actions_contract::Egress), where
//! tokens are attached out of its sight. Every call gets a fresh instance with limits on memory,
//! computing time, waiting time and output, so that nothing leaks from one run to the next and
//! nothing a plugin does is noticed by anybody else.

mod action;
mod answer;
pub mod author;
mod bindings;
mod cache;
mod config;
mod describe;
mod error;
mod guest;
mod host;
mod http;
mod invoke;
pub mod lock;
mod manifest;
mod probe;
mod reach;
mod schema;
mod section;
mod signature;
mod ticker;
mod version;

pub use cache::Cache;
pub use config::{Binding, Grant, HostConfig, PluginConfig};
pub use error::PluginError;
pub use host::{Host, Loaded};
pub use manifest::{Capability, Manifest, Place};
pub use signature::{Key, Signer, signer};
