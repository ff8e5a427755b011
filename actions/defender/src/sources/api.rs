//! Alerts that arrive in the engine's own shape.

use actions_contract::{
    ActionError, Api, ErrorKind, MapError, Request, Response, Source, SourcePage,
};
use engine_model::{Alert, AlertSource, TenantId, Timestamp, code};
use serde_json::Value;

use super::{described, wrong};

/// Alerts pushed in the normalised shape; a field that the shape does not have is refused.
///
/// `tenant` and `source` may be left out; `updated_at` is then `created_at`. Another source than
/// `api` is refused, so that nobody can push a revision of an alert that was polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiAlerts;

impl Source for ApiAlerts {
    fn source(&self) -> AlertSource {
        AlertSource::Api
    }

    fn api(&self) -> Option<Api> {
        None
    }

    fn poll(&self, _: Timestamp) -> Option<Request> {
        None
    }

    fn page(&self, _: &Request, _: &Response) -> Result<SourcePage, ActionError> {
        Err(ActionError::permanent(
            ErrorKind::Unsupported,
            code::TR0101,
            "alerts in the normalised shape are pushed, not polled",
        ))
    }

    fn map(&self, mut raw: Value, tenant: &TenantId) -> Result<Alert, MapError> {
        let Some(fields) = raw.as_object_mut() else {
            return Err(wrong(
                "",
                format!("expected an object, found {}", described(&raw)),
            ));
        };
        let own = Value::from(AlertSource::Api.as_str());
        if *fields.entry("source").or_insert_with(|| own.clone()) != own {
            return Err(wrong(
                "source",
                "expected `api`: only the poller speaks for other sources",
            ));
        }
        fields
            .entry("tenant")
            .or_insert_with(|| tenant.as_str().into());
        if let (None, Some(created)) = (fields.get("updated_at"), fields.get("created_at")) {
            let created = created.clone();
            fields.insert("updated_at".to_owned(), created);
        }
        serde_path_to_error::deserialize(raw).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "" } else { &path };
            wrong(path, error.inner().to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(raw: Value) -> Result<Alert, MapError> {
        ApiAlerts.map(raw, &"default".parse().unwrap())
    }

    #[test]
    fn a_short_alert_is_completed() {
        let alert = map(json!({
            "id": "a1", "title": "Hidden file", "severity": "high",
            "created_at": "2026-10-24T12:00:00Z", "device": { "id": "d1" },
        }))
        .unwrap();
        assert_eq!(alert.tenant.as_str(), "default");
        assert_eq!(alert.source, AlertSource::Api);
        assert_eq!(alert.updated_at, alert.created_at);
        assert_eq!(alert.device.unwrap().id.as_deref(), Some("d1"));
    }

    #[test]
    fn each_mistake_is_named_by_its_field() {
        let good = json!({
            "id": "a1", "title": "t", "severity": "high", "created_at": "2026-10-24T12:00:00Z",
        });
        for (field, value, path) in [
            ("created_at", json!("yesterday"), "created_at"),
            ("device", json!({ "id": 7 }), "device.id"),
            ("device", json!({ "machine": "x" }), "device.machine"),
            ("colour", json!("red"), "colour"),
            ("source", json!("mde"), "source"),
            (
                "entities",
                json!([{ "kind": "ip", "ip": "10.0.0.1" }]),
                "entities[0].ip",
            ),
        ] {
            let mut raw = good.clone();
            raw[field] = value;
            assert_eq!(map(raw).unwrap_err().path, path, "{field}");
        }
        let missing = map(json!({ "id": "a1" })).unwrap_err();
        assert!(missing.message.contains("missing field"), "{missing}");
        assert_eq!(
            map(json!([])).unwrap_err().message,
            "expected an object, found a list"
        );
    }
}
