//! Remote actions: accepted now, over later.

use actions_contract::ErrorKind::{Conflict, Network};
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done, failed, interrupted, pending, unknown};
use crate::world::playbook;

#[test]
fn a_pending_action_is_looked_at_until_it_is_done() {
    playbook("steps: [{id: isolate, uses: soc.isolate, with: {id: d1}}]")
        .says(
            "soc.isolate",
            [
                pending(json!({"action": "a1"}), "2s"),
                pending(json!({"action": "a1", "looks": 1}), "4s"),
                done(json!({"status": "Succeeded"})),
            ],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            100ms 1 pending {"action":"a1"} for 2s
                      2 timer at 2s100ms
            2s100ms 2 fired
                      3 execute soc.isolate {"id":"d1"} from {"action":"a1"}
            2s200ms 3 pending {"action":"a1", "looks":1} for 4s
                      4 timer at 6s200ms
            6s200ms 4 fired
                      5 execute soc.isolate {"id":"d1"} from {"action":"a1", "looks":1}
            6s300ms 5 done {"status":"Succeeded"}
                      finish succeeded
            isolate: succeeded x3 {"status":"Succeeded"}
        "#]]);
}

#[test]
fn a_pending_action_may_end_badly() {
    playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [pending(json!(1), "2s"), broken(Conflict)])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 pending 1 for 2s
                      2 timer at 2s100ms
            2s100ms 2 fired
                      3 execute soc.isolate from 1
            2s200ms 3 failed conflict
                      finish failed {"attempts":2, "cause":{"vendor":"said no"},
                        "code":"AC0101", "kind":"conflict", "message":"it does not
                        work", "retryable":false, "step":"isolate"}
            isolate: failed x2 {"attempts":2, "cause":{"vendor":"said no"},
              "code":"AC0101", "kind":"conflict", "message":"it does not work",
              "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn a_look_that_fails_is_repeated_however_often_and_for_whatever_reason() {
    let looks = (0..6).map(|_| failed(Network, Some("0s")));
    playbook("steps: [{id: isolate, uses: soc.isolate, retry: {max_attempts: 1}}]")
        .says("soc.isolate", [pending(json!(1), "2s")])
        .says("soc.isolate", looks)
        .says("soc.isolate", [unknown(), done(json!({}))])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 pending 1 for 2s
                      2 timer at 2s100ms
            2s100ms 2 fired
                      3 execute soc.isolate from 1
            2s200ms 3 failed network
                      4 timer at 2s700ms
            2s700ms 4 fired
                      5 execute soc.isolate from 1
            2s800ms 5 failed network
                      6 timer at 3s300ms
            3s300ms 6 fired
                      7 execute soc.isolate from 1
            3s400ms 7 failed network
                      8 timer at 3s900ms
            3s900ms 8 fired
                      9 execute soc.isolate from 1
            4s 9 failed network
                      10 timer at 4s500ms
            4s500ms 10 fired
                      11 execute soc.isolate from 1
            4s600ms 11 failed network
                      12 timer at 5s100ms
            5s100ms 12 fired
                      13 execute soc.isolate from 1
            5s200ms 13 failed network
                      14 timer at 5s700ms
            5s700ms 14 fired
                      15 execute soc.isolate from 1
            5s800ms 15 unknown network
                      16 timer at 39s274ms
            39s274ms 16 fired
                      17 execute soc.isolate from 1
            39s374ms 17 done {}
                      finish succeeded
            isolate: succeeded x9 {}
        "#]]);
}

#[test]
fn an_interrupted_look_is_simply_repeated() {
    playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [pending(json!(1), "2s"), interrupted()])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 pending 1 for 2s
                      2 timer at 2s100ms
            2s100ms 2 fired
                      3 execute soc.isolate from 1
            7s100ms 3 interrupted
                      4 execute soc.isolate from 1
            7s200ms 4 done {}
                      finish succeeded
            isolate: succeeded x3 {}
        "#]]);
}

#[test]
fn the_record_says_what_a_pending_step_waits_for() {
    let world = playbook("steps: [{id: isolate, uses: soc.isolate}]")
        .says("soc.isolate", [pending(json!(1), "2s")]);
    let (told, run) = world.go();
    let plan = run.plan();
    let events: Vec<_> = told.iter().map(|told| told.event.clone()).collect();
    let note = |seen: usize| {
        let (run, _) = engine_run::Run::fold(plan.clone(), &events[..seen]);
        run.view().steps[0].note.clone()
    };
    assert_eq!(note(1), None);
    assert_eq!(note(2).as_deref(), Some("the device is asleep"));
    assert_eq!(note(3), None);
    assert_eq!(note(4), None);
}
