//! Playbook text to a checked plan: YAML, spans, diagnostics, the expression language.

pub mod expr;
pub mod plan;
