//! The facts of an action as a value: what validation, completion and reference derive from.

use engine_model::ActionId;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde::Serialize;
use serde_json::Value;

use crate::{Api, Confidence, Effect, Idempotency, Method, Operation, Rate};

/// The parameter that names what an action acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetParam {
    /// The parameter's name; `emails[].id` for a field of the entries of a list.
    pub param: String,
    /// `device`, `user`, `mail`, `file`, `ip`, `domain`, `url`, `indicator` or `scan`.
    pub entity: String,
}

impl TargetParam {
    /// What the arguments name as the target: as many texts as there are different ones, so that a
    /// list with one entry names one target.
    #[must_use]
    pub fn named<'a>(&self, args: &'a Value) -> Vec<&'a str> {
        let (param, field) = match self.param.split_once("[].") {
            Some((param, field)) => (param, Some(field)),
            None => (self.param.as_str(), None),
        };
        let value = &args[param];
        let entries = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut texts: Vec<&str> = Vec::new();
        for entry in entries {
            let text = field.map_or(entry, |field| &entry[field]);
            let text = text.as_str().unwrap_or_default().trim();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// Puts this id where the arguments name the target.
    pub fn put(&self, args: &mut Value, id: &str) {
        let Some((param, field)) = self.param.split_once("[].") else {
            if let Some(slot) = args.get_mut(&self.param) {
                *slot = match slot {
                    Value::Array(_) => Value::Array(vec![Value::from(id)]),
                    _ => Value::from(id),
                };
            }
            return;
        };
        let entries = args.get_mut(param).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            entry[field] = Value::from(id);
        }
    }
}

/// The facts of an action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionInfo {
    /// `family.name`.
    pub id: ActionId,
    /// The major version, `@1` in playbooks.
    pub major: u32,
    /// One line for people.
    pub title: String,
    /// What it does, its limits and its errors, in Markdown.
    pub description: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice is harmless.
    pub idempotency: Idempotency,
    /// JSON Schema of the parameters, closed; marks: `x-entity`, `x-language`, `x-secret`.
    pub parameters: Value,
    /// JSON Schema of the output.
    pub output: Value,
    /// What it acts on; always there when it contains, releases or destroys.
    pub target: Option<TargetParam>,
    /// Whether its outcome comes later and is followed to its end.
    pub settles: bool,
    /// The API it belongs to.
    pub api: Option<Api>,
    /// The HTTP method, where it is one request.
    pub method: Option<Method>,
    /// The documented path, where it is one request.
    pub path: Option<String>,
    /// Permissions of which an application token needs one.
    pub permissions_application: Vec<String>,
    /// Permissions of which a user token needs one.
    pub permissions_delegated: Vec<String>,
    /// The documented limit.
    pub rate: Option<Rate>,
    /// Whether the vendor may change it at any time.
    pub beta: bool,
    /// How sure these facts are.
    pub confidence: Confidence,
    /// The vendor's page.
    pub source: Option<String>,
    /// Parameters of a working call.
    pub example: Value,
    /// An output of that call; what a simulated step answers.
    pub example_output: Value,
}

impl ActionInfo {
    /// The facts of an operation.
    ///
    /// # Panics
    ///
    /// When the constants of the operation contradict each other; a test of the catalog builds the
    /// facts of every operation, so that this is found there.
    #[must_use]
    pub fn of<O: Operation>() -> Self {
        let endpoint = O::ENDPOINT;
        let parameters = schema_of::<O>();
        let description = text(&parameters, "description");
        Self {
            id: endpoint
                .id
                .parse()
                .expect("an operation's id is `family.name`"),
            major: 1,
            title: endpoint.title.to_owned(),
            description,
            target: target_of(&parameters),
            parameters,
            output: schema_of::<O::Output>(),
            effect: endpoint.effect,
            idempotency: endpoint.idempotency,
            settles: endpoint.settles,
            api: Some(endpoint.api),
            method: Some(endpoint.method),
            path: Some(endpoint.path.to_owned()),
            permissions_application: owned(endpoint.permissions.application),
            permissions_delegated: owned(endpoint.permissions.delegated),
            rate: Some(endpoint.rate),
            beta: endpoint.beta,
            confidence: endpoint.confidence,
            source: Some(endpoint.source.to_owned()),
            example: serde_json::to_value(O::example()).expect("parameters serialise"),
            example_output: serde_json::to_value(O::example_output()).expect("outputs serialise"),
        }
    }
}

/// The parameter marked `x-entity` in a schema of parameters, or that holds entries with a field
/// marked so; none when there are several.
pub(crate) fn target_of(parameters: &Value) -> Option<TargetParam> {
    let properties = parameters.get("properties")?.as_object()?;
    let with_fields = properties.iter().flat_map(|(param, schema)| {
        let inside = schema["items"]["properties"].as_object();
        let fields = inside.into_iter().flatten();
        let fields = fields.map(move |(field, schema)| (format!("{param}[].{field}"), schema));
        std::iter::once((param.clone(), schema)).chain(fields)
    });
    let mut marked = with_fields.filter_map(|(param, schema)| {
        let entity = schema.get("x-entity")?.as_str()?;
        Some(TargetParam {
            param,
            entity: entity.to_owned(),
        })
    });
    let target = marked.next()?;
    marked.next().is_none().then_some(target)
}

/// The JSON Schema (2020-12) of a type, references resolved in place, objects of parameters closed
/// where the type refuses unknown fields.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(|schema: &mut schemars::Schema| {
        schema.remove("title");
    })
    .transform(&mut schema);
    schema.into()
}

fn text(schema: &Value, key: &str) -> String {
    schema
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
