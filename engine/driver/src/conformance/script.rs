//! Actions that answer what they are told to, and remember what they were asked.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actions_contract::{
    Action, ActionInfo, BoxFuture, Call, Confidence, Effect, Egress, EgressError, Idempotency,
    Mode, Outcome, Request, Response, TargetParam,
};
use actions_contract::{ActionError, ErrorKind};
use engine_model::{Millis, code};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What a scripted action does with one call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It answers.
    Says(Outcome),
    /// It answers after this long.
    Later(Duration, Outcome),
    /// It never answers, and nothing happened.
    Hangs,
    /// It does what it was asked for and never answers.
    HangsAfterEffect,
    /// It panics.
    Breaks,
}

impl Answer {
    /// It succeeds with this output.
    #[must_use]
    pub const fn done(output: Value) -> Self {
        Self::Says(Outcome::Done { output })
    }

    /// It is going on elsewhere; ask again after this long.
    #[must_use]
    pub fn pending(resume_after: Millis) -> Self {
        Self::Says(Outcome::Pending {
            state: json!({ "action": "a1" }),
            resume_after,
            note: Some("the device is asleep".to_owned()),
        })
    }
}

#[derive(Default)]
struct State {
    answers: HashMap<String, VecDeque<Answer>>,
    calls: Vec<Call>,
    /// What happened in the world, by idempotency key.
    happened: HashSet<String>,
    /// How often something happened that contains.
    effects: u32,
}

/// What the actions of a case answer, and what they were asked.
///
/// Without an answer for it a call succeeds with `{}`. The world is faithful: asked to reconcile,
/// an action says whether the try before did happen.
pub struct Script {
    state: Mutex<State>,
    calls: watch::Sender<usize>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            calls: watch::channel(0).0,
        }
    }
}

impl Script {
    /// The next calls of `action` come to this, in this order.
    pub fn says(&self, action: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut state = self.state();
        let queue = state.answers.entry(action.to_owned()).or_default();
        queue.extend(answers);
    }

    /// Forgets answers that nobody asked for.
    pub fn forget_answers(&self) {
        self.state().answers.clear();
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How often `action` was called in this mode.
    #[must_use]
    pub fn count(&self, action: &str, mode: Mode) -> usize {
        let state = self.state();
        let calls = state.calls.iter();
        calls
            .filter(|call| call.action.as_str() == action && call.mode == mode)
            .count()
    }

    /// How often something happened in the world that contains.
    #[must_use]
    pub fn effects(&self) -> u32 {
        self.state().effects
    }

    /// Waits until there were this many calls.
    pub async fn called(&self, times: usize) {
        let mut calls = self.calls.subscribe();
        let seen = calls.wait_for(|calls| *calls >= times);
        let seen = tokio::time::timeout(super::scene::PATIENCE, seen).await;
        assert!(seen.is_ok(), "call {times} never came");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the call and decides what becomes of it.
    fn take(&self, call: &Call) -> Answer {
        let mut state = self.state();
        state.calls.push(call.clone());
        let queue = state.answers.get_mut(call.action.as_str());
        let told = queue.and_then(VecDeque::pop_front);
        let answer = told.unwrap_or_else(|| match call.mode {
            Mode::Reconcile if !state.happened.contains(&call.idem) => {
                Answer::Says(Outcome::Nothing)
            }
            _ => Answer::done(json!({})),
        });
        let does = match &answer {
            Answer::Says(outcome) | Answer::Later(_, outcome) => {
                matches!(outcome, Outcome::Done { .. } | Outcome::Pending { .. })
            }
            Answer::HangsAfterEffect => true,
            Answer::Hangs | Answer::Breaks => false,
        };
        if does && call.mode == Mode::Execute && call.resume.is_none() {
            state.happened.insert(call.idem.clone());
            if call.effect.needs_reconcile() {
                state.effects += 1;
            }
        }
        let calls = state.calls.len();
        drop(state);
        self.calls.send_replace(calls);
        answer
    }
}

/// An action that does what its script says.
pub struct Scripted {
    info: ActionInfo,
    script: Arc<Script>,
}

impl Scripted {
    /// The actions of the suite: `suite.look` reads, `suite.tell` tells people, `suite.note`
    /// leaves a mark, `suite.contain` contains, `suite.release` takes that back.
    #[must_use]
    pub fn all(script: &Arc<Script>) -> Vec<Arc<dyn Action>> {
        let undo = Cow::Borrowed("suite.release");
        [
            ("suite.look", Effect::Read, Idempotency::Natural),
            ("suite.tell", Effect::Notify, Idempotency::None),
            ("suite.note", Effect::Annotate, Idempotency::Natural),
            ("suite.contain", Effect::Contain { undo }, Idempotency::None),
            ("suite.release", Effect::Release, Idempotency::None),
        ]
        .into_iter()
        .map(|(id, effect, idempotency)| {
            let info = info(id, effect, idempotency);
            let script = Arc::clone(script);
            Arc::new(Self { info, script }) as Arc<dyn Action>
        })
        .collect()
    }
}

impl Action for Scripted {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, _: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.script.take(call) {
                Answer::Says(outcome) => outcome,
                Answer::Later(after, outcome) => {
                    tokio::time::sleep(after).await;
                    outcome
                }
                Answer::Hangs | Answer::HangsAfterEffect => std::future::pending().await,
                Answer::Breaks => panic!("the script says that the action breaks"),
            }
        })
    }
}

fn info(id: &str, effect: Effect, idempotency: Idempotency) -> ActionInfo {
    ActionInfo {
        id: id.parse().expect("the suite names actions rightly"),
        major: 1,
        title: id.to_owned(),
        description: String::new(),
        effect,
        idempotency,
        parameters: json!({
            "type": "object",
            "properties": { "id": { "type": "string", "x-entity": "device" } },
            "additionalProperties": false,
        }),
        output: json!({ "type": "object" }),
        target: Some(TargetParam {
            param: "id".to_owned(),
            entity: "device".to_owned(),
        }),
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
        example_output: json!({}),
    }
}

/// A way out that leads nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEgress;

impl Egress for NoEgress {
    fn send<'a>(&'a self, _: &'a Call, _: Request) -> BoxFuture<'a, Result<Response, EgressError>> {
        let message = "no action of the suite sends anything";
        let error = ActionError::permanent(ErrorKind::Internal, code::BR0204, message);
        Box::pin(async move { Err(EgressError::unsent(error)) })
    }
}
