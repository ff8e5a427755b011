//! A try that may have arrived: the service is asked before anything is done again.

use actions_contract::ErrorKind::{Network, PermissionDenied, Unavailable};
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done, failed, interrupted, nothing, pending, unclear, unknown};
use crate::world::playbook;

const ISOLATE: &str = "steps: [{id: isolate, uses: soc.isolate, with: {id: d1}}]";

#[test]
fn nothing_counts_only_after_the_window_and_then_it_is_done_again() {
    playbook(ISOLATE)
        .says("soc.isolate", [unknown()])
        .says("soc.isolate", (0..6).map(|_| nothing()))
        .says("soc.isolate", [done(json!({"status": "Succeeded"}))])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            100ms 1 unknown network
                      2 reconcile soc.isolate {"id":"d1"}
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.isolate {"id":"d1"}
            1s300ms 4 nothing
                      5 timer at 3s300ms
            3s300ms 5 fired
                      6 reconcile soc.isolate {"id":"d1"}
            3s400ms 6 nothing
                      7 timer at 7s400ms
            7s400ms 7 fired
                      8 reconcile soc.isolate {"id":"d1"}
            7s500ms 8 nothing
                      9 timer at 15s500ms
            15s500ms 9 fired
                      10 reconcile soc.isolate {"id":"d1"}
            15s600ms 10 nothing
                      11 timer at 30s100ms
            30s100ms 11 fired
                      12 reconcile soc.isolate {"id":"d1"}
            30s200ms 12 nothing
                      13 execute soc.isolate {"id":"d1"}
            30s300ms 13 done {"status":"Succeeded"}
                      finish succeeded
            isolate: succeeded x8 {"status":"Succeeded"}
        "#]]);
}

#[test]
fn a_try_that_shows_up_late_is_not_repeated() {
    playbook(ISOLATE)
        .says(
            "soc.isolate",
            [unknown(), nothing(), nothing(), done(json!({"late": true}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            100ms 1 unknown network
                      2 reconcile soc.isolate {"id":"d1"}
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.isolate {"id":"d1"}
            1s300ms 4 nothing
                      5 timer at 3s300ms
            3s300ms 5 fired
                      6 reconcile soc.isolate {"id":"d1"}
            3s400ms 6 done {"late":true}
                      finish succeeded
            isolate: succeeded x4 {"late":true}
        "#]]);
}

#[test]
fn a_try_that_is_found_going_on_is_followed() {
    playbook(ISOLATE)
        .says(
            "soc.isolate",
            [interrupted(), pending(json!("a1"), "2s"), done(json!({}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            5s 1 interrupted
                      2 reconcile soc.isolate {"id":"d1"}
            5s100ms 2 pending "a1" for 2s
                      3 timer at 7s100ms
            7s100ms 3 fired
                      4 execute soc.isolate {"id":"d1"} from "a1"
            7s200ms 4 done {}
                      finish succeeded
            isolate: succeeded x3 {}
        "#]]);
}

#[test]
fn what_cannot_be_told_is_left_to_people() {
    playbook(ISOLATE)
        .says("soc.isolate", [interrupted(), unclear()])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            5s 1 interrupted
                      2 reconcile soc.isolate {"id":"d1"}
            5s100ms 2 unclear
                      finish failed {"attempts":2, "cause":null, "code":"AC0108",
                        "kind":"internal", "message":"it could not be found out whether
                        the action happened: two look alike", "retryable":false,
                        "step":"isolate"}
            isolate: failed x2 {"attempts":2, "cause":null, "code":"AC0108",
              "kind":"internal", "message":"it could not be found out whether the action
              happened: two look alike", "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn a_look_that_is_refused_leaves_the_try_unclear() {
    playbook(ISOLATE)
        .says("soc.isolate", [unknown(), broken(PermissionDenied)])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            100ms 1 unknown network
                      2 reconcile soc.isolate {"id":"d1"}
            200ms 2 failed permission_denied
                      finish failed {"attempts":2, "cause":null, "code":"AC0108",
                        "kind":"internal", "message":"it could not be found out whether
                        the action happened: it does not work", "retryable":false,
                        "step":"isolate"}
            isolate: failed x2 {"attempts":2, "cause":null, "code":"AC0108",
              "kind":"internal", "message":"it could not be found out whether the action
              happened: it does not work", "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn a_look_that_fails_for_now_is_repeated_and_costs_no_try() {
    playbook("steps: [{id: isolate, uses: soc.isolate, retry: {max_attempts: 2}}]")
        .says("soc.isolate", [unknown()])
        .says(
            "soc.isolate",
            (0..3).map(|_| failed(Unavailable, Some("20s"))),
        )
        .says("soc.isolate", [nothing(), done(json!({}))])
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate
            100ms 1 unknown network
                      2 reconcile soc.isolate
            200ms 2 failed unavailable
                      3 timer at 20s200ms
            20s200ms 3 fired
                      4 reconcile soc.isolate
            20s300ms 4 failed unavailable
                      5 timer at 40s300ms
            40s300ms 5 fired
                      6 reconcile soc.isolate
            40s400ms 6 failed unavailable
                      7 timer at 1m400ms
            1m400ms 7 fired
                      8 reconcile soc.isolate
            1m500ms 8 nothing
                      9 execute soc.isolate
            1m600ms 9 done {}
                      finish succeeded
            isolate: succeeded x6 {}
        "#]]);
}

#[test]
fn an_interrupted_look_is_repeated() {
    playbook(ISOLATE)
        .says(
            "soc.isolate",
            [interrupted(), interrupted(), done(json!({}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate {"id":"d1"}
            5s 1 interrupted
                      2 reconcile soc.isolate {"id":"d1"}
            10s 2 interrupted
                      3 reconcile soc.isolate {"id":"d1"}
            10s100ms 3 done {}
                      finish succeeded
            isolate: succeeded x3 {}
        "#]]);
}

#[test]
fn when_no_try_is_left_the_step_fails_with_what_was_seen() {
    playbook("steps: [{id: wipe, uses: soc.wipe, retry: {max_attempts: 1}}]")
        .says("soc.wipe", [unknown()])
        .says("soc.wipe", (0..6).map(|_| nothing()))
        .check(expect![[r#"
            0s started
                      1 execute soc.wipe
            100ms 1 unknown network
                      2 reconcile soc.wipe
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.wipe
            1s300ms 4 nothing
                      5 timer at 3s300ms
            3s300ms 5 fired
                      6 reconcile soc.wipe
            3s400ms 6 nothing
                      7 timer at 7s400ms
            7s400ms 7 fired
                      8 reconcile soc.wipe
            7s500ms 8 nothing
                      9 timer at 15s500ms
            15s500ms 9 fired
                      10 reconcile soc.wipe
            15s600ms 10 nothing
                      11 timer at 30s100ms
            30s100ms 11 fired
                      12 reconcile soc.wipe
            30s200ms 12 nothing
                      finish failed {"attempts":7, "cause":null, "code":"BR0201",
                        "kind":"network", "message":"the line went dead",
                        "retryable":true, "step":"wipe"}
            wipe: failed x7 {"attempts":7, "cause":null, "code":"BR0201",
              "kind":"network", "message":"the line went dead", "retryable":true,
              "step":"wipe"}
        "#]]);
}

#[test]
fn every_unknown_try_is_looked_up_not_only_the_first() {
    playbook("steps: [{id: back, uses: soc.release}]")
        .says(
            "soc.release",
            [unknown(), nothing().after("31s"), nothing(), interrupted()],
        )
        .says(
            "soc.release",
            [nothing().after("31s"), nothing(), done(json!({}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.release
            100ms 1 unknown network
                      2 reconcile soc.release
            31s100ms 2 nothing
                      3 timer at 31s100ms
            31s100ms 3 fired
                      4 reconcile soc.release
            31s200ms 4 nothing
                      5 execute soc.release
            36s200ms 5 interrupted
                      6 reconcile soc.release
            1m7s200ms 6 nothing
                      7 timer at 1m7s200ms
            1m7s200ms 7 fired
                      8 reconcile soc.release
            1m7s300ms 8 nothing
                      9 execute soc.release
            1m7s400ms 9 done {}
                      finish succeeded
            back: succeeded x7 {}
        "#]]);
}

#[test]
fn a_deadline_that_passes_before_the_window_leaves_the_try_unclear() {
    playbook("steps: [{id: block, uses: soc.block, timeout: 10s}]")
        .says("soc.block", [unknown()])
        .says("soc.block", (0..9).map(|_| nothing()))
        .check(expect![[r#"
            0s started
                      1 execute soc.block within 10s
            100ms 1 unknown network
                      2 reconcile soc.block within 10s
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.block within 10s
            1s300ms 4 nothing
                      5 timer at 3s300ms
            3s300ms 5 fired
                      6 reconcile soc.block within 10s
            3s400ms 6 nothing
                      7 timer at 7s400ms
            7s400ms 7 fired
                      8 reconcile soc.block within 10s
            7s500ms 8 nothing
                      9 timer at 10s
            10s 9 fired
                      finish failed {"attempts":5, "cause":null, "code":"AC0108",
                        "kind":"internal", "message":"it could not be found out whether
                        the action happened: the deadline passed first",
                        "retryable":false, "step":"block"}
            block: failed x5 {"attempts":5, "cause":null, "code":"AC0108",
              "kind":"internal", "message":"it could not be found out whether the action
              happened: the deadline passed first", "retryable":false, "step":"block"}
        "#]]);
}

#[test]
fn an_engine_that_was_away_past_the_deadline_still_looks_once() {
    playbook("steps: [{id: block, uses: soc.block}]")
        .says(
            "soc.block",
            [interrupted().after("2h"), done(json!({"found": true}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            2h 1 interrupted
                      2 reconcile soc.block within 10s
            2h100ms 2 done {"found":true}
                      finish succeeded
            block: succeeded x2 {"found":true}
        "#]]);
}

#[test]
fn a_clear_failure_of_a_containing_action_is_tried_again_without_a_look() {
    playbook("steps: [{id: block, uses: soc.block}]")
        .says("soc.block", [failed(Unavailable, Some("3s"))])
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 failed unavailable
                      2 timer at 3s100ms
            3s100ms 2 fired
                      3 execute soc.block
            3s200ms 3 done {}
                      finish succeeded
            block: succeeded x2 {}
        "#]]);
}

#[test]
fn a_network_error_of_a_containing_action_is_not_tried_again_by_default() {
    playbook("steps: [{id: block, uses: soc.block}]")
        .says("soc.block", [failed(Network, Some("3s"))])
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 failed network
                      finish failed {"attempts":1, "cause":null, "code":"AC0111",
                        "kind":"network", "message":"network for now", "retryable":true,
                        "step":"block"}
            block: failed x1 {"attempts":1, "cause":null, "code":"AC0111",
              "kind":"network", "message":"network for now", "retryable":true,
              "step":"block"}
        "#]]);
}
