//! Alerts and playbooks for tests.

use std::sync::Arc;

use engine_model::Millis;
use engine_model::{Alert, AlertSource, Digest};
use engine_playbook::plan::{
    AlertEvents, AlertTrigger, Examples, FieldMatch, Input, Plan, Trigger, TriggerKind,
};
use serde_json::Value;

use crate::alert_shape;

/// An alert with these fields, the rest as in a minimal one.
pub(crate) fn alert(fields: Value) -> Alert {
    alert_shape::filled(&fields, AlertSource::Mde).unwrap()
}

/// A match as written in YAML: a map from `field|modifier` to a value or a list.
pub(crate) fn lines(written: &Value) -> Vec<FieldMatch> {
    let written = written.as_object().unwrap();
    written
        .iter()
        .map(|(key, value)| {
            let mut parts = key.split('|').map(str::to_owned);
            FieldMatch {
                field: parts.next().unwrap_or_default(),
                modifiers: parts.collect(),
                values: match value {
                    Value::Array(values) => values.clone(),
                    one => vec![one.clone()],
                },
                path: format!("triggers[0].alert.match.{key}"),
            }
        })
        .collect()
}

/// A trigger for new alerts of Defender for Endpoint.
pub(crate) fn trigger(written: &Value) -> AlertTrigger {
    AlertTrigger {
        sources: vec![AlertSource::Mde],
        on: AlertEvents {
            created: true,
            updated: false,
        },
        fields: lines(written),
        detections: Vec::new(),
        condition: None,
        storm: Box::default(),
        examples: Examples::default(),
        path: "triggers[0].alert.match".to_owned(),
    }
}

/// A playbook with these triggers, called `first`, `second` …
pub(crate) fn plan(name: &str, kinds: Vec<TriggerKind>) -> Plan {
    let ids = ["first", "second", "third"];
    let triggers = ids.iter().zip(kinds).map(|(id, kind)| Trigger {
        id: id.parse().unwrap(),
        with: Vec::new(),
        kind,
    });
    Plan {
        name: name.parse().unwrap(),
        digest: Digest::of(name.as_bytes()),
        title: None,
        enabled: true,
        inputs: Vec::new(),
        triggers: triggers.collect(),
        concurrency: None,
        timeout: Millis::from_secs(60),
        guard: Arc::default(),
        connections: std::collections::BTreeMap::new(),
        vars: Vec::new(),
        steps: Vec::new(),
        on_error: Vec::new(),
        finally: Vec::new(),
        outputs: Vec::new(),
    }
}

/// A playbook with one alert trigger.
pub(crate) fn alert_plan(name: &str, trigger: AlertTrigger) -> Arc<Plan> {
    Arc::new(plan(name, vec![TriggerKind::Alert(trigger)]))
}

/// An input of a playbook.
pub(crate) fn input(name: &str, required: bool, schema: Value) -> Input {
    Input {
        name: name.to_owned(),
        required,
        default: schema.get("default").cloned(),
        schema,
    }
}
