//! What a plugin says about itself, checked and turned into the facts of actions.

use actions_contract::{
    ActionInfo, Api, Confidence, Effect, EffectKind, Idempotency, Method, TargetParam,
};
use engine_model::ActionId;
use serde_json::Value;

use crate::bindings::words;
use crate::manifest::{self, Manifest, Place};
use crate::schema::{Schema, brief};

/// The entities an action can act on.
const ENTITIES: [&str; 7] = ["device", "domain", "file", "ip", "mail", "url", "user"];

/// An action whose description holds.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) info: ActionInfo,
    /// The connection it says it uses.
    pub(crate) connection: Option<Place>,
    pub(crate) simulates: bool,
    pub(crate) input: Schema,
    pub(crate) output: Schema,
}

/// A plugin whose description holds.
pub(crate) struct Description {
    pub(crate) config: Schema,
    pub(crate) actions: Vec<Described>,
}

/// Checks a description.
///
/// # Errors
///
/// With every problem found.
pub(crate) fn check(
    manifest: &Manifest,
    plugin: &words::PluginInfo,
) -> Result<Description, Vec<String>> {
    let mut problems = Vec::new();
    let config = schema(&plugin.config_schema)
        .map_err(|problem| problems.push(format!("config-schema {problem}")));
    let mut actions: Vec<Described> = Vec::new();
    if plugin.actions.is_empty() {
        problems.push("it has no actions".to_owned());
    }
    for action in &plugin.actions {
        let mut found = Vec::new();
        if actions.iter().any(|other| other.name == action.name) {
            found.push("the name is used twice".to_owned());
        }
        if let Some(described) = describe(manifest, action, &mut found) {
            actions.push(described);
        }
        problems.extend(
            found
                .into_iter()
                .map(|p| format!("{}: {p}", brief(&action.name))),
        );
    }
    // Undo is looked up last, when every action is known; a broken one has its own problem.
    if problems.is_empty() {
        problems.extend(
            actions
                .iter()
                .filter_map(|action| undo_problem(action, &actions)),
        );
    }
    match config {
        Ok((_, config)) if problems.is_empty() => Ok(Description { config, actions }),
        _ => Err(problems),
    }
}

fn describe(
    manifest: &Manifest,
    action: &words::ActionInfo,
    problems: &mut Vec<String>,
) -> Option<Described> {
    let id = format!("{}.{}", manifest.id, action.name).parse::<ActionId>();
    let id = id.map_err(|error| problems.push(error.to_string())).ok();
    let input = sided(&action.input_schema, "input-schema", problems);
    let output = sided(&action.output_schema, "output-schema", problems);
    let effect = effect(action, &manifest.id, problems);
    let (connection, application, delegated) = connection(action, problems).unwrap_or_default();
    let targets = input
        .as_ref()
        .map(|side| targets(&side.value, problems))
        .unwrap_or_default();
    if effect.kind().needs_reconcile() && targets.len() != 1 {
        problems.push(format!(
            "an action whose effect is `{}` marks exactly one parameter with `x-entity`, not {}",
            effect.kind().as_str(),
            targets.len()
        ));
    }
    let (input, output) = (input?, output?);
    if input.value.get("additionalProperties") != Some(&Value::Bool(false)) {
        problems.push(
            "input-schema lets unknown parameters through; say \"additionalProperties\": false"
                .to_owned(),
        );
    }
    let info = ActionInfo {
        id: id?,
        major: manifest.major()?,
        title: brief(&action.title),
        description: description(action),
        effect,
        idempotency: idempotency(action.idempotency),
        parameters: input.value,
        output: output.value,
        target: targets.into_iter().next(),
        settles: action.settles,
        api: match connection {
            Some(Place::Api(api)) => Some(api),
            _ => None::<Api>,
        },
        method: None::<Method>,
        path: None,
        permissions_application: application,
        permissions_delegated: delegated,
        rate: None,
        beta: false,
        confidence: Confidence::Derived,
        source: None,
        example: input.example,
        example_output: output.example,
    };
    Some(Described {
        name: action.name.clone(),
        info,
        connection,
        simulates: action.supports_simulate,
        input: input.schema,
        output: output.schema,
    })
}

/// The schema of one side of an action, with its first example.
struct Side {
    value: Value,
    schema: Schema,
    example: Value,
}

fn sided(text: &str, what: &str, problems: &mut Vec<String>) -> Option<Side> {
    let checked = schema(text).and_then(|(value, schema)| {
        let examples = value.get("examples").and_then(Value::as_array);
        let Some(example) = examples.and_then(|e| e.first()).cloned() else {
            return Err("has no `examples`".to_owned());
        };
        match schema.check(&example) {
            Ok(()) => Ok(Side {
                value,
                schema,
                example,
            }),
            Err(problem) => Err(format!("refuses its own example: {problem}")),
        }
    });
    checked
        .map_err(|problem| problems.push(format!("{what} {problem}")))
        .ok()
}

fn schema(text: &str) -> Result<(Value, Schema), String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    if value.get("type").and_then(Value::as_str) != Some("object") {
        return Err("does not say \"type\": \"object\"".to_owned());
    }
    let schema = Schema::compile(&value).map_err(|error| format!("is not a schema: {error}"))?;
    Ok((value, schema))
}

/// The parameters marked `x-entity`.
fn targets(parameters: &Value, problems: &mut Vec<String>) -> Vec<TargetParam> {
    let properties = parameters.get("properties").and_then(Value::as_object);
    let marked = properties
        .into_iter()
        .flatten()
        .filter_map(|(param, schema)| {
            let entity = schema
                .get("x-entity")?
                .as_str()
                .unwrap_or_default()
                .to_owned();
            Some(TargetParam {
                param: param.clone(),
                entity,
            })
        });
    let (known, unknown): (Vec<_>, Vec<_>) =
        marked.partition(|target| ENTITIES.contains(&target.entity.as_str()));
    problems.extend(unknown.into_iter().map(|target| {
        format!(
            "`x-entity` of `{}` is none of {}",
            target.param,
            ENTITIES.join(", ")
        )
    }));
    known
}

fn effect(action: &words::ActionInfo, family: &str, problems: &mut Vec<String>) -> Effect {
    let effect = match (action.effect, &action.undo) {
        (words::Effect::Contain, Some(undo)) => {
            return Effect::Contain {
                undo: format!("{family}.{undo}").into(),
            };
        }
        (words::Effect::Contain, None) => {
            problems.push("an action that contains names its `undo`".to_owned());
            return Effect::Contain { undo: "".into() };
        }
        (words::Effect::Read, _) => Effect::Read,
        (words::Effect::Notify, _) => Effect::Notify,
        (words::Effect::Annotate, _) => Effect::Annotate,
        (words::Effect::Release, _) => Effect::Release,
        (words::Effect::Destroy, _) => Effect::Destroy,
    };
    if action.undo.is_some() {
        problems.push("it names an `undo` but does not contain".to_owned());
    }
    effect
}

/// What is wrong with the undo of an action that contains.
fn undo_problem(action: &Described, all: &[Described]) -> Option<String> {
    let Effect::Contain { undo } = &action.info.effect else {
        return None;
    };
    let complain = |what: &str| Some(format!("{}: its undo `{undo}` {what}", action.name));
    let Some(other) = all.iter().find(|other| other.info.id.as_str() == undo) else {
        return complain("is no action of this plugin");
    };
    if other.info.effect.kind() != EffectKind::Release {
        return complain("does not release");
    }
    if other.info.target != action.info.target {
        return complain("has another target");
    }
    None
}

type Connection = (Option<Place>, Vec<String>, Vec<String>);

fn connection(action: &words::ActionInfo, problems: &mut Vec<String>) -> Option<Connection> {
    let used = action.connection.as_ref()?;
    let place = manifest::connection(&used.api);
    if place.is_none() {
        problems.push(format!(
            "`{}` is not the name of a connection",
            brief(&used.api)
        ));
    }
    Some((place, used.application.clone(), used.delegated.clone()))
}

fn description(action: &words::ActionInfo) -> String {
    let mut text = action.description.trim().to_owned();
    if !action.error_codes.is_empty() {
        let codes: Vec<String> = action
            .error_codes
            .iter()
            .map(|code| format!("`{}`", brief(code)))
            .collect();
        text.push_str("\n\nFails with ");
        text.push_str(&codes.join(", "));
        text.push('.');
    }
    text
}

const fn idempotency(words: words::Idempotency) -> Idempotency {
    match words {
        words::Idempotency::Natural => Idempotency::Natural,
        words::Idempotency::Keyed => Idempotency::Keyed,
        words::Idempotency::None => Idempotency::None,
    }
}
