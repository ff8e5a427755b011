//! `for_each` and `parallel`: several things beside each other.

use actions_contract::ErrorKind::{Conflict, Unavailable};
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done, failed, pending};
use crate::world::playbook;
use engine_run::RunStatus;

#[test]
fn items_run_in_a_window_and_keep_their_order_in_the_result() {
    playbook(
        "
        steps:
          - id: each
            for_each: {in: '${{ [3, 1, 2] }}', as: n, concurrency: 2, key: 'd${{ n }}'}
            uses: soc.isolate
            with: {id: 'd${{ n }}'}
        outputs: {items: '${{ steps.each.items }}', all: '${{ steps.each.output }}'}
        ",
    )
    .says(
        "soc.isolate",
        [
            done(json!("three")).after("3s"),
            done(json!("one")).after("1s"),
            done(json!("two")).after("1s"),
        ],
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.isolate {"id":"d3"}
                  2 execute soc.isolate {"id":"d1"}
        1s 2 done "one"
                  3 execute soc.isolate {"id":"d2"}
        2s 3 done "two"
        3s 1 done "three"
                  finish succeeded {"all":["three", "one", "two"],
                    "items":[{"error":null, "index":0, "key":"d3", "output":"three",
                    "status":"succeeded"},{"error":null, "index":1, "key":"d1",
                    "output":"one", "status":"succeeded"},{"error":null, "index":2,
                    "key":"d2", "output":"two", "status":"succeeded"}]}
        each: succeeded ["three", "one", "two"]
        each[d3]: succeeded x1 "three"
        each[d1]: succeeded x1 "one"
        each[d2]: succeeded x1 "two"
    "#]]);
}

#[test]
fn an_item_that_fails_fails_the_step_after_the_others() {
    playbook(
        "
        steps:
          - {id: each, for_each: {in: '${{ [1, 2, 3] }}', as: n}, uses: soc.block}
        ",
    )
    .says("soc.block", [broken(Conflict)])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 failed conflict
                  2 execute soc.block
        200ms 2 done {}
                  3 execute soc.block
        300ms 3 done {}
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"conflict", "message":"it does not
                    work", "retryable":false, "step":"each[0]"}
        each: failed [{},{}] {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"each[0]"}
        each[0]: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"each[0]"}
        each[1]: succeeded x1 {}
        each[2]: succeeded x1 {}
    "#]]);
}

#[test]
fn an_item_that_fails_cancels_the_others_where_that_is_asked_for() {
    playbook(
        "
        steps:
          - id: each
            for_each: {in: '${{ [1, 2, 3] }}', as: n, concurrency: 2, on_item_error: fail_fast}
            uses: soc.block
        ",
    )
    .says("soc.block", [pending(json!(1), "1m"), broken(Conflict)])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
                  2 execute soc.block
        100ms 1 pending 1 for 1m
                  3 timer at 1m100ms
        100ms 2 failed conflict
                  3 forget
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"conflict", "message":"it does not
                    work", "retryable":false, "step":"each[1]"}
        each: failed [] {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"each[1]"}
        each[0]: cancelled x1 {"attempts":1, "cause":null, "code":"RN0104",
          "kind":"cancelled", "message":"the run was cancelled; what it began goes
          on at the service: the device is asleep", "retryable":false,
          "step":"each[0]"}
        each[1]: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"each[1]"}
    "#]]);
}

#[test]
fn an_item_that_fails_is_only_told_where_the_others_go_on() {
    playbook(
        "
        steps:
          - id: each
            for_each: {in: '${{ [1, 2] }}', as: n, on_item_error: continue}
            uses: soc.block
        outputs: {good: '${{ steps.each.output }}', second: '${{ steps.each.items[1].status }}'}
        ",
    )
    .says("soc.block", [broken(Conflict), done(json!("b"))])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 failed conflict
                  2 execute soc.block
        200ms 2 done "b"
                  finish succeeded {"good":["b"], "second":"succeeded"}
        each: succeeded ["b"]
        each[0]: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"each[0]"}
        each[1]: succeeded x1 "b"
    "#]]);
}

#[test]
fn steps_inside_are_seen_by_their_own_item_only() {
    playbook(
        "
        steps:
          - id: each
            for_each: {in: '${{ [1, 2] }}', as: n, concurrency: 2}
            steps:
              - {id: look, uses: soc.look}
              - {id: tell, uses: soc.tell, with: {id: '${{ steps.look.output.name }}'}}
            output: {n: '${{ n }}', name: '${{ steps.look.output.name }}'}
        outputs: {all: '${{ steps.each.output }}'}
        ",
    )
    .says(
        "soc.look",
        [
            done(json!({"name": "a"})).after("2s"),
            done(json!({"name": "b"})).after("1s"),
        ],
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.look
                  2 execute soc.look
        1s 2 done {"name":"b"}
                  3 execute soc.tell {"id":"b"}
        1s100ms 3 done {}
        2s 1 done {"name":"a"}
                  4 execute soc.tell {"id":"a"}
        2s100ms 4 done {}
                  finish succeeded {"all":[{"n":1, "name":"a"},{"n":2, "name":"b"}]}
        each: succeeded [{"n":1, "name":"a"},{"n":2, "name":"b"}]
        each[0]: succeeded
        each[0]/look: succeeded x1 {"name":"a"}
        each[1]: succeeded
        each[1]/look: succeeded x1 {"name":"b"}
        each[1]/tell: succeeded x1 {}
        each[0]/tell: succeeded x1 {}
    "#]]);
}

#[test]
fn a_list_that_is_too_long_is_an_error_and_nothing_is_done() {
    let each = "for_each: {in: '${{ [1, 2, 3] }}', as: n, max_items: 2}";
    playbook(&format!("steps: [{{id: each, {each}, uses: soc.block}}]")).check(expect![[r#"
            0s started
                      finish failed {"attempts":0, "cause":null, "code":"RN0109",
                        "kind":"invalid_input", "message":"the list has 3 items,
                        `max_items` is 2", "retryable":false, "step":"each"}
            each: failed {"attempts":0, "cause":null, "code":"RN0109",
              "kind":"invalid_input", "message":"the list has 3 items, `max_items` is
              2", "retryable":false, "step":"each"}
        "#]]);
}

#[test]
fn two_items_with_one_key_are_an_error() {
    let each = "for_each: {in: '${{ [1, 1] }}', as: n, key: 'k${{ n }}'}";
    playbook(&format!("steps: [{{id: each, {each}, uses: soc.block}}]")).check(expect![[r#"
            0s started
                      finish failed {"attempts":0, "cause":null, "code":"RN0110",
                        "kind":"invalid_input", "message":"two items have the key `k1`",
                        "retryable":false, "step":"each"}
            each: failed {"attempts":0, "cause":null, "code":"RN0110",
              "kind":"invalid_input", "message":"two items have the key `k1`",
              "retryable":false, "step":"each"}
        "#]]);
}

#[test]
fn steps_beside_each_other_all_finish_before_a_failure_counts() {
    playbook(
        "
        steps:
          - id: both
            parallel:
              - {id: block, uses: soc.block}
              - {id: look, uses: soc.look}
        ",
    )
    .says("soc.block", [broken(Conflict)])
    .says(
        "soc.look",
        [failed(Unavailable, None), done(json!({"a": 1}))],
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.block
                  2 execute soc.look
        100ms 1 failed conflict
        100ms 2 failed unavailable
                  3 timer at 1s957ms
        1s957ms 3 fired
                  4 execute soc.look
        2s57ms 4 done {"a":1}
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"conflict", "message":"it does not
                    work", "retryable":false, "step":"block"}
        both: failed {"attempts":1, "cause":{"vendor":"said no"}, "code":"AC0101",
          "kind":"conflict", "message":"it does not work", "retryable":false,
          "step":"block"}
        block: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"block"}
        look: succeeded x2 {"a":1}
    "#]]);
}

#[test]
fn a_stop_in_one_branch_ends_all_of_them() {
    let (_, run) = playbook(
        "
        steps:
          - id: both
            parallel:
              - {id: wait, wait: {for: 1h}}
              - {id: stop, stop: {status: succeeded, reason: enough}}
        finally: [{id: note, uses: soc.note}]
        ",
    )
    .go();
    let view = run.view();
    assert_eq!(view.status, RunStatus::Succeeded);
    assert_eq!(view.steps[1].status.as_str(), "cancelled");
}

#[test]
fn a_cancel_waits_for_what_contains_in_every_item() {
    playbook(
        "
        steps:
          - id: each
            for_each: {in: '${{ [1, 2, 3] }}', as: n, concurrency: 2}
            uses: soc.block
        finally: [{id: note, uses: soc.note}]
        ",
    )
    .says(
        "soc.block",
        [done(json!(1)).after("10s"), pending(json!(2), "1m")],
    )
    .cancel_after("5s")
    .check(expect![[r#"
        0s started
                  1 execute soc.block
                  2 execute soc.block
        100ms 2 pending 2 for 1m
                  3 timer at 1m100ms
        5s cancelled by mona
                  3 forget
        10s 1 done 1
                  4 execute soc.note
        10s100ms 4 done {}
                  finish cancelled
        each: cancelled [1]
        each[0]: succeeded x1 1
        each[1]: cancelled x1 {"attempts":1, "cause":null, "code":"RN0104",
          "kind":"cancelled", "message":"the run was cancelled; what it began goes
          on at the service: the device is asleep", "retryable":false,
          "step":"each[1]"}
        note: succeeded x1 {}
    "#]]);
}
