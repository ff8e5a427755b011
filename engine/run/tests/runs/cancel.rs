//! Cancelling: what waits ends at once, what may contain something is found out first.

use actions_contract::ErrorKind::{Conflict, RateLimited, Unavailable};
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done, failed, nothing, pending, unclear, unknown};
use crate::world::playbook;

/// A step that contains, whose error nobody minds, and one that must not run after a cancel.
const CONTAIN: &str = r"
    steps:
      - {id: block, uses: soc.block, on_error: continue}
      - {id: never, uses: soc.wipe}
    finally: [{id: last, uses: soc.note}]
";

#[test]
fn a_run_that_waits_for_a_timer_ends_at_once_and_cleans_up() {
    playbook(
        r"
        steps:
          - id: group
            steps: [{id: look, uses: soc.look, on_error: continue}]
            on_error: [{id: not_this, uses: soc.wipe}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: never, uses: soc.wipe}
        on_error: [{id: neither, uses: soc.wipe}]
        finally: [{id: last, uses: soc.note}]
        ",
    )
    .says("soc.look", [failed(RateLimited, Some("1m"))])
    .cancel_after("10s")
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed rate_limited
                  2 timer at 1m100ms
        10s cancelled by mona
                  2 forget
                  3 execute soc.note
        10s100ms 3 done {}
                  4 execute soc.note
        10s200ms 4 done {}
                  finish cancelled
        group: cancelled
        look: cancelled x1
        tidy: succeeded x1 {}
        last: succeeded x1 {}
    "#]]);
}

#[test]
fn a_read_that_is_under_way_is_not_waited_for() {
    playbook("steps: [{id: look, uses: soc.look}, {uses: soc.wipe}]")
        .says("soc.look", [done(json!({})).after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            10s cancelled by mona
                      finish cancelled
            30s 1 done {}
            look: cancelled x1
        "#]]);
}

#[test]
fn a_containing_try_that_is_under_way_is_waited_for_and_nothing_comes_after_it() {
    playbook(CONTAIN)
        .says("soc.block", [done(json!({"blocked": true})).after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            10s cancelled by mona
            30s 1 done {"blocked":true}
                      2 execute soc.note
            30s100ms 2 done {}
                      finish cancelled
            block: succeeded x1 {"blocked":true}
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn a_containing_try_that_fails_after_a_cancel_is_not_tried_again() {
    playbook(CONTAIN)
        .says("soc.block", [failed(Unavailable, None).after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            10s cancelled by mona
            30s 1 failed unavailable
                      2 execute soc.note
            30s100ms 2 done {}
                      finish cancelled
            block: cancelled x1
            last: succeeded x1 {}
        "#]]);
    playbook(CONTAIN)
        .says("soc.block", [broken(Conflict).after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            10s cancelled by mona
            30s 1 failed conflict
                      2 execute soc.note
            30s100ms 2 done {}
                      finish cancelled
            block: cancelled x1
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn a_containing_try_of_unknown_outcome_is_looked_up_even_after_a_cancel() {
    playbook(CONTAIN)
        .says(
            "soc.block",
            [unknown().after("30s"), nothing(), done(json!({"found": 1}))],
        )
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            10s cancelled by mona
            30s 1 unknown network
                      2 reconcile soc.block
            30s100ms 2 nothing
                      3 timer at 31s100ms
            31s100ms 3 fired
                      4 reconcile soc.block
            31s200ms 4 done {"found":1}
                      5 execute soc.note
            31s300ms 5 done {}
                      finish cancelled
            block: succeeded x3 {"found":1}
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn a_try_that_never_arrived_is_not_made_after_a_cancel() {
    playbook(CONTAIN)
        .says("soc.block", [unknown()])
        .says("soc.block", (0..6).map(|_| nothing()))
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 unknown network
                      2 reconcile soc.block
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.block
            1s300ms 4 nothing
                      5 timer at 3s300ms
            3s300ms 5 fired
                      6 reconcile soc.block
            3s400ms 6 nothing
                      7 timer at 7s400ms
            7s400ms 7 fired
                      8 reconcile soc.block
            7s500ms 8 nothing
                      9 timer at 15s500ms
            10s cancelled by mona
            15s500ms 9 fired
                      10 reconcile soc.block
            15s600ms 10 nothing
                      11 timer at 30s100ms
            30s100ms 11 fired
                      12 reconcile soc.block
            30s200ms 12 nothing
                      13 execute soc.note
            30s300ms 13 done {}
                      finish cancelled
            block: cancelled x7
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn what_stays_unclear_after_a_cancel_is_told_and_the_run_is_cancelled() {
    playbook(CONTAIN)
        .says("soc.block", [unknown(), nothing(), unclear().after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 unknown network
                      2 reconcile soc.block
            200ms 2 nothing
                      3 timer at 1s200ms
            1s200ms 3 fired
                      4 reconcile soc.block
            10s cancelled by mona
            31s200ms 4 unclear
                      5 execute soc.note
            31s300ms 5 done {}
                      finish cancelled
            block: failed x3 {"attempts":3, "cause":null, "code":"AC0108",
              "kind":"internal", "message":"it could not be found out whether the action
              happened: two look alike", "retryable":false, "step":"block"}
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn a_pending_containment_is_not_waited_for() {
    playbook(CONTAIN)
        .says("soc.block", [pending(json!(1), "1m")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            100ms 1 pending 1 for 1m
                      2 timer at 1m100ms
            10s cancelled by mona
                      2 forget
                      3 execute soc.note
            10s100ms 3 done {}
                      finish cancelled
            block: cancelled x1 {"attempts":1, "cause":null, "code":"RN0104",
              "kind":"cancelled", "message":"the run was cancelled; what it began goes
              on at the service: the device is asleep", "retryable":false,
              "step":"block"}
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn cancelling_twice_is_cancelling_once() {
    playbook(CONTAIN)
        .says("soc.block", [done(json!({})).after("30s")])
        .cancel_after("10s")
        .cancel_after("11s")
        .cancel_after("2h")
        .check(expect![[r#"
            0s started
                      1 execute soc.block
            10s cancelled by mona
            11s cancelled by mona
            30s 1 done {}
                      2 execute soc.note
            30s100ms 2 done {}
                      finish cancelled
            2h cancelled by mona
            block: succeeded x1 {}
            last: succeeded x1 {}
        "#]]);
}

#[test]
fn a_handler_is_cancelled_but_what_cleans_up_is_not() {
    playbook(
        r"
        steps:
          - id: group
            steps: [{id: look, uses: soc.look}]
            on_error: [{id: told, uses: soc.tell}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: never, uses: soc.wipe}
        ",
    )
    .says("soc.look", [broken(Conflict)])
    .says("soc.tell", [done(json!({})).after("30s")])
    .cancel_after("10s")
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed conflict
                  2 execute soc.tell
        10s cancelled by mona
                  3 execute soc.note
        10s100ms 3 done {}
                  finish cancelled
        30s100ms 2 done {}
        group: cancelled
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"look"}
        told: cancelled x1
        tidy: succeeded x1 {}
    "#]]);
}

#[test]
fn a_cancel_during_the_cleaning_up_of_a_group_lets_it_end_but_nothing_after_it_begin() {
    playbook(
        r"
        steps:
          - id: group
            steps: [{id: look, uses: soc.look}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: never, uses: soc.wipe}
        ",
    )
    .says("soc.note", [done(json!({})).after("30s")])
    .cancel_after("10s")
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {}
                  2 execute soc.note
        10s cancelled by mona
        30s100ms 2 done {}
                  finish cancelled
        group: succeeded
        look: succeeded x1 {}
        tidy: succeeded x1 {}
    "#]]);
}

#[test]
fn a_cancel_during_the_cleaning_up_of_the_run_changes_nothing() {
    playbook("steps: [{id: look, uses: soc.look}]\nfinally: [{id: last, uses: soc.note}]")
        .says("soc.note", [done(json!({})).after("30s")])
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 done {}
                      2 execute soc.note
            10s cancelled by mona
            30s100ms 2 done {}
                      finish succeeded
            look: succeeded x1 {}
            last: succeeded x1 {}
        "#]]);
}
