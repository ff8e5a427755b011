//! The one door: a playbook, what the world answers, and what was seen.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use actions_contract::{Mode, Outcome};
use engine_model::{Millis, RunId, Timestamp};
use engine_playbook::plan::Plan;
use engine_run::{
    Again, Attempt, Await, Cid, Command, Event, Run, RunStatus, Settings, StartChild, Started,
    Wants,
};
use expect_test::Expect;
use serde_json::{Map, Value, json};

use crate::actions;
use crate::answers::{Answer, CameTo, done};

/// More events than any test needs.
const EVENTS_MAX: usize = 5000;

/// A world in which time passes at once and every answer is known beforehand.
pub(crate) struct World {
    plan: Arc<Plan>,
    settings: Settings,
    inputs: Map<String, Value>,
    answers: HashMap<String, VecDeque<Answer>>,
    cancels: Vec<Millis>,
    signals: HashMap<String, Vec<Sent>>,
    /// The names of what is waited for.
    names: HashMap<Cid, String>,
    /// How the runs of other playbooks end.
    children: HashMap<String, VecDeque<Value>>,
    /// What becomes of the wait for a turn.
    turn: Value,
    again: Option<Again>,
}

/// A signal that comes in this long after the run began.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) after: Millis,
    pub(crate) by: String,
    pub(crate) value: Value,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("first_step", &self.plan.steps[0].label())
            .field("answers", &self.answers)
            .field("cancels", &self.cancels)
            .finish_non_exhaustive()
    }
}

/// An event and what the run wanted because of it.
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) commands: Vec<Command>,
}

/// The instant at which every run of these tests begins.
pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// A playbook without `version` and `name`, which are always the same.
#[track_caller]
pub(crate) fn playbook(text: &str) -> World {
    World::of(actions::plan(text))
}

impl World {
    pub(crate) fn of(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            settings: Settings::default(),
            inputs: Map::new(),
            answers: HashMap::new(),
            cancels: Vec::new(),
            signals: HashMap::new(),
            names: HashMap::new(),
            children: HashMap::new(),
            turn: json!({}),
            again: None,
        }
    }

    /// What the tries of an action come to, in this order; `{}` after that.
    pub(crate) fn says(mut self, action: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let queue = self.answers.entry(action.to_owned()).or_default();
        queue.extend(answers);
        self
    }

    /// What people and others send under this name.
    pub(crate) fn hears(mut self, name: &str, sent: impl IntoIterator<Item = Sent>) -> Self {
        self.signals
            .entry(name.to_owned())
            .or_default()
            .extend(sent);
        self
    }

    /// How the runs of another playbook end, in this order.
    pub(crate) fn calls(mut self, playbook: &str, ends: impl IntoIterator<Item = Value>) -> Self {
        let queue = self.children.entry(playbook.to_owned()).or_default();
        queue.extend(ends);
        self
    }

    /// It is never this run's turn.
    pub(crate) fn never_its_turn(mut self, why: &str) -> Self {
        self.turn = json!({ "refused": why });
        self
    }

    /// The run goes on with another one, of which these steps succeeded.
    pub(crate) fn goes_on_with(mut self, kept: Value) -> Self {
        let tenant = "default".parse().unwrap();
        let trigger = "manual".parse().unwrap();
        self.again = Some(Again {
            run: RunId::derive(&tenant, &self.plan.name, &trigger, "before"),
            kept: kept.as_object().unwrap().clone(),
        });
        self
    }

    pub(crate) fn input(mut self, name: &str, value: Value) -> Self {
        self.inputs.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn dry_run(mut self) -> Self {
        self.settings.dry_run = true;
        self
    }

    /// Somebody cancels the run this long after its start.
    pub(crate) fn cancel_after(mut self, after: &str) -> Self {
        self.cancels.push(after.parse().unwrap());
        self
    }

    /// Compares events, commands and how the run ended with what is expected.
    #[track_caller]
    pub(crate) fn check(self, expected: Expect) {
        let (told, run) = self.go();
        expected.assert_eq(&crate::fold::folded(
            &shown(&told, &run).replace(",\"", ", \""),
        ));
    }

    /// Lets the run go to its end.
    pub(crate) fn go(mut self) -> (Vec<Told>, Run) {
        let mut run = Run::new(Arc::clone(&self.plan));
        // By time, then by the order in which it was asked for.
        let mut future: BTreeMap<(Timestamp, usize), Event> = BTreeMap::new();
        let mut started = started(&self.plan, self.settings, self.inputs.clone());
        if let Event::Started(started) = &mut started {
            started.again = self.again.take();
        }
        future.insert((start(), 0), started);
        for (index, after) in self.cancels.iter().enumerate() {
            let at = start().plus(*after);
            let by = "mona".to_owned();
            future.insert((at, index + 1), Event::Cancelled { at, by });
        }
        let mut told: Vec<Told> = Vec::new();
        let mut asked = EVENTS_MAX;
        while let Some((_, event)) = future.pop_first() {
            assert!(told.len() < EVENTS_MAX, "the run does not end");
            let commands = run.advance(&event);
            for command in &commands {
                asked += 1;
                self.perform(command, event.at(), (asked * 1000, &mut future));
            }
            told.push(Told { event, commands });
        }
        (told, run)
    }

    fn child(&mut self, child: &StartChild, now: Timestamp) -> Option<Event> {
        let ends = self.children.get_mut(child.playbook.as_str());
        let value = ends.and_then(VecDeque::pop_front);
        let value = value.unwrap_or_else(|| json!({ "status": "succeeded", "outputs": {} }));
        child.wait.then(|| Event::Signalled {
            cid: child.cid,
            at: now.plus(Millis::from_secs(60)),
            by: "child".to_owned(),
            value,
        })
    }

    /// Whether the event is about something forgotten; a signal is kept under its name.
    fn forgets(&mut self, event: &Event, forgotten: Cid) -> bool {
        match event {
            Event::Fired { cid, .. } => *cid == forgotten,
            Event::Signalled { cid, at, by, value } if *cid == forgotten => {
                if let Some(name) = self.names.get(cid) {
                    let (after, by) = (since(*at), by.clone());
                    let value = value.clone();
                    let kept = self.signals.entry(name.clone()).or_default();
                    kept.push(Sent { after, by, value });
                }
                true
            }
            _ => false,
        }
    }

    fn perform(
        &mut self,
        command: &Command,
        now: Timestamp,
        (asked, future): (usize, &mut BTreeMap<(Timestamp, usize), Event>),
    ) {
        match command {
            Command::Attempt(attempt) => {
                let event = self.try_it(attempt, now);
                future.insert((event.at(), asked), event);
            }
            Command::Timer { cid, wake_at } => {
                // A timer that is set for the past fires at once.
                let at = (*wake_at).max(now);
                future.insert((at, asked), Event::Fired { cid: *cid, at });
            }
            Command::Await(wait) => {
                self.names.insert(wait.cid, wait.name.clone());
                let sent = self.signals.remove(&wait.name).unwrap_or_default();
                for (number, sent) in sent.into_iter().enumerate() {
                    let asked = asked + number;
                    let event = self.signal(wait, sent, now);
                    future.insert((event.at(), asked), event);
                }
            }
            Command::Child(child) => {
                if let Some(event) = self.child(child, now) {
                    future.insert((event.at(), asked), event);
                }
            }
            Command::StopChild { cid } => {
                future.retain(|_, event| !is_signal(event, *cid));
                let event = soon(*cid, now, json!({ "status": "cancelled" }));
                future.insert((event.at(), asked), event);
            }
            Command::Enter(enter) => {
                let event = soon(enter.cid, now, self.turn.clone());
                future.insert((event.at(), asked), event);
            }
            Command::Forget { cid } => {
                future.retain(|_, event| !self.forgets(event, *cid));
                self.names.remove(cid);
            }
            Command::Finish(_) => {}
        }
    }

    fn signal(&self, wait: &Await, sent: Sent, now: Timestamp) -> Event {
        let mut value = sent.value;
        // An answer names what it answers.
        if let (Value::Object(answer), Wants::Answers { question }) = (&mut value, &wait.wants) {
            let digest = || json!(question.digest);
            answer.entry("digest").or_insert_with(digest);
        }
        Event::Signalled {
            cid: wait.cid,
            at: start().plus(sent.after).max(now),
            by: sent.by,
            value,
        }
    }

    fn try_it(&mut self, attempt: &Attempt, now: Timestamp) -> Event {
        let queue = self.answers.get_mut(attempt.action.as_str());
        let answer = queue.and_then(VecDeque::pop_front);
        let answer = answer.unwrap_or_else(|| done(json!({})));
        let cid = attempt.cid;
        match answer.came_to {
            CameTo::Interruption => {
                let at = now.plus(answer.after);
                Event::Interrupted { cid, at }
            }
            CameTo::Outcome(outcome) => {
                let at = now.plus(answer.after.min(attempt.timeout));
                Event::Attempted { cid, at, outcome }
            }
        }
    }
}

fn is_signal(event: &Event, of: Cid) -> bool {
    matches!(event, Event::Signalled { cid, .. } if *cid == of)
}

fn soon(cid: Cid, now: Timestamp, value: Value) -> Event {
    let at = now.plus(Millis::from_secs(1));
    let by = "engine".to_owned();
    Event::Signalled { cid, at, by, value }
}

/// The first event of a run of `plan`.
pub(crate) fn started(plan: &Plan, settings: Settings, inputs: Map<String, Value>) -> Event {
    let tenant = "default".parse().unwrap();
    let trigger = "manual".parse().unwrap();
    Event::Started(Box::new(Started {
        at: start(),
        run: RunId::derive(&tenant, &plan.name, &trigger, "test"),
        tenant,
        playbook: plan.name.clone(),
        digest: plan.digest.clone(),
        trigger,
        inputs,
        alert: None,
        by: Some("mona".to_owned()),
        also_by: Vec::new(),
        depth: 0,
        again: None,
        schedule: None,
        gathered: None,
        ended: None,
        engine: "0.1.0".to_owned(),
        settings,
    }))
}

/// Events, indented below them what the run wanted, then every step and how the run ended.
fn shown(told: &[Told], run: &Run) -> String {
    let mut out = String::new();
    for Told { event, commands } in told {
        writeln!(out, "{:>7} {}", since(event.at()), event_line(event)).unwrap();
        for command in commands {
            writeln!(out, "          {}", command_line(command)).unwrap();
        }
    }
    let view = run.view();
    for step in &view.steps {
        let status = step.status.as_str();
        write!(out, "{}: {status}", step.label).unwrap();
        if step.attempts > 0 {
            write!(out, " x{}", step.attempts).unwrap();
        }
        for part in step.output.iter().chain(&step.error) {
            write!(out, " {part}").unwrap();
        }
        out.push('\n');
    }
    if view.vars != json!({}) {
        writeln!(out, "vars: {}", view.vars).unwrap();
    }
    if view.status == RunStatus::Running {
        out.push_str("still running\n");
    }
    out
}

fn since(at: Timestamp) -> Millis {
    at.since(start())
}

fn event_line(event: &Event) -> String {
    match event {
        Event::Started(_) => "started".to_owned(),
        Event::Attempted { cid, outcome, .. } => format!("{} {}", cid.0, outcome_text(outcome)),
        Event::Interrupted { cid, .. } => format!("{} interrupted", cid.0),
        Event::Fired { cid, .. } => format!("{} fired", cid.0),
        Event::Signalled { cid, by, value, .. } => {
            let mut value = value.clone();
            if let Value::Object(fields) = &mut value {
                fields.remove("digest");
            }
            format!("{} signal of {by} {value}", cid.0)
        }
        Event::Cancelled { by, .. } => format!("cancelled by {by}"),
    }
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { output } => format!("done {output}"),
        Outcome::Pending {
            state,
            resume_after,
            ..
        } => format!("pending {state} for {resume_after}"),
        Outcome::Nothing => "nothing".to_owned(),
        Outcome::Unclear { .. } => "unclear".to_owned(),
        Outcome::Failed { error } => format!("failed {}", error.kind),
        Outcome::Unknown { error } => format!("unknown {}", error.kind),
        Outcome::Held { rule, .. } => format!("held by {rule}"),
        Outcome::Refused { error } => format!("refused {}", error.kind),
    }
}

fn command_line(command: &Command) -> String {
    match command {
        Command::Attempt(attempt) => attempt_line(attempt),
        Command::Timer { cid, wake_at } => format!("{} timer at {}", cid.0, since(*wake_at)),
        Command::Await(wait) => await_line(wait),
        Command::Child(child) => {
            let (cid, inputs) = (child.cid.0, Value::Object(child.inputs.clone()));
            let wait = if child.wait { "" } else { " and goes on" };
            format!("{cid} run {} {inputs}{wait}", child.playbook)
        }
        Command::StopChild { cid } => format!("{} stop", cid.0),
        Command::Enter(enter) => {
            format!("{} turn of {} by {}", enter.cid.0, enter.key, enter.limit)
        }
        Command::Forget { cid } => format!("{} forget", cid.0),
        Command::Finish(finish) => {
            let mut line = format!("finish {}", finish.status.as_str());
            if !finish.outputs.is_empty() {
                write!(line, " {}", Value::Object(finish.outputs.clone())).unwrap();
            }
            for part in finish.error.iter() {
                write!(line, " {part}").unwrap();
            }
            for part in finish.reason.iter() {
                write!(line, " because {part}").unwrap();
            }
            line
        }
    }
}

fn await_line(wait: &Await) -> String {
    let mut line = format!("{} await {}", wait.cid.0, wait.name);
    if let Wants::Answers { question } = &wait.wants {
        write!(line, " of {}", json!(question.ask.approvers)).unwrap();
        write!(line, " until {}", since(question.until)).unwrap();
    }
    line
}

fn attempt_line(attempt: &Attempt) -> String {
    let Cid(cid) = attempt.cid;
    let mode = match attempt.mode {
        Mode::Execute => "execute",
        Mode::Simulate => "simulate",
        Mode::Reconcile => "reconcile",
    };
    let mut line = format!("{cid} {mode} {}", attempt.action);
    if attempt.args != json!({}) {
        write!(line, " {}", attempt.args).unwrap();
    }
    if let Some(state) = &attempt.resume {
        write!(line, " from {state}").unwrap();
    }
    if let Some(connection) = &attempt.connection {
        write!(line, " over {connection}").unwrap();
    }
    for approved in &attempt.approved {
        write!(line, " approved by {}", approved.by.join(" and ")).unwrap();
    }
    if let Some(tenant) = &attempt.tenant {
        write!(line, " in {tenant} as {}", attempt.idem).unwrap();
    }
    if attempt.timeout != Millis::from_secs(60) {
        write!(line, " within {}", attempt.timeout).unwrap();
    }
    line
}
