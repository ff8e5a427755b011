//! Errors: who sees them, who handles them, what runs in every case.

use actions_contract::ErrorKind;
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done};
use crate::world::playbook;

#[test]
fn an_error_that_nobody_handles_fails_the_run() {
    playbook("steps: [{id: look, uses: soc.look}, {uses: soc.wipe}]")
        .says("soc.look", [broken(ErrorKind::NotFound)])
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed not_found
                      finish failed {"attempts":1, "cause":{"vendor":"said no"},
                        "code":"AC0101", "kind":"not_found", "message":"it does not
                        work", "retryable":false, "step":"look"}
            look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
              "code":"AC0101", "kind":"not_found", "message":"it does not work",
              "retryable":false, "step":"look"}
        "#]]);
}

#[test]
fn continue_leaves_the_step_failed_and_goes_on() {
    playbook(
        r"
        steps:
          - {id: look, uses: soc.look, on_error: continue}
          - id: after
            set:
              status: ${{ steps.look.status }}
              kind: ${{ steps.look.error.kind | default('none') }}
        ",
    )
    .says("soc.look", [broken(ErrorKind::NotFound)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed not_found
                  finish succeeded
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"look"}
        after: succeeded
        vars: {"kind":"not_found", "status":"failed"}
    "#]]);
}

#[test]
fn a_handler_of_an_action_leaves_it_failed_but_handled() {
    playbook(
        r"
        steps:
          - id: look
            uses: soc.look
            on_error:
              - {id: told, uses: soc.tell}
              - {id: seen, set: {seen: '${{ error.message }}', cause: '${{ error.cause.vendor }}'}}
          - {id: after, uses: soc.note}
        ",
    )
    .says("soc.look", [broken(ErrorKind::Conflict)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed conflict
                  2 execute soc.tell
        200ms 2 done {}
                  3 execute soc.note
        300ms 3 done {}
                  finish succeeded
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"look"}
        told: succeeded x1 {}
        seen: succeeded
        after: succeeded x1 {}
        vars: {"cause":"said no", "seen":"it does not work"}
    "#]]);
}

#[test]
fn a_group_whose_error_was_handled_counts_as_succeeded() {
    playbook(
        r"
        steps:
          - id: group
            steps:
              - {id: block, uses: soc.block}
              - {id: never, uses: soc.wipe}
            on_error: [{id: back, uses: soc.release}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: after, uses: soc.look}
        ",
    )
    .says("soc.block", [broken(ErrorKind::PermissionDenied)])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 failed permission_denied
                  2 execute soc.release
        200ms 2 done {}
                  3 execute soc.note
        300ms 3 done {}
                  4 execute soc.look
        400ms 4 done {}
                  finish succeeded
        group: succeeded
        block: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"permission_denied", "message":"it does not work",
          "retryable":false, "step":"block"}
        back: succeeded x1 {}
        tidy: succeeded x1 {}
        after: succeeded x1 {}
    "#]]);
}

#[test]
fn an_error_raised_again_is_the_same_error() {
    playbook(
        r"
        steps:
          - id: group
            steps: [{id: block, uses: soc.block}]
            on_error: [{id: back, uses: soc.release}, {id: again, fail: {}}]
            finally: [{id: tidy, uses: soc.note}]
          - {id: never, uses: soc.wipe}
        on_error: [{id: seen, set: {step: '${{ error.step }}', cause: '${{ error.cause.vendor }}'}}]
        ",
    )
    .says("soc.block", [broken(ErrorKind::PermissionDenied)])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 failed permission_denied
                  2 execute soc.release
        200ms 2 done {}
                  3 execute soc.note
        300ms 3 done {}
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"permission_denied", "message":"it does
                    not work", "retryable":false, "step":"block"}
        group: failed {"attempts":1, "cause":{"vendor":"said no"}, "code":"AC0101",
          "kind":"permission_denied", "message":"it does not work",
          "retryable":false, "step":"block"}
        block: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"permission_denied", "message":"it does not work",
          "retryable":false, "step":"block"}
        back: succeeded x1 {}
        again: failed {"attempts":1, "cause":{"vendor":"said no"}, "code":"AC0101",
          "kind":"permission_denied", "message":"it does not work",
          "retryable":false, "step":"block"}
        tidy: succeeded x1 {}
        seen: succeeded
        vars: {"cause":"said no", "step":"block"}
    "#]]);
}

#[test]
fn a_handler_that_fails_replaces_the_error() {
    playbook(
        r"
        steps:
          - id: block
            uses: soc.block
            on_error: [{id: back, uses: soc.release}]
        ",
    )
    .says("soc.block", [broken(ErrorKind::Conflict)])
    .says("soc.release", [broken(ErrorKind::NotFound)])
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 failed conflict
                  2 execute soc.release
        200ms 2 failed not_found
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"not_found", "message":"it does not
                    work", "retryable":false, "step":"back"}
        block: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"back"}
        back: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"back"}
    "#]]);
}

#[test]
fn fail_raises_an_error_of_the_playbooks_own_kind() {
    playbook(
        r"
        steps: [{id: no, fail: {kind: not_isolated, message: 'state is ${{ 1 + 1 }}'}}]
        on_error: [{id: seen, set: {kind: '${{ error.kind }}'}}]
        ",
    )
    .check(expect![[r#"
        0s started
                  finish failed {"attempts":0, "cause":null, "code":"RN0105",
                    "kind":"not_isolated", "message":"state is 2",
                    "retryable":false, "step":"no"}
        no: failed {"attempts":0, "cause":null, "code":"RN0105",
          "kind":"not_isolated", "message":"state is 2", "retryable":false,
          "step":"no"}
        seen: succeeded
        vars: {"kind":"not_isolated"}
    "#]]);
}

#[test]
fn the_on_error_of_the_playbook_does_not_change_how_the_run_ends() {
    playbook(
        r"
        steps: [{id: look, uses: soc.look}]
        on_error:
          - {id: told, uses: soc.tell}
          - {id: well, stop: {status: succeeded}}
        finally: [{id: last, uses: soc.note}]
        outputs: {never: true}
        ",
    )
    .says("soc.look", [broken(ErrorKind::NotFound)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed not_found
                  2 execute soc.tell
        200ms 2 done {}
                  3 execute soc.note
        300ms 3 done {}
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"not_found", "message":"it does not
                    work", "retryable":false, "step":"look"}
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"look"}
        told: succeeded x1 {}
        well: succeeded
        last: succeeded x1 {}
    "#]]);
}

#[test]
fn a_handler_of_the_playbook_that_fails_still_lets_finally_run() {
    playbook(
        r"
        steps: [{id: look, uses: soc.look}]
        on_error: [{id: told, uses: soc.tell}, {id: never, uses: soc.wipe}]
        finally: [{id: last, uses: soc.note}]
        ",
    )
    .says("soc.look", [broken(ErrorKind::NotFound)])
    .says("soc.tell", [broken(ErrorKind::PermissionDenied)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed not_found
                  2 execute soc.tell
        200ms 2 failed permission_denied
                  3 execute soc.note
        300ms 3 done {}
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"not_found", "message":"it does not
                    work", "retryable":false, "step":"look"}
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"look"}
        told: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"permission_denied", "message":"it does not work",
          "retryable":false, "step":"told"}
        last: succeeded x1 {}
    "#]]);
}

#[test]
fn finally_runs_after_success_and_its_error_fails_the_run() {
    playbook("steps: [{id: look, uses: soc.look}]\nfinally: [{id: last, uses: soc.note}]")
        .says("soc.note", [broken(ErrorKind::Conflict)])
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 done {}
                      2 execute soc.note
            200ms 2 failed conflict
                      finish failed {"attempts":1, "cause":{"vendor":"said no"},
                        "code":"AC0101", "kind":"conflict", "message":"it does not
                        work", "retryable":false, "step":"last"}
            look: succeeded x1 {}
            last: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
              "code":"AC0101", "kind":"conflict", "message":"it does not work",
              "retryable":false, "step":"last"}
        "#]]);
}

#[test]
fn an_error_of_the_work_weighs_more_than_one_of_the_cleaning_up() {
    playbook(
        r"
        steps:
          - id: group
            steps: [{id: look, uses: soc.look}]
            finally: [{id: tidy, uses: soc.note}]
        finally: [{id: last, uses: soc.tell}]
        ",
    )
    .says("soc.look", [broken(ErrorKind::NotFound)])
    .says("soc.note", [broken(ErrorKind::Conflict)])
    .says("soc.tell", [broken(ErrorKind::Conflict)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 failed not_found
                  2 execute soc.note
        200ms 2 failed conflict
                  3 execute soc.tell
        300ms 3 failed conflict
                  finish failed {"attempts":1, "cause":{"vendor":"said no"},
                    "code":"AC0101", "kind":"not_found", "message":"it does not
                    work", "retryable":false, "step":"look"}
        group: failed {"attempts":1, "cause":{"vendor":"said no"}, "code":"AC0101",
          "kind":"not_found", "message":"it does not work", "retryable":false,
          "step":"look"}
        look: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"not_found", "message":"it does not work",
          "retryable":false, "step":"look"}
        tidy: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"tidy"}
        last: failed x1 {"attempts":1, "cause":{"vendor":"said no"},
          "code":"AC0101", "kind":"conflict", "message":"it does not work",
          "retryable":false, "step":"last"}
    "#]]);
}

#[test]
fn a_condition_and_a_parameter_that_cannot_be_computed_fail_the_step() {
    playbook(
        r"
        steps:
          - {id: look, uses: soc.look}
          - {id: asked, if: steps.look.output.missing, uses: soc.wipe, on_error: continue}
          - {id: given, uses: soc.wipe, with: {id: '${{ steps.look.output.missing }}'}}
        ",
    )
    .says("soc.look", [done(json!({"there": 1}))])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {"there":1}
                  finish failed {"attempts":0, "cause":{"code":"RN0101"},
                    "code":"RN0101", "kind":"expression", "message":"field `missing`
                    does not exist (at `steps.look.output.missing`)",
                    "retryable":false, "step":"given"}
        look: succeeded x1 {"there":1}
        asked: failed {"attempts":0, "cause":{"code":"RN0101"}, "code":"RN0101",
          "kind":"expression", "message":"field `missing` does not exist (at
          `steps.look.output.missing`)", "retryable":false, "step":"asked"}
        given: failed {"attempts":0, "cause":{"code":"RN0101"}, "code":"RN0101",
          "kind":"expression", "message":"field `missing` does not exist (at
          `steps.look.output.missing`)", "retryable":false, "step":"given"}
    "#]]);
}
