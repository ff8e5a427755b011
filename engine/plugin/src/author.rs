//! The author's loop: a new plugin, its build, its cases.
#![expect(
    clippy::disallowed_methods,
    reason = "an author's project is files, and a build is programs that are run"
)]

mod build;
mod cases;
mod mock;
mod project;
mod scaffold;

pub use build::{BuildError, build};
pub use cases::{Case, Cases, Verdict, run_case, told, trial};
pub use mock::{Exchange, Mock};
pub use project::{Lang, Project, ProjectError};
pub use scaffold::scaffold;
