//! The catalog against the list of documented operations, which is data of its own: one line per
//! operation in `tests/documented.json`, those the vendor has deprecated left out.

use std::collections::{BTreeMap, BTreeSet};

use actions_contract::{Action, Body, Confidence, Endpoint, Request};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{attempt, find};
use crate::{Options, catalog, endpoints, infos};

/// What the vendor documents about an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Documented {
    id: String,
    api: String,
    method: String,
    path: String,
    application: Vec<String>,
    delegated: Vec<String>,
    per_minute: Option<u32>,
    per_hour: Option<u32>,
    confidence: Confidence,
    long_running: bool,
    body: Vec<Field>,
}

/// A documented field of a request body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    required: bool,
    allowed: Option<Vec<String>>,
}

impl Field {
    /// The parameter that holds it, as a rule: `assignedTo` is `assigned_to`.
    fn param(&self) -> String {
        let mut out = String::new();
        for c in self.name.trim_start_matches('@').chars() {
            if c.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(if c == '.' {
                '_'
            } else {
                c.to_ascii_lowercase()
            });
        }
        out
    }
}

fn documented() -> BTreeMap<String, Documented> {
    let list: Vec<Documented> =
        serde_json::from_str(include_str!("../../tests/documented.json")).unwrap();
    assert_eq!(list.len(), 192);
    list.into_iter().map(|one| (one.id.clone(), one)).collect()
}

/// The operations of the catalog that are documented ones, each with what is documented.
fn pairs() -> Vec<(Endpoint, Documented)> {
    let mut documented = documented();
    endpoints()
        .into_iter()
        .filter_map(|ours| documented.remove(ours.id).map(|theirs| (ours, theirs)))
        .collect()
}

#[test]
fn the_facts_of_every_endpoint_are_the_documented_ones() {
    for (ours, theirs) in pairs() {
        let id = ours.id;
        assert_eq!(ours.api.as_str(), theirs.api, "{id}");
        assert_eq!(ours.method.as_str(), theirs.method, "{id}");
        assert_eq!(ours.path, theirs.path, "{id}");
        assert_eq!(ours.permissions.application, theirs.application, "{id}");
        assert_eq!(ours.permissions.delegated, theirs.delegated, "{id}");
        assert_eq!(ours.rate.per_minute, theirs.per_minute, "{id}");
        assert_eq!(ours.rate.per_hour, theirs.per_hour, "{id}");
        assert_eq!(ours.confidence, theirs.confidence, "{id}");
        assert!(ours.settles || !theirs.long_running, "{id} is not followed");
    }
}

/// An action that is no documented operation of its own is a careful form of one that is.
#[test]
fn every_endpoint_is_a_documented_request() {
    let documented = documented();
    for ours in endpoints() {
        let mut same_line = documented.values().filter(|theirs| {
            ours.method.as_str() == theirs.method
                && ours.path == theirs.path
                && ours.permissions.application == theirs.application
                && ours.permissions.delegated == theirs.delegated
        });
        assert!(same_line.next().is_some(), "{} is not documented", ours.id);
    }
}

fn sent(action: &dyn Action, args: Value) -> Request {
    let (outcome, sent) = attempt(action, args);
    sent.unwrap_or_else(|| panic!("{} sent nothing: {outcome:?}", action.info().id))
}

fn json_body(request: Request) -> Option<Value> {
    match request.body {
        Body::Json(body) => Some(body),
        Body::Empty => Some(json!({})),
        Body::Bytes { .. } => None,
    }
}

/// Operations that the vendor has deprecated are absent, and whoever names one hears what to use.
#[test]
fn what_the_vendor_has_retired_is_absent_and_has_a_successor_that_is_documented() {
    let documented = documented();
    let ids: BTreeSet<&str> = endpoints().iter().map(|endpoint| endpoint.id).collect();
    for (retired, successor) in crate::RETIRED {
        assert!(
            !ids.contains(retired) && !documented.contains_key(retired),
            "{retired}"
        );
        assert!(documented.contains_key(successor), "{successor}");
        assert_eq!(crate::successor(retired), Some(successor));
    }
    assert_eq!(crate::RETIRED.len(), 12);
    assert_eq!(crate::successor("graph.get-user"), None);
}

#[test]
fn the_body_of_every_example_has_the_documented_names_and_words() {
    let catalog = catalog(Options::default());
    for (endpoint, theirs) in pairs() {
        let id = endpoint.id;
        let mut all = catalog.iter();
        let action = all.find(|action| action.info().id.as_str() == id).unwrap();
        let sent = sent(action.as_ref(), action.info().example.clone());
        assert_eq!(sent.method.as_str(), theirs.method, "{id}");
        let Some(body) = json_body(sent) else {
            continue;
        };
        let known: BTreeSet<&str> = theirs
            .body
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        let names = body.as_object().into_iter().flatten();
        for (name, _) in names {
            let known = known.contains(name.as_str()) || BEYOND.contains(&(id, name.as_str()));
            assert!(known, "{id} sends {name}, which is not documented");
        }
        for field in &theirs.body {
            let value = &body[&field.name];
            assert!(
                !value.is_null() || !field.required,
                "{id} lacks {}",
                field.name
            );
            if let (Some(words), Some(word)) = (&field.allowed, value.as_str()) {
                assert!(words.iter().any(|known| known == word), "{id} sends {word}");
            }
        }
    }
}

/// Fields of bodies that examples of the vendor's show and its tables of fields do not.
const BEYOND: [(&str, &str); 1] = [("graph.create-threat-assessment-request", "url")];

/// Each word that stands as a constant in the schema of a parameter.
fn words(schema: &Value, out: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            out.extend(
                fields
                    .get("const")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            let listed = fields.get("enum").and_then(Value::as_array);
            let listed = listed.into_iter().flatten().filter_map(Value::as_str);
            out.extend(listed.map(str::to_owned));
            fields.values().for_each(|field| words(field, out));
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, out)),
        _ => {}
    }
}

/// A parameter takes every documented word, and whatever word it takes leaves as a documented one.
#[test]
fn every_word_a_parameter_takes_arrives_as_one_the_service_knows() {
    let infos = infos(Options::default());
    let catalog = catalog(Options::default());
    for (endpoint, theirs) in pairs() {
        let info = find(&infos, endpoint.id);
        let action = catalog.iter().find(|action| action.info().id == info.id);
        let action = action.unwrap();
        for field in &theirs.body {
            let param = field.param();
            let (Some(allowed), Some(schema)) =
                (&field.allowed, info.parameters["properties"].get(&param))
            else {
                continue;
            };
            let mut taken = BTreeSet::new();
            words(schema, &mut taken);
            for word in allowed {
                assert!(taken.contains(word), "{}: `{param}` lacks {word}", info.id);
            }
            // Some types have two spellings: that of the table, and that of the example.
            let allowed: Vec<&str> = allowed
                .iter()
                .map(|word| match field.name.as_str() {
                    "@odata.type" => word.rsplit('.').next().unwrap_or_default(),
                    _ => word.as_str(),
                })
                .collect();
            let plain = !schema.to_string().contains("\"properties\"");
            for word in taken.iter().filter(|_| plain) {
                let mut args = info.example.clone();
                args[&param] = json!(word);
                let body = json_body(sent(action.as_ref(), args)).unwrap();
                let left = body[&field.name].as_str().unwrap_or_default();
                let left = match field.name.as_str() {
                    "@odata.type" => left.rsplit('.').next().unwrap_or_default(),
                    _ => left,
                };
                assert!(
                    allowed.iter().any(|known| known.eq_ignore_ascii_case(left)),
                    "{}: {word} leaves as {left}",
                    info.id
                );
            }
        }
    }
}
