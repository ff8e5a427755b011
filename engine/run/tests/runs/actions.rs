//! Actions that exist only in these tests: one of each effect.

use std::borrow::Cow;
use std::sync::Arc;

use actions_contract::{ActionInfo, Confidence, Effect, Idempotency, TargetParam};
use engine_playbook::plan::Plan;
use serde_json::json;

/// The plan of a playbook that has no problem.
#[track_caller]
pub(crate) fn plan(text: &str) -> Arc<Plan> {
    let text = format!("version: 1\nname: test\n{}", flush_left(text));
    let compiled = engine_playbook::compile(&text, &actions());
    compiled.plan.unwrap_or_else(|| {
        let problems = compiled.diagnostics.iter();
        let problems: Vec<_> = problems
            .map(|p| format!("{}: {}", p.path, p.message))
            .collect();
        panic!("{text}\n{problems:#?}")
    })
}

/// The text without the indentation that its first line has.
fn flush_left(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    let depth = text.len() - text.trim_start().len();
    let lines = text
        .lines()
        .map(|line| line.get(depth..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn actions() -> Vec<Arc<ActionInfo>> {
    let undo = Cow::Borrowed("soc.release");
    let contain = Effect::Contain { undo };
    let isolate = ActionInfo {
        settles: true,
        ..action("soc.isolate", contain.clone(), Idempotency::None)
    };
    [
        isolate,
        action("soc.block", contain, Idempotency::Natural),
        action("soc.look", Effect::Read, Idempotency::Natural),
        action("soc.note", Effect::Annotate, Idempotency::None),
        action("soc.release", Effect::Release, Idempotency::Natural),
        action("soc.tag", Effect::Annotate, Idempotency::Natural),
        action("soc.tell", Effect::Notify, Idempotency::None),
        action("soc.wipe", Effect::Destroy, Idempotency::None),
    ]
    .map(Arc::new)
    .into()
}

fn action(id: &str, effect: Effect, idempotency: Idempotency) -> ActionInfo {
    ActionInfo {
        id: id.parse().unwrap(),
        major: 1,
        title: id.to_owned(),
        description: String::new(),
        effect,
        idempotency,
        parameters: json!({
            "type": "object",
            "properties": { "id": { "type": "string", "x-entity": "device" } },
            "additionalProperties": false,
        }),
        output: json!({ "type": "object" }),
        target: Some(TargetParam {
            param: "id".to_owned(),
            entity: "device".to_owned(),
        }),
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
