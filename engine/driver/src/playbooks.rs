//! The playbooks an engine works with: what triggers look at, and what runs are pinned to.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actions_contract::ActionInfo;
use engine_model::{Diagnostic, Digest, PlaybookName, Severity, Span, code};
use engine_playbook::guard::Never;
use engine_playbook::plan::Plan;
use engine_playbook::yaml::Document;
use engine_trigger::{Index, Problem};

use crate::guard::Policy;

/// The text of a playbook and where it came from.
#[derive(Clone, Debug)]
pub struct PlaybookText {
    /// The file, for messages.
    pub path: String,
    /// The text.
    pub text: String,
}

/// A playbook that was not loaded, with every reason.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The file and its text.
    pub file: PlaybookText,
    /// Every problem.
    pub diagnostics: Vec<Diagnostic>,
}

/// A consistent set of playbooks.
pub struct Loaded {
    /// The plans by name, each with its text.
    pub plans: BTreeMap<PlaybookName, (Arc<Plan>, String)>,
    /// The index over their alert triggers.
    pub index: Index,
}

/// A playbook that runs may be pinned to.
struct Pinned {
    plan: Arc<Plan>,
    text: Arc<str>,
}

/// The playbooks of an engine; replaced as a whole, so that each alert is matched by one set.
pub struct Playbooks {
    infos: Vec<Arc<ActionInfo>>,
    /// The tenant's guard rails, which those of a playbook have to fit.
    policy: Arc<Policy>,
    loaded: RwLock<Arc<Loaded>>,
    pinned: Mutex<HashMap<Digest, Pinned>>,
}

impl Playbooks {
    /// No playbooks yet, and the actions that they may use.
    #[must_use]
    pub fn new(infos: Vec<Arc<ActionInfo>>) -> Self {
        let nothing = Loaded {
            plans: BTreeMap::new(),
            index: no_index(),
        };
        Self {
            infos,
            policy: Arc::new(Policy::none()),
            loaded: RwLock::new(Arc::new(nothing)),
            pinned: Mutex::new(HashMap::new()),
        }
    }

    /// The same under a policy.
    #[must_use]
    pub fn under(mut self, policy: Arc<Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// The current set.
    #[must_use]
    pub fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks a text, triggers and guard rails included.
    #[must_use]
    pub fn check(&self, text: &str) -> (Option<Arc<Plan>>, Vec<Diagnostic>) {
        self.checked(text, true)
    }

    /// Checks a text; a run goes on with its playbook whatever the policy says by now.
    fn checked(&self, text: &str, guarded: bool) -> (Option<Arc<Plan>>, Vec<Diagnostic>) {
        let compiled = engine_playbook::compile(text, &self.infos);
        let mut diagnostics = compiled.diagnostics;
        let Some(plan) = compiled.plan else {
            return (None, diagnostics);
        };
        let mut problems = engine_trigger::check(&plan);
        if guarded {
            problems.extend(self.guard_problems(&plan));
        }
        if !problems.is_empty()
            && let (Some(document), _) = engine_playbook::yaml::read(text)
        {
            diagnostics.extend(
                problems
                    .into_iter()
                    .map(|problem| placed(&document, problem)),
            );
            diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        }
        let plan = (!has_errors(&diagnostics)).then_some(plan);
        (plan, diagnostics)
    }

    /// What is wrong with a playbook's guard rails beside those of the tenant.
    fn guard_problems(&self, plan: &Plan) -> Vec<Problem> {
        let mut problems = Vec::new();
        for weaker in self.policy.weaker(&plan.guard) {
            problems.push(Problem {
                code: code::PB0701,
                severity: Severity::Error,
                playbook: None,
                path: format!("guard.{}", weaker.path),
                message: weaker.message,
                help: Some("the stricter one holds; leave this one out or lower it".to_owned()),
            });
        }
        for role in self.policy.undefined(&plan.guard) {
            let named = |never: &Never| {
                let mut wanted = never.wanted();
                wanted.any(|(_, wanted)| wanted.role.as_deref() == Some(role))
            };
            let index = plan.guard.never.iter().position(named).unwrap_or_default();
            problems.push(Problem {
                code: code::PB0702,
                severity: Severity::Error,
                playbook: None,
                path: format!("guard.never[{index}]"),
                message: format!("nothing gives a target the role `{role}`"),
                help: Some(
                    "roles are defined in the policy that the configuration names".to_owned(),
                ),
            });
        }
        problems
    }

    /// Replaces the set with what is valid of `files`; the others are given back with reasons.
    /// Of two playbooks with one name the first counts.
    pub fn load(&self, files: Vec<PlaybookText>) -> Vec<Refused> {
        let mut refused = Vec::new();
        let mut plans: BTreeMap<PlaybookName, (Arc<Plan>, String)> = BTreeMap::new();
        for file in files {
            match self.check(&file.text) {
                (Some(plan), _) => match plans.entry(plan.name.clone()) {
                    Entry::Vacant(free) => {
                        free.insert((plan, file.text));
                    }
                    Entry::Occupied(taken) if taken.get().0.digest == plan.digest => {}
                    Entry::Occupied(taken) => {
                        let diagnostics = vec![same_name(&file.text, taken.key())];
                        refused.push(Refused { file, diagnostics });
                    }
                },
                (None, diagnostics) => refused.push(Refused { file, diagnostics }),
            }
        }
        let enabled: Vec<Arc<Plan>> = plans
            .values()
            .filter(|(plan, _)| plan.enabled)
            .map(|(plan, _)| Arc::clone(plan))
            .collect();
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        for (plan, text) in plans.values() {
            let pin = Pinned {
                plan: Arc::clone(plan),
                text: text.as_str().into(),
            };
            pinned.insert(plan.digest.clone(), pin);
        }
        drop(pinned);
        // Every trigger was checked above, with the same code that builds the index.
        let index = Index::build(&enabled).unwrap_or_else(|problems| {
            tracing::error!(?problems, "the triggers could not be indexed; none fires");
            no_index()
        });
        let loaded = Arc::new(Loaded { plans, index });
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        refused
    }

    /// The plan of a digest that is known already.
    #[must_use]
    pub fn pinned(&self, digest: &Digest) -> Option<Arc<Plan>> {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.get(digest).map(|pin| Arc::clone(&pin.plan))
    }

    /// The text of a digest that is known already, for a driver to store.
    #[must_use]
    pub fn text(&self, digest: &Digest) -> Option<Arc<str>> {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.get(digest).map(|pin| Arc::clone(&pin.text))
    }

    /// Compiles the text of a playbook that runs are pinned to; none when it is not valid for
    /// this engine.
    #[must_use]
    pub fn pin(&self, text: &str) -> Option<Arc<Plan>> {
        let (plan, _) = self.checked(text, false);
        let plan = plan?;
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let pin = Pinned {
            plan: Arc::clone(&plan),
            text: text.into(),
        };
        pinned.insert(plan.digest.clone(), pin);
        Some(plan)
    }
}

fn no_index() -> Index {
    Index::build(&[]).expect("nothing to index has no problem")
}

/// The problem of a playbook whose name another one has.
fn same_name(text: &str, name: &PlaybookName) -> Diagnostic {
    let span = match engine_playbook::yaml::read(text) {
        (Some(document), _) => document.anchor(document.find("name")),
        (None, _) => Span::default(),
    };
    Diagnostic {
        code: code::PB0205,
        severity: Severity::Error,
        path: "name".to_owned(),
        span,
        message: format!("another file holds a playbook named `{name}`"),
        help: Some("each playbook has a name of its own".to_owned()),
        fix: None,
    }
}

/// A problem of a trigger, put on its place in the text.
fn placed(document: &Document, problem: Problem) -> Diagnostic {
    let node = document.find(&problem.path);
    Diagnostic {
        code: problem.code,
        severity: problem.severity,
        path: problem.path,
        span: document.anchor(node),
        message: problem.message,
        help: problem.help,
        fix: None,
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}
