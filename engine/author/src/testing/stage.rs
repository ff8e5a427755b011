//! What a test's world knows: the answers that are left, the calls so far, the targets.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actions_contract::{ActionError, ActionInfo, Call, EffectKind, ErrorKind, Mode, Outcome};
use engine_model::{Millis, code};
use serde_json::{Value, json};

use super::answers::{Answers, Reply};
use super::syntax::Lost;

/// What is shared by everything that acts in one test.
pub(super) struct Stage {
    shared: Mutex<Shared>,
}

/// One call of an action.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) uses: String,
    pub(super) step: String,
    pub(super) idem: String,
    pub(super) effect: EffectKind,
    pub(super) with: Value,
    /// Whether a try of it succeeded.
    pub(super) done: bool,
}

struct Shared {
    answers: Answers,
    calls: Vec<Called>,
    /// Actions that were called and that the test has no answer for.
    unanswered: Vec<String>,
    /// What actions gave so far.
    outputs: Vec<Value>,
    /// What follows for actions that are followed to their end.
    pending: HashMap<String, Outcome>,
    lost: HashMap<String, (Lost, Value)>,
    /// How long the last call took.
    took: Millis,
}

impl Stage {
    pub(super) fn new(answers: Answers) -> Self {
        Self {
            shared: Mutex::new(Shared {
                answers,
                calls: Vec::new(),
                unanswered: Vec::new(),
                outputs: Vec::new(),
                pending: HashMap::new(),
                lost: HashMap::new(),
                took: Millis::ZERO,
            }),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a call comes to, and how long it takes.
    pub(super) fn answer(&self, info: &ActionInfo, call: &Call) -> (Outcome, Millis) {
        let mut shared = self.shared();
        let (outcome, delay) = shared.answer(info, call);
        if let Outcome::Done { output } = &outcome {
            shared.outputs.push(output.clone());
            let same = |called: &&mut Called| called.idem == call.idem;
            if let Some(called) = shared.calls.iter_mut().rev().find(same) {
                called.done = true;
            }
        }
        shared.took = delay;
        (outcome, delay)
    }

    /// How long the last call took.
    pub(super) fn took(&self) -> Millis {
        std::mem::take(&mut self.shared().took)
    }

    pub(super) fn calls(&self) -> Vec<Called> {
        self.shared().calls.clone()
    }

    pub(super) fn unanswered(&self) -> Vec<String> {
        self.shared().unanswered.clone()
    }

    /// What actions gave so far, the newest first.
    pub(super) fn outputs(&self) -> Vec<Value> {
        self.shared().outputs.iter().rev().cloned().collect()
    }

    /// How many calls of each effect were done.
    pub(super) fn effects(&self) -> BTreeMap<&'static str, u32> {
        let mut effects = BTreeMap::new();
        for call in self.shared().calls.iter().filter(|call| call.done) {
            *effects.entry(call.effect.as_str()).or_default() += 1;
        }
        effects
    }
}

impl Shared {
    fn answer(&mut self, info: &ActionInfo, call: &Call) -> (Outcome, Millis) {
        if call.mode == Mode::Reconcile {
            return (self.look(&call.idem), Millis::ZERO);
        }
        if call.resume.is_some() {
            let end = self.pending.remove(&call.idem);
            return (end.unwrap_or_else(|| self.look(&call.idem)), Millis::ZERO);
        }
        if !self.calls.iter().any(|called| called.idem == call.idem) {
            self.calls.push(Called {
                uses: info.id.to_string(),
                step: call.step.clone(),
                idem: call.idem.clone(),
                effect: call.effect,
                with: call.args.clone(),
                done: false,
            });
        }
        let Some(reply) = self.answers.reply(info, call) else {
            return (self.no_answer(info), Millis::ZERO);
        };
        let Reply {
            outcome,
            delay,
            lost,
        } = reply;
        if let Some(lost) = lost {
            self.lost.insert(call.idem.clone(), lost);
        } else if info.settles && delay > Millis::ZERO {
            self.pending.insert(call.idem.clone(), outcome);
            let pending = Outcome::Pending {
                state: json!({ "call": call.idem }),
                resume_after: delay,
                note: Some("the test lets it take its time".to_owned()),
            };
            return (pending, Millis::ZERO);
        }
        (outcome, delay)
    }

    /// What a look at the service finds of a call that got no answer.
    fn look(&self, idem: &str) -> Outcome {
        match self.lost.get(idem) {
            Some((Lost::Done, output)) => Outcome::Done {
                output: output.clone(),
            },
            Some((Lost::Unclear, _)) => Outcome::Unclear {
                message: "the service cannot tell".to_owned(),
            },
            Some((Lost::Nothing, _)) | None => Outcome::Nothing,
        }
    }

    fn no_answer(&mut self, info: &ActionInfo) -> Outcome {
        let action = info.id.to_string();
        let message = format!("the test has no answer for `{action}`");
        if !self.unanswered.contains(&action) {
            self.unanswered.push(action);
        }
        Outcome::Failed {
            error: ActionError::permanent(ErrorKind::Internal, code::AC0109, message),
        }
    }
}
