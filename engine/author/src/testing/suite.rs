//! All tests of some files, run beside each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actions_contract::{ActionInfo, Resolver};
use engine_driver::{PlaybookText, Playbooks};
use engine_model::{Diagnostic, PlaybookName};
use engine_playbook::plan::Plan;
use tokio::runtime::{Builder, Runtime};

use super::case::{self, Case, TestText};
use super::coverage::{Coverage, Reached};
use super::expect;
use super::mutants::{self, Survivor};
use super::report::TestResult;
use super::world::World;

/// What tests work with.
pub struct Materials {
    /// The actions that playbooks may use.
    pub infos: Vec<Arc<ActionInfo>>,
    /// What finds the targets of actions.
    pub resolvers: Vec<Resolver>,
    /// The playbooks at hand; a test finds its own by the path.
    pub playbooks: Vec<PlaybookText>,
}

/// The same, prepared.
pub(super) struct Workshop {
    pub(super) infos: Vec<Arc<ActionInfo>>,
    pub(super) resolvers: Vec<Resolver>,
    pub(super) playbooks: Vec<PlaybookText>,
    pub(super) checker: Playbooks,
}

/// A file that cannot be used.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Why.
    pub diagnostics: Vec<Diagnostic>,
}

/// Tests that can run.
pub struct Suite {
    workshop: Workshop,
    cases: Vec<Case>,
}

/// How a test is varied to see whether it notices.
#[derive(Clone, Default)]
pub(super) struct Variation {
    /// Another plan in place of its own.
    pub(super) plan: Option<Arc<Plan>>,
    /// Every call is answered with its documented example.
    pub(super) samples: bool,
}

impl Workshop {
    /// The playbooks in a folder by name, one of them compiled already.
    pub(super) fn beside(
        &self,
        folder: &str,
        own: &Arc<Plan>,
    ) -> Arc<BTreeMap<PlaybookName, Arc<Plan>>> {
        let mut plans = BTreeMap::new();
        // Only a playbook that calls others needs them.
        let calls = |plan: &Plan| {
            let mut steps = plan.all_steps().into_iter();
            steps.any(|step| matches!(step.kind, engine_playbook::plan::StepKind::Playbook(_)))
        };
        if calls(own) {
            let texts = self.playbooks.iter();
            for text in texts.filter(|text| case::folder(&text.path) == folder) {
                if let (Some(plan), _) = self.checker.check(&text.text) {
                    plans.insert(plan.name.clone(), plan);
                }
            }
        }
        Arc::new(plans)
    }
}

impl Suite {
    /// Reads the files; those that cannot be used are given back with reasons.
    #[must_use]
    pub fn read(files: &[TestText], materials: Materials) -> (Self, Vec<Broken>) {
        let Materials {
            infos,
            resolvers,
            playbooks,
        } = materials;
        let workshop = Workshop {
            checker: Playbooks::new(infos.clone()),
            infos,
            resolvers,
            playbooks,
        };
        let (mut cases, mut broken): (Vec<Case>, Vec<Broken>) = Default::default();
        for file in files {
            match case::read(file, &workshop) {
                Ok(read) => cases.extend(read),
                Err(problems) => {
                    let new = |one: &Broken| broken.iter().all(|known| known.path != one.path);
                    let problems: Vec<_> = problems.into_iter().filter(new).collect();
                    broken.extend(problems);
                }
            }
        }
        (Self { workshop, cases }, broken)
    }

    /// The tests.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The playbooks that no test is for.
    #[must_use]
    pub fn untested(&self) -> Vec<&str> {
        let tested = |path: &str| self.cases.iter().any(|case| &*case.playbook == path);
        let paths = self
            .workshop
            .playbooks
            .iter()
            .map(|text| text.path.as_str());
        paths.filter(|path| !tested(path)).collect()
    }

    /// Runs every test, `threads` at a time; `seen` is told of each, in whatever order.
    pub fn run(&self, threads: usize, seen: &(dyn Fn(&TestResult) + Sync)) -> Vec<TestResult> {
        let all: Vec<&Case> = self.cases.iter().collect();
        each(&all, threads, |case, runtime| {
            let result = self.try_it(case, &Variation::default(), runtime);
            seen(&result);
            result
        })
    }

    /// What of their playbooks the tests never reached.
    #[must_use]
    pub fn coverage(&self, results: &[TestResult]) -> Vec<Coverage> {
        let mut reached: BTreeMap<&str, (&Case, Reached)> = BTreeMap::new();
        for (case, result) in self.cases.iter().zip(results) {
            let entry = reached.entry(&case.playbook);
            let (_, all) = entry.or_insert_with(|| (case, Reached::default()));
            all.add(&result.reached);
        }
        let texts = &self.workshop.playbooks;
        reached
            .into_iter()
            .map(|(path, (case, reached))| {
                let text = texts.iter().find(|text| text.path == path);
                let text = text.map_or("", |text| text.text.as_str());
                Coverage::of(path, text, &case.plan, &reached)
            })
            .collect()
    }

    /// Changes each playbook in every way that a test should notice, and gives back the changes
    /// that none did, with the number of all.
    pub fn mutate(
        &self,
        threads: usize,
        seen: &(dyn Fn(usize, usize) + Sync),
    ) -> (Vec<Survivor>, usize) {
        let mut by_playbook: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in &self.cases {
            by_playbook.entry(&case.playbook).or_default().push(case);
        }
        let mut all = Vec::new();
        for (path, cases) in &by_playbook {
            let text = self
                .workshop
                .playbooks
                .iter()
                .find(|text| text.path == *path);
            let text = text.map_or("", |text| text.text.as_str());
            for (mutant, variation) in mutants::of(path, text, &cases[0].plan) {
                all.push((mutant, variation, cases));
            }
        }
        let tried = AtomicUsize::new(0);
        let work: Vec<&(mutants::Mutant, Variation, &Vec<&Case>)> = all.iter().collect();
        let survived = each(&work, threads, |(mutant, variation, cases), runtime| {
            let fails = |case: &&Case| !self.try_it(case, variation, runtime).failures.is_empty();
            let noticed = cases.iter().any(fails);
            seen(tried.fetch_add(1, Ordering::Relaxed) + 1, all.len());
            (!noticed).then(|| mutant.survivor())
        });
        (survived.into_iter().flatten().collect(), all.len())
    }

    fn try_it(&self, case: &Case, variation: &Variation, runtime: &Runtime) -> TestResult {
        let world = World::new(case, &self.workshop, variation);
        let seen = runtime.block_on(world.go());
        let failures = expect::compare(case, &seen);
        TestResult::new(case, failures, seen)
    }
}

/// Does something for each of a list, some at a time; the results keep their order.
fn each<T: Sync, R: Send>(
    work: &[&T],
    threads: usize,
    one: impl Fn(&T, &Runtime) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let worker = || {
        // Time is paused, so that no wait takes any.
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without input and output needs nothing that could be missing");
        // What a guard rail refuses here is expected, and no news for a log.
        let _quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = work.get(index) else { break };
            let result = one(item, &runtime);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((index, result));
        }
    };
    std::thread::scope(|scope| {
        // Each on a thread of its own: the caller's may be inside of a runtime.
        for _ in 0..threads.max(1).min(work.len().max(1)) {
            scope.spawn(worker);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
