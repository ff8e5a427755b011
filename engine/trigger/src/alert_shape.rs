//! The shape of an alert: its fields, and a minimal one to fill up examples with.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use engine_model::{Alert, AlertSource, Device, Entity, FileEntity, Ip, Timestamp, User};
use serde_json::{Map, Value, json};

use crate::path::FieldPath;

/// An alert with every field set. Written without defaults, so that a new field of the alert has
/// to be added here as well.
pub(crate) fn complete() -> Alert {
    let text = || Some(String::from("x"));
    let device = || Device {
        id: text(),
        name: text(),
        tags: vec![String::from("x")],
    };
    let user = || User {
        id: text(),
        name: text(),
        domain: text(),
        upn: text(),
        sid: text(),
    };
    let file = || FileEntity {
        name: text(),
        path: text(),
        sha1: text(),
        sha256: text(),
        sha256_list: vec![String::from("x")],
    };
    let entity = Entity {
        kind: String::from("x"),
        ip: Some(Ip {
            address: String::from("x"),
        }),
        url: text(),
        device: Some(device()),
        user: Some(user()),
        file: Some(file()),
        command_line: text(),
        parent: Some(file()),
    };
    Alert {
        id: String::from("x"),
        tenant: "default".parse().expect("`default` is a tenant id"),
        source: AlertSource::Api,
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
        title: String::from("x"),
        severity: String::from("x"),
        category: text(),
        status: text(),
        classification: text(),
        device: Some(device()),
        user: Some(user()),
        file: Some(file()),
        entities: vec![entity],
        raw: json!({ "x": "x" }),
    }
}

/// The paths of an alert's fields, maps included; below `raw` anything may be.
#[derive(Debug)]
pub(crate) struct Shape {
    paths: BTreeSet<String>,
}

static SHAPE: LazyLock<Shape> = LazyLock::new(Shape::new);

impl Shape {
    /// The shape of every alert.
    pub(crate) fn of_alert() -> &'static Self {
        &SHAPE
    }

    fn new() -> Self {
        let mut paths = BTreeSet::new();
        if let Ok(Value::Object(mut fields)) = serde_json::to_value(complete()) {
            fields.insert("raw".to_owned(), Value::Null);
            walk(&fields, "", &mut paths);
        }
        Self { paths }
    }

    pub(crate) fn has(&self, path: &FieldPath) -> bool {
        let mut segments = path.segments();
        segments.next() == Some("raw")
            || self
                .paths
                .contains(&path.segments().collect::<Vec<_>>().join("."))
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

fn walk(fields: &Map<String, Value>, prefix: &str, paths: &mut BTreeSet<String>) {
    for (name, value) in fields {
        let path = format!("{prefix}{name}");
        let inner = match value {
            Value::Array(items) => items.first().and_then(Value::as_object),
            other => other.as_object(),
        };
        if let Some(inner) = inner {
            walk(inner, &format!("{path}."), paths);
        }
        paths.insert(path);
    }
}

/// The incomplete alert `example`, filled up with the values of a minimal one from `source`.
///
/// # Errors
///
/// When a field of it has no place in an alert, or another type there.
pub fn filled(example: &Value, source: AlertSource) -> Result<Alert, serde_json::Error> {
    let mut alert = json!({
        "id": "example",
        "tenant": "default",
        "source": source,
        "created_at": Timestamp::from_ms(0),
        "updated_at": Timestamp::from_ms(0),
        "title": "",
        "severity": "unspecified",
    });
    match (&mut alert, example) {
        // Nothing below the top is there yet, so there is nothing to merge into.
        (Value::Object(alert), Value::Object(example)) => alert.extend(example.clone()),
        (alert, other) => *alert = other.clone(),
    }
    serde_json::from_value(alert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_knows_fields_through_lists_and_everything_below_raw() {
        let shape = Shape::of_alert();
        for known in [
            "severity",
            "device.tags",
            "entities.ip.address",
            "raw.a.b",
            "device",
        ] {
            assert!(shape.has(&FieldPath::read(known).unwrap()), "{known}");
        }
        for unknown in ["severty", "device.owner", "entities.ip.port", "title.x"] {
            assert!(!shape.has(&FieldPath::read(unknown).unwrap()), "{unknown}");
        }
    }
}
