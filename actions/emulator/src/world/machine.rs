//! A device.

use std::collections::HashMap;

use serde_json::Value;

use super::Kind;

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Workstation,
    Server,
    DomainController,
}

/// A device of a tenant.
pub(crate) struct Machine {
    pub(crate) id: String,
    /// The DNS name, in lower case.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The account that uses it most.
    pub(crate) user: User,
    /// The machine resource as the API answers it.
    pub(crate) document: Value,
    /// Indices of the actions on it, oldest first.
    pub(crate) actions: Vec<usize>,
    /// The index of the newest action of each kind.
    pub(crate) newest: HashMap<Kind, usize>,
}

impl Machine {
    /// A text field of the resource, or nothing.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.document[field].as_str().unwrap_or_default()
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.text("osPlatform").starts_with("Windows")
    }
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) account: String,
    /// The short domain name.
    pub(crate) domain: String,
    pub(crate) sid: String,
    pub(crate) object_id: String,
    pub(crate) principal: String,
}
