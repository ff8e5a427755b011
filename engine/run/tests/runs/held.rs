//! A policy asks people before something is done, or a guard rail says no.

use actions_contract::ErrorKind::{GuardRefused, TargetAmbiguous};
use expect_test::expect;
use serde_json::json;

use crate::answers::{done, held, lead, person, refused};
use crate::world::{Told, playbook};
use engine_run::{Command, Event, Run, RunStatus};

#[test]
fn the_same_try_follows_once_enough_different_people_agreed() {
    playbook("steps: [{id: isolate, uses: soc.isolate, with: {id: d1}}]")
        .says("soc.isolate", [held("d1", 2), done(json!({"id": 7}))])
        .hears(
            "approval/isolate",
            [
                lead("mona", "approve", "1m"),
                lead("otto", "approve", "2m"),
                lead("otto", "approve", "3m"),
                person("carl", &["intern"], "approve", "4m"),
                lead("lisa", "approve", "5m"),
            ],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            100ms 1 held by servers
                      2 timer at 1h100ms
                      3 timer at 10m100ms
                      4 await approval/isolate of {"roles":["lead"]} until 1h100ms
            1m 4 signal of mona {"decision":"approve", "roles":["lead"]}
            2m 4 signal of otto {"decision":"approve", "roles":["lead"]}
            3m 4 signal of otto {"decision":"approve", "roles":["lead"]}
            4m 4 signal of carl {"decision":"approve", "roles":["intern"]}
            5m 4 signal of lisa {"decision":"approve", "roles":["lead"]}
                      3 forget
                      2 forget
                      4 forget
                      5 execute soc.isolate {"id":"d1"} approved by otto and lisa
            5m100ms 5 done {"id":7}
                      finish succeeded
            isolate: succeeded x2 {"id":7}
        "#]]);
}

#[test]
fn one_no_ends_the_run_and_cleans_up() {
    playbook(
        "
        steps: [{id: isolate, uses: soc.isolate, on_error: continue}, {id: look, uses: soc.look}]
        on_error: [{id: told, uses: soc.tell}]
        finally: [{id: note, uses: soc.note}]
        ",
    )
    .says("soc.isolate", [held("d1", 1)])
    .hears("approval/isolate", [lead("otto", "deny", "1m")])
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate
        100ms 1 held by servers
                  2 timer at 1h100ms
                  3 timer at 10m100ms
                  4 await approval/isolate of {"roles":["lead"]} until 1h100ms
        1m 4 signal of otto {"decision":"deny", "roles":["lead"]}
                  3 forget
                  2 forget
                  4 forget
                  5 execute soc.note
        1m100ms 5 done {}
                  finish denied because otto said no
        isolate: denied x1 {"attempts":1, "cause":null, "code":"RN0107",
          "kind":"approval_denied", "message":"otto said no", "retryable":false,
          "step":"isolate"}
        note: succeeded x1 {}
    "#]]);
}

#[test]
fn no_answer_is_a_no_also_after_others_were_asked() {
    playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [held("d1", 1)])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 held by servers
                      2 timer at 1h100ms
                      3 timer at 10m100ms
                      4 await approval/isolate of {"roles":["lead"]} until 1h100ms
            10m100ms 3 fired
                      4 forget
                      5 await approval/isolate of {"roles":["lead"], "users":["boss"]}
                        until 1h100ms
            1h100ms 2 fired
                      5 forget
                      finish denied because not enough people answered in time, and that
                        is a no
            isolate: denied x1 {"attempts":1, "cause":null, "code":"RN0108",
              "kind":"approval_denied", "message":"not enough people answered in time,
              and that is a no", "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn whoever_is_asked_after_a_while_may_answer_then() {
    let (_, run) = playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [held("d1", 1)])
        .hears("approval/isolate", [person("boss", &[], "approve", "5m")])
        .go();
    assert_eq!(
        run.view().status,
        RunStatus::Denied,
        "the boss came too early"
    );
}

#[test]
fn what_changed_meanwhile_is_asked_for_anew() {
    let (told, run) = playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [held("d1", 1), held("d2", 1)])
        .hears("approval/isolate", [lead("otto", "approve", "1m")])
        .go();
    let asked = awaits(&told);
    assert_eq!(
        asked.len(),
        3,
        "asked, asked anew, and asked others as well"
    );
    assert_ne!(asked[0], asked[1], "the answer names what it answers");
    assert_eq!(run.view().status, RunStatus::Denied);
}

#[test]
fn time_for_people_is_not_the_time_of_the_step() {
    let (_, run) = playbook("steps: [{id: block, uses: soc.block, timeout: 1m}]")
        .says("soc.block", [held("d1", 1)])
        .hears("approval/block", [lead("otto", "approve", "50m")])
        .go();
    assert_eq!(run.view().status, RunStatus::Succeeded);
}

#[test]
fn time_for_people_is_the_time_of_what_stands_around_the_step() {
    playbook("timeout: 5m\nsteps: [{id: block, uses: soc.block}]")
        .says("soc.block", [held("d1", 1)])
        .hears("approval/block", [lead("otto", "approve", "50m")])
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 held by servers
                      2 timer at 5m
                      3 timer at 10m100ms
                      4 await approval/block of {"roles":["lead"]} until 5m
            5m 2 fired
                      3 forget
                      4 forget
                      finish denied because not enough people answered in time, and that
                        is a no
            block: denied x1 {"attempts":1, "cause":null, "code":"RN0108",
              "kind":"approval_denied", "message":"not enough people answered in time,
              and that is a no", "retryable":false, "step":"block"}
        "#]]);
}

#[test]
fn a_cancelled_run_withdraws_its_question() {
    playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [held("d1", 1)])
        .hears("approval/isolate", [lead("otto", "approve", "50m")])
        .cancel_after("1m")
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 held by servers
                      2 timer at 1h100ms
                      3 timer at 10m100ms
                      4 await approval/isolate of {"roles":["lead"]} until 1h100ms
            1m cancelled by mona
                      3 forget
                      2 forget
                      4 forget
                      finish cancelled
            isolate: cancelled x1
        "#]]);
}

#[test]
fn what_a_guard_rail_refuses_is_never_tried_again() {
    playbook("steps: [{id: isolate, uses: soc.isolate, retry: {on: [conflict, timeout]}}]")
        .says("soc.isolate", [refused(GuardRefused)])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 refused guard_refused
                      finish refused {"attempts":1, "cause":null, "code":"AC0101",
                        "kind":"guard_refused", "message":"it is on the never-list",
                        "retryable":false, "step":"isolate"}
            isolate: refused x1 {"attempts":1, "cause":null, "code":"AC0101",
              "kind":"guard_refused", "message":"it is on the never-list",
              "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn a_refusal_can_be_handled() {
    playbook(
        "
        steps:
          - {id: one, uses: soc.isolate, on_error: continue}
          - id: two
            uses: soc.isolate
            on_error: [{id: tell, if: error.kind == 'target_ambiguous', uses: soc.tell}]
        ",
    )
    .says(
        "soc.isolate",
        [refused(GuardRefused), refused(TargetAmbiguous)],
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate
        100ms 1 refused guard_refused
                  2 execute soc.isolate
        200ms 2 refused target_ambiguous
                  3 execute soc.tell
        300ms 3 done {}
                  finish succeeded
        one: refused x1 {"attempts":1, "cause":null, "code":"AC0101",
          "kind":"guard_refused", "message":"it is on the never-list",
          "retryable":false, "step":"one"}
        two: refused x1 {"attempts":1, "cause":null, "code":"AC0101",
          "kind":"target_ambiguous", "message":"it is on the never-list",
          "retryable":false, "step":"two"}
        tell: succeeded x1 {}
    "#]]);
}

#[test]
fn an_answer_that_makes_no_sense_decides_nothing() {
    let (told, run) = playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [held("d1", 1)])
        .go();
    let mut disturbed = Run::new(std::sync::Arc::clone(run.plan()));
    for Told { event, commands } in &told[..2] {
        assert_eq!(&disturbed.advance(event), commands);
    }
    let Some(Command::Await(wait)) = told[1].commands.iter().find(|c| is_await(c)) else {
        panic!("nobody is asked")
    };
    for value in [
        json!(null),
        json!({"decision": "approve"}),
        json!("approve"),
    ] {
        let at = told[1].event.at();
        let by = "otto".to_owned();
        let event = Event::Signalled {
            cid: wait.cid,
            at,
            by,
            value,
        };
        assert_eq!(disturbed.advance(&event), []);
    }
}

fn is_await(command: &Command) -> bool {
    matches!(command, Command::Await(_))
}

/// What the run waited for, as text.
fn awaits(told: &[Told]) -> Vec<String> {
    let commands = told.iter().flat_map(|told| &told.commands);
    let awaits = commands.filter_map(|command| match command {
        Command::Await(wait) => Some(json!(wait.wants).to_string()),
        _ => None,
    });
    awaits.collect()
}
