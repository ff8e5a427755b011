//! Microsoft Defender for Endpoint, Defender XDR and Microsoft Graph security.
//!
//! One struct is one operation: the struct holds the parameters, `ENDPOINT` the facts, and the
//! trait [`actions_contract::Operation`] the way from parameters to request and from response to
//! output. Operations are grouped by resource; what they give back is in [`entities`].
//!
//! Playbooks see every documented field in snake_case. A field the vendor adds later, or sends in
//! another shape than documented, is kept in the vendor's spelling under `extra`.

pub mod alerts;
pub mod entities;
pub mod enums;
mod follow;
pub mod hunting;
mod lists;
pub mod machine_actions;
pub mod machines;
mod odata;
mod read;
pub mod sources;
#[cfg(test)]
mod tests;

pub use enums::Word;
pub use follow::{Followed, Submission, mark};
pub use lists::Listed;

use actions_contract::{ActionError, ErrorKind, Permissions, Rate};
use engine_model::code;

/// The documented limit of most operations of Defender for Endpoint.
const USUAL_RATE: Rate = Rate {
    per_minute: Some(100),
    per_hour: Some(1500),
};

/// What it takes to see machines and machine actions.
const SEE_MACHINES: Permissions = Permissions {
    application: &["Machine.Read.All", "Machine.ReadWrite.All"],
    delegated: &["Machine.Read", "Machine.ReadWrite"],
};

/// What it takes to see alerts.
const SEE_ALERTS: Permissions = Permissions {
    application: &["Alert.Read.All", "Alert.ReadWrite.All"],
    delegated: &["Alert.Read", "Alert.ReadWrite"],
};

/// The value of a parameter that may not be empty: an id that an expression left empty would make
/// the path of another operation.
fn given<'a>(param: &str, value: &'a str) -> Result<&'a str, ActionError> {
    if value.trim().is_empty() {
        return Err(misfit(format!("`{param}` is empty")));
    }
    Ok(value)
}

/// The error of parameters that do not fit the action.
fn misfit(message: impl Into<String>) -> ActionError {
    ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, message)
}
