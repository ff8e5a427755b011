//! The vendor's documented requests and answers, word for word.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

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
    static DOOR: LazyLock<Door> = LazyLock::new(Door::new);
    let once = Once {
        answer: Mutex::new(Some(answer)),
        asked: Mutex::default(),
    };
    let call = call(&DOOR, action.info().id.as_str(), args);
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
        // What is not typed comes out as it is.
        (Value::Object(_), _) if schema.get("properties").is_none() => {
            assert_eq!(vendor, output, "{path}");
        }
        (Value::Object(fields), Value::Object(out)) => {
            let none = Map::new();
            let extra = out.get("extra").and_then(Value::as_object).unwrap_or(&none);
            for (name, value) in fields {
                let ours = ours(schema, name);
                let kept = extra.get(name).or_else(|| out.get(&ours));
                if kept.is_none() && (name.contains("@odata.") || value.is_null()) {
                    continue;
                }
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
        // Some services send numbers as text.
        (Value::String(a), Value::Number(b)) => assert_eq!(a.parse().ok(), b.as_f64(), "{path}"),
        (Value::Null, Value::Array(none)) => assert!(none.is_empty(), "{path}"),
        _ => assert_eq!(vendor, output, "{path}"),
    }
}

/// Performs an action by its example against an answer, and checks that nothing of it is lost.
async fn check_kept(action: &dyn Action, documented: &Value) {
    let info = action.info();
    let mut example = info.example.clone();
    if let Some(limit) = example.get_mut("limit") {
        *limit = json!(1000);
    }
    let (mut outcome, _) = answered(action, example.clone(), documented.clone()).await;
    let mut documented = documented.clone();
    if matches!(outcome, Outcome::Pending { .. }) {
        // What goes on in the example has ended in this one.
        for status in ["status", "state"] {
            if let Some(status) = documented.get_mut(status) {
                *status = json!(if info
                    .path
                    .as_deref()
                    .unwrap_or("")
                    .ends_with("startInvestigation")
                {
                    "Benign"
                } else {
                    "Succeeded"
                });
            }
        }
        outcome = answered(action, example, documented.clone()).await.0;
    }
    let Outcome::Done { output } = outcome else {
        panic!("{}: {outcome:?} for {documented}", info.id)
    };
    // The page of a single object may show a list that holds it.
    let alone = documented["value"]
        .as_array()
        .filter(|_| output.get("value").is_none());
    let documented = match alone.map(Vec::as_slice) {
        Some([one]) => one,
        _ => &documented,
    };
    assert_kept(documented, &output, &info.output, info.id.as_str());
}

/// The documented answers, each with its action. Rows of hunting keep the names of their columns;
/// they are compared where hunting is tested.
fn answers() -> Vec<(std::sync::Arc<dyn Action>, Value)> {
    let is_rows = |operation: &str, documented: &Value| {
        operation.starts_with("run-") && documented.get("id").is_none()
    };
    let answers = examples("response").into_iter();
    answers
        .filter(|(operation, documented)| !is_rows(operation, documented))
        .map(|(operation, documented)| {
            let action = find(&operation);
            let action = action.unwrap_or_else(|| panic!("{operation} is no action"));
            (action, documented)
        })
        .collect()
}

#[tokio::test]
async fn every_documented_answer_is_read_without_losing_a_field() {
    let answers = answers();
    assert!(answers.len() >= 150, "only {} examples", answers.len());
    for (action, documented) in answers {
        check_kept(action.as_ref(), &documented).await;
    }
}

/// What a service may send in place of a documented value, and still be understood.
#[derive(Clone, Copy, Debug)]
enum Variation {
    /// Fields that nobody documented, in every object.
    NewFields,
    /// Words that nobody documented, where words are listed.
    NewWords,
    NumbersAsText,
    Nulls,
    Missing,
    /// Times with more or fewer digits than documented.
    Times,
    Annotations,
}

impl Variation {
    fn of(self, value: &Value, schema: &Value) -> Value {
        match value {
            Value::Object(fields) => self.of_object(fields, schema),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.of(item, &schema["items"]));
                items.collect()
            }
            Value::Number(number) if matches!(self, Self::NumbersAsText) => {
                json!(number.to_string())
            }
            Value::String(_) if matches!(self, Self::NewWords) && has_words(schema) => {
                json!("WordOfNextYear")
            }
            Value::String(text) if matches!(self, Self::Times) => match text.strip_suffix('Z') {
                Some(time) if time.contains('T') && time.starts_with("20") => {
                    let whole = time.split('.').next().unwrap_or_default();
                    json!(format!("{whole}.1234567Z"))
                }
                _ => value.clone(),
            },
            other => other.clone(),
        }
    }

    fn of_object(self, fields: &Map<String, Value>, schema: &Value) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut out = Map::new();
        for (name, value) in fields {
            let ours = ours(schema, name);
            // The page of a single object may show a list that holds it.
            let alone = json!({ "items": schema });
            let field = match schema["properties"].get(&ours) {
                None if name == "value" => &alone,
                field => field.unwrap_or(&Value::Null),
            };
            let needed = required.contains(&json!(ours)) || name == "value";
            match self {
                Self::Nulls if !needed => out.insert(name.clone(), Value::Null),
                Self::Missing if !needed => None,
                _ => out.insert(name.clone(), self.of(value, field)),
            };
        }
        let is_typed = schema["properties"].get("extra").is_some();
        match self {
            Self::NewFields if is_typed => {
                out.insert("fieldOfNextYear".to_owned(), json!({ "a": [1, null] }));
            }
            Self::Annotations => {
                out.insert("@odata.etag".to_owned(), json!("W/\"1\""));
                out.insert("id@odata.type".to_owned(), json!("#String"));
            }
            _ => {}
        }
        Value::Object(out)
    }
}

/// Whether the words of a field are listed.
fn has_words(schema: &Value) -> bool {
    let text = schema.to_string();
    text.contains("\"const\":") || text.contains("\"enum\":")
}

const VARIATIONS: [Variation; 7] = [
    Variation::NewFields,
    Variation::NewWords,
    Variation::NumbersAsText,
    Variation::Nulls,
    Variation::Missing,
    Variation::Times,
    Variation::Annotations,
];

/// Reads an answer that differs from its documentation.
async fn check_varied(action: &dyn Action, documented: &Value, variation: Variation) {
    use Variation::{Missing, NewWords, Nulls};
    let info = action.info();
    // How far work is decides whether it is followed.
    if info.settles && matches!(variation, NewWords | Nulls | Missing) {
        return;
    }
    let varied = variation.of(documented, &info.output);
    println!("{} {variation:?}", info.id);
    check_kept(action, &varied).await;
}

#[tokio::test]
async fn an_answer_that_differs_from_its_documentation_is_read_all_the_same() {
    for ((action, documented), variation) in answers().into_iter().zip(VARIATIONS.iter().cycle()) {
        check_varied(action.as_ref(), &documented, *variation).await;
    }
}

#[tokio::test]
#[ignore = "long: every documented answer in every variation"]
async fn campaign_every_answer_that_differs_from_its_documentation_is_read_all_the_same() {
    let _alone = crate::ALONE.lock().await;
    for (action, documented) in answers() {
        for variation in VARIATIONS {
            check_varied(action.as_ref(), &documented, variation).await;
        }
    }
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
        match name.as_str() {
            // A member is named by a link.
            "@odata.id" => {
                let id = value.as_str().unwrap().rsplit('/').next().unwrap();
                args.insert("member_id".to_owned(), json!(id));
            }
            name => {
                args.insert(param_name(name), param(name, value));
            }
        }
    }
    // Of comments the type is no parameter: there is one.
    let known = &info.parameters["properties"];
    args.retain(|name, _| name != "odata_type" || known.get(name).is_some());
    Value::Object(args)
}

fn param_name(vendor: &str) -> String {
    match vendor {
        "@odata.type" => "odata_type".to_owned(),
        vendor => our_name(vendor),
    }
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
            .map(|(name, value)| (param_name(name), param(name, value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| param(name, item)).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_documented_request_is_made_from_the_parameters_it_stands_for() {
    let documented = examples("request");
    assert!(documented.len() >= 44, "only {} requests", documented.len());
    for (operation, documented) in documented {
        let action = find(&operation);
        let action = action.unwrap_or_else(|| panic!("{operation} is no action"));
        let info = action.info();
        let args = params(info, &documented);
        let (outcome, asked) = answered(action.as_ref(), args.clone(), json!({})).await;
        assert!(
            !asked.is_empty(),
            "{}: {args} is refused: {outcome:?}",
            info.id
        );
        let Body::Json(mut body) = asked[0].body.clone() else {
            panic!("{} has no body", info.id)
        };
        if let (Some(sent), Some(said)) = (body.get_mut("Comment"), documented["Comment"].as_str())
            && sent.as_str().is_some_and(|text| text.starts_with(said))
        {
            *sent = json!(said);
        }
        assert_eq!(body, documented, "{}", info.id);
    }
}
