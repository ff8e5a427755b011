//! The playbooks that ship: each has tests, and they would notice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use engine_author::testing::{Suite, TestResult};
use engine_playbook::plan::{Plan, StepKind};

use crate::{files, infos, shown, suite};

/// How much of all playbooks has to be reached.
const PERCENT: usize = 95;

fn playbooks() -> Vec<(String, String)> {
    let mut playbooks = files(".yaml");
    playbooks.retain(|(path, _)| !path.ends_with(".test.yaml"));
    playbooks
}

static LIBRARY: LazyLock<(Suite, Vec<TestResult>)> = LazyLock::new(|| {
    let (suite, broken) = suite(files(".test.yaml"), playbooks());
    assert!(broken.is_empty(), "{}", shown(&broken));
    let results = suite.run(2, &|_| {});
    (suite, results)
});

#[test]
fn every_test_that_ships_passes() {
    let (_, results) = &*LIBRARY;
    let failed: Vec<String> = results
        .iter()
        .filter(|result| !result.passed())
        .map(TestResult::human)
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(results.len() >= 150, "only {} tests", results.len());
}

#[test]
fn every_playbook_that_ships_has_a_test_and_nearly_everything_is_reached() {
    let (suite, results) = &*LIBRARY;
    assert!(suite.untested().is_empty(), "{:?}", suite.untested());
    let coverage = suite.coverage(results);
    assert!(coverage.len() >= 25, "only {} playbooks", coverage.len());
    let all: usize = coverage.iter().map(|one| one.all).sum();
    let reached: usize = coverage.iter().map(|one| one.reached).sum();
    let missing: Vec<_> = coverage
        .iter()
        .filter(|one| !one.unreached.is_empty())
        .collect();
    println!("{reached} of {all} steps and branches are reached");
    assert!(reached * 100 >= all * PERCENT, "{missing:#?}");
}

/// A playbook by the actions it uses and the kinds of its steps.
fn shape(plan: &Plan) -> BTreeSet<String> {
    let kind = |kind: &StepKind| match kind {
        StepKind::Action(action) => action.info.id.to_string(),
        StepKind::Group { .. } => "steps".to_owned(),
        StepKind::Switch(_) => "switch".to_owned(),
        StepKind::Each(_) => "for_each".to_owned(),
        StepKind::Parallel(_) => "parallel".to_owned(),
        StepKind::Approve(_) => "approve".to_owned(),
        StepKind::Wait(_) => "wait".to_owned(),
        StepKind::Playbook(_) => "playbook".to_owned(),
        StepKind::Set(_) => "set".to_owned(),
        StepKind::Stop { .. } => "stop".to_owned(),
        StepKind::Fail(_) => "fail".to_owned(),
    };
    plan.all_steps()
        .iter()
        .map(|step| kind(&step.kind))
        .collect()
}

#[test]
fn no_two_playbooks_do_the_same_with_the_same_steps() {
    let mut shapes: BTreeMap<BTreeSet<String>, String> = BTreeMap::new();
    for (path, text) in playbooks() {
        let plan = engine_playbook::compile(&text, &infos()).plan;
        let plan = plan.unwrap_or_else(|| panic!("{path} is not valid"));
        let shape = shape(&plan);
        if let Some(other) = shapes.insert(shape.clone(), path.clone()) {
            panic!("{path} and {other} use the same: {shape:?}");
        }
    }
}

#[test]
fn every_playbook_says_when_to_use_it_and_what_it_may() {
    for (path, text) in playbooks() {
        let comment: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        let comment = comment.join(" ");
        assert!(comment.starts_with("# Use it "), "{path}: {comment}");
        assert!(comment.contains("Least permissions"), "{path}: {comment}");
        let plan = engine_playbook::compile(&text, &infos()).plan;
        for step in plan.expect("it is valid").all_steps() {
            if let StepKind::Action(action) = &step.kind {
                let any = &action.info.permissions_application;
                let named = any.iter().any(|permission| comment.contains(permission));
                assert!(
                    any.is_empty() || named,
                    "{path}: {} needs {any:?}",
                    action.info.id
                );
            }
        }
    }
}

#[test]
#[ignore = "long: every change of every playbook is tried with every test"]
fn campaign_some_test_notices_each_change_of_a_playbook_that_ships() {
    let (suite, _) = &*LIBRARY;
    let (survivors, all) = suite.mutate(2, &|_, _| {});
    println!("{} of {all} changes noticed", all - survivors.len());
    assert!(survivors.is_empty(), "{survivors:#?}");
}
