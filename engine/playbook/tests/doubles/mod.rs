//! Actions that exist only in tests: one of each effect that matters here.

use std::borrow::Cow;
use std::sync::Arc;

use actions_contract::{ActionInfo, Confidence, Effect, Idempotency, TargetParam};
use serde_json::{Value, json};

/// Every action of the tests.
pub(crate) fn actions() -> Vec<Arc<ActionInfo>> {
    let isolate = ActionInfo {
        target: Some(TargetParam {
            param: "machine_id".to_owned(),
            entity: "device".to_owned(),
        }),
        settles: true,
        ..action(
            "defender.isolate-machine",
            Effect::Contain {
                undo: Cow::Borrowed("defender.unisolate-machine"),
            },
            json!({
                "type": "object",
                "properties": {
                    "machine_id": { "type": "string", "x-entity": "device" },
                    "isolation_type": {
                        "oneOf": [
                            { "const": "Full", "type": "string", "description": "No network." },
                            { "const": "Selective", "type": "string", "description": "Some." },
                        ],
                    },
                    "comment": { "type": "string", "maxLength": 1000 },
                },
                "required": ["machine_id", "comment"],
                "additionalProperties": false,
            }),
            json!({
                "type": "object",
                "properties": { "id": { "type": "string" }, "status": { "type": "string" } },
                "required": ["id", "status"],
                "additionalProperties": false,
            }),
        )
    };
    [isolate, machine(), hunt(), send(), note()]
        .map(Arc::new)
        .into()
}

fn machine() -> ActionInfo {
    action(
        "defender.get-machine",
        Effect::Read,
        json!({
            "type": "object",
            "properties": { "machine_id": { "type": "string", "x-entity": "device" } },
            "required": ["machine_id"],
            "additionalProperties": false,
        }),
        json!({
            "type": "object",
            "properties": {
                "id": { "type": "string" },
                "name": { "type": ["string", "null"] },
                "roles": { "type": "array", "items": { "type": "string" } },
                "risk": { "type": "integer" },
            },
            "required": ["id", "roles", "risk"],
            "additionalProperties": false,
        }),
    )
}

fn hunt() -> ActionInfo {
    action(
        "defender.run-hunting-query",
        Effect::Read,
        json!({
            "type": "object",
            "properties": {
                "query": { "type": "string", "x-language": "kql" },
                "timespan": { "type": ["string", "null"] },
                "rows_max": { "type": "integer", "minimum": 1, "maximum": 10000 },
            },
            "required": ["query"],
            "additionalProperties": false,
        }),
        json!({
            "type": "object",
            "properties": {
                "rows": { "type": "array", "items": { "type": "object" } },
            },
            "required": ["rows"],
            "additionalProperties": false,
        }),
    )
}

fn send() -> ActionInfo {
    let secret = json!({
        "type": "object",
        "x-secret": true,
        "properties": { "$secret": { "type": "string" } },
        "required": ["$secret"],
        "additionalProperties": false,
    });
    action(
        "http.send",
        Effect::Annotate,
        json!({
            "type": "object",
            "properties": {
                "url": { "type": "string", "x-language": "url" },
                "token": { "anyOf": [secret, { "type": "null" }] },
                "body": {},
            },
            "required": ["url"],
            "additionalProperties": false,
        }),
        json!({ "type": "object" }),
    )
}

fn note() -> ActionInfo {
    action(
        "note.write",
        Effect::Annotate,
        json!({
            "type": "object",
            "properties": {
                "text": { "type": "string", "x-language": "markdown" },
                "tags": { "type": "array", "items": { "type": "string" } },
            },
            "required": ["text"],
            "additionalProperties": false,
        }),
        json!({ "type": "object", "properties": {}, "additionalProperties": false }),
    )
}

fn action(id: &str, effect: Effect, parameters: Value, output: Value) -> ActionInfo {
    ActionInfo {
        id: id.parse().expect("a test names actions as `family.name`"),
        major: 1,
        title: format!("The action `{id}`."),
        description: String::new(),
        idempotency: match effect {
            Effect::Read => Idempotency::Natural,
            _ => Idempotency::None,
        },
        effect,
        parameters,
        output,
        target: None,
        settles: false,
        api: None,
        method: None,
        path: None,
        permissions_application: Vec::new(),
        permissions_delegated: Vec::new(),
        rate: None,
        beta: false,
        confidence: Confidence::Derived,
        source: None,
        example: json!({}),
        example_output: json!({}),
    }
}
