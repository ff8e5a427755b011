//! From a detection to one match.

use std::sync::Arc;

use engine_model::code;
use engine_playbook::plan::{Detection, Form, Stage};

use crate::compile::{self, Naming, Scope, bracket};
use crate::condition::{self, Selections};
use crate::path::Fields;
use crate::problem::Problem;
use crate::test::Node;

/// Compiles `detection`, whose fields are looked up in `fields`.
pub(crate) fn compile(detection: &Detection, fields: &mut Fields) -> Result<Node, Vec<Problem>> {
    let naming = detection.rule.as_ref().map_or(Naming::Alert, Naming::Rule);
    let mut scope = Scope {
        fields,
        naming,
        selection: None,
    };
    whole(detection, &mut scope).map_err(|mut problems| {
        if detection.rule.is_some() {
            // The path of such a problem is a place in the rule file.
            for problem in &mut problems {
                problem.code = code::PB0604;
                problem.message = format!("{}: {}", problem.path, problem.message);
                problem.path.clone_from(&detection.path);
            }
        }
        problems
    })
}

/// What a stage of a sequence asks for; none where it cannot be compiled, which the match of the
/// trigger reports.
pub(crate) fn stage(stage: &Stage, fields: &mut Fields) -> Option<Node> {
    let naming = stage.rule.as_ref().map_or(Naming::Alert, Naming::Rule);
    let mut scope = Scope {
        fields,
        naming,
        selection: Some(stage.selection.name.as_str().into()),
    };
    form(&stage.selection.form, &mut scope, &mut Vec::new())
}

fn whole(detection: &Detection, scope: &mut Scope<'_>) -> Result<Node, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut selections = Selections::default();
    for selection in &detection.selections {
        let outside = scope.selection.replace(selection.name.as_str().into());
        let node = form(&selection.form, scope, &mut problems);
        scope.selection = outside;
        let node = node.unwrap_or_else(|| Node::Any(Vec::new()));
        selections.add(&selection.name, Arc::new(node));
    }
    let mut conditions = Vec::new();
    for written in &detection.conditions {
        match condition::parse(&written.text, &selections) {
            Ok(node) => conditions.push(node),
            Err(wrong) => problems.push(
                Problem::error(code::PB0605, &written.path, wrong.message).with_help_if(wrong.help),
            ),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(match <[Node; 1]>::try_from(conditions) {
        Ok([only]) => only,
        Err(several) => Node::Any(several),
    })
}

fn form(form: &Form, scope: &mut Scope<'_>, problems: &mut Vec<Problem>) -> Option<Node> {
    match form {
        Form::All(forms) => all(forms, scope, problems).map(Node::All),
        Form::Any(forms) => all(forms, scope, problems).map(Node::Any),
        Form::Line(line) => match compile::line(line, scope) {
            Ok(node) => Some(node),
            Err(problem) => {
                problems.push(problem);
                None
            }
        },
        Form::Members {
            field,
            form: inner,
            path,
        } => {
            let compile = |scope: &mut Scope<'_>| self::form(inner, scope, problems).ok_or(());
            let node = bracket(field)
                .filter(|(_, _, rest)| rest.is_empty())
                .and_then(|(list, quantifier, _)| {
                    compile::members(list, quantifier, field, scope, compile)
                });
            match node {
                Some(node) => node.ok(),
                None => {
                    let help = "a block asks members of one list: `entities[any]`, `[all]`, \
                                `[none]` or `[all_or_empty]`";
                    let message = format!("`{field}` is not a list of members");
                    problems.push(Problem::error(code::PB0603, path, message).with_help(help));
                    None
                }
            }
        }
        Form::Nested(detection) => whole(detection, scope)
            .map_err(|found| problems.extend(found))
            .ok(),
    }
}

/// All of them compiled, or none: the problems of every one are looked for.
fn all(forms: &[Form], scope: &mut Scope<'_>, problems: &mut Vec<Problem>) -> Option<Vec<Node>> {
    let nodes: Vec<Option<Node>> = forms
        .iter()
        .map(|inner| form(inner, scope, problems))
        .collect();
    nodes.into_iter().collect()
}
