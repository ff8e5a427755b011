//! What a condition proves about steps: which ones surely ran.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ast::{Compare, Kind, Node, Test};

/// The status of a step that did not run.
const SKIPPED: &str = "skipped";

type Steps = BTreeSet<String>;

/// The steps that surely ran when `condition` is `truth`.
pub(super) fn ran_when(condition: &Node, truth: bool) -> Steps {
    match &condition.kind {
        Kind::Not(of) => ran_when(of, !truth),
        // All parts are true, or at least one is false; for `or` the other way round.
        Kind::And(parts) => together(parts, truth, truth),
        Kind::Or(parts) => together(parts, truth, !truth),
        Kind::Compare {
            op: op @ (Compare::Equal | Compare::NotEqual),
            left,
            right,
        } => {
            let equal = (*op == Compare::Equal) == truth;
            match (
                status_of(left),
                right.as_text(),
                status_of(right),
                left.as_text(),
            ) {
                (Some(step), Some(status), ..) | (_, _, Some(step), Some(status)) => {
                    only_if(equal != (status == SKIPPED), step)
                }
                _ => Steps::new(),
            }
        }
        Kind::In {
            negated,
            left,
            right,
        } => {
            let inside = *negated != truth;
            let Kind::Literal(Value::Array(statuses)) = &right.kind else {
                return Steps::new();
            };
            let lists_skipped = statuses.iter().any(|status| status == SKIPPED);
            status_of(left).map_or_else(Steps::new, |step| only_if(inside != lists_skipped, step))
        }
        Kind::Is {
            negated,
            of,
            test: Test::Defined,
        } if *negated != truth => {
            // The status of a skipped step is there, so only what comes from running proves it.
            match below_step(of) {
                Some((step, field)) => only_if(field != "status", step),
                None => Steps::new(),
            }
        }
        _ => Steps::new(),
    }
}

/// Facts of several parts: of each, when every part has this truth, else what all agree on.
fn together(parts: &[Node], truth: bool, every: bool) -> Steps {
    let mut facts = parts.iter().map(|part| ran_when(part, truth));
    let first = facts.next().unwrap_or_default();
    facts.fold(first, |mut known, more| {
        if every {
            known.extend(more);
        } else {
            known.retain(|step| more.contains(step));
        }
        known
    })
}

fn only_if(holds: bool, step: &str) -> Steps {
    if holds {
        Steps::from([step.to_owned()])
    } else {
        Steps::new()
    }
}

/// The step in `steps.x.status`.
fn status_of(node: &Node) -> Option<&str> {
    let (of, field, _) = node.as_field()?;
    if field == "status" { step_of(of) } else { None }
}

/// The step in `steps.x`.
pub(super) fn step_of(node: &Node) -> Option<&str> {
    let (of, id, _) = node.as_field()?;
    matches!(&of.kind, Kind::Name(name) if name == "steps").then_some(id)
}

/// The step and its field in `steps.x.field…`.
fn below_step(node: &Node) -> Option<(&str, &str)> {
    let (of, field, _) = match &node.kind {
        Kind::Index { of, index } if index.as_text().is_none() => return below_step(of),
        _ => node.as_field()?,
    };
    match step_of(of) {
        Some(step) => Some((step, field)),
        None => below_step(of),
    }
}
