//! Every playbook that ships: each step failed once, interrupted once, done twice, cancelled.
//!
//! The actions are the catalog's, their answers the examples they document; nothing is sent.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use actions_contract::{
    ActionError, ActionInfo, Confidence, Effect, ErrorKind, Idempotency, Mode, Outcome,
};
use engine_driver::begin;
use engine_model::{Alert, Millis, RunId, TenantId, Timestamp, code};
use engine_playbook::plan::{Plan, Storm, Trigger, TriggerKind};
use engine_run::{Attempt, Await, Cid, Command, Event, Run, RunStatus, RunView, Settings, Wants};
use engine_trigger::storm::{AlertRef, Facts, Firing};
use engine_trigger::{AlertChange, AlertView, ByHand};
use serde_json::{Map, Value, json};

/// More events than any run of a playbook that ships needs.
const EVENTS_MAX: usize = 500;

/// What goes wrong, at one try of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// The service is busy for the moment.
    Busy,
    /// The action fails for good.
    Fails,
    /// The request left and no answer came; it had arrived.
    NoAnswer,
    /// The engine stops during the try; the request had arrived.
    Stops,
    /// The outcome is reported twice.
    Twice,
    /// The remote action takes its time.
    Slow,
    /// Somebody cancels during the try.
    Cancelled,
}

const MISHAPS: [Mishap; 7] = [
    Mishap::Busy,
    Mishap::Fails,
    Mishap::NoAnswer,
    Mishap::Stops,
    Mishap::Twice,
    Mishap::Slow,
    Mishap::Cancelled,
];

/// The actions that playbooks may use: the catalog's, and the example plugin's.
fn infos() -> &'static [Arc<ActionInfo>] {
    static INFOS: LazyLock<Vec<Arc<ActionInfo>>> = LazyLock::new(|| {
        let mut infos = actions_catalog::infos(actions_catalog::Options::default());
        infos.push(decoder());
        infos.into_iter().map(Arc::new).collect()
    });
    &INFOS
}

/// `examples/plugins/decode-powershell`, as far as a playbook sees it.
fn decoder() -> ActionInfo {
    ActionInfo {
        id: "ps-decode.decode".parse().unwrap(),
        major: 1,
        title: "Decodes a command line".to_owned(),
        description: String::new(),
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        parameters: json!({
            "type": "object",
            "properties": { "command_line": { "type": "string" } },
        }),
        output: json!({
            "type": "object",
            "properties": { "found": { "type": "boolean" }, "decoded": { "type": "string" } },
            "required": ["found", "decoded"],
        }),
        target: None,
        settles: false,
        api: None,
        method: None,
        path: None,
        permissions_application: Vec::new(),
        permissions_delegated: Vec::new(),
        rate: None,
        beta: false,
        confidence: Confidence::Derived,
        source: None,
        example: json!({}),
        example_output: json!({ "found": true, "decoded": "IEX" }),
    }
}

/// Answers of the service beside the examples of the catalog: an action, a field, its value.
type Answers = &'static [(&'static str, &'static str, &'static str)];

/// The device, in every answer the same one.
const DEVICE: [(&str, &str, &str); 2] = [
    ("defender.get-machine", "id", "\"d1\""),
    ("defender.get-machine-action", "machine_id", "\"d1\""),
];

/// What the world is like: as everybody hopes first, then in every way a playbook asks about.
const WORLDS: [Answers; 4] = [
    &[(
        "defender.run-hunting-query",
        "rows",
        "[{\"DeviceName\": \"ws-1\", \"DeviceId\": \"d1\"}]",
    )],
    &[("defender.get-machine-action", "status", "\"Failed\"")],
    &[("defender.get-machine", "machine_tags", "[\"dc\"]")],
    &[("defender.run-hunting-query", "rows", "[]")],
];

fn playbooks() -> Vec<(String, Arc<Plan>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["workflows", "examples/plugins/decode-powershell/playbooks"];
    let entries = folders.map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let mut plans = Vec::new();
    for entry in entries.into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".test.yaml") || !name.ends_with(".yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let compiled = engine_playbook::compile(&text, infos());
        let plan = compiled
            .plan
            .unwrap_or_else(|| panic!("{name}: {:#?}", compiled.diagnostics));
        plans.push((name, plan));
    }
    plans.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(plans.len() >= 3, "the playbooks that ship are gone");
    plans
}

/// An alert for which a trigger of the plan must fire, by its own example.
fn alert(plan: &Plan) -> Alert {
    let fires = plan
        .triggers
        .iter()
        .find_map(|trigger| match &trigger.kind {
            TriggerKind::Alert(alert) => alert.examples.fires.first(),
            _ => None,
        });
    let mut alert = json!({
        "id": "da637",
        "tenant": "contoso",
        "source": "mde",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "title": "Something bad",
        "severity": "high",
    });
    for (key, value) in fires.and_then(Value::as_object).into_iter().flatten() {
        alert[key] = value.clone();
    }
    serde_json::from_value(alert).unwrap()
}

/// The first event of a run that `trigger` starts.
fn started(plan: &Arc<Plan>, trigger: &Trigger) -> Event {
    let tenant: TenantId = "contoso".parse().unwrap();
    let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let alert = alert(plan);
    let view = AlertView::new(&alert);
    let (start, alert) = match &trigger.kind {
        TriggerKind::Alert(of_alert) => (
            engine_trigger::start_for_firing(
                plan,
                &trigger.id,
                &firing(&of_alert.storm, &view, at),
                &[AlertView::new(&alert)],
            ),
            Some(view.value().clone()),
        ),
        TriggerKind::Schedule(_) => (
            engine_trigger::start_for_instant(plan, &trigger.id, &tenant, at),
            None,
        ),
        TriggerKind::Manual(_) => (
            engine_trigger::start_by_hand(
                plan,
                ByHand {
                    tenant: &tenant,
                    by: "mona",
                    roles: None,
                    key: "k1",
                    alert: Some(&view),
                    inputs: Map::new(),
                },
            ),
            Some(view.value().clone()),
        ),
        TriggerKind::Playbook(_) => {
            let summary = json!({ "id": "run_x", "playbook": "other", "status": "failed" });
            let run = RunId::derive(&tenant, &plan.name, &trigger.id, "ended");
            let from = (&tenant, &run);
            (
                engine_trigger::start_for_end(plan, &trigger.id, from, summary),
                None,
            )
        }
    };
    begin(plan, start.unwrap(), alert, at, Settings::default()).event
}

/// What storm control lets through because of one alert, gathered where the trigger gathers.
fn firing(storm: &Storm, view: &AlertView<'_>, at: Timestamp) -> Firing {
    let facts = Facts::of(storm, view, AlertChange::Created, at).unwrap();
    Firing {
        group: facts.group,
        since: at,
        gathered: storm.accumulate.is_some() || storm.batch.is_some(),
        ..Firing::single(AlertRef(0), AlertChange::Created)
    }
}

/// A run that goes to its end, with at most one mishap at one step.
struct Story {
    /// The label of the step, and what happens to its first try.
    mishap: Option<(String, Mishap)>,
    /// The examples of the catalog, by action.
    outputs: HashMap<String, Value>,
    /// How often each step was done.
    executed: BTreeMap<String, u32>,
    future: BTreeMap<(Timestamp, usize), Event>,
    asked: usize,
}

impl Story {
    fn new(world: Answers, mishap: Option<(&str, Mishap)>) -> Self {
        let outputs = infos().iter();
        let mut outputs: HashMap<String, Value> = outputs
            .map(|info| (info.id.to_string(), info.example_output.clone()))
            .collect();
        for (action, field, value) in DEVICE.iter().chain(world) {
            let output = outputs.get_mut(*action).unwrap();
            output[field] = serde_json::from_str(value).unwrap();
        }
        Self {
            mishap: mishap.map(|(step, mishap)| (step.to_owned(), mishap)),
            outputs,
            executed: BTreeMap::new(),
            future: BTreeMap::new(),
            asked: 0,
        }
    }

    fn go(mut self, plan: &Arc<Plan>, started: Event) -> (RunView, BTreeMap<String, u32>) {
        let mut run = Run::new(Arc::clone(plan));
        self.push(started);
        let mut events = 0;
        while let Some((_, event)) = self.future.pop_first() {
            events += 1;
            assert!(
                events < EVENTS_MAX,
                "{:?}: the run does not end",
                self.mishap
            );
            for command in run.advance(&event) {
                self.perform(command, event.at());
            }
        }
        (run.view(), self.executed)
    }

    fn push(&mut self, event: Event) {
        self.asked += 1;
        self.future.insert((event.at(), self.asked), event);
    }

    fn perform(&mut self, command: Command, now: Timestamp) {
        match command {
            Command::Attempt(attempt) => self.try_it(&attempt, now),
            Command::Timer { cid, wake_at } => {
                let at = wake_at.max(now);
                self.push(Event::Fired { cid, at });
            }
            Command::Forget { cid } => self.future.retain(|_, event| match event {
                Event::Fired { cid: other, .. } | Event::Signalled { cid: other, .. } => {
                    *other != cid
                }
                _ => true,
            }),
            Command::Await(wait) => self.answer(&wait, now),
            Command::Child(child) if child.wait => {
                let value = json!({ "status": "succeeded", "outputs": {} });
                self.signal(child.cid, now, value);
            }
            Command::StopChild { cid } => {
                self.signal(cid, now, json!({ "status": "cancelled" }));
            }
            Command::Enter(enter) => self.signal(enter.cid, now, json!({})),
            Command::Child(_) | Command::Finish(_) => {}
        }
    }

    fn signal(&mut self, cid: Cid, now: Timestamp, value: Value) {
        let at = now.plus(Millis::from_secs(30));
        let by = "otto".to_owned();
        self.push(Event::Signalled { cid, at, by, value });
    }

    /// Whoever is asked agrees, after a while.
    fn answer(&mut self, wait: &Await, now: Timestamp) {
        let Wants::Answers { question } = &wait.wants else {
            // The analyst says that it was nothing.
            return self.signal(wait.cid, now, json!({ "classification": "false_positive" }));
        };
        for person in 0..question.ask.quorum {
            let roles = &question.ask.approvers.roles;
            self.push(Event::Signalled {
                cid: wait.cid,
                at: now.plus(Millis::from_secs(30)),
                by: format!("person {person}"),
                value: json!({
                    "decision": "approve", "digest": question.digest, "roles": roles,
                }),
            });
        }
    }

    fn try_it(&mut self, attempt: &Attempt, now: Timestamp) {
        let at = now.plus(Millis::from_secs(1));
        let cid = attempt.cid;
        let mishap = self.mishap.take_if(|(step, _)| *step == attempt.label);
        let mishap = mishap.map(|(_, mishap)| mishap);
        let arrives = !matches!(mishap, Some(Mishap::Busy | Mishap::Fails));
        if attempt.mode == Mode::Execute && attempt.resume.is_none() && arrives {
            *self.executed.entry(attempt.label.clone()).or_default() += 1;
        }
        let output = self.outputs[attempt.action.as_str()].clone();
        let done = Outcome::Done { output };
        let outcome = match mishap {
            None => done,
            Some(Mishap::Twice) => {
                self.report(cid, at, done.clone());
                done
            }
            Some(Mishap::Cancelled) => {
                let by = "mona".to_owned();
                self.push(Event::Cancelled { at: now, by });
                done
            }
            Some(Mishap::Stops) => return self.push(Event::Interrupted { cid, at }),
            Some(Mishap::Slow) => Outcome::Pending {
                state: json!({ "action": "a1" }),
                resume_after: Millis::from_secs(3),
                note: None,
            },
            Some(Mishap::NoAnswer) => {
                let message = "the line went dead";
                let error = ActionError::retryable(ErrorKind::Network, code::BR0201, message, None);
                Outcome::Unknown { error }
            }
            Some(Mishap::Busy) => {
                let message = "come back later";
                let error =
                    ActionError::retryable(ErrorKind::Unavailable, code::AC0111, message, None);
                Outcome::Failed { error }
            }
            Some(Mishap::Fails) => {
                let error = ActionError::permanent(ErrorKind::Conflict, code::AC0101, "no");
                Outcome::Failed { error }
            }
        };
        self.report(cid, at, outcome);
    }

    fn report(&mut self, cid: Cid, at: Timestamp, outcome: Outcome) {
        self.push(Event::Attempted { cid, at, outcome });
    }
}

/// Whether an action may be executed again although it may have happened.
fn repeatable(info: &ActionInfo) -> bool {
    match &info.effect {
        Effect::Read | Effect::Notify => true,
        Effect::Annotate => info.idempotency != Idempotency::None,
        Effect::Contain { .. } | Effect::Release | Effect::Destroy => false,
    }
}

/// Every mishap at every step of a run: it ends, and what may not happen twice does not.
fn tell_all(name: &str, plan: &Arc<Plan>, started: &Event, world: Answers) {
    let (straight, done) = Story::new(world, None).go(plan, started.clone());
    assert_ne!(straight.status, RunStatus::Running, "{name}");
    for step in &straight.steps {
        let action = step.action.as_ref();
        let Some(info) = infos().iter().find(|info| Some(&info.id) == action) else {
            continue;
        };
        for mishap in MISHAPS {
            let label = step.label.as_str();
            let place = format!("{name}, {label}, {mishap:?}");
            let story = Story::new(world, Some((label, mishap)));
            let (view, executed) = story.go(plan, started.clone());
            assert_ne!(view.status, RunStatus::Running, "{place}");
            let times = executed.get(label).copied().unwrap_or(0);
            assert!(
                times <= 1 || repeatable(info),
                "{place}: done {times} times"
            );
            if !done.contains_key(label) {
                continue;
            }
            let mended = match mishap {
                Mishap::Busy | Mishap::Twice | Mishap::Slow => true,
                Mishap::Stops | Mishap::NoAnswer => {
                    repeatable(info) || info.effect.kind().needs_reconcile()
                }
                Mishap::Fails | Mishap::Cancelled => false,
            };
            if mended {
                assert_eq!(view.status, straight.status, "{place}: {view:#?}");
            }
        }
    }
}

#[test]
fn every_run_of_a_playbook_that_ships_ends_whatever_happens_to_one_step() {
    for (name, plan) in playbooks() {
        for trigger in &plan.triggers {
            let started = started(&plan, trigger);
            for world in WORLDS {
                tell_all(&name, &plan, &started, world);
            }
        }
    }
}

/// What the steps of the guide may count on.
const GUIDE: &str = r"version: 1
name: guide
triggers: [{id: any, alert: {source: mde}}]
steps:
- {id: hunt, uses: defender.run-hunting-query, with: {query: DeviceInfo}}
";

#[test]
fn every_step_of_the_guide_is_valid() {
    let guide = include_str!("../../../../docs/playbooks.md");
    let snippets = guide.split("```yaml\n").skip(1);
    let snippets = snippets.filter_map(|rest| rest.split("```").next());
    let steps: Vec<&str> = snippets.filter(|text| text.starts_with("- id:")).collect();
    assert!(steps.len() >= 5, "the steps of the guide are gone");
    for step in steps {
        let compiled = engine_playbook::compile(&format!("{GUIDE}{step}"), infos());
        assert!(
            compiled.plan.is_some(),
            "{step}\n{:#?}",
            compiled.diagnostics
        );
    }
}
