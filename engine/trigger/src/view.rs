//! An alert as triggers see it: prepared once, looked at by every trigger.

use std::sync::{Arc, OnceLock};

use engine_model::Alert;
use serde_json::{Value, json};

/// The fields at the top of an alert, `raw` left out, sorted.
pub(crate) const FIELDS: [&str; 14] = [
    "category",
    "classification",
    "created_at",
    "device",
    "entities",
    "file",
    "id",
    "severity",
    "source",
    "status",
    "tenant",
    "title",
    "updated_at",
    "user",
];

/// An alert, prepared for matching.
///
/// The vendor's JSON, which is most of it, is borrowed; any other field, and the whole alert,
/// become JSON only when a match or an expression asks for them.
#[derive(Debug)]
pub struct AlertView<'a> {
    alert: &'a Alert,
    fields: [OnceLock<Value>; FIELDS.len()],
    value: OnceLock<Arc<Value>>,
}

impl<'a> AlertView<'a> {
    /// Prepares `alert`.
    #[must_use]
    pub fn new(alert: &'a Alert) -> Self {
        Self {
            alert,
            fields: [const { OnceLock::new() }; FIELDS.len()],
            value: OnceLock::new(),
        }
    }

    /// The alert itself.
    #[must_use]
    pub const fn alert(&self) -> &'a Alert {
        self.alert
    }

    /// The whole alert as JSON: what expressions see under the name `alert`.
    pub fn value(&self) -> &Arc<Value> {
        self.value.get_or_init(|| {
            let fields = FIELDS.iter().chain(&["raw"]).filter_map(|name| {
                let value = self.field(name)?;
                Some(((*name).to_owned(), value.clone()))
            });
            Arc::new(Value::Object(fields.collect()))
        })
    }

    /// The value of a field at the top.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        if name == "raw" {
            return Some(&self.alert.raw);
        }
        let index = FIELDS.binary_search(&name).ok()?;
        Some(self.fields[index].get_or_init(|| field(self.alert, name)))
    }

    /// Calls `visit` with each field at the top.
    pub(crate) fn each_field<'v>(&'v self, visit: &mut impl FnMut(&'v Value)) {
        let fields = FIELDS.iter().chain(&["raw"]);
        fields.filter_map(|name| self.field(name)).for_each(visit);
    }
}

/// A field as the alert serialises it.
fn field(alert: &Alert, name: &str) -> Value {
    match name {
        "category" => json!(alert.category),
        "classification" => json!(alert.classification),
        "created_at" => json!(alert.created_at),
        "device" => json!(alert.device),
        "entities" => json!(alert.entities),
        "file" => json!(alert.file),
        "id" => json!(alert.id),
        "severity" => json!(alert.severity),
        "source" => json!(alert.source),
        "status" => json!(alert.status),
        "tenant" => json!(alert.tenant),
        "title" => json!(alert.title),
        "updated_at" => json!(alert.updated_at),
        "user" => json!(alert.user),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert_shape;

    #[test]
    fn the_view_shows_exactly_what_the_alert_serialises_to() {
        let alert = alert_shape::complete();
        let view = AlertView::new(&alert);
        assert_eq!(**view.value(), serde_json::to_value(&alert).unwrap());
        assert_eq!(view.field("raw"), Some(&alert.raw));
        assert_eq!(view.field("device"), view.value().get("device"));
        assert!(FIELDS.is_sorted());
    }
}
