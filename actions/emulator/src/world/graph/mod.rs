//! What Microsoft Graph shows of a tenant: documents on shelves, one shelf for each kind.

mod alerts;
mod made;
mod risks;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{World, documented};

/// A kind of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Set {
    Alerts,
    Incidents,
    /// The same incidents as Defender XDR shows them, by number.
    XdrIncidents,
    Users,
    Groups,
    Devices,
    ServicePrincipals,
    Grants,
    SignIns,
    Identities,
    RiskyUsers,
    RiskHistory,
    RiskDetections,
    RiskyPrincipals,
    AnalyzedEmails,
    Messages,
    InboxRules,
    EmailThreats,
    UrlThreats,
    FileThreats,
    Assessments,
    Scores,
    Controls,
    Actions,
    Rules,
    Searches,
    /// Work that takes its time.
    Operations,
}

/// Documents in the order they were made. Fields that begin with `_` are never shown.
#[derive(Default)]
pub(crate) struct Shelf {
    documents: Vec<Value>,
    by_id: HashMap<String, usize>,
    /// Those that are found by their ids alone.
    named: HashMap<String, Value>,
}

impl Shelf {
    /// Adds a document, or replaces the one with its id.
    pub(crate) fn put(&mut self, document: Value) {
        let id = id_of(&document);
        if let Some(named) = self.named.get_mut(&id) {
            *named = document;
            return;
        }
        match self.by_id.get(&id) {
            Some(at) => self.documents[*at] = document,
            None => {
                self.by_id.insert(id, self.documents.len());
                self.documents.push(document);
            }
        }
    }

    /// Adds a document that is found by its id alone.
    pub(crate) fn name(&mut self, document: Value) {
        self.named.insert(id_of(&document), document);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        let listed = self.by_id.get(id).map(|at| &self.documents[*at]);
        listed.or_else(|| self.named.get(id))
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Value> {
        match self.by_id.get(id) {
            Some(at) => Some(&mut self.documents[*at]),
            None => self.named.get_mut(id),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Value> {
        let Some(at) = self.by_id.remove(id) else {
            return self.named.remove(id);
        };
        let gone = self.documents.remove(at);
        for place in self.by_id.values_mut().filter(|place| **place > at) {
            *place -= 1;
        }
        Some(gone)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.documents.iter()
    }
}

/// The id under which a document lies: incidents of Defender XDR have a number.
fn id_of(document: &Value) -> String {
    match (&document["id"], &document["incidentId"]) {
        (Value::String(id), _) => id.clone(),
        (_, number) => number.to_string(),
    }
}

/// The shelves of a tenant.
#[derive(Default)]
pub(crate) struct Graph {
    shelves: HashMap<Set, Shelf>,
    made: u64,
}

impl Graph {
    pub(super) fn of(world: &World) -> Self {
        let mut graph = Self::default();
        made::fill(&mut graph, world);
        documented::fill(&mut graph);
        graph
    }

    pub(crate) fn shelf(&mut self, set: Set) -> &mut Shelf {
        self.shelves.entry(set).or_default()
    }

    /// The groups with their members.
    pub(crate) fn groups(&self) -> Vec<Value> {
        let groups = self.shelves.get(&Set::Groups).into_iter();
        let group = |group: &Value| {
            json!({
                "id": group["id"],
                "name": group["displayName"],
                "members": group["_members"],
            })
        };
        groups.flat_map(Shelf::iter).map(group).collect()
    }

    /// A number that was never given before.
    pub(crate) fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }
}
