//! The one door of these tests: a `match` and an alert in, the answer out.

use std::sync::Arc;

use engine_model::{Alert, AlertSource, code};
use engine_playbook::plan::Plan;
use engine_playbook::sigma;
use engine_trigger::{AlertChange, AlertView, Index};
use serde_json::{Value, json};

/// The text of a playbook whose trigger has this `match`.
pub(crate) fn playbook(written: &str) -> String {
    let indented: String = written
        .trim_matches('\n')
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    format!(
        "version: 1\nname: try\ntriggers:\n  - id: it\n    alert:\n      source: [api, mde]\n      \
         match:\n{indented}steps:\n  - id: end\n    stop: {{status: succeeded}}\n"
    )
}

/// Compiles a playbook; its problems, one in a line, where there are any.
pub(crate) fn compile(text: &str) -> Result<Arc<Plan>, String> {
    let compiled = engine_playbook::compile(text, &[]);
    let said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|problem| format!("{} {}: {}", problem.code, problem.path, problem.message))
        .collect();
    compiled.plan.ok_or_else(|| said.join("\n"))
}

/// The plan of a playbook whose trigger has this `match` and refers to these rule files.
pub(crate) fn plan_with(written: &str, rules: &[(&str, &str)]) -> Result<Arc<Plan>, String> {
    let read = |name: &str| {
        let found = rules.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| "no such file".to_owned())
    };
    compile(&sigma::with_rules(playbook(written), read))
}

/// The plan of a playbook whose trigger has this `match`.
pub(crate) fn plan(written: &str) -> Arc<Plan> {
    plan_with(written, &[]).unwrap_or_else(|problems| panic!("{problems}\n{written}"))
}

/// An alert with these fields, the rest as in a minimal one.
pub(crate) fn alert(fields: &Value) -> Alert {
    let mut alert = json!({
        "id": "a1",
        "tenant": "default",
        "source": AlertSource::Api,
        "created_at": "2026-11-21T18:05:00Z",
        "updated_at": "2026-11-21T18:05:00Z",
        "title": "An alert",
        "severity": "high",
    });
    let given = fields.as_object().expect("fields are a map").clone();
    alert.as_object_mut().expect("it is a map").extend(given);
    serde_json::from_value(alert).unwrap_or_else(|error| panic!("{error}: {fields}"))
}

/// Why the trigger of the plan does not fire; empty when it does. The index has to agree.
pub(crate) fn why_not(plan: &Arc<Plan>, fields: &Value) -> String {
    let alert = alert(fields);
    let view = AlertView::new(&alert);
    let index = Index::build(std::slice::from_ref(plan)).unwrap_or_else(|problems| {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", said.join("\n"))
    });
    let fires = !index.matches(&view, AlertChange::Created).is_empty();
    let account = &index.explain(&view, AlertChange::Created)[0];
    assert_eq!(
        fires,
        account.missed.is_none(),
        "the index disagrees on {fields}"
    );
    account
        .missed
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Everything that `lint` would say about a match, one in a line.
pub(crate) fn lint(written: &str, rules: &[(&str, &str)]) -> String {
    let plan = match plan_with(written, rules) {
        Ok(plan) => plan,
        Err(problems) => return problems,
    };
    let problems = engine_trigger::check(&plan);
    // Storm control is not what these tests are about.
    let problems = problems
        .iter()
        .filter(|problem| problem.code != code::PB0803);
    let said: Vec<String> = problems.map(ToString::to_string).collect();
    said.join("\n")
}
