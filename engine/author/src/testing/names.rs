//! Names and values of a test file, held against the playbook and the actions.

use std::collections::BTreeSet;

use actions_contract::{ActionInfo, EffectKind};
use engine_model::{AlertSource, StepId, code};
use engine_playbook::check::{Sheet, Wanted};
use engine_playbook::expr::Expr;
use engine_playbook::plan::{Plan, Step, StepKind, TriggerKind};
use engine_playbook::suggest::similar;
use engine_playbook::yaml::{Document, NodeId};
use serde_json::Value;

use super::suite::Workshop;

/// Notes every name in the file that means nothing, and every answer that no service gives.
pub(super) fn check<'d>(
    sheet: &mut Sheet<'d>,
    document: &'d Document,
    plan: &Plan,
    workshop: &Workshop,
) {
    let mut names = Names {
        sheet,
        document,
        workshop,
        source: source(plan),
        steps: steps(plan),
    };
    let defaults = document.get(document.root(), "defaults");
    defaults.into_iter().for_each(|id| names.situation(id));
    let tests = document.get(document.root(), "tests");
    for test in tests.map_or(&[][..], |tests| document.children(tests)) {
        names.situation(*test);
        if let Some(expect) = document.get(*test, "expect") {
            names.expect(expect);
        }
    }
}

/// The source whose alerts start the playbook.
pub(super) fn source(plan: &Plan) -> AlertSource {
    let sources = plan
        .triggers
        .iter()
        .filter_map(|trigger| match &trigger.kind {
            TriggerKind::Alert(alert) => alert.sources.first().copied(),
            _ => None,
        });
    sources.into_iter().next().unwrap_or(AlertSource::Mde)
}

/// What steps are called by people.
fn steps(plan: &Plan) -> BTreeSet<String> {
    let steps = plan.all_steps().into_iter();
    steps
        .filter_map(|step| step.id.as_ref())
        .map(|id: &StepId| id.as_str().to_owned())
        .chain(
            plan.all_steps()
                .iter()
                .map(|step: &&Step| step.path.clone()),
        )
        .filter(|name| !name.is_empty())
        .collect()
}

/// The step that is meant, without the items it stands in.
pub(super) fn last_part(label: &str) -> &str {
    let last = label.rsplit('/').next().unwrap_or(label);
    match last.find('[') {
        // `steps[1]` is the path of a step without id, `each[ws1]` an item.
        Some(at) if !last.starts_with("steps[") => &last[..at],
        _ => last,
    }
}

struct Names<'a, 'd> {
    sheet: &'a mut Sheet<'d>,
    document: &'d Document,
    workshop: &'a Workshop,
    source: AlertSource,
    steps: BTreeSet<String>,
}

impl<'d> Names<'_, 'd> {
    fn below(&self, id: NodeId, key: &str) -> &'d [NodeId] {
        let found = self.document.get(id, key);
        found.map_or(&[], |found| self.document.children(found))
    }

    fn key(&self, id: NodeId) -> &'d str {
        self.document.key(id).unwrap_or_default()
    }

    fn situation(&mut self, id: NodeId) {
        for mock in self.below(id, "mocks").iter().copied() {
            let action = self.key(mock);
            if let Some(info) = self.action(mock, action, true) {
                self.answers(mock, &info);
            }
        }
        for approval in self.below(id, "approvals").iter().copied() {
            let step = self.key(approval);
            self.step(approval, step, true);
        }
        if let Some(alert) = self.document.get(id, "alert") {
            self.alert(alert);
        }
        for event in self.below(id, "events").iter().copied() {
            self.event(event);
        }
    }

    fn event(&mut self, event: NodeId) {
        let alert = self.document.get(event, "alert");
        let cancel = self.document.get(event, "cancel");
        if alert.is_some() == cancel.is_some() {
            let message = "an event is one of `alert` and `cancel`".to_owned();
            self.sheet.key(code::PB0203, event, message, None);
        }
        alert.into_iter().for_each(|alert| self.alert(alert));
    }

    fn alert(&mut self, id: NodeId) {
        let value = self.document.value(id);
        if value.is_null() {
            return;
        }
        if let Err(error) = engine_trigger::filled_alert(&value, self.source) {
            let message = format!("this is not an alert: {error}");
            self.sheet.key(code::PB0402, id, message, None);
        }
    }

    fn expect(&mut self, id: NodeId) {
        for key in ["steps", "asked"] {
            for step in self.below(id, key).iter().copied() {
                let name = self.key(step);
                self.step(step, name, true);
            }
        }
        if let Some(stopped_by) = self.document.get(id, "stopped_by") {
            let name = self.document.text(stopped_by).unwrap_or_default();
            self.step(stopped_by, name, false);
        }
        for peak in self.below(id, "max_in_flight").iter().copied() {
            let action = self.key(peak);
            self.action(peak, action, true);
        }
        for call in self.below(id, "calls").iter().copied() {
            if let Some(uses) = self.document.get(call, "uses") {
                let action = self.document.text(uses).unwrap_or_default();
                self.action(uses, action, false);
            }
        }
    }

    fn step(&mut self, id: NodeId, label: &str, in_key: bool) {
        let name = last_part(label);
        if self.steps.contains(name) {
            return;
        }
        let help = similar(name, self.steps.iter().map(String::as_str))
            .map(|meant| format!("did you mean `{meant}`?"));
        let message = format!("the playbook has no step `{name}`");
        if in_key {
            self.sheet.key(code::PB0301, id, message, help);
        } else {
            self.sheet.value(code::PB0301, id, message, help);
        }
    }

    fn action(
        &mut self,
        id: NodeId,
        name: &str,
        in_key: bool,
    ) -> Option<std::sync::Arc<ActionInfo>> {
        let infos = &self.workshop.infos;
        let found = infos.iter().find(|info| info.id.as_str() == name);
        if found.is_none() {
            let help = similar(name, infos.iter().map(|info| info.id.as_str()))
                .map(|meant| format!("did you mean `{meant}`?"));
            let message = format!("there is no action `{name}`");
            if in_key {
                self.sheet.key(code::PB0501, id, message, help);
            } else {
                self.sheet.value(code::PB0501, id, message, help);
            }
        }
        found.cloned()
    }

    fn answers(&mut self, id: NodeId, info: &ActionInfo) {
        let listed = matches!(self.document.value(id), Value::Array(_));
        let answers = if listed {
            self.document.children(id).to_vec()
        } else {
            vec![id]
        };
        let schema = optional(&info.output);
        for answer in answers {
            if let Some(output) = self.document.get(answer, "output") {
                self.sheet.check(output, &schema, Wanted::Answer);
            }
            if let Some(when) = self.document.get(answer, "when") {
                let text = self.document.text(when).unwrap_or_default();
                if let Err(error) = Expr::parse(text) {
                    self.sheet.value(code::PB0404, when, error.message, None);
                }
            }
            let lost = self.document.get(answer, "lost");
            if let Some(lost) = lost.filter(|_| info.effect.kind() == EffectKind::Read) {
                let message = "a read that got no answer is simply tried again".to_owned();
                let help = Some("write `error: {kind: network}`".to_owned());
                self.sheet.key(code::PB0202, lost, message, help);
            }
        }
    }
}

/// The schema with nothing required: what an author leaves out is filled up.
fn optional(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, value)| !(key.as_str() == "required" && value.is_array()))
            .map(|(key, value)| (key.clone(), optional(value)))
            .collect(),
        Value::Array(items) => items.iter().map(optional).collect(),
        other => other.clone(),
    }
}

/// Whether a step only brings others together.
pub(super) const fn is_frame(step: &Step) -> bool {
    matches!(
        step.kind,
        StepKind::Group { .. } | StepKind::Switch(_) | StepKind::Parallel(_)
    )
}
