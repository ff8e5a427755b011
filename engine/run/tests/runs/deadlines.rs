//! Deadlines: nothing waits without one.

use actions_contract::ErrorKind::{RateLimited, Timeout, Unavailable};
use expect_test::expect;
use serde_json::json;

use crate::answers::{done, failed, interrupted, pending};
use crate::world::playbook;

#[test]
fn a_try_never_has_more_time_than_its_step() {
    playbook("steps: [{id: look, uses: soc.look, timeout: 20s}]").check(expect![[r#"
        0s started
                  1 execute soc.look within 20s
        100ms 1 done {}
                  finish succeeded
        look: succeeded x1 {}
    "#]]);
}

#[test]
fn the_deadline_of_a_step_covers_all_its_tries_and_waits() {
    playbook("steps: [{id: isolate, uses: soc.isolate, timeout: 10s}, {uses: soc.wipe}]")
        .says("soc.isolate", (0..9).map(|n| pending(json!(n), "3s")))
        .check(expect![[r#"
            0s started
                      1 execute soc.isolate within 10s
            100ms 1 pending 0 for 3s
                      2 timer at 3s100ms
            3s100ms 2 fired
                      3 execute soc.isolate from 0 within 6s900ms
            3s200ms 3 pending 1 for 3s
                      4 timer at 6s200ms
            6s200ms 4 fired
                      5 execute soc.isolate from 1 within 3s800ms
            6s300ms 5 pending 2 for 3s
                      6 timer at 9s300ms
            9s300ms 6 fired
                      7 execute soc.isolate from 2 within 700ms
            9s400ms 7 pending 3 for 3s
                      8 timer at 10s
            10s 8 fired
                      finish failed {"attempts":4, "cause":null, "code":"RN0103",
                        "kind":"timeout", "message":"the step passed its deadline at
                        2026-01-01T00:00:10.000Z", "retryable":false, "step":"isolate"}
            isolate: timed_out x4 {"attempts":4, "cause":null, "code":"RN0103",
              "kind":"timeout", "message":"the step passed its deadline at
              2026-01-01T00:00:10.000Z", "retryable":false, "step":"isolate"}
        "#]]);
}

#[test]
fn a_step_that_passed_its_deadline_may_be_passed_over() {
    playbook(
        r"
        steps:
          - {id: isolate, uses: soc.isolate, timeout: 2s, on_error: continue}
          - {id: after, uses: soc.look}
        ",
    )
    .says("soc.isolate", [pending(json!(1), "3s")])
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate within 2s
        100ms 1 pending 1 for 3s
                  2 timer at 2s
        2s 2 fired
                  3 execute soc.look
        2s100ms 3 done {}
                  finish succeeded
        isolate: timed_out x1 {"attempts":1, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:00:02.000Z", "retryable":false, "step":"isolate"}
        after: succeeded x1 {}
    "#]]);
}

#[test]
fn the_deadline_of_a_group_holds_for_everything_in_it() {
    playbook(
        r"
        steps:
          - id: group
            timeout: 5s
            steps:
              - {id: first, uses: soc.look}
              - {id: second, uses: soc.isolate}
            on_error: [{id: back, uses: soc.release}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: after, uses: soc.look}
        ",
    )
    .says("soc.look", [done(json!({})).after("3s")])
    .says("soc.isolate", [pending(json!(1), "10s")])
    .check(expect![[r#"
        0s started
                  1 execute soc.look within 5s
        3s 1 done {}
                  2 execute soc.isolate within 2s
        3s100ms 2 pending 1 for 10s
                  3 timer at 5s
        5s 3 fired
                  4 execute soc.release
        5s100ms 4 done {}
                  5 execute soc.note
        5s200ms 5 done {}
                  6 execute soc.look
        5s300ms 6 done {}
                  finish succeeded
        group: succeeded
        first: succeeded x1 {}
        second: timed_out x1 {"attempts":1, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:00:05.000Z", "retryable":false, "step":"second"}
        back: succeeded x1 {}
        tidy: succeeded x1 {}
        after: succeeded x1 {}
    "#]]);
}

#[test]
fn a_run_that_passed_its_deadline_timed_out_and_cleans_up() {
    playbook(
        r"
        timeout: 1m
        steps: [{id: isolate, uses: soc.isolate}]
        on_error: [{id: told, uses: soc.tell, with: {id: '${{ error.code }}'}}]
        finally: [{id: last, uses: soc.note}]
        ",
    )
    .says("soc.isolate", [pending(json!(1), "2h")])
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate
        100ms 1 pending 1 for 2h
                  2 timer at 1m
        1m 2 fired
                  3 execute soc.tell {"id":"RN0102"}
        1m100ms 3 done {}
                  4 execute soc.note
        1m200ms 4 done {}
                  finish timed_out {"attempts":1, "cause":null, "code":"RN0102",
                    "kind":"timeout", "message":"the run passed its deadline at
                    2026-01-01T00:01:00.000Z", "retryable":false, "step":"isolate"}
        isolate: timed_out x1 {"attempts":1, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:01:00.000Z", "retryable":false, "step":"isolate"}
        told: succeeded x1 {}
        last: succeeded x1 {}
    "#]]);
}

#[test]
fn nothing_passes_over_the_deadline_of_the_run() {
    playbook(
        r"
        timeout: 1m
        steps:
          - id: group
            steps: [{id: isolate, uses: soc.isolate, on_error: continue}]
            on_error: [{id: never, uses: soc.wipe}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: neither, set: {went: on}}
        ",
    )
    .says("soc.isolate", [pending(json!(1), "2h")])
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate
        100ms 1 pending 1 for 2h
                  2 timer at 1m
        1m 2 fired
                  3 execute soc.note
        1m100ms 3 done {}
                  finish timed_out {"attempts":1, "cause":null, "code":"RN0102",
                    "kind":"timeout", "message":"the run passed its deadline at
                    2026-01-01T00:01:00.000Z", "retryable":false, "step":"isolate"}
        group: timed_out {"attempts":1, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:01:00.000Z", "retryable":false, "step":"isolate"}
        isolate: timed_out x1 {"attempts":1, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:01:00.000Z", "retryable":false, "step":"isolate"}
        tidy: succeeded x1 {}
    "#]]);
}

#[test]
fn cleaning_up_that_lasts_past_the_deadline_does_not_make_a_failed_run_timed_out() {
    playbook(
        r"
        timeout: 1m
        steps: [{id: look, uses: soc.look, timeout: 10s}]
        on_error: [{id: told, uses: soc.tell, retry: {delay: 0s}}]
        ",
    )
    .says("soc.look", [failed(Timeout, Some("9s")).after("9s")])
    .says(
        "soc.tell",
        (0..2).map(|_| failed(Unavailable, None).after("55s")),
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.look within 10s
        9s 1 failed timeout
                  2 execute soc.tell
        1m4s 2 failed unavailable
                  3 timer at 1m4s
        1m4s 3 fired
                  4 execute soc.tell
        1m59s 4 failed unavailable
                  5 timer at 1m59s
        1m59s 5 fired
                  6 execute soc.tell
        1m59s100ms 6 done {}
                  finish failed {"attempts":1, "cause":null, "code":"AC0111",
                    "kind":"timeout", "message":"timeout for now", "retryable":true,
                    "step":"look"}
        look: failed x1 {"attempts":1, "cause":null, "code":"AC0111",
          "kind":"timeout", "message":"timeout for now", "retryable":true,
          "step":"look"}
        told: succeeded x3 {}
    "#]]);
}

#[test]
fn cleaning_up_has_ten_minutes_of_its_own() {
    playbook(
        r"
        steps: [{id: look, uses: soc.look}]
        finally: [{id: back, uses: soc.isolate}]
        ",
    )
    .says("soc.isolate", (0..9).map(|n| pending(json!(n), "4m")))
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {}
                  2 execute soc.isolate
        200ms 2 pending 0 for 4m
                  3 timer at 4m200ms
        4m200ms 3 fired
                  4 execute soc.isolate from 0
        4m300ms 4 pending 1 for 4m
                  5 timer at 8m300ms
        8m300ms 5 fired
                  6 execute soc.isolate from 1
        8m400ms 6 pending 2 for 4m
                  7 timer at 10m100ms
        10m100ms 7 fired
                  finish failed {"attempts":3, "cause":null, "code":"RN0103",
                    "kind":"timeout", "message":"the step passed its deadline at
                    2026-01-01T00:10:00.100Z", "retryable":false, "step":"back"}
        look: succeeded x1 {}
        back: timed_out x3 {"attempts":3, "cause":null, "code":"RN0103",
          "kind":"timeout", "message":"the step passed its deadline at
          2026-01-01T00:10:00.100Z", "retryable":false, "step":"back"}
    "#]]);
}

#[test]
fn an_engine_that_was_away_past_the_deadline_does_not_repeat_the_step() {
    playbook("steps: [{id: look, uses: soc.look, timeout: 1m}]")
        .says("soc.look", [interrupted().after("2h")])
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            2h 1 interrupted
                      finish failed {"attempts":1, "cause":null, "code":"RN0103",
                        "kind":"timeout", "message":"the step passed its deadline at
                        2026-01-01T00:01:00.000Z", "retryable":false, "step":"look"}
            look: timed_out x1 {"attempts":1, "cause":null, "code":"RN0103",
              "kind":"timeout", "message":"the step passed its deadline at
              2026-01-01T00:01:00.000Z", "retryable":false, "step":"look"}
        "#]]);
}

#[test]
fn the_second_step_of_a_run_past_its_deadline_does_not_begin() {
    playbook("timeout: 1m\nsteps: [{id: look, uses: soc.look}, {id: wipe, uses: soc.wipe}]")
        .says(
            "soc.look",
            [
                failed(RateLimited, Some("59s")),
                done(json!({})).after("59s"),
            ],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed rate_limited
                      2 timer at 59s100ms
            59s100ms 2 fired
                      3 execute soc.look within 900ms
            1m 3 done {}
                      finish timed_out {"attempts":0, "cause":null, "code":"RN0102",
                        "kind":"timeout", "message":"the run passed its deadline at
                        2026-01-01T00:01:00.000Z", "retryable":false, "step":"wipe"}
            look: succeeded x2 {}
            wipe: timed_out {"attempts":0, "cause":null, "code":"RN0103",
              "kind":"timeout", "message":"the step passed its deadline at
              2026-01-01T00:01:00.000Z", "retryable":false, "step":"wipe"}
        "#]]);
}
