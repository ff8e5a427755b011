//! One alert trigger, compiled: its sources, its match, its expression.

use std::fmt;

use engine_model::{AlertSource, TriggerId};
use engine_playbook::expr::{Expr, Scope};
use engine_playbook::plan::{AlertEvents, AlertTrigger, Plan, TriggerKind};
use serde_json::Value;

use crate::cause::AlertChange;
use crate::compile::{self, Naming};
use crate::detection;
use crate::path::{Fields, Seen};
use crate::problem::{Problem, either};
use crate::test::Node;
use crate::view::AlertView;

/// A compiled alert trigger.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    sources: Vec<AlertSource>,
    on: AlertEvents,
    node: Node,
    condition: Option<Expr>,
}

/// Why a trigger did not fire: the first thing that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The selection that the condition belongs to, where there is one.
    pub selection: Option<String>,
    /// The field of the alert, or the key of the trigger: `severity`, `where`, `on`.
    pub field: String,
    /// What the trigger asks for.
    pub wanted: String,
    /// What was there.
    pub found: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(selection) = &self.selection {
            write!(f, "selection `{selection}`: ")?;
        }
        write!(
            f,
            "`{}` is {}, wanted {}",
            self.field, self.found, self.wanted
        )
    }
}

/// The names that `where` may use.
struct OnlyAlert<'a>(&'a AlertView<'a>);

impl Scope for OnlyAlert<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        (name == "alert").then(|| &**self.0.value())
    }
}

impl Rule {
    /// Compiles a trigger, with every problem of its match.
    pub(crate) fn new(trigger: &AlertTrigger, fields: &mut Fields) -> Result<Self, Vec<Problem>> {
        let mut nodes = Vec::new();
        let mut problems = Vec::new();
        let mut scope = compile::Scope {
            fields,
            naming: Naming::Alert,
            selection: None,
        };
        for line in &trigger.fields {
            match compile::line(line, &mut scope) {
                Ok(node) => nodes.push(node),
                Err(problem) => problems.push(problem),
            }
        }
        for detection in &trigger.detections {
            match detection::compile(detection, fields) {
                Ok(node) => nodes.push(node),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            sources: trigger.sources.clone(),
            on: trigger.on,
            node: Node::All(nodes),
            condition: trigger.condition.clone(),
        })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Whether the trigger fires.
    pub(crate) fn fires(
        &self,
        alert: &AlertView<'_>,
        seen: &Seen<'_>,
        change: AlertChange,
    ) -> bool {
        self.hears(alert.alert().source)
            && self.asks_for(change)
            && self.node.judge(seen).holds
            && self.condition.as_ref().is_none_or(|condition| {
                // An expression that fails is not true; `explain` shows the failure.
                condition.eval_bool(&OnlyAlert(alert)).unwrap_or(false)
            })
    }

    /// Why the trigger does not fire; none when it does.
    pub(crate) fn explain(
        &self,
        alert: &AlertView<'_>,
        seen: &Seen<'_>,
        change: AlertChange,
    ) -> Option<Explanation> {
        let source = alert.alert().source;
        if !self.hears(source) {
            let sources: Vec<String> = self
                .sources
                .iter()
                .map(|source| format!("`{}`", source.as_str()))
                .collect();
            return Some(Explanation {
                selection: None,
                field: "source".to_owned(),
                wanted: either(&sources),
                found: format!("`{}`", source.as_str()),
            });
        }
        if !self.asks_for(change) {
            let on = [
                (self.on.created, "`created`"),
                (self.on.updated, "`updated`"),
            ];
            let on: Vec<&str> = on
                .iter()
                .filter(|(asked, _)| *asked)
                .map(|on| on.1)
                .collect();
            return Some(Explanation {
                selection: None,
                field: "on".to_owned(),
                wanted: either(&on),
                found: format!("`{}`", change.as_str()),
            });
        }
        let verdict = self.node.judge(seen);
        if !verdict.holds {
            return verdict.by.map(|by| Explanation {
                selection: by.selection().map(str::to_owned),
                field: by.field().to_owned(),
                wanted: by.wanted(verdict.negated),
                found: by.found(seen),
            });
        }
        let found = match self.condition.as_ref()?.eval_bool(&OnlyAlert(alert)) {
            Ok(true) => return None,
            Ok(false) => "`false`".to_owned(),
            Err(error) => format!("an error: {error}"),
        };
        Some(Explanation {
            selection: None,
            field: "where".to_owned(),
            wanted: "`true`".to_owned(),
            found,
        })
    }

    fn hears(&self, source: AlertSource) -> bool {
        self.sources.contains(&source)
    }

    fn asks_for(&self, change: AlertChange) -> bool {
        match change {
            AlertChange::Created => self.on.created,
            AlertChange::Updated => self.on.updated,
        }
    }
}

/// Why `trigger` does not fire for the alert; none when it does.
///
/// # Errors
///
/// Every problem of the trigger's match.
pub fn explain(
    trigger: &AlertTrigger,
    alert: &AlertView<'_>,
    change: AlertChange,
) -> Result<Option<Explanation>, Vec<Problem>> {
    let mut fields = Fields::default();
    let rule = Rule::new(trigger, &mut fields)?;
    Ok(rule.explain(alert, &Seen::new(alert, &fields), change))
}

/// Why the alert trigger `id` of `plan` does not fire for the alert; none when it does.
#[must_use]
pub fn why_not(
    plan: &Plan,
    id: &TriggerId,
    alert: &AlertView<'_>,
    change: AlertChange,
) -> Option<Explanation> {
    let not = |field: &str, found: &str, wanted: &str| {
        Some(Explanation {
            selection: None,
            field: field.to_owned(),
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        })
    };
    if !plan.enabled {
        return not("enabled", "`false`", "`true`");
    }
    let trigger = plan.triggers.iter().find(|trigger| trigger.id == *id);
    match trigger.map(|trigger| &trigger.kind) {
        Some(TriggerKind::Alert(trigger)) => match explain(trigger, alert, change) {
            Ok(explanation) => explanation,
            Err(problems) => {
                let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
                not("match", &said.join("; "), "a match that can be read")
            }
        },
        _ => not("alert", "not there", "an alert trigger"),
    }
}

#[cfg(test)]
mod tests;
