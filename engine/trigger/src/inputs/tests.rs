use engine_playbook::plan::Input;
use serde_json::{Map, Value, json};

use super::resolve;

fn inputs(specification: Value) -> Vec<Input> {
    let names = specification.as_object().unwrap();
    names
        .iter()
        .map(|(name, schema)| Input {
            name: name.clone(),
            required: schema["needed"] == json!(true),
            default: schema.get("default").cloned(),
            schema: schema.clone(),
        })
        .collect()
}

/// Resolves and gives the result, or the problems as text.
fn check(specification: Value, given: Value) -> Result<Value, String> {
    let given: Map<String, Value> = serde_json::from_value(given).unwrap();
    resolve(&inputs(specification), given)
        .map(Value::Object)
        .map_err(|problems| {
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        })
}

#[test]
fn defaults_fill_what_is_not_given_and_the_rest_is_null() {
    let asked = json!({
        "days": {"type": "integer", "default": 7},
        "note": {"type": "string"},
        "who": {"type": "string", "default": "nobody"},
    });
    assert_eq!(
        check(asked, json!({"who": "mona", "days": null})),
        Ok(json!({"days": 7, "note": null, "who": "mona"}))
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let asked = json!({
        "days": {"type": "integer", "minimum": 1, "maximum": 30},
        "device": {"type": "string", "needed": true},
        "mode": {"type": "string", "enum": ["full", "selective"]},
    });
    let problems = check(asked, json!({"days": 31, "mode": "Full", "devise": "d1"})).unwrap_err();
    assert_eq!(
        problems,
        "`days` must be at most 30, found 31\n\
         `device` is required\n\
         `mode` must be `full` or `selective`, found `Full`\n\
         `devise` is not an input; a similar name exists: `device`"
    );
}

#[test]
fn a_value_of_another_type_is_refused_and_never_converted() {
    let asked = json!({"days": {"type": "integer"}});
    for wrong in [json!("7"), json!(7.5), json!(true), json!([7])] {
        let problems = check(asked.clone(), json!({"days": wrong})).unwrap_err();
        assert!(
            problems.starts_with("`days` must be integer, found "),
            "{problems}"
        );
    }
    assert!(check(asked, json!({"days": 7.0})).is_ok());
}

#[test]
fn text_is_counted_in_characters_and_searched_for_its_pattern() {
    let asked = json!({"name": {"type": "string", "minLength": 2, "maxLength": 3}});
    assert!(check(asked.clone(), json!({"name": "äöü"})).is_ok());
    assert!(check(asked.clone(), json!({"name": "ä"})).is_err());
    assert!(check(asked, json!({"name": "äöüß"})).is_err());
    let asked = json!({"hash": {"type": "string", "pattern": "^[0-9a-f]{4}$"}});
    assert!(check(asked.clone(), json!({"hash": "00ff"})).is_ok());
    assert!(check(asked, json!({"hash": "00fg"})).is_err());
}

#[test]
fn durations_and_times_are_read_whichever_way_the_schema_names_them() {
    for word in ["type", "format"] {
        let asked = json!({"wait": {word: "duration"}});
        assert!(check(asked.clone(), json!({"wait": "1h30m"})).is_ok());
        assert!(check(asked, json!({"wait": "soon"})).is_err());
    }
    for asked in [
        json!({"at": {"type": "time"}}),
        json!({"at": {"type": "string", "format": "date-time"}}),
    ] {
        assert!(check(asked.clone(), json!({"at": "2026-10-24T12:00:00Z"})).is_ok());
        assert!(check(asked, json!({"at": "yesterday"})).is_err());
    }
}

#[test]
fn lists_and_maps_are_checked_inside() {
    let asked = json!({"devices": {
        "type": "array",
        "maxItems": 2,
        "items": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}},
            "additionalProperties": false,
        },
    }});
    assert!(
        check(
            asked.clone(),
            json!({"devices": [{"id": "a"}, {"id": "b"}]})
        )
        .is_ok()
    );
    assert_eq!(
        check(
            asked,
            json!({"devices": [{"id": 1}, {}, {"id": "c", "name": "x"}]})
        )
        .unwrap_err(),
        "`devices` must have at most 2 items, found 3\n\
         `devices[0].id` must be string, found `1`\n\
         `devices[1].id` is required\n\
         `devices[2].name` is not a known field"
    );
}
