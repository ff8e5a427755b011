//! The vendor's documented requests and answers, word for word.

use std::path::PathBuf;
use std::sync::Mutex;

use actions_catalog::{Options, catalog};
use actions_contract::read::our_name;
use actions_contract::{
    Action, ActionInfo, Body, BoxFuture, Call, Egress, EgressError, Outcome, Request, Response,
};
use serde_json::{Map, Value, json};

use crate::door::Door;
use crate::operations::call;

/// Where the documented examples are.
fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../defender/fixtures")
}

/// The examples of a kind: the name of the operation, and the JSON.
#[expect(
    clippy::disallowed_methods,
    reason = "the test looks at what the machine has"
)]
fn examples(kind: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(stem) = name.strip_suffix(&format!(".{kind}.json")) else {
            continue;
        };
        let operation = stem.split('.').next().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        found.push((operation, serde_json::from_str(&text).unwrap()));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// An egress that gives one answer, and nothing more of a collection.
struct Once {
    answer: Mutex<Option<Value>>,
    asked: Mutex<Vec<Request>>,
}

impl Egress for Once {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answer.lock().unwrap().take();
        let body = answer.unwrap_or_else(|| json!({ "value": [] })).to_string();
        Box::pin(async move {
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: body.into_bytes(),
                retry_after: None,
            })
        })
    }
}

/// The built-in action of an operation, whatever its family.
fn find(operation: &str) -> Option<std::sync::Arc<dyn Action>> {
    let ids = ["graph", "defender"].map(|family| format!("{family}.{operation}"));
    let actions = catalog(Options::default());
    ids.iter().find_map(|id| {
        let action = actions
            .iter()
            .find(|action| action.info().id.as_str() == id);
        action.cloned()
    })
}

async fn answered(action: &dyn Action, args: Value, answer: Value) -> (Outcome, Vec<Request>) {
    let door = Door::new();
    let once = Once {
        answer: Mutex::new(Some(answer)),
        asked: Mutex::default(),
    };
    let call = call(&door, action.info().id.as_str(), args);
    let outcome = action.call(&call, &once).await;
    (outcome, once.asked.into_inner().unwrap())
}

/// The name that a field of the schema has for the vendor's.
fn ours(schema: &Value, vendor: &str) -> String {
    let marked = schema["properties"].as_object().into_iter().flatten();
    let marked = marked.filter(|(_, field)| field["x-vendor-name"] == vendor);
    marked
        .map(|(name, _)| name.clone())
        .next()
        .unwrap_or_else(|| our_name(vendor))
}

/// Every documented value is in the output: under our name, or kept under `extra`.
fn assert_kept(vendor: &Value, output: &Value, schema: &Value, path: &str) {
    match (vendor, output) {
        (Value::Object(fields), Value::Object(out)) => {
            let none = Map::new();
            let extra = out.get("extra").and_then(Value::as_object).unwrap_or(&none);
            for (name, value) in fields {
                if name.contains("@odata.") || value.is_null() {
                    continue;
                }
                let ours = ours(schema, name);
                let kept = out.get(&ours).or_else(|| extra.get(name));
                let kept = kept.unwrap_or_else(|| panic!("{path}.{name} is lost"));
                let schema = &schema["properties"][&ours];
                assert_kept(value, kept, schema, &format!("{path}.{name}"));
            }
        }
        (Value::Array(items), Value::Array(out)) => {
            assert_eq!(items.len(), out.len(), "{path}");
            for (at, (item, out)) in items.iter().zip(out).enumerate() {
                assert_kept(item, out, &schema["items"], &format!("{path}[{at}]"));
            }
        }
        (Value::Number(a), Value::Number(b)) => assert_eq!(a.as_f64(), b.as_f64(), "{path}"),
        _ => assert_eq!(vendor, output, "{path}"),
    }
}

#[tokio::test]
async fn every_documented_answer_is_read_without_losing_a_field() {
    let mut read = 0;
    for (operation, documented) in examples("response") {
        // Rows keep the names of their columns; they are compared where hunting is tested.
        if operation.starts_with("run-") && documented.get("id").is_none() {
            continue;
        }
        let Some(action) = find(&operation) else {
            continue;
        };
        let info = action.info();
        if info.id.as_str().starts_with("graph.") {
            // Those of Graph are read beside their operations, `actions/defender/src/tests`.
            continue;
        }
        let mut example = info.example.clone();
        if let Some(limit) = example.get_mut("limit") {
            *limit = json!(1000);
        }
        let (outcome, _) = answered(action.as_ref(), example, documented.clone()).await;
        let output = match outcome {
            Outcome::Done { output } => output,
            // An action that has not ended in the example is read while it goes on.
            Outcome::Pending { .. } => continue,
            other => panic!("{}: {other:?}", info.id),
        };
        assert_kept(&documented, &output, &info.output, info.id.as_str());
        read += 1;
    }
    assert!(read >= 90, "only {read} examples were read");
}

/// The parameters that a documented body stands for: those of the path are the example's.
fn params(info: &ActionInfo, body: &Value) -> Value {
    let mut args = Map::new();
    let path = info.path.as_deref().unwrap_or_default();
    for (name, value) in info.example.as_object().unwrap() {
        if path.contains('{') && name.ends_with("_id") {
            args.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in body.as_object().unwrap() {
        args.insert(our_name(name), param(name, value));
    }
    Value::Object(args)
}

fn param(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) if name == "scanAuthenticationParams" => {
            let mut rest = fields.clone();
            let kind = rest.remove("@odata.type");
            json!({ "odata_type": kind, "fields": rest })
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (our_name(name), param(name, value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| param(name, item)).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_documented_request_is_made_from_the_parameters_it_stands_for() {
    let mut made = 0;
    for (operation, documented) in examples("request") {
        let Some(action) = find(&operation) else {
            continue;
        };
        let info = action.info();
        if info.id.as_str().starts_with("graph.") {
            continue;
        }
        let args = params(info, &documented);
        let (_, asked) = answered(action.as_ref(), args.clone(), json!({})).await;
        assert!(!asked.is_empty(), "{}: {args} is refused", info.id);
        let Body::Json(mut body) = asked[0].body.clone() else {
            panic!("{} has no body", info.id)
        };
        if let (Some(sent), Some(said)) = (body.get_mut("Comment"), documented["Comment"].as_str())
            && sent.as_str().is_some_and(|text| text.starts_with(said))
        {
            *sent = json!(said);
        }
        assert_eq!(body, documented, "{}", info.id);
        made += 1;
    }
    assert!(made >= 24, "only {made} requests were made");
}
