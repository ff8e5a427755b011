//! Names in a match: fields that no alert has, fields of rules, selections that nobody uses.

use engine_model::{Severity, code};
use engine_playbook::plan::{AlertTrigger, Detection, FieldMatch, Form, RuleFile};
use serde_json::Value;

use crate::alert_shape::Shape;
use crate::compile::{bracket, read_path};
use crate::condition;
use crate::modifier::{Modifier, Modifiers};
use crate::naming;
use crate::path::FieldPath;
use crate::problem::{Problem, nearest};

/// Every problem with the names in the match of a trigger.
pub(crate) fn check(trigger: &AlertTrigger) -> Vec<Problem> {
    let shape = Shape::of_alert();
    let mut problems = Vec::new();
    for line in &trigger.fields {
        problems.extend(unknown_fields(line, "", shape));
    }
    for detection in &trigger.detections {
        problems.extend(unused(detection));
        match &detection.rule {
            Some(rule) => {
                problems.extend(overridden(rule, &detection.path, shape));
                problems.extend(raw_only(detection, rule));
            }
            None => problems.extend(
                lines(detection)
                    .iter()
                    .flat_map(|(line, above)| unknown_fields(line, above, shape)),
            ),
        }
    }
    problems
}

/// The lines of a detection, each with the list whose members it is about.
fn lines(detection: &Detection) -> Vec<(&FieldMatch, String)> {
    fn walk<'d>(form: &'d Form, above: &str, lines: &mut Vec<(&'d FieldMatch, String)>) {
        match form {
            Form::All(forms) | Form::Any(forms) => {
                forms.iter().for_each(|form| walk(form, above, lines));
            }
            Form::Line(line) => lines.push((line, above.to_owned())),
            Form::Members { field, form, .. } => {
                let list = field.split('[').next().unwrap_or_default();
                walk(form, &format!("{above}{list}."), lines);
            }
            Form::Nested(detection) => {
                for selection in &detection.selections {
                    walk(&selection.form, above, lines);
                }
            }
        }
    }
    let mut found = Vec::new();
    for selection in &detection.selections {
        walk(&selection.form, "", &mut found);
    }
    found
}

/// The path of the field as written, brackets left out.
fn field_path(field: &str, above: &str) -> Option<FieldPath> {
    if field.is_empty() {
        return None;
    }
    let plain = match bracket(field) {
        Some((list, _, "")) => list.to_owned(),
        Some((list, _, rest)) => format!("{list}.{rest}"),
        None => field.to_owned(),
    };
    read_path(&format!("{above}{plain}"))
}

fn unknown_fields(line: &FieldMatch, above: &str, shape: &Shape) -> Vec<Problem> {
    let referred: Vec<FieldPath> = match Modifiers::read(line) {
        Ok(modifiers) if modifiers.has(Modifier::FieldRef) => {
            let values = line.values.iter().filter_map(Value::as_str);
            values.filter_map(|name| field_path(name, above)).collect()
        }
        _ => Vec::new(),
    };
    let fields = field_path(&line.field, above).into_iter().chain(referred);
    let unknown = fields.filter(|path| !shape.has(path));
    unknown
        .map(|path| no_such_field(&path, &line.path, shape))
        .collect()
}

fn no_such_field(path: &FieldPath, at: &str, shape: &Shape) -> Problem {
    let path = path.segments().collect::<Vec<_>>().join(".");
    let help = nearest(&path, shape.paths()).map_or_else(
        || "the vendor's own fields are below `raw`".to_owned(),
        |similar| format!("a field with a similar name exists: `{similar}`"),
    );
    Problem::error(code::PB0808, at, format!("`{path}` is in no alert"))
        .weighing(Severity::Warning)
        .with_help(help)
}

/// What the playbook says about fields of a rule file must itself be right.
fn overridden(rule: &RuleFile, at: &str, shape: &Shape) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, field) in &rule.fields {
        let at = format!("{at}.fields.{name}");
        match read_path(field) {
            Some(path) if shape.has(&path) => {}
            Some(path) => problems.push(no_such_field(&path, &at, shape)),
            None => {
                let message = format!("`{field}` is not a field");
                problems.push(Problem::error(code::PB0603, &at, message));
            }
        }
    }
    problems
}

fn raw_only(detection: &Detection, rule: &RuleFile) -> Option<Problem> {
    let lines = lines(detection);
    let mut names: Vec<&str> = lines
        .iter()
        // Fields of members count from a list, whose own name is what matters.
        .filter(|(_, above)| above.is_empty())
        .map(|(line, _)| line.field.split('[').next().unwrap_or_default())
        .filter(|name| !name.is_empty() && naming::is_raw_only(name, rule))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "{} of `{}` {} looked for in the vendor's JSON, below `raw`",
        quoted.join(", "),
        rule.name,
        if names.len() == 1 { "is" } else { "are" }
    );
    let help = "where the alert has them elsewhere, say so: \
                `sigma: {file: …, fields: {Name: raw.name}}`";
    Some(
        Problem::error(code::PB0809, &detection.path, message)
            .weighing(Severity::Hint)
            .with_help(help),
    )
}

fn unused(detection: &Detection) -> Vec<Problem> {
    let names = || {
        detection
            .selections
            .iter()
            .map(|selection| selection.name.as_str())
    };
    let used: Vec<&str> = detection
        .conditions
        .iter()
        .flat_map(|condition| condition::used(&condition.text, names()))
        .collect();
    let unused = names().filter(|name| !used.contains(name));
    unused
        .map(|name| {
            let (path, file) = match &detection.rule {
                Some(rule) => (detection.path.clone(), format!("{}: ", rule.name)),
                None => (format!("{}.{name}", detection.path), String::new()),
            };
            let message = format!("{file}the condition does not use the selection `{name}`");
            Problem::error(code::PB0810, &path, message)
                .weighing(Severity::Warning)
                .with_help(format!(
                    "name it in the condition, such as `and not {name}`"
                ))
        })
        .collect()
}
