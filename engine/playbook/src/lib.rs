//! Playbook text to a checked plan: YAML, spans, diagnostics, the expression language.

pub mod check;
pub mod compile;
pub mod expr;
pub mod guard;
pub mod plan;
pub mod render;
mod report;
pub mod schema;
mod shape;
pub mod sigma;
pub mod suggest;
pub mod syntax;
pub mod yaml;

pub use compile::{Compiled, compile};
