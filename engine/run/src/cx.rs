//! What every part of the interpreter works with while one event is handled.

use std::sync::Arc;

use actions_contract::{ActionError, ErrorKind};
use engine_model::{Code, Millis, RunId, TenantId, Timestamp, code};
use engine_playbook::expr::{EvalError, Expr, Scope, Template};
use engine_playbook::plan::{Plan, Step};
use serde_json::{Map, Value, json};

use crate::{Await, Cid, Command, News, NewsKind, RunStatus, Settings, Started, StepRecord, Wants};

/// What a step waits for has happened.
pub(crate) enum Input<'a> {
    /// A try came to something.
    Attempted(Cid, &'a actions_contract::Outcome),
    /// The engine stopped while this try was under way.
    Interrupted(Cid),
    /// A timer is due.
    Fired(Cid),
    /// A signal came in.
    Signalled(Signal<'a>),
    /// The run is being cancelled.
    Cancel,
}

/// A signal that came in.
#[derive(Clone, Copy)]
pub(crate) struct Signal<'a> {
    /// What waited for it.
    pub(crate) cid: Cid,
    /// Who or what sent it.
    pub(crate) by: &'a str,
    /// What it says.
    pub(crate) value: &'a Value,
}

/// Whether a part of the run goes on.
pub(crate) enum Flow {
    /// It waits for an event.
    Waiting,
    /// It is over.
    Ended(End),
}

/// How a part of the run ended.
pub(crate) enum End {
    /// Normally.
    Done,
    /// With an error that nothing below handled.
    Failed(RunError),
    /// A `stop` ends the whole run.
    Stopped(RunStatus, Option<String>),
    /// The run is being cancelled.
    Cancelled,
}

/// An error on its way up.
#[derive(Clone, Debug)]
pub(crate) struct RunError {
    pub(crate) step: String,
    pub(crate) attempts: u32,
    pub(crate) error: ActionError,
}

impl RunError {
    /// The error as playbooks see it.
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "step": self.step,
            "kind": self.error.kind.as_str(),
            "code": self.error.code,
            "message": self.error.message,
            "retryable": self.error.retryable,
            "attempts": self.attempts,
            "cause": self.error.details,
        })
    }
}

/// Names that hold only inside a part of the run, innermost first.
pub(crate) struct Env<'a> {
    /// The name and its value.
    pub(crate) local: Option<(&'a str, &'a Value)>,
    /// The names around it.
    pub(crate) outer: Option<&'a Env<'a>>,
}

impl Env<'_> {
    /// No local names.
    pub(crate) const EMPTY: Env<'static> = Env {
        local: None,
        outer: None,
    };

    fn find(&self, name: &str) -> Option<&Value> {
        match self.local {
            Some((own, value)) if own == name => Some(value),
            _ => self.outer.and_then(|outer| outer.find(name)),
        }
    }
}

/// What lives as long as the run.
pub(crate) struct Shared {
    pub(crate) run: RunId,
    pub(crate) settings: Settings,
    /// Everybody who had a hand in the start.
    pub(crate) by: Vec<String>,
    pub(crate) tenant: TenantId,
    /// How many runs stand above this one.
    pub(crate) depth: u8,
    /// What stands before the names of steps: the item that is worked on.
    pub(crate) prefix: String,
    /// What steps came to in the run that this one goes on with.
    pub(crate) kept: Map<String, Value>,
    /// The deadline of the run.
    pub(crate) deadline: Timestamp,
    /// The names of expressions: `inputs`, `vars`, `steps` …
    pub(crate) names: Map<String, Value>,
    /// The name `alert`: large, never changed, and shared with whoever started the run.
    alert: Option<Arc<Value>>,
    pub(crate) records: Vec<StepRecord>,
    pub(crate) news: Vec<News>,
    pub(crate) next_cid: u64,
}

impl Shared {
    /// What a run begins with.
    pub(crate) fn new(started: &Started, plan: &Plan, deadline: Timestamp) -> Self {
        Self {
            run: started.run.clone(),
            settings: started.settings,
            by: started.starters(),
            tenant: started.tenant.clone(),
            depth: started.depth,
            prefix: String::new(),
            kept: started
                .again
                .as_ref()
                .map(|again| again.kept.clone())
                .unwrap_or_default(),
            deadline,
            names: names(started, plan),
            alert: started.alert.clone(),
            records: Vec::new(),
            news: Vec::new(),
            next_cid: 0,
        }
    }

    fn name(&self, name: &str) -> Option<&Value> {
        match name {
            "alert" => self.alert.as_deref(),
            name => self.names.get(name),
        }
    }
}

fn named(prefix: &str, name: &str) -> String {
    match (prefix, name) {
        ("", name) => name.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, name) => format!("{prefix}/{name}"),
    }
}

fn unreached() -> Value {
    json!({ "status": "skipped", "attempts": 0, "simulated": false })
}

fn names(started: &Started, plan: &Plan) -> Map<String, Value> {
    let mut names = Map::new();
    names.insert("inputs".to_owned(), Value::Object(started.inputs.clone()));
    names.insert("vars".to_owned(), Value::Object(Map::new()));
    // A step that is never reached counts as skipped, so that outputs may ask for its status.
    let steps = plan
        .all_steps()
        .into_iter()
        .filter_map(|step| step.id.as_ref());
    let steps = steps
        .map(|id| (id.as_str().to_owned(), unreached()))
        .collect();
    names.insert("steps".to_owned(), Value::Object(steps));
    let mut trigger = json!({ "id": started.trigger });
    if let Some(gathered) = &started.gathered {
        trigger["alerts"] = json!(gathered.alerts);
        trigger["count"] = json!(gathered.count);
        trigger["group"] = json!(gathered.group);
        trigger["since"] = json!(gathered.since);
    }
    if let Some(ended) = &started.ended {
        trigger["run"] = ended.clone();
    }
    names.insert("trigger".to_owned(), trigger);
    names.insert(
        "run".to_owned(),
        json!({
            "id": started.run,
            "playbook": started.playbook,
            "tenant": started.tenant,
            "started_at": started.at,
            "now": started.at,
        }),
    );
    if let Some(schedule) = &started.schedule {
        names.insert("schedule".to_owned(), schedule.clone());
    }
    names
}

/// What one event is handled with.
pub(crate) struct Cx<'a> {
    pub(crate) now: Timestamp,
    pub(crate) shared: &'a mut Shared,
    pub(crate) commands: &'a mut Vec<Command>,
}

struct Names<'a> {
    shared: &'a Shared,
    env: &'a Env<'a>,
}

impl Scope for Names<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.env.find(name).or_else(|| self.shared.name(name))
    }
}

impl Cx<'_> {
    pub(crate) fn cid(&mut self) -> Cid {
        self.shared.next_cid += 1;
        Cid(self.shared.next_cid)
    }

    pub(crate) fn timer(&mut self, wake_at: Timestamp) -> Cid {
        let cid = self.cid();
        self.commands.push(Command::Timer { cid, wake_at });
        cid
    }

    /// What people call the step, with the item that it is done for.
    pub(crate) fn label(&self, step: &Step) -> String {
        named(&self.shared.prefix, step.label())
    }

    /// The path of the step, with the item that it is done for.
    pub(crate) fn path(&self, step: &Step) -> String {
        named(&self.shared.prefix, &step.path)
    }

    /// Exchanges what these steps came to for what stands in `steps`.
    pub(crate) fn swap_steps(&mut self, ids: &[String], steps: &mut Map<String, Value>) {
        let Some(Value::Object(all)) = self.shared.names.get_mut("steps") else {
            return;
        };
        for id in ids {
            let inside = steps.remove(id).unwrap_or_else(unreached);
            if let Some(outside) = all.insert(id.clone(), inside) {
                steps.insert(id.clone(), outside);
            }
        }
    }

    pub(crate) fn forget(&mut self, cid: Cid) {
        self.commands.push(Command::Forget { cid });
    }

    /// Waits for signals of this name until that is forgotten.
    pub(crate) fn wait_for(&mut self, name: &str, wants: Wants) -> Cid {
        let cid = self.cid();
        let name = name.to_owned();
        self.commands
            .push(Command::Await(Box::new(Await { cid, name, wants })));
        cid
    }

    pub(crate) fn tell(&mut self, step: &str, kind: NewsKind) {
        self.shared.news.push(News {
            at: self.now,
            step: step.to_owned(),
            kind,
        });
    }

    pub(crate) fn render(&self, env: &Env<'_>, template: &Template) -> Result<Value, ActionError> {
        template
            .render(&Names {
                shared: self.shared,
                env,
            })
            .map_err(evaluation_failed)
    }

    pub(crate) fn holds(&self, env: &Env<'_>, condition: &Expr) -> Result<bool, ActionError> {
        condition
            .eval_bool(&Names {
                shared: self.shared,
                env,
            })
            .map_err(evaluation_failed)
    }

    /// Writes a field of a named map, such as `vars.rows` or `steps.isolate`.
    pub(crate) fn assign(&mut self, map: &str, key: &str, value: Value) {
        let slot = self
            .shared
            .names
            .entry(map)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(fields) = slot {
            fields.insert(key.to_owned(), value);
        }
    }

    /// The value of a local or shared name.
    pub(crate) fn name<'b>(&'b self, env: &'b Env<'_>, name: &str) -> Option<&'b Value> {
        env.find(name).or_else(|| self.shared.name(name))
    }
}

fn evaluation_failed(error: EvalError) -> ActionError {
    expression_failed(error.code, error.to_string())
}

/// The error of a value that cannot be used.
pub(crate) fn expression_failed(code: Code, message: String) -> ActionError {
    let mut failed = ActionError::permanent(ErrorKind::Expression, code::RN0101, message);
    failed.details = Some(json!({ "code": code.as_str() }));
    failed
}

/// The error of something that passed its deadline.
pub(crate) fn timed_out(code: Code, what: &str, deadline: Timestamp) -> ActionError {
    ActionError::permanent(
        ErrorKind::Timeout,
        code,
        format!("{what} passed its deadline at {deadline}"),
    )
}

/// The time that steps of `on_error` and `finally` have.
pub(crate) const CLEAN_UP: Millis = Millis::from_secs(600);
