//! An alert as triggers see it: prepared once, looked at by every trigger.

use std::sync::{Arc, OnceLock};

use engine_model::Alert;
use serde_json::{Map, Value, json};

/// An alert, prepared for matching.
///
/// The vendor's JSON, which is most of it, is borrowed; the whole alert as one JSON value is made
/// only when an expression asks for it.
#[derive(Debug)]
pub struct AlertView<'a> {
    alert: &'a Alert,
    /// Every field but `raw`.
    fields: Map<String, Value>,
    value: OnceLock<Arc<Value>>,
}

impl<'a> AlertView<'a> {
    /// Prepares `alert`.
    #[must_use]
    pub fn new(alert: &'a Alert) -> Self {
        Self {
            alert,
            fields: fields(alert),
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
            let mut fields = self.fields.clone();
            fields.insert("raw".to_owned(), self.alert.raw.clone());
            Arc::new(Value::Object(fields))
        })
    }

    /// The value of a field at the top.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        if name == "raw" {
            Some(&self.alert.raw)
        } else {
            self.fields.get(name)
        }
    }
}

fn fields(alert: &Alert) -> Map<String, Value> {
    // Named one by one, so that a new field of the alert cannot be forgotten here.
    let Alert {
        id,
        tenant,
        source,
        created_at,
        updated_at,
        title,
        severity,
        category,
        status,
        classification,
        device,
        user,
        file,
        entities,
        raw: _,
    } = alert;
    let fields = json!({
        "id": id,
        "tenant": tenant,
        "source": source,
        "created_at": created_at,
        "updated_at": updated_at,
        "title": title,
        "severity": severity,
        "category": category,
        "status": status,
        "classification": classification,
        "device": device,
        "user": user,
        "file": file,
        "entities": entities,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
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
    }
}
