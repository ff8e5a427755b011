//! Everything that is built in, in one list.
//!
//! Schemas, reference pages, permission reports and the emulator's routes derive from it.

mod list;
mod reference;
mod resources;
mod retired;
mod schemas;
#[cfg(test)]
mod tests;

pub use actions_defender::hunting::HuntingApi;
pub use actions_defender::sources::sources;
pub use list::{Options, catalog, endpoints, infos, resolver, resolvers};
pub use reference::reference_markdown;
pub use resources::{reference_pages, resource_of};
pub use retired::{RETIRED, successor};
pub use schemas::action_schemas;
