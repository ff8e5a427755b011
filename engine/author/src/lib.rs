//! What playbook authors use: tests of playbooks, their canonical form, the language server.
//!
//! It prints nothing, and reads neither files nor the clock: texts come in, results go out.

pub mod format;
pub mod testing;
