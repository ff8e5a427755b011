//! The schema that editors are given accepts what the compiler accepts.

mod doubles;

use engine_playbook::schema::playbook_schema;
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    let schema = playbook_schema(&doubles::actions());
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is a JSON Schema");
    jsonschema::draft202012::new(&schema).expect("the schema compiles")
}

fn playbook(step: Value) -> Value {
    json!({ "version": 1, "name": "p", "steps": [step] })
}

/// The playbooks of `steps`, one step each, that the schema takes for valid.
#[track_caller]
fn check(valid: bool, steps: impl IntoIterator<Item = Value>) {
    let validator = validator();
    for step in steps {
        let problems: Vec<String> = validator
            .iter_errors(&playbook(step.clone()))
            .map(|error| error.to_string())
            .collect();
        assert_eq!(problems.is_empty(), valid, "{step}: {problems:#?}");
    }
}

#[test]
fn the_playbook_that_uses_everything_is_valid() {
    let text = include_str!("fixtures/contain.yaml");
    let value: Value = serde_yaml::from_str(text).unwrap();
    let problems: Vec<String> = validator()
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(problems, [""; 0]);
}

#[test]
fn parameters_follow_the_action_that_is_used() {
    check(
        true,
        [
            json!({ "uses": "note.write", "with": { "text": "a", "tags": ["b", "${{ c }}"] } }),
            json!({ "uses": "note.write@1", "with": { "text": "a", "tags": "${{ a }}" } }),
            json!({
                "uses": "defender.run-hunting-query",
                "with": { "query": "q", "rows_max": "${{ inputs.rows }}" },
            }),
            json!({
                "uses": "http.send",
                "with": { "url": "u", "token": "${{ secrets.chat }}", "body": [1, { "a": null }] },
            }),
        ],
    );
    check(
        false,
        [
            json!({ "uses": "note.write" }),
            json!({ "uses": "note.write", "with": { "texts": "a", "text": "b" } }),
            json!({ "uses": "note.write", "with": { "text": "a", "tags": "b" } }),
            json!({ "uses": "note.wrote", "with": { "text": "a" } }),
            json!({
                "uses": "defender.isolate-machine",
                "with": { "machine_id": "a", "comment": "b", "isolation_type": "full" },
            }),
        ],
    );
}

#[test]
fn a_step_has_one_kind_and_only_known_keys() {
    check(true, [json!({ "set": { "a": 1 }, "x-note": "ours" })]);
    check(
        false,
        [
            json!({ "id": "a" }),
            json!({ "set": { "a": 1 }, "stop": {} }),
            json!({ "set": { "a": 1 }, "retires": {} }),
            json!({ "set": { "a": 1 }, "timeout": "soon" }),
            json!({ "set": { "a": 1 }, "name": null }),
        ],
    );
}

#[test]
fn every_key_of_the_language_is_described() {
    let schema = playbook_schema(&[]);
    let definitions = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for definition in definitions {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let described = property["description"]
                .as_str()
                .is_some_and(|text| text.len() > 5);
            assert!(described, "`{key}` has no description: {property}");
        }
    }
}
