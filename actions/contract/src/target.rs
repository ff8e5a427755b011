//! What an action acts on, resolved to one object.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Action;

/// What is known about one object; read afresh whenever guard rails are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `device`, `user`, `mail`, `file`, `ip`, `domain` or `url`.
    pub entity: String,
    /// The one id by which actions name it.
    pub id: String,
    /// Its name, where it has one.
    #[serde(default)]
    pub name: Option<String>,
    /// Every other id and address it is known by.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The groups it belongs to.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Its operating system.
    #[serde(default)]
    pub os: Option<String>,
    /// The roles that the tenant's policy gives it.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl Facts {
    /// An object that is nothing but its own text: an address, a hash, a link.
    #[must_use]
    pub fn of_text(entity: &str, text: &str) -> Self {
        Self {
            entity: entity.to_owned(),
            id: text.to_owned(),
            ..Self::default()
        }
    }

    /// The name, or the id where there is none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// Finds the one object behind an id, a name or an address.
///
/// The action reads. It succeeds with exactly one object, fails with `not_found` when there is none
/// and with `target_ambiguous` when there are several; its output has the facts.
#[derive(Clone)]
pub struct Resolver {
    /// The kind of object.
    pub entity: &'static str,
    /// Reads it.
    pub action: Arc<dyn Action>,
    /// The parameter that takes the id, the name or the address.
    pub param: &'static str,
    /// The facts in an output.
    pub facts: fn(&Value) -> Option<Facts>,
}
