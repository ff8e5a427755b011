//! Tests of playbooks: `*.test.yaml` beside them.
//!
//! A test runs the interpreter, the matcher, storm control and the guard rails that ship, on
//! virtual time; only what actions answer, what people say and what comes in later is made up.

mod answers;
mod begin;
mod call;
mod case;
mod coverage;
mod errands;
mod expect;
mod facts;
mod ledger;
mod mutants;
mod names;
mod report;
mod seen;
mod stage;
mod suite;
pub mod syntax;
mod turns;
mod world;

pub use case::{Case, TestText, playbook_path};
pub use coverage::{Coverage, Unreached};
pub use mutants::{Mutant, Survivor};
pub use report::{Failure, TestResult, junit};
pub use suite::{Broken, Materials, Suite};
pub use syntax::test_schema;
