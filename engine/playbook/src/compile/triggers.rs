//! Triggers: what starts a run, what it must match, and what it hands over.

use std::collections::HashMap;

use actions_contract::schema_of;
use engine_model::{Alert, AlertSource, Place, code};

use super::{Compiler, detection::Detections, scope::Names};
use crate::expr::{Template, Type};
use crate::plan::{self, AlertEvents, FieldMatch, TriggerKind};
use crate::suggest::{one_of, similar};
use crate::syntax::{self, Event, Source, Spanned};
use crate::yaml::NodeId;

/// The keys of which a trigger has exactly one.
const KINDS: [&str; 4] = ["alert", "schedule", "manual", "playbook"];

impl Compiler<'_, '_> {
    /// The triggers of the playbook, in the order written.
    pub(super) fn triggers(
        &mut self,
        playbook: &syntax::Playbook,
        inputs: &[plan::Input],
    ) -> Vec<plan::Trigger> {
        let mut seen = HashMap::new();
        let written = playbook.triggers.as_deref().unwrap_or_default();
        written
            .iter()
            .filter_map(|trigger| {
                if let Some(id) = &trigger.value.id {
                    self.once(&mut seen, "trigger", id.value.as_str(), id.at);
                }
                self.trigger(trigger, inputs)
            })
            .collect()
    }

    /// Reports an id that stands in the file already.
    pub(super) fn once(
        &mut self,
        seen: &mut HashMap<String, NodeId>,
        what: &str,
        id: &str,
        at: NodeId,
    ) {
        let Some(first) = seen.get(id) else {
            seen.insert(id.to_owned(), at);
            return;
        };
        let first = self.report.document.node(*first).span;
        let line = Place::of(self.report.text, first.start).line;
        let message = format!("another {what} has the id `{id}`");
        let help = format!("it stands in line {line}; ids are unique in a file");
        self.report.value(code::PB0205, at, message).help(help);
    }

    fn trigger(
        &mut self,
        trigger: &Spanned<syntax::Trigger>,
        inputs: &[plan::Input],
    ) -> Option<plan::Trigger> {
        let written = &trigger.value;
        self.one_kind(trigger.at, &KINDS, "trigger");
        if let (Some(examples), None) = (&written.examples, &written.alert) {
            let message = "`examples` are for alert triggers";
            self.report.head(code::PB0201, examples.at, message);
        }
        let kind = match (
            &written.alert,
            &written.schedule,
            &written.manual,
            &written.playbook,
        ) {
            (Some(alert), ..) => Some(TriggerKind::Alert(self.alert(alert, &written.examples))),
            (_, Some(schedule), ..) => self.schedule(schedule).map(TriggerKind::Schedule),
            (_, _, Some(manual), _) => Some(TriggerKind::Manual(plan::Manual {
                roles: manual.value.roles.clone().unwrap_or_default(),
                confirm: manual.value.confirm.clone(),
            })),
            (.., Some(end)) => self.playbook_end(&end.value).map(TriggerKind::Playbook),
            _ => None,
        };
        let mut names = Names::of_trigger(written.alert.is_some(), written.schedule.is_some());
        names.started_by(kind.iter());
        let with = self.hand_over(written, &names, inputs);
        if written.manual.is_none() {
            self.inputs_given(trigger.at, written, inputs);
        }
        Some(plan::Trigger {
            id: written.id.as_ref()?.value.clone(),
            with,
            kind: kind?,
        })
    }

    fn alert(
        &mut self,
        alert: &Spanned<syntax::AlertTrigger>,
        examples: &Option<Spanned<syntax::Examples>>,
    ) -> plan::AlertTrigger {
        let written = &alert.value;
        let sources = written
            .source
            .iter()
            .flat_map(|sources| &sources.0)
            .copied();
        let on = written.on.as_deref().unwrap_or(&[Event::Created]);
        let lines = written.r#match.as_ref();
        let document = self.report.document;
        let path = lines.map_or(alert.at, |lines| lines.at);
        let values = |ids: &Option<Vec<syntax::Anything>>| {
            ids.iter()
                .flatten()
                .map(|id| document.value(id.0))
                .collect()
        };
        let examples = examples.as_ref().map(|examples| plan::Examples {
            fires: values(&examples.value.fires),
            ignores: values(&examples.value.ignores),
        });
        let mut names = Names::default();
        names.add("alert", alert_type());
        let (fields, detections) = match lines {
            Some(lines) => self.match_lines(&lines.value),
            None => (Vec::new(), Vec::new()),
        };
        plan::AlertTrigger {
            sources: expand(sources),
            on: AlertEvents {
                created: on.contains(&Event::Created),
                updated: on.contains(&Event::Updated),
            },
            condition: written.r#where.and_then(|id| self.condition(id.0, &names)),
            storm: Box::new(self.storm(alert, &names, &detections)),
            fields,
            detections,
            examples: examples.unwrap_or_default(),
            path: document.path(path),
        }
    }

    /// What stands under `match`: lines of the short form, and detections.
    fn match_lines(
        &mut self,
        lines: &syntax::Ordered<syntax::Anything>,
    ) -> (Vec<FieldMatch>, Vec<plan::Detection>) {
        let (mut fields, mut detections) = (Vec::new(), Vec::new());
        for (key, value) in &lines.0 {
            let id = value.value.0;
            match key.as_str() {
                "detection" | "sigma" => detections.extend(self.detections(key, id)),
                "where" | "condition" => {
                    let message = format!("`{key}` is no field of an alert");
                    let help = if key == "where" {
                        "an expression stands beside `match`, under `where`"
                    } else {
                        "a condition over selections stands inside `match.detection`"
                    };
                    self.report.head(code::PB0201, id, message).help(help);
                }
                _ => {
                    let document = self.report.document;
                    let place = |id: NodeId| document.path(id);
                    let mut reader = Detections::new(document, &place);
                    fields.extend(reader.field(id, key));
                    let faults = reader.faults;
                    self.report_faults(faults);
                }
            }
        }
        (fields, detections)
    }

    /// What the trigger gives to the inputs.
    fn hand_over(
        &mut self,
        written: &syntax::Trigger,
        names: &Names,
        inputs: &[plan::Input],
    ) -> Vec<(String, Template)> {
        let mut with = Vec::new();
        for (name, value) in written.with.iter().flat_map(|with| &with.value.0) {
            let Some(input) = inputs.iter().find(|input| input.name == *name) else {
                let known: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
                let meant = similar(name, known.iter().copied());
                let help = match (meant, known.as_slice()) {
                    (Some(meant), _) => format!("did you mean `{meant}`?"),
                    (None, []) => "the playbook has no inputs".to_owned(),
                    (None, known) => format!("the inputs are {}", one_of(known.iter().copied())),
                };
                let message = format!("the playbook has no input `{name}`");
                self.report.head(code::PB0201, value.at, message).help(help);
                continue;
            };
            let template = self.parameter(value.value.0, &input.schema, names);
            with.extend(template.map(|template| (name.clone(), template)));
        }
        with
    }

    /// A run that nobody starts by hand must get every required input from its trigger.
    fn inputs_given(&mut self, at: NodeId, written: &syntax::Trigger, inputs: &[plan::Input]) {
        let given = |name: &str| {
            written
                .with
                .iter()
                .flat_map(|with| &with.value.0)
                .any(|(key, _)| key == name)
        };
        for input in inputs {
            if !input.required || input.default.is_some() || given(&input.name) {
                continue;
            }
            let name = &input.name;
            let anchor = self.report.document.anchor(at);
            let message = format!("the required input `{name}` gets no value from this trigger");
            let help = format!("give it one: `with: {{{name}: …}}`");
            self.report.at(code::PB0203, at, anchor, message).help(help);
        }
    }
}

/// The type of `alert` in expressions.
///
/// A playbook may have other triggers beside an alert trigger; in a run started by those the name
/// is absent and an expression that uses it fails. That is known only per run, so the check takes
/// an alert for given as soon as one trigger brings one.
pub(super) fn alert_type() -> Type {
    Type::from_schema(&schema_of::<Alert>())
}

fn expand(sources: impl Iterator<Item = Source>) -> Vec<AlertSource> {
    let mut all = Vec::new();
    for source in sources {
        match source {
            Source::Defender => all.extend([
                AlertSource::Mde,
                AlertSource::Xdr,
                AlertSource::GraphAlerts,
                AlertSource::GraphIncidents,
                AlertSource::Stream,
            ]),
            Source::Mde => all.push(AlertSource::Mde),
            Source::Xdr => all.push(AlertSource::Xdr),
            Source::GraphAlerts => all.push(AlertSource::GraphAlerts),
            Source::GraphIncidents => all.push(AlertSource::GraphIncidents),
            Source::Stream => all.push(AlertSource::Stream),
            Source::Api => all.push(AlertSource::Api),
        }
    }
    all.sort();
    all.dedup();
    all
}
