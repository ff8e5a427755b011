//! Steps in the order written, and which of them run.

use expect_test::expect;
use serde_json::json;

use crate::answers::done;
use crate::world::playbook;

#[test]
fn steps_run_one_after_another_in_the_order_written() {
    playbook(
        r"
        steps:
          - {id: first, uses: soc.look, with: {id: a}}
          - {id: second, uses: soc.look, with: {id: b}}
          - {uses: soc.note}
        ",
    )
    .says("soc.look", [done(json!({"n": 1})).after("3s")])
    .check(expect![[r#"
        0s started
                  1 execute soc.look {"id":"a"}
        3s 1 done {"n":1}
                  2 execute soc.look {"id":"b"}
        3s100ms 2 done {}
                  3 execute soc.note
        3s200ms 3 done {}
                  finish succeeded
        first: succeeded x1 {"n":1}
        second: succeeded x1 {}
        steps[2]: succeeded x1 {}
    "#]]);
}

#[test]
fn a_step_whose_condition_is_false_is_skipped_and_the_rest_goes_on() {
    playbook(
        r"
        steps:
          - {id: look, uses: soc.look}
          - {id: isolate, if: steps.look.output.risk > 5, uses: soc.isolate}
          - {id: group, if: false, steps: [{id: inside, uses: soc.wipe}]}
          - {id: was, set: {was: '${{ steps.isolate.status }}'}}
        outputs:
          was: ${{ vars.was }}
        ",
    )
    .says("soc.look", [done(json!({"risk": 5}))])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {"risk":5}
                  finish succeeded {"was":"skipped"}
        look: succeeded x1 {"risk":5}
        isolate: skipped
        group: skipped
        was: succeeded
        vars: {"was":"skipped"}
    "#]]);
}

#[test]
fn a_disabled_step_counts_as_skipped() {
    playbook("steps: [{id: off, disabled: true, uses: soc.wipe}]").check(expect![[r#"
        0s started
                  finish succeeded
        off: skipped
    "#]]);
}

#[test]
fn a_switch_runs_the_first_branch_that_is_true_and_no_other() {
    let text = r"
        inputs: {n: {type: integer, required: true}}
        steps:
          - id: choose
            switch:
              - if: inputs.n > 10
                steps: [{id: high, uses: soc.tell}]
              - if: inputs.n > 5
                steps: [{id: middle, uses: soc.note}]
              - steps: [{id: low, set: {low: true}}]
          - {id: after, uses: soc.look}
        ";
    playbook(text).input("n", json!(11)).check(expect![[r#"
        0s started
                  1 execute soc.tell
        100ms 1 done {}
                  2 execute soc.look
        200ms 2 done {}
                  finish succeeded
        choose: succeeded
        high: succeeded x1 {}
        after: succeeded x1 {}
    "#]]);
    playbook(text).input("n", json!(6)).check(expect![[r#"
        0s started
                  1 execute soc.note
        100ms 1 done {}
                  2 execute soc.look
        200ms 2 done {}
                  finish succeeded
        choose: succeeded
        middle: succeeded x1 {}
        after: succeeded x1 {}
    "#]]);
    playbook(text).input("n", json!(1)).check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {}
                  finish succeeded
        choose: succeeded
        low: succeeded
        after: succeeded x1 {}
        vars: {"low":true}
    "#]]);
}

#[test]
fn a_switch_without_a_true_branch_does_nothing() {
    playbook(
        r"
        inputs: {n: {type: integer, default: 1}}
        steps:
          - {id: choose, switch: [{if: inputs.n > 1, steps: [{uses: soc.wipe}]}]}
        ",
    )
    .input("n", json!(1))
    .check(expect![[r#"
        0s started
                  finish succeeded
        choose: succeeded
    "#]]);
}

#[test]
fn a_variable_is_seen_by_the_ones_after_it() {
    playbook(
        r"
        vars: {a: 1, b: '${{ vars.a + 1 }}'}
        steps:
          - {id: more, set: {c: '${{ vars.b + 1 }}', d: '${{ [vars.a, vars.c] }}'}}
        outputs: {all: '${{ vars.d }}'}
        ",
    )
    .check(expect![[r#"
        0s started
                  finish succeeded {"all":[1,3]}
        more: succeeded
        vars: {"a":1, "b":2, "c":3, "d":[1,3]}
    "#]]);
}

#[test]
fn outputs_keep_their_types_and_see_the_steps() {
    playbook(
        r"
        steps: [{id: look, uses: soc.look}]
        outputs:
          list: ${{ steps.look.output.rows }}
          text: ${{ steps.look.output.rows | length }} rows in ${{ run.playbook }}
          tries: ${{ steps.look.attempts }}
        ",
    )
    .says("soc.look", [done(json!({"rows": [1, 2.5, null]}))])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {"rows":[1,2.5,null]}
                  finish succeeded {"list":[1,2.5,null], "text":"3 rows in test",
                    "tries":1}
        look: succeeded x1 {"rows":[1,2.5,null]}
    "#]]);
}

#[test]
fn outputs_that_cannot_be_computed_fail_the_run() {
    playbook("steps: [{id: look, uses: soc.look}]\noutputs: {no: '${{ steps.look.output.no }}'}")
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 done {}
                      finish failed {"attempts":0, "cause":{"code":"RN0101"},
                        "code":"RN0101", "kind":"expression", "message":"field `no` does
                        not exist (at `steps.look.output.no`)", "retryable":false,
                        "step":"outputs"}
            look: succeeded x1 {}
        "#]]);
}

#[test]
fn variables_that_cannot_be_computed_fail_the_run_but_it_cleans_up() {
    playbook(
        r"
        inputs: {n: {type: integer, required: true}}
        vars: {ratio: '${{ 1 / inputs.n }}'}
        steps: [{uses: soc.wipe}]
        on_error: [{id: handler, set: {what: '${{ error.kind }} in ${{ error.step }}'}}]
        finally: [{id: last, uses: soc.note}]
        ",
    )
    .input("n", json!(0))
    .check(expect![[r#"
        0s started
                  1 execute soc.note
        100ms 1 done {}
                  finish failed {"attempts":0, "cause":{"code":"RN0101"},
                    "code":"RN0101", "kind":"expression", "message":"division by
                    zero (at `1 / inputs.n`)", "retryable":false, "step":"vars"}
        handler: succeeded
        last: succeeded x1 {}
        vars: {"what":"expression in vars"}
    "#]]);
}

#[test]
fn stop_ends_the_run_from_any_depth_and_finally_still_runs() {
    playbook(
        r"
        steps:
          - id: outer
            steps:
              - {id: enough, stop: {status: succeeded, reason: 'nothing to do'}}
              - {id: never, uses: soc.wipe}
            finally: [{id: inner_last, uses: soc.note}]
          - {id: neither, uses: soc.wipe}
        on_error: [{id: not_this, uses: soc.wipe}]
        finally: [{id: last, uses: soc.note}]
        outputs: {ok: true}
        ",
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.note
        100ms 1 done {}
                  2 execute soc.note
        200ms 2 done {}
                  finish succeeded {"ok":true} because nothing to do
        outer: succeeded
        enough: succeeded
        inner_last: succeeded x1 {}
        last: succeeded x1 {}
    "#]]);
}

#[test]
fn a_stop_may_count_as_cancelled() {
    playbook("steps: [{stop: {status: cancelled, reason: 'not today'}}, {uses: soc.wipe}]").check(
        expect![[r#"
            0s started
                      finish cancelled because not today
            steps[0]: succeeded
        "#]],
    );
}

#[test]
fn a_step_works_in_the_tenant_that_it_names_and_its_key_says_so() {
    let one = "6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f";
    playbook(&format!(
        r"
        connections: {{soc: mssp}}
        steps:
          - set: {{customer: {one}}}
          - {{id: there, uses: soc.look, connection: {{tenant: '${{{{ vars.customer }}}}'}}}}
          - {{id: also, uses: soc.look, connection: {{name: lab, tenant: {one}}}}}
          - {{id: nowhere, uses: soc.look, connection: {{tenant: '${{{{ 7 | string }}}} x'}}}}
        "
    ))
    .check(expect![[r#"
        0s started
                  1 execute soc.look over mssp in
                    6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f as
                    run_zkhhvlblhagi2nb55cjlbf2cig/there@6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f
        100ms 1 done {}
                  2 execute soc.look over lab in
                    6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f as
                    run_zkhhvlblhagi2nb55cjlbf2cig/also@6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f
        200ms 2 done {}
                  finish failed {"attempts":0, "cause":null, "code":"RN0101",
                    "kind":"expression", "message":"`connection.tenant` is \"7 x\",
                    which is no tenant", "retryable":false, "step":"nowhere"}
        steps[0]: succeeded
        there: succeeded x1 {}
        also: succeeded x1 {}
        nowhere: failed {"attempts":0, "cause":null, "code":"RN0101",
          "kind":"expression", "message":"`connection.tenant` is \"7 x\", which is
          no tenant", "retryable":false, "step":"nowhere"}
        vars: {"customer":"6f0d1c2e-3b4a-4c5d-8e9f-0a1b2c3d4e5f"}
    "#]]);
}

#[test]
fn the_connection_of_the_step_wins_over_the_one_of_the_playbook() {
    playbook(
        r"
        connections: {soc: prod}
        steps: [{uses: soc.look}, {uses: soc.look, connection: lab}]
        ",
    )
    .check(expect![[r#"
        0s started
                  1 execute soc.look over prod
        100ms 1 done {}
                  2 execute soc.look over lab
        200ms 2 done {}
                  finish succeeded
        steps[0]: succeeded x1 {}
        steps[1]: succeeded x1 {}
    "#]]);
}

#[test]
fn run_now_is_when_the_step_began() {
    playbook(
        r"
        steps:
          - {uses: soc.look}
          - {id: late, set: {now: '${{ run.now }}', started: '${{ run.started_at }}'}}
        ",
    )
    .says("soc.look", [done(json!({})).after("7s")])
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        7s 1 done {}
                  finish succeeded
        steps[0]: succeeded x1 {}
        late: succeeded
        vars: {"now":"2026-01-01T00:00:07.000Z",
          "started":"2026-01-01T00:00:00.000Z"}
    "#]]);
}

#[test]
fn a_step_that_was_never_reached_counts_as_skipped() {
    let (_, run) = playbook(
        r"
        steps:
          - {id: early, stop: {status: succeeded}}
          - {id: late, uses: soc.look}
        outputs:
          late: ${{ steps.late.status }}
          found: ${{ steps.late.output.found | default(0) }}
        ",
    )
    .go();
    let finish = run.view().finish.expect("the run has ended");
    assert_eq!(finish.outputs["late"], "skipped");
    assert_eq!(finish.outputs["found"], 0);
}
