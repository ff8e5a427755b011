//! One alert trigger, compiled: its sources, its match, its expression.

use std::fmt;

use engine_model::AlertSource;
use engine_playbook::expr::{Expr, Scope};
use engine_playbook::plan::{AlertEvents, AlertTrigger};
use serde_json::Value;

use crate::cause::AlertChange;
use crate::compile;
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
    /// The field of the alert, or the key of the trigger: `severity`, `where`, `on`.
    pub field: String,
    /// What the trigger asks for.
    pub wanted: String,
    /// What was there.
    pub found: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        for line in &trigger.fields {
            match compile::line(line, fields) {
                Ok(node) => nodes.push(node),
                Err(problem) => problems.push(problem),
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
    pub(crate) fn fires(&self, seen: &Seen<'_>, change: AlertChange) -> bool {
        self.hears(seen.alert().alert().source)
            && self.asks_for(change)
            && self.node.judge(seen).holds
            && self.condition.as_ref().is_none_or(|condition| {
                // An expression that fails is not true; `explain` shows the failure.
                condition
                    .eval_bool(&OnlyAlert(seen.alert()))
                    .unwrap_or(false)
            })
    }

    /// Why the trigger does not fire; none when it does.
    pub(crate) fn explain(&self, seen: &Seen<'_>, change: AlertChange) -> Option<Explanation> {
        let source = seen.alert().alert().source;
        if !self.hears(source) {
            let sources: Vec<String> = self
                .sources
                .iter()
                .map(|source| format!("`{}`", source.as_str()))
                .collect();
            return Some(Explanation {
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
                field: "on".to_owned(),
                wanted: either(&on),
                found: format!("`{}`", change.as_str()),
            });
        }
        let verdict = self.node.judge(seen);
        if !verdict.holds {
            return verdict.by.map(|test| Explanation {
                field: test.name.clone(),
                wanted: test.wanted.clone(),
                found: test.found(seen),
            });
        }
        let found = match self.condition.as_ref()?.eval_bool(&OnlyAlert(seen.alert())) {
            Ok(true) => return None,
            Ok(false) => "`false`".to_owned(),
            Err(error) => format!("an error: {error}"),
        };
        Some(Explanation {
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
    Ok(rule.explain(&Seen::new(alert, &fields), change))
}

#[cfg(test)]
mod tests;
