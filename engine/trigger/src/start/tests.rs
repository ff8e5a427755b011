use engine_model::{AlertKey, Timestamp, code};
use engine_playbook::expr::{Expr, Template};
use engine_playbook::plan::{Manual, Missed, Plan, Schedule, TriggerKind};
use serde_json::{Map, Value, json};

use super::*;
use crate::fixture::{alert, input, plan, trigger};

fn manual(roles: &[&str]) -> TriggerKind {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    TriggerKind::Manual(Manual {
        roles,
        confirm: None,
    })
}

fn schedule() -> TriggerKind {
    TriggerKind::Schedule(Schedule {
        rhythm: engine_playbook::plan::Rhythm::Cron("@daily".to_owned()),
        timezone: "UTC".to_owned(),
        missed: Missed::Skip,
        start: None,
        end: None,
        overlap: engine_playbook::plan::Overlap::Skip,
        jitter: engine_model::Millis::ZERO,
        path: String::new(),
    })
}

/// A playbook with an alert trigger `first` and a schedule `second`.
fn contain() -> Plan {
    plan(
        "contain",
        vec![
            TriggerKind::Alert(trigger(&json!({"severity": "high"}))),
            schedule(),
        ],
    )
}

fn with(plan: &mut Plan, trigger: usize, name: &str, expression: &str) {
    let template = Template::Expr(Expr::parse(expression).unwrap());
    plan.triggers[trigger]
        .with
        .push((name.to_owned(), template));
}

fn by_alert(plan: &Plan, fields: Value, change: AlertChange) -> Start {
    let alert = alert(fields);
    start_for_alert(
        plan,
        &"first".parse().unwrap(),
        &AlertView::new(&alert),
        change,
    )
    .unwrap()
}

#[test]
fn the_same_alert_again_names_the_same_run_whatever_its_content() {
    let plan = contain();
    let start = |fields| by_alert(&plan, fields, AlertChange::Created).run;
    let first = start(json!({"id": "a1"}));
    assert_eq!(first, start(json!({"id": "a1", "title": "changed"})));
    assert_ne!(first, start(json!({"id": "a2"})));
    assert_ne!(first, start(json!({"id": "a1", "source": "xdr"})));
    assert_ne!(first, start(json!({"id": "a1", "tenant": "other"})));
}

#[test]
fn a_changed_alert_names_one_run_per_content() {
    let plan = contain();
    let start = |fields, change| by_alert(&plan, fields, change).run;
    let new = start(json!({"id": "a1"}), AlertChange::Created);
    let changed = start(json!({"id": "a1"}), AlertChange::Updated);
    assert_ne!(new, changed);
    assert_eq!(changed, start(json!({"id": "a1"}), AlertChange::Updated));
    let again = start(json!({"id": "a1", "title": "x"}), AlertChange::Updated);
    assert_ne!(changed, again);
}

#[test]
fn a_new_version_of_the_playbook_names_the_same_run_and_records_its_digest() {
    let old = contain();
    let mut new = contain();
    new.digest = Digest::of(b"new");
    let start = |plan: &Plan| by_alert(plan, json!({"id": "a1"}), AlertChange::Created);
    assert_eq!(start(&old).run, start(&new).run);
    assert_eq!(start(&new).digest, new.digest);
}

#[test]
fn a_planned_instant_names_one_run_whenever_it_begins() {
    let plan = contain();
    let tenant = "default".parse().unwrap();
    let start = |ms| {
        let at = Timestamp::from_ms(ms);
        start_for_instant(&plan, &"second".parse().unwrap(), &tenant, at).unwrap()
    };
    assert_eq!(start(1000).run, start(1000).run);
    assert_ne!(start(1000).run, start(2000).run);
    assert_eq!(
        start(1000).cause,
        Cause::Planned {
            at: Timestamp::from_ms(1000)
        }
    );
}

#[test]
fn inputs_come_from_the_alert_the_schedule_and_the_trigger() {
    let mut plan = contain();
    let text = json!({"type": "string"});
    plan.inputs = vec![
        input("device", false, text.clone()),
        input("from", false, text.clone()),
        input("days", false, json!({"type": "integer", "default": 7})),
    ];
    with(&mut plan, 0, "device", "alert.device.name");
    with(&mut plan, 0, "from", "trigger.id");
    with(&mut plan, 1, "from", "schedule.planned_at");
    let start = by_alert(
        &plan,
        json!({"device": {"name": "ws1"}}),
        AlertChange::Created,
    );
    assert_eq!(
        Value::Object(start.inputs),
        json!({"device": "ws1", "from": "first", "days": 7})
    );
    let tenant = "default".parse().unwrap();
    let at = Timestamp::from_ms(0);
    let start = start_for_instant(&plan, &"second".parse().unwrap(), &tenant, at).unwrap();
    assert_eq!(
        Value::Object(start.inputs),
        json!({"device": null, "from": "1970-01-01T00:00:00.000Z", "days": 7})
    );
}

#[test]
fn inputs_that_do_not_fit_start_nothing() {
    let mut plan = contain();
    plan.inputs = vec![input("device", true, json!({"type": "string"}))];
    let alert = alert(json!({"id": "a1"}));
    let view = AlertView::new(&alert);
    let start =
        |plan: &Plan| start_for_alert(plan, &"first".parse().unwrap(), &view, AlertChange::Created);
    let error = start(&plan).unwrap_err();
    assert_eq!(error.code(), code::RN0106);
    assert_eq!(
        error.to_string(),
        "inputs of `contain`: `device` is required"
    );
    with(&mut plan, 0, "device", "alert.device.name");
    let error = start(&plan).unwrap_err();
    assert_eq!(error.code(), code::TR0102);
    assert_eq!(
        error.to_string(),
        "input `device` of trigger `first` could not be computed"
    );
}

#[test]
fn a_trigger_of_another_kind_is_refused() {
    let plan = contain();
    let tenant = "default".parse().unwrap();
    let at = Timestamp::from_ms(0);
    let error = start_for_instant(&plan, &"first".parse().unwrap(), &tenant, at).unwrap_err();
    assert_eq!(
        error.to_string(),
        "playbook `contain` has no schedule trigger `first`"
    );
}

fn by_hand(plan: &Plan, roles: Option<&[String]>, key: &str) -> Result<Start, StartError> {
    let tenant = "default".parse().unwrap();
    let inputs = Map::new();
    start_by_hand(
        plan,
        ByHand {
            tenant: &tenant,
            by: "mona",
            roles,
            key,
            alert: None,
            inputs,
        },
    )
}

#[test]
fn the_callers_key_makes_a_start_by_hand() {
    let plan = plan("p", vec![manual(&[])]);
    let run = |key: &str| by_hand(&plan, None, key).unwrap().run;
    assert_eq!(run("k1"), run("k1"));
    assert_ne!(run("k1"), run("k2"));
}

#[test]
fn a_person_needs_a_role_of_a_manual_trigger() {
    let plan = plan(
        "p",
        vec![manual(&["soc-lead"]), manual(&["soc-lead", "analyst"])],
    );
    let trigger = |roles: &[&str]| {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        by_hand(&plan, Some(&roles), "k").map(|start| start.trigger.to_string())
    };
    assert_eq!(trigger(&["soc-lead"]).unwrap(), "first");
    assert_eq!(trigger(&["analyst"]).unwrap(), "second");
    let error = trigger(&["guest"]).unwrap_err();
    assert_eq!(error.code(), code::TR0102);
    assert_eq!(
        error.to_string(),
        "playbook `p` may be started by analyst or soc-lead"
    );
}

#[test]
fn a_start_by_hand_takes_the_alert_and_the_inputs_given() {
    let mut plan = plan("p", vec![manual(&[])]);
    let text = json!({"type": "string"});
    plan.inputs = vec![
        input("device", true, text.clone()),
        input("note", false, text),
    ];
    with(&mut plan, 0, "device", "alert.device.name");
    let alert = alert(json!({"id": "a1", "device": {"name": "ws1"}}));
    let view = AlertView::new(&alert);
    let tenant = "default".parse().unwrap();
    let start = |inputs: Value| {
        let Value::Object(inputs) = inputs else {
            unreachable!("a map")
        };
        let alert = Some(&view);
        start_by_hand(
            &plan,
            ByHand {
                tenant: &tenant,
                by: "mona",
                roles: None,
                key: "k",
                alert,
                inputs,
            },
        )
        .unwrap()
    };
    let made = start(json!({"note": "x"}));
    assert_eq!(
        Value::Object(made.inputs),
        json!({"device": "ws1", "note": "x"})
    );
    assert_eq!(made.cause.alert(), Some(&alert.key()));
    assert_eq!(start(json!({"device": "dc1"})).inputs["device"], "dc1");
}

#[test]
fn a_playbook_without_manual_trigger_can_still_be_started_by_hand() {
    let start = by_hand(&plan("p", Vec::new()), Some(&[]), "k").unwrap();
    assert_eq!(start.trigger.as_str(), "manual");
}

#[test]
fn a_start_survives_its_text_form_and_refuses_unknown_fields() {
    let start = by_alert(&contain(), json!({"id": "a1"}), AlertChange::Updated);
    let mut written = serde_json::to_value(&start).unwrap();
    assert_eq!(
        serde_json::from_value::<Start>(written.clone()).unwrap(),
        start
    );
    written["surprise"] = json!(1);
    assert!(serde_json::from_value::<Start>(written).is_err());
}

#[test]
fn causes_do_not_run_into_one_another() {
    let alert = |id: &str, change| Cause::Alert {
        key: AlertKey {
            tenant: "default".parse().unwrap(),
            source: engine_model::AlertSource::Mde,
            id: id.to_owned(),
        },
        revision: Digest::of(b"x"),
        change,
    };
    let digest = Digest::of(b"x");
    let sly = alert(&format!("a\",\"{}", digest.as_str()), AlertChange::Created);
    assert_ne!(alert("a", AlertChange::Updated).identity(), sly.identity());
}
