//! Everything that can be known to be wrong with triggers before anything runs.

use engine_model::{Severity, code};
use engine_playbook::plan::{AlertTrigger, Plan, Rhythm, Schedule, TriggerKind};
use serde_json::Value;

use crate::alert_shape::{self, Shape};
use crate::cause::AlertChange;
use crate::index;
use crate::names;
use crate::path::{FieldPath, Fields, Seen};
use crate::problem::{Problem, nearest};
use crate::rule::Rule;
use crate::schedule::Timetable;
use crate::view::AlertView;

/// Problems of conditions, those in rule files among them.
const UNREADABLE: [engine_model::Code; 2] = [code::PB0604, code::PB0605];

/// Every problem of the triggers of `plan`, in the order written.
///
/// - PB0601: a schedule that cannot be read, or never fires.
/// - PB0602: an example that does not behave as said.
/// - PB0603, PB0604, PB0605: a match, a rule file, a condition that cannot be read.
/// - PB0803 (hint): an alert trigger without storm control.
/// - PB0807 (hint): a match that every alert is tried against.
/// - PB0808 (warning): a field that no alert has.
/// - PB0809 (hint): fields of a rule file that are looked for in the vendor's JSON.
/// - PB0810 (warning): a selection that the condition does not use.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, trigger) in plan.triggers.iter().enumerate() {
        match &trigger.kind {
            TriggerKind::Alert(alert) => {
                let found = check_alert(alert, &format!("triggers[{index}].examples"));
                // Where a condition cannot be read, nobody knows which selections it uses.
                let readable = !found
                    .iter()
                    .any(|problem| UNREADABLE.contains(&problem.code));
                let names = names::check(alert).into_iter();
                problems.extend(names.filter(|name| readable || name.code != code::PB0810));
                problems.extend(unguarded(alert));
                problems.extend(fields_of_storm(alert, Shape::of_alert()));
                problems.extend(found);
            }
            TriggerKind::Schedule(schedule) => problems.extend(check_schedule(schedule)),
            TriggerKind::Manual(_) | TriggerKind::Playbook(_) => {}
        }
    }
    for problem in &mut problems {
        problem.playbook = Some(plan.name.clone());
    }
    problems
}

fn check_schedule(schedule: &Schedule) -> Option<Problem> {
    match Timetable::new(schedule) {
        Ok(timetable) if timetable.ever_fires() => None,
        Ok(_) => {
            let (key, written) = match &schedule.rhythm {
                Rhythm::Cron(line) => ("cron", line.clone()),
                Rhythm::Every(length) => ("every", length.to_string()),
            };
            let path = format!("{}.{key}", schedule.path);
            let message = format!("`{written}` names no day that exists");
            Some(Problem::error(code::PB0601, &path, message))
        }
        Err(problem) => Some(problem),
    }
}

/// A trigger that starts a run for every alert that matches.
fn unguarded(trigger: &AlertTrigger) -> Option<Problem> {
    trigger.storm.is_calm().then(|| {
        let message = "each alert that matches starts a run, however many an attack raises";
        Problem::error(code::PB0803, &trigger.storm.path, message)
            .weighing(Severity::Hint)
            .with_help("add `dedup: {key: \"${{ alert.device.id }}\", window: 4h}`")
    })
}

/// Fields that storm control goes by and no alert has.
fn fields_of_storm(trigger: &AlertTrigger, shape: &Shape) -> Vec<Problem> {
    let storm = &trigger.storm;
    let accumulate = storm.accumulate.as_ref();
    let distinct = accumulate.and_then(|accumulate| accumulate.distinct.as_ref());
    let mut fields: Vec<(&str, &str)> = Vec::new();
    let groups = [
        (
            "accumulate",
            accumulate.map(|accumulate| &accumulate.group_by),
        ),
        ("batch", storm.batch.as_ref().map(|batch| &batch.group_by)),
        (
            "throttle",
            storm.throttle.as_ref().map(|throttle| &throttle.group_by),
        ),
    ];
    for (control, group) in groups {
        fields.extend(
            group
                .into_iter()
                .flatten()
                .map(|field| (control, field.as_str())),
        );
    }
    fields.extend(distinct.map(|distinct| ("accumulate", distinct.field.as_str())));
    let unknown = fields
        .into_iter()
        .filter(|(_, field)| FieldPath::read(field).is_none_or(|path| !shape.has(&path)));
    unknown
        .map(|(control, field)| {
            let path = format!("{}.{control}", storm.path);
            unknown_field(&path, field, shape).weighing(Severity::Warning)
        })
        .collect()
}

fn unknown_field(place: &str, field: &str, shape: &Shape) -> Problem {
    let help = nearest(field, shape.paths()).map_or_else(
        || "the vendor's own fields are below `raw`".to_owned(),
        |similar| format!("a field with a similar name exists: `{similar}`"),
    );
    Problem::error(code::PB0808, place, format!("`{field}` is in no alert")).with_help(help)
}

fn check_alert(trigger: &AlertTrigger, examples: &str) -> Vec<Problem> {
    let mut fields = Fields::default();
    let rule = match Rule::new(trigger, &mut fields) {
        Ok(rule) => rule,
        Err(problems) => return problems,
    };
    let mut problems = Vec::new();
    if !index::has_key(&rule) {
        let message = "every alert is tried against this match: it requires no text of a field";
        problems.push(
            Problem::error(code::PB0807, &trigger.path, message)
                .weighing(Severity::Hint)
                .with_help("add a line such as `category: Malware`; the engine then finds it fast"),
        );
    }
    let change = if trigger.on.created {
        AlertChange::Created
    } else {
        AlertChange::Updated
    };
    let said = [
        ("fires", &trigger.examples.fires),
        ("ignores", &trigger.examples.ignores),
    ];
    for (key, list) in said {
        for (index, example) in list.iter().enumerate() {
            let behaves = Behaves {
                trigger,
                rule: &rule,
                fields: &fields,
                change,
            };
            let message = behaves.as_said(example, key == "fires");
            let path = format!("{examples}.{key}[{index}]");
            problems.extend(message.map(|text| Problem::error(code::PB0602, &path, text)));
        }
    }
    problems
}

/// What an example is held against.
struct Behaves<'a> {
    trigger: &'a AlertTrigger,
    rule: &'a Rule,
    fields: &'a Fields,
    change: AlertChange,
}

impl Behaves<'_> {
    /// None when the example behaves as said, else what it does.
    fn as_said(&self, example: &Value, fires: bool) -> Option<String> {
        let Some(source) = self.trigger.sources.first() else {
            return Some("the trigger has no source".to_owned());
        };
        let alert = match alert_shape::filled(example, *source) {
            Ok(alert) => alert,
            Err(error) => return Some(format!("the example is not an alert: {error}")),
        };
        let view = AlertView::new(&alert);
        match self
            .rule
            .explain(&view, &Seen::new(&view, self.fields), self.change)
        {
            Some(why) if fires => Some(format!("does not fire: {why}")),
            None if !fires => Some("fires, since every condition holds".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
