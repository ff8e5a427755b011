//! A run: the plan's steps, then `on_error` where they failed, then `finally`.

use std::sync::Arc;

use actions_contract::{ActionError, ErrorKind};
use engine_model::{Timestamp, code};
use engine_playbook::expr::Template;
use engine_playbook::plan::{Plan, Step};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::block::Block;
use crate::cx::{CLEAN_UP, Cx, End, Env, Flow, Input, RunError, Shared, Signal, timed_out};
use crate::turn::{Turn, Turned};
use crate::verdict::failed_status;
use crate::{Command, Event, Finish, News, NewsKind, RunStatus, Started, StepRecord, StepStatus};

/// A run of a playbook, rebuilt at any time by folding its events.
pub struct Run {
    plan: Arc<Plan>,
    shared: Option<Shared>,
    phase: Phase,
    deadline: Timestamp,
    /// How the work ended, while `on_error` and `finally` are still going on.
    ended: Option<End>,
    /// The error as `on_error` sees it.
    error: Value,
    finish: Option<Finish>,
}

enum Phase {
    New,
    /// It waits for its turn.
    Turn(Turn),
    Steps(Block),
    OnError(Block, Timestamp),
    Finally(Block, Timestamp),
    Over,
}

/// How a run stands, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunView {
    /// How the run stands.
    pub status: RunStatus,
    /// What became of each step so far, in the order they began.
    pub steps: Vec<StepRecord>,
    /// The variables.
    pub vars: Value,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
}

impl Run {
    /// A run of `plan` that has seen no event yet.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            shared: None,
            phase: Phase::New,
            deadline: Timestamp::from_ms(i64::MAX),
            ended: None,
            error: Value::Null,
            finish: None,
        }
    }

    /// Takes the next event and says what has to be done about it.
    ///
    /// An event for something that is no longer waited for gives no commands.
    pub fn advance(&mut self, event: &Event) -> Vec<Command> {
        let mut commands = Vec::new();
        if let (Event::Started(started), None) = (event, &self.shared) {
            self.start(started, &mut commands);
            return commands;
        }
        let Some(mut shared) = self.shared.take() else {
            return commands;
        };
        let mut cx = Cx {
            now: event.at(),
            shared: &mut shared,
            commands: &mut commands,
        };
        let input = match event {
            Event::Started(_) => None,
            Event::Attempted { cid, outcome, .. } => Some(Input::Attempted(*cid, outcome)),
            Event::Interrupted { cid, .. } => Some(Input::Interrupted(*cid)),
            Event::Fired { cid, .. } => Some(Input::Fired(*cid)),
            Event::Signalled { cid, by, value, .. } => Some(Input::Signalled(Signal {
                cid: *cid,
                by,
                value,
            })),
            Event::Cancelled { .. } => Some(Input::Cancel),
        };
        if let Some(input) = input {
            self.deliver(&mut cx, &input);
        }
        self.shared = Some(shared);
        commands
    }

    /// What happened since the last call, for a live timeline.
    pub fn take_news(&mut self) -> Vec<News> {
        self.shared
            .as_mut()
            .map(|shared| std::mem::take(&mut shared.news))
            .unwrap_or_default()
    }

    /// The plan the run follows.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// How the run stands.
    #[must_use]
    pub fn view(&self) -> RunView {
        let names = self.shared.as_ref().map(|shared| &shared.names);
        let mut steps = self
            .shared
            .as_ref()
            .map(|shared| shared.records.clone())
            .unwrap_or_default();
        for record in &mut steps {
            let kept = names
                .and_then(|names| names.get("steps"))
                .and_then(|steps| steps.get(&record.label))
                .and_then(|step| step.get("output"));
            record.output = record.output.take().or_else(|| kept.cloned());
        }
        RunView {
            status: self
                .finish
                .as_ref()
                .map_or(RunStatus::Running, |finish| finish.status),
            steps,
            vars: names
                .and_then(|names| names.get("vars"))
                .cloned()
                .unwrap_or_default(),
            finish: self.finish.clone(),
        }
    }

    fn start(&mut self, started: &Started, commands: &mut Vec<Command>) {
        self.deadline = started.at.plus(self.plan.timeout);
        let mut shared = Shared::new(started, &self.plan, self.deadline);
        let mut cx = Cx {
            now: started.at,
            shared: &mut shared,
            commands,
        };
        cx.tell(
            "",
            NewsKind::RunStarted {
                trigger: started.trigger.clone(),
            },
        );
        let plan = Arc::clone(&self.plan);
        match &plan.concurrency {
            // What is only simulated is in nobody's way.
            Some(concurrency) if !started.settings.dry_run => {
                match Turn::ask(&mut cx, concurrency, self.deadline) {
                    Ok(turn) => self.phase = Phase::Turn(turn),
                    Err(error) => self.not_begun(&mut cx, "concurrency", error),
                }
            }
            _ => self.work(&mut cx),
        }
        self.shared = Some(shared);
    }

    /// Begins the work.
    fn work(&mut self, cx: &mut Cx<'_>) {
        let plan = Arc::clone(&self.plan);
        let flow = match crate::set::assign(cx, &Env::EMPTY, &plan.vars) {
            Ok(()) => {
                let mut block = Block::default();
                let flow = block.go_on(cx, &Env::EMPTY, &plan.steps, self.deadline);
                self.phase = Phase::Steps(block);
                flow
            }
            Err(error) => {
                self.phase = Phase::Steps(Block::default());
                Flow::Ended(End::Failed(RunError {
                    step: "vars".to_owned(),
                    attempts: 0,
                    error,
                }))
            }
        };
        self.steps_flow(cx, flow);
    }

    /// The run ends before any of its work.
    fn not_begun(&mut self, cx: &mut Cx<'_>, step: &str, error: ActionError) {
        let step = step.to_owned();
        let failed = RunError {
            step,
            attempts: 0,
            error,
        };
        self.over(cx, End::Failed(failed));
    }

    fn turned(&mut self, cx: &mut Cx<'_>, turned: Turned) {
        match turned {
            Turned::Go => self.work(cx),
            Turned::Never(why) => self.over(cx, End::Stopped(RunStatus::Cancelled, Some(why))),
            Turned::Cancelled => self.over(cx, End::Cancelled),
            Turned::Late(error) => self.not_begun(cx, "concurrency", error),
        }
    }

    fn deliver(&mut self, cx: &mut Cx<'_>, input: &Input<'_>) {
        let plan = Arc::clone(&self.plan);
        let cancel = matches!(input, Input::Cancel);
        let error = self.error.clone();
        match &mut self.phase {
            Phase::New | Phase::Over => {}
            Phase::Turn(turn) => {
                if let Some(turned) = turn.deliver(cx, input) {
                    self.turned(cx, turned);
                }
            }
            Phase::Steps(block) => {
                let flow = block.deliver(cx, &Env::EMPTY, (&plan.steps, self.deadline), input);
                if let Some(flow) = flow {
                    self.steps_flow(cx, flow);
                }
            }
            // What cleans up is not cancelled; it has a deadline of its own.
            Phase::OnError(..) | Phase::Finally(..) if cancel => {}
            Phase::OnError(block, deadline) => {
                let env = Env {
                    local: Some(("error", &error)),
                    outer: None,
                };
                let flow = block.deliver(cx, &env, (&plan.on_error, *deadline), input);
                if let Some(flow) = flow {
                    self.on_error_flow(cx, flow);
                }
            }
            Phase::Finally(block, deadline) => {
                let steps = (&*plan.finally as &[Step], *deadline);
                if let Some(flow) = block.deliver(cx, &Env::EMPTY, steps, input) {
                    self.finally_flow(cx, flow);
                }
            }
        }
    }

    fn steps_flow(&mut self, cx: &mut Cx<'_>, flow: Flow) {
        let Flow::Ended(mut end) = flow else { return };
        if let End::Failed(failure) = &mut end {
            if failure.error.kind == ErrorKind::Timeout && cx.now >= self.deadline {
                failure.error = timed_out(code::RN0102, "the run", self.deadline);
            }
            self.error = failure.to_value();
            if !self.plan.on_error.is_empty() {
                let plan = Arc::clone(&self.plan);
                let deadline = cx.now.plus(CLEAN_UP);
                let mut block = Block::default();
                let error = self.error.clone();
                let env = Env {
                    local: Some(("error", &error)),
                    outer: None,
                };
                let flow = block.go_on(cx, &env, &plan.on_error, deadline);
                self.phase = Phase::OnError(block, deadline);
                self.ended = Some(end);
                self.on_error_flow(cx, flow);
                return;
            }
        }
        self.ended = Some(end);
        self.clean_up(cx);
    }

    /// At the top `on_error` does not change how the run ends.
    fn on_error_flow(&mut self, cx: &mut Cx<'_>, flow: Flow) {
        if matches!(flow, Flow::Ended(_)) {
            self.clean_up(cx);
        }
    }

    fn clean_up(&mut self, cx: &mut Cx<'_>) {
        let plan = Arc::clone(&self.plan);
        let deadline = cx.now.plus(CLEAN_UP);
        let mut block = Block::default();
        let flow = block.go_on(cx, &Env::EMPTY, &plan.finally, deadline);
        self.phase = Phase::Finally(block, deadline);
        self.finally_flow(cx, flow);
    }

    fn finally_flow(&mut self, cx: &mut Cx<'_>, flow: Flow) {
        let Flow::Ended(cleaned) = flow else { return };
        let end = match (self.ended.take().unwrap_or(End::Done), cleaned) {
            // An error of the work weighs more than one of the cleaning up.
            (End::Done, failed @ End::Failed(_)) => failed,
            (end, _) => end,
        };
        self.over(cx, end);
    }

    fn over(&mut self, cx: &mut Cx<'_>, end: End) {
        let finish = self.finish(cx, end);
        cx.tell(
            "",
            NewsKind::RunEnded {
                status: finish.status,
                reason: finish.reason.clone().or_else(|| {
                    finish
                        .error
                        .as_ref()?
                        .get("message")?
                        .as_str()
                        .map(str::to_owned)
                }),
            },
        );
        self.phase = Phase::Over;
        self.finish = Some(finish.clone());
        cx.commands.push(Command::Finish(Box::new(finish)));
    }

    fn finish(&self, cx: &Cx<'_>, end: End) -> Finish {
        let (status, reason) = match end {
            End::Failed(failure) => return failed(&failure),
            End::Cancelled => (RunStatus::Cancelled, None),
            End::Stopped(status, reason) => (status, reason),
            End::Done => (RunStatus::Succeeded, None),
        };
        if status != RunStatus::Succeeded {
            return Finish {
                status,
                outputs: Map::new(),
                error: None,
                reason,
            };
        }
        match outputs(cx, &self.plan.outputs) {
            Ok(outputs) => Finish {
                status,
                outputs,
                error: None,
                reason,
            },
            Err(error) => failed(&RunError {
                step: "outputs".to_owned(),
                attempts: 0,
                error,
            }),
        }
    }
}

fn failed(failure: &RunError) -> Finish {
    let status = match failed_status(failure) {
        _ if failure.error.code == code::RN0102.as_str() => RunStatus::TimedOut,
        StepStatus::Refused => RunStatus::Refused,
        _ => RunStatus::Failed,
    };
    Finish {
        status,
        outputs: Map::new(),
        error: Some(failure.to_value()),
        reason: None,
    }
}

fn outputs(cx: &Cx<'_>, outputs: &[(String, Template)]) -> Result<Map<String, Value>, ActionError> {
    outputs
        .iter()
        .map(|(name, template)| Ok((name.clone(), cx.render(&Env::EMPTY, template)?)))
        .collect()
}
