//! What a valid playbook becomes.

mod doubles;

use std::fmt::Write as _;
use std::sync::Arc;

use engine_playbook::compile;
use engine_playbook::plan::{OnError, Plan, Step, StepKind, TriggerKind};
use expect_test::{ExpectFile, expect_file};

fn plan(text: &str) -> Arc<Plan> {
    let compiled = compile(text, &doubles::actions());
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

/// Compares the steps of a plan, one line each.
#[track_caller]
fn check(text: &str, expected: ExpectFile) {
    let mut out = String::new();
    for step in plan(text).all_steps() {
        let _ = writeln!(out, "{}", line(step));
    }
    expected.assert_eq(&out);
}

fn line(step: &Step) -> String {
    let mut out = format!("{} {}", step.path, step.label());
    if let Some(condition) = &step.condition {
        let _ = write!(out, " if {condition}");
    }
    if let Some(timeout) = step.timeout {
        let _ = write!(out, " within {timeout}");
    }
    match &step.on_error {
        OnError::Fail => {}
        OnError::Continue => out.push_str(" or on"),
        OnError::Steps(steps) => {
            let _ = write!(out, " or {} steps", steps.len());
        }
    }
    kind_text(&mut out, step);
    out
}

fn kind_text(out: &mut String, step: &Step) {
    match &step.kind {
        StepKind::Action(action) => {
            let retry = &action.retry;
            let kinds: Vec<&str> = retry.on.iter().map(|kind| kind.as_str()).collect();
            let _ = write!(
                out,
                ": {} {}x {} *{}% <{} on {}",
                action.info.id,
                retry.max_attempts,
                retry.delay,
                retry.multiplier_percent,
                retry.max_delay,
                kinds.join(","),
            );
        }
        StepKind::Group { steps, finally } => {
            let _ = write!(out, ": {} steps, {} finally", steps.len(), finally.len());
        }
        StepKind::Switch(branches) => {
            let _ = write!(out, ": {} branches", branches.len());
        }
        StepKind::Parallel(parallel) => {
            let _ = write!(out, ": {} beside each other", parallel.steps.len());
        }
        StepKind::Each(each) => {
            let _ = write!(out, ": each {} of {}", each.name, each.max_items);
        }
        StepKind::Approve(approve) => {
            let _ = write!(out, ": {} of {:?}", approve.quorum, approve.roles);
        }
        StepKind::Wait(wait) => {
            let _ = write!(out, ": wait {}", wait.timeout);
        }
        StepKind::Playbook(child) => {
            let _ = write!(out, ": playbook {}", child.playbook);
        }
        StepKind::Set(values) => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            let _ = write!(out, ": set {}", names.join(" "));
        }
        StepKind::Stop { status, .. } => {
            let _ = write!(out, ": stop {status:?}");
        }
        StepKind::Fail(raise) => {
            let kind = raise.as_ref().map_or("again", |raise| raise.kind.as_str());
            let _ = write!(out, ": fail {kind}");
        }
    }
}

#[test]
fn the_playbook_that_uses_everything_keeps_its_order_and_gets_its_defaults() {
    check(
        include_str!("fixtures/contain.yaml"),
        expect_file!["fixtures/plan/contain.steps.txt"],
    );
}

#[test]
fn triggers_carry_what_the_trigger_index_needs() {
    let plan = plan(include_str!("fixtures/contain.yaml"));
    let mut out = String::new();
    for trigger in &plan.triggers {
        let with: Vec<&str> = trigger.with.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(out, "{} with {with:?}", trigger.id);
        match &trigger.kind {
            TriggerKind::Alert(alert) => {
                let _ = writeln!(out, "  {:?} {:?} {}", alert.sources, alert.on, alert.path);
                for field in &alert.fields {
                    let _ = writeln!(out, "  {field:?}");
                }
                let _ = writeln!(out, "  {:?} {:?}", alert.condition, alert.examples);
            }
            TriggerKind::Schedule(schedule) => {
                let _ = writeln!(out, "  {schedule:?}");
            }
            TriggerKind::Manual(manual) => {
                let _ = writeln!(out, "  {manual:?}");
            }
            TriggerKind::Playbook(end) => {
                let _ = writeln!(out, "  {end:?}");
            }
        }
    }
    expect_file!["fixtures/plan/contain.triggers.txt"].assert_eq(&out);
}

#[test]
fn an_effect_decides_how_long_a_step_may_take_and_what_is_tried_again() {
    check(
        "version: 1
name: p
steps:
- {uses: defender.get-machine, with: {machine_id: a}}
- {uses: defender.isolate-machine, with: {machine_id: a, comment: b}}
- {uses: note.write, with: {text: a}}
",
        expect_file!["fixtures/plan/defaults.effects.txt"],
    );
    check(
        "version: 1
name: p
defaults: {timeout: 3m, on_error: continue, retry: {max_attempts: 2, on: [conflict]}}
steps:
- {uses: defender.isolate-machine, with: {machine_id: a, comment: b}}
- {uses: note.write, timeout: 1s, on_error: fail, retry: {delay: 1m}, with: {text: a}}
- {steps: [{set: {a: 1}}]}
",
        expect_file!["fixtures/plan/defaults.playbook.txt"],
    );
}

#[test]
fn the_digest_is_that_of_the_text_and_names_the_revision() {
    let text = "version: 1\nname: p\nsteps: [{stop: {}}]\n";
    let first = plan(text);
    assert_eq!(first.digest, plan(text).digest);
    assert_ne!(first.digest, plan(&format!("{text}# changed\n")).digest);
    assert_eq!(first.timeout.to_string(), "7d");
    assert!(first.enabled);
}
