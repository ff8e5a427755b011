//! What playbook authors use: tests of playbooks, their canonical form, the language server.
//!
//! It prints nothing, and reads neither files nor the clock: texts come in, results go out.

pub mod format;
mod sarif;
pub mod testing;

pub use sarif::sarif;
