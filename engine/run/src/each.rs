//! `for_each`: a step for each item of a list, at most so many at a time.
//!
//! The steps inside an item have names that only this item sees. They live beside the item and
//! stand among the names of the run while something of the item is going on.

use std::collections::HashSet;

use actions_contract::{ActionError, ErrorKind};
use engine_model::{Timestamp, code};
use engine_playbook::plan::{Each, OnItemError, Step};
use serde_json::{Map, Value, json};

use crate::StepStatus;
use crate::cx::{Cx, Env, Flow, Input, expression_failed};
use crate::window::{Lanes, Rules, Window};

/// Where the items stand.
pub(crate) struct EachState {
    items: Vec<Item>,
    /// The ids of the steps inside.
    ids: Vec<String>,
    /// What stands before the names of the items.
    label: String,
    window: Window,
}

struct Item {
    value: Value,
    key: String,
    /// What the steps inside came to.
    steps: Map<String, Value>,
    result: Option<Value>,
}

/// The items as lanes.
struct Items<'a> {
    items: &'a mut Vec<Item>,
    ids: &'a [String],
    label: &'a str,
    each: &'a Each,
}

impl EachState {
    /// Reads the list and begins as many items as may run.
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (step, each): (&Step, &Each),
        deadline: Timestamp,
    ) -> Result<(Self, Flow), ActionError> {
        let items = items(cx, env, each)?;
        let mut state = Self {
            items,
            ids: ids(&each.body),
            label: cx.label(step),
            window: Window::new(Rules {
                concurrency: each.concurrency,
                fail_fast: each.on_item_error == OnItemError::FailFast,
                go_on: each.on_item_error == OnItemError::Continue,
                deadline,
            }),
        };
        let (window, mut items) = state.parts(each);
        let flow = window.go_on(cx, env, &mut items);
        Ok((state, flow))
    }

    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        each: &Each,
        input: &Input<'_>,
    ) -> Option<Flow> {
        let (window, mut items) = self.parts(each);
        window.deliver(cx, env, &mut items, input)
    }

    fn parts<'a>(&'a mut self, each: &'a Each) -> (&'a mut Window, Items<'a>) {
        let items = Items {
            items: &mut self.items,
            ids: &self.ids,
            label: &self.label,
            each,
        };
        (&mut self.window, items)
    }

    /// The outputs of the items that succeeded, and what each item came to.
    pub(crate) fn results(&mut self) -> (Value, Value) {
        let results = self.items.iter_mut().filter_map(|item| item.result.take());
        let results: Vec<Value> = results.collect();
        let good = |result: &&Value| {
            matches!(
                result.get("status").and_then(Value::as_str),
                Some("succeeded" | "simulated")
            )
        };
        let outputs = results
            .iter()
            .filter(good)
            .map(|result| result.get("output").cloned().unwrap_or_default())
            .collect();
        (Value::Array(outputs), Value::Array(results))
    }
}

impl Lanes for Items<'_> {
    fn count(&self) -> usize {
        self.items.len()
    }

    fn within<T>(
        &mut self,
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        lane: usize,
        work: impl FnOnce(&mut Cx<'_>, &Env<'_>, &Step) -> T,
    ) -> T {
        let item = &mut self.items[lane];
        let prefix = format!("{}[{}]", self.label, item.key);
        let outer = std::mem::replace(&mut cx.shared.prefix, prefix);
        cx.swap_steps(self.ids, &mut item.steps);
        let inner = Env {
            local: Some((&self.each.name, &item.value)),
            outer: Some(env),
        };
        let out = work(cx, &inner, &self.each.body);
        cx.swap_steps(self.ids, &mut item.steps);
        cx.shared.prefix = outer;
        out
    }

    fn ended(&mut self, cx: &mut Cx<'_>, env: &Env<'_>, lane: usize, record: usize) {
        let each = self.each;
        let yielded = self.within(cx, env, lane, |cx, env, _| {
            let status = cx.shared.records[record].status;
            let good = matches!(status, StepStatus::Succeeded | StepStatus::Simulated);
            match &each.output {
                Some(output) if good => Some(cx.render(env, output)),
                _ => cx.shared.records[record].output.clone().map(Ok),
            }
        });
        let record = &mut cx.shared.records[record];
        let (mut status, mut error) = (record.status, record.error.clone());
        let output = match yielded {
            Some(Ok(output)) => Some(output),
            Some(Err(failed)) => {
                status = StepStatus::Failed;
                error = Some(json!({
                    "kind": failed.kind.as_str(), "code": failed.code, "message": failed.message,
                }));
                None
            }
            None => None,
        };
        let item = &mut self.items[lane];
        item.result = Some(json!({
            "index": lane, "key": item.key, "status": status, "output": output, "error": error,
        }));
        item.steps = Map::new();
        item.value = Value::Null;
    }
}

/// The items, each with a key of its own.
fn items(cx: &mut Cx<'_>, env: &Env<'_>, each: &Each) -> Result<Vec<Item>, ActionError> {
    let list = match cx.render(env, &each.list)? {
        Value::Array(list) => list,
        other => {
            let message = format!("`for_each` takes a list, this is {}", kind_of(&other));
            return Err(expression_failed(code::PB0402, message));
        }
    };
    let many = usize::try_from(each.max_items).unwrap_or(usize::MAX);
    if list.len() > many {
        return Err(ActionError::permanent(
            ErrorKind::InvalidInput,
            code::RN0109,
            format!("the list has {} items, `max_items` is {many}", list.len()),
        ));
    }
    let mut seen = HashSet::new();
    let mut items = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        let key = key(cx, env, each, (index, &value))?;
        if !seen.insert(key.clone()) {
            return Err(ActionError::permanent(
                ErrorKind::InvalidInput,
                code::RN0110,
                format!("two items have the key `{key}`"),
            ));
        }
        items.push(Item {
            value,
            key,
            steps: Map::new(),
            result: None,
        });
    }
    Ok(items)
}

fn key(
    cx: &Cx<'_>,
    env: &Env<'_>,
    each: &Each,
    (index, value): (usize, &Value),
) -> Result<String, ActionError> {
    let Some(key) = &each.key else {
        return Ok(index.to_string());
    };
    let inner = Env {
        local: Some((&each.name, value)),
        outer: Some(env),
    };
    Ok(match cx.render(&inner, key)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// The ids of the steps inside; those of a `for_each` inside belong to its own items.
fn ids(body: &Step) -> Vec<String> {
    let mut ids = Vec::new();
    body.visit(&mut |step| {
        ids.extend(step.id.as_ref().map(|id| id.as_str().to_owned()));
    });
    ids
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
