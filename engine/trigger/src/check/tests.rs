use engine_model::{Millis, Severity, Timestamp, code};
use engine_playbook::expr::Expr;
use engine_playbook::plan::{
    Accumulate, AlertEvents, AlertTrigger, Distinct, Examples, Manual, Missed, Schedule, Storm,
    TriggerKind, WindowShape,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Problem, check};
use crate::fixture::{plan, trigger};

/// Checks a playbook with one trigger and prints its problems.
fn problems(kind: TriggerKind, expected: &Expect) {
    let mut printed = String::new();
    let of_match = |problem: &Problem| problem.code != code::PB0803;
    for problem in check(&plan("p", vec![kind])).into_iter().filter(of_match) {
        let weight = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        let (code, path, message) = (problem.code, problem.path, problem.message);
        printed.push_str(&format!("{weight} {code} {path}\n  {message}\n"));
        printed.extend(problem.help.map(|help| format!("  help: {help}\n")));
    }
    expected.assert_eq(&printed);
}

fn examples(written: &Value, fires: Value, ignores: Value) -> AlertTrigger {
    let list = |value: Value| value.as_array().unwrap().clone();
    let examples = Examples {
        fires: list(fires),
        ignores: list(ignores),
    };
    AlertTrigger {
        examples,
        ..trigger(written)
    }
}

fn schedule(cron: &str) -> Schedule {
    Schedule {
        rhythm: engine_playbook::plan::Rhythm::Cron(cron.to_owned()),
        timezone: "Europe/Paris".to_owned(),
        missed: Missed::Skip,
        start: None,
        end: None,
        overlap: engine_playbook::plan::Overlap::Skip,
        jitter: Millis::ZERO,
        path: "triggers[0].schedule".to_owned(),
    }
}

#[test]
fn a_sound_trigger_has_no_problem() {
    let alert = examples(
        &json!({"severity": ["high", "critical"], "raw.anything.at.all": "x"}),
        json!([{"severity": "high", "raw": {"anything": [{"at": {"all": "X"}}]}}]),
        json!([{"severity": "high"}, {"severity": "low", "raw": {"x": 1}}]),
    );
    problems(TriggerKind::Alert(alert), &expect![[]]);
    problems(TriggerKind::Schedule(schedule("30 2 29 2 *")), &expect![[]]);
    problems(
        TriggerKind::Manual(Manual {
            roles: vec![],
            confirm: None,
        }),
        &expect![[]],
    );
}

#[test]
fn every_line_that_cannot_be_read_is_reported() {
    let written = json!({"category|contain": "x", "severity": "high", "title|re": "("});
    problems(
        TriggerKind::Alert(trigger(&written)),
        &expect![[r#"
            error PB0603 triggers[0].alert.match.category|contain
              `contain` is not a modifier
              help: a modifier with a similar name exists: `contains`
            error PB0603 triggers[0].alert.match.title|re
              `(` is not a regular expression: unclosed group
        "#]],
    );
}

#[test]
fn a_field_that_no_alert_has_is_a_warning_with_the_field_meant() {
    let written = json!({"severty": "high", "user.upn|fieldref": "user.nme", "machineId": "x"});
    problems(
        TriggerKind::Alert(trigger(&written)),
        &expect![[r#"
            warning PB0808 triggers[0].alert.match.machineId
              `machineId` is in no alert
              help: the vendor's own fields are below `raw`
            warning PB0808 triggers[0].alert.match.severty
              `severty` is in no alert
              help: a field with a similar name exists: `severity`
            warning PB0808 triggers[0].alert.match.user.upn|fieldref
              `user.nme` is in no alert
              help: a field with a similar name exists: `user.name`
        "#]],
    );
}

#[test]
fn an_example_that_does_not_behave_is_told_why() {
    let written = json!({"severity": "high", "device.tags|neq": "lab"});
    let alert = examples(
        &written,
        json!([
            {"severity": "low"},
            {"severity": "high", "device": {"tags": ["lab"]}},
            {"severity": "high", "source": "xdr"},
            {"severity": 5},
            "high",
        ]),
        json!([{"severity": "high"}, {"severity": "low"}]),
    );
    problems(
        TriggerKind::Alert(alert),
        &expect![[r#"
            error PB0602 triggers[0].examples.fires[0]
              does not fire: `severity` is `low`, wanted `high`
            error PB0602 triggers[0].examples.fires[1]
              does not fire: `device.tags` is `lab`, wanted anything but `lab`
            error PB0602 triggers[0].examples.fires[2]
              does not fire: `source` is `xdr`, wanted `mde`
            error PB0602 triggers[0].examples.fires[3]
              the example is not an alert: invalid type: integer `5`, expected a string
            error PB0602 triggers[0].examples.fires[4]
              the example is not an alert: invalid type: string "high", expected struct Alert
            error PB0602 triggers[0].examples.ignores[0]
              fires, since every condition holds
        "#]],
    );
}

#[test]
fn examples_go_through_the_expression_too() {
    let mut alert = examples(
        &json!({"severity": "high"}),
        json!([{"severity": "high"}]),
        json!([]),
    );
    alert.condition = Some(Expr::parse("alert.title == 'x'").unwrap());
    problems(
        TriggerKind::Alert(alert),
        &expect![[r#"
            error PB0602 triggers[0].examples.fires[0]
              does not fire: `where` is `false`, wanted `true`
        "#]],
    );
}

#[test]
fn examples_of_a_trigger_for_changes_are_changed_alerts() {
    let written = examples(
        &json!({"severity": "high"}),
        json!([{"severity": "high"}]),
        json!([]),
    );
    let on = AlertEvents {
        created: false,
        updated: true,
    };
    problems(
        TriggerKind::Alert(AlertTrigger { on, ..written }),
        &expect![[]],
    );
}

#[test]
fn a_match_that_every_alert_is_tried_against_is_a_hint() {
    problems(
        TriggerKind::Alert(trigger(&json!({"raw.score|gt": 5}))),
        &expect![[r#"
            hint PB0807 triggers[0].alert.match
              every alert is tried against this match: it requires no text of a field
              help: add a line such as `category: Malware`; the engine then finds it fast
        "#]],
    );
}

#[test]
fn a_schedule_that_never_fires_is_an_error() {
    problems(
        TriggerKind::Schedule(schedule("0 0 31 2 *")),
        &expect![[r#"
            error PB0601 triggers[0].schedule.cron
              `0 0 31 2 *` names no day that exists
        "#]],
    );
    let (start, end) = (Timestamp::from_ms(5_000), Timestamp::from_ms(4_000));
    let backwards = Schedule {
        start: Some(start),
        end: Some(end),
        ..schedule("@daily")
    };
    problems(
        TriggerKind::Schedule(backwards),
        &expect![[r#"
            error PB0601 triggers[0].schedule.end
              the schedule ends before it starts
        "#]],
    );
}

#[test]
fn a_trigger_without_storm_control_is_a_hint() {
    let calm = TriggerKind::Alert(trigger(&json!({"severity": "high"})));
    let found: Vec<(&str, Severity)> = check(&plan("p", vec![calm]))
        .iter()
        .map(|problem| (problem.code.as_str(), problem.severity))
        .collect();
    assert_eq!(found, [("PB0803", Severity::Hint)]);
}

#[test]
fn a_group_by_a_field_that_no_alert_has_is_a_warning() {
    let accumulate = Accumulate {
        group_by: vec!["device.nmae".to_owned(), "raw.anything".to_owned()],
        within: Millis::from_secs(60),
        count: 2,
        distinct: Some(Distinct {
            field: "entities.ip.adress".to_owned(),
            gte: 2,
        }),
        sequence: Vec::new(),
        window: WindowShape::Sliding,
    };
    let storm = Storm {
        accumulate: Some(accumulate),
        path: "triggers[0].alert".to_owned(),
        ..Storm::default()
    };
    let written = AlertTrigger {
        storm: Box::new(storm),
        ..trigger(&json!({"severity": "high"}))
    };
    problems(
        TriggerKind::Alert(written),
        &expect![[r"
            warning PB0808 triggers[0].alert.accumulate
              `device.nmae` is in no alert
              help: a field with a similar name exists: `device.name`
            warning PB0808 triggers[0].alert.accumulate
              `entities.ip.adress` is in no alert
              help: a field with a similar name exists: `entities.ip.address`
        "]],
    );
}
