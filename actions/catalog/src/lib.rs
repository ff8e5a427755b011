//! Everything that is built in, in one list.
//!
//! Schemas, reference pages, permission reports and the emulator's routes derive from it.

mod list;

pub use actions_defender::hunting::HuntingApi;
pub use list::{Options, catalog, endpoints, infos};
