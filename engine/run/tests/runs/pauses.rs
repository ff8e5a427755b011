//! Steps that wait: for people, for time, for alerts, for another playbook, for a turn.

use expect_test::expect;
use serde_json::{Value, json};

use crate::answers::{done, lead};
use crate::world::{Sent, playbook};
use engine_run::RunStatus;

const ASK: &str = "
steps:
  - id: ask
    approve:
      message: isolate it?
      approvers: {roles: [lead]}
      timeout: 1h
      form: {days: {type: integer, required: true}}
  - {id: isolate, uses: soc.isolate}
outputs: {by: '${{ steps.ask.output.by }}', form: '${{ steps.ask.output.form }}'}
";

/// An alert comes in.
fn alert(title: &str, after: &str) -> Sent {
    Sent {
        after: after.parse().unwrap(),
        by: "intake".to_owned(),
        value: json!({ "title": title }),
    }
}

#[test]
fn the_run_goes_on_when_somebody_agrees() {
    let mut said = lead("otto", "approve", "5m");
    said.value["form"] = json!({ "days": 2 });
    said.value["comment"] = json!("go");
    playbook(ASK)
        .hears("approval/ask", [lead("mona", "approve", "1m"), said])
        .check(expect![[r#"
            0s started
                      1 timer at 1h
                      2 await approval/ask of {"roles":["lead"]} until 1h
            1m 2 signal of mona {"decision":"approve", "roles":["lead"]}
            5m 2 signal of otto {"comment":"go", "decision":"approve",
              "form":{"days":2}, "roles":["lead"]}
                      1 forget
                      2 forget
                      3 execute soc.isolate
            5m100ms 3 done {}
                      finish succeeded {"by":"otto", "form":{"days":2}}
            ask: succeeded {"at":"2026-01-01T00:05:00.000Z", "by":"otto",
              "comment":"go", "decision":"approve", "form":{"days":2}}
            isolate: succeeded x1 {}
        "#]]);
}

#[test]
fn a_no_ends_the_run_unless_the_playbook_goes_on() {
    let (_, run) = playbook(ASK)
        .hears("approval/ask", [lead("otto", "deny", "5m")])
        .go();
    assert_eq!(run.view().status, RunStatus::Denied);
    assert_eq!(run.view().steps.len(), 1, "nothing is isolated");
    playbook(
        "
        steps:
          - id: ask
            approve: {message: may it?, approvers: {users: [otto]}, on_denied: continue}
          - {id: tell, if: steps.ask.output.decision == 'deny', uses: soc.tell}
        ",
    )
    .hears("approval/ask", [lead("otto", "deny", "5m")])
    .check(expect![[r#"
        0s started
                  1 timer at 1d
                  2 await approval/ask of {"users":["otto"]} until 1d
        5m 2 signal of otto {"decision":"deny", "roles":["lead"]}
                  1 forget
                  2 forget
                  3 execute soc.tell
        5m100ms 3 done {}
                  finish succeeded
        ask: denied {"at":"2026-01-01T00:05:00.000Z", "by":"otto", "comment":null,
          "decision":"deny", "form":null}
        tell: succeeded x1 {}
    "#]]);
}

#[test]
fn silence_is_a_no_or_an_error_and_never_a_yes() {
    let (_, run) = playbook(ASK).go();
    assert_eq!(run.view().status, RunStatus::Denied);
    let (_, run) = playbook(&ASK.replace("timeout: 1h", "on_timeout: fail")).go();
    assert_eq!(run.view().status, RunStatus::Failed);
    assert_eq!(run.view().steps[0].status.as_str(), "timed_out");
}

#[test]
fn a_dry_run_asks_nobody_and_waits_for_nothing() {
    let (told, run) = playbook(
        "
        steps:
          - {id: ask, approve: {message: may it?, approvers: {roles: [lead]}}}
          - {id: wait, wait: {for: 24h}}
          - {id: isolate, uses: soc.isolate}
        ",
    )
    .dry_run()
    .go();
    assert_eq!(run.view().status, RunStatus::Succeeded);
    assert_eq!(told.len(), 2, "only the simulated try is an event");
    let simulated = |step: &engine_run::StepRecord| step.status.as_str() == "simulated";
    assert!(run.view().steps.iter().all(simulated));
}

#[test]
fn a_wait_is_over_when_its_time_is() {
    playbook(
        "
        steps:
          - {id: span, wait: {for: 10m}}
          - {id: instant, wait: {until: '2026-01-01T01:00:00Z'}}
          - {id: past, wait: {until: '2025-01-01T00:00:00Z'}}
        outputs: {waited: '${{ steps.instant.output.waited }}'}
        ",
    )
    .check(expect![[r#"
        0s started
                  1 timer at 10m
        10m 1 fired
                  2 timer at 1h
        1h 2 fired
                  3 timer at 1h
        1h 3 fired
                  finish succeeded {"waited":"50m"}
        span: succeeded {"event":null, "received":false, "waited":"10m"}
        instant: succeeded {"event":null, "received":false, "waited":"50m"}
        past: succeeded {"event":null, "received":false, "waited":"0s"}
    "#]]);
}

#[test]
fn a_wait_longer_than_the_run_may_take_times_the_run_out() {
    let (_, run) = playbook("timeout: 5m\nsteps: [{id: long, wait: {for: 10m}}]").go();
    assert_eq!(run.view().status, RunStatus::TimedOut);
}

#[test]
fn only_the_alert_that_is_meant_ends_the_wait() {
    playbook(
        "
        steps:
          - id: verdict
            wait:
              for_alert: {id: a1, where: alert.title == 'closed'}
              timeout: 24h
          - {id: release, if: steps.verdict.output.received, uses: soc.release}
        ",
    )
    .hears(
        "alert/a1",
        [
            alert("open", "1m"),
            alert("closed", "2m"),
            alert("closed", "3m"),
        ],
    )
    .check(expect![[r#"
        0s started
                  1 timer at 1d
                  2 await alert/a1
        1m 2 signal of intake {"title":"open"}
        2m 2 signal of intake {"title":"closed"}
                  1 forget
                  2 forget
                  3 execute soc.release
        2m100ms 3 done {}
                  finish succeeded
        verdict: succeeded {"event":{"title":"closed"}, "received":true,
          "waited":"2m"}
        release: succeeded x1 {}
    "#]]);
}

#[test]
fn nothing_came_is_an_error_unless_the_playbook_goes_on() {
    let wait = "steps: [{id: verdict, wait: {for_alert: {id: a1}, timeout: 1h}}]";
    let (_, run) = playbook(wait).go();
    assert_eq!(run.view().steps[0].status.as_str(), "timed_out");
    assert_eq!(run.view().status, RunStatus::Failed);
    let (_, run) = playbook(&wait.replace("1h", "1h, on_timeout: continue")).go();
    assert_eq!(run.view().status, RunStatus::Succeeded);
    assert_eq!(
        run.view().steps[0].output.as_ref().unwrap()["received"],
        json!(false)
    );
}

#[test]
fn a_read_is_repeated_until_its_condition_holds() {
    playbook("steps: [{id: look, uses: soc.look, until: output.up, every: 1m, timeout: 5m}]")
        .says(
            "soc.look",
            [done(json!({"up": false})), done(json!({"up": true}))],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 done {"up":false}
                      2 timer at 1m100ms
            1m100ms 2 fired
                      3 execute soc.look
            1m200ms 3 done {"up":true}
                      finish succeeded
            look: succeeded x2 {"up":true}
        "#]]);
    let down = || done(json!({"up": false}));
    let (_, run) = playbook("steps: [{id: look, uses: soc.look, until: output.up, every: 1m}]")
        .says("soc.look", (0..9).map(|_| down()))
        .go();
    assert_eq!(run.view().steps[0].status.as_str(), "timed_out");
}

#[test]
fn another_playbook_hands_its_outputs_back() {
    playbook(
        "
        steps:
          - {id: other, playbook: other, with: {id: d1}}
          - {id: fire, playbook: other, wait: false}
        outputs: {where: '${{ steps.other.output.location }}'}
        ",
    )
    .calls("other", [end("succeeded", json!({"location": "here"}))])
    .check(expect![[r#"
        0s started
                  1 run other {"id":"d1"}
                  2 timer at 7d
        1m 1 signal of child {"outputs":{"location":"here"}, "run":"run_1",
          "status":"succeeded"}
                  2 forget
                  1 forget
                  3 run other {} and goes on
                  finish succeeded {"where":"here"}
        other: succeeded {"location":"here"}
        fire: succeeded {"run":"run_fg4il4yzvixd5dam3ch7pkvcwk"}
    "#]]);
}

#[test]
fn a_playbook_that_was_called_and_did_not_succeed_fails_the_step() {
    for (status, mine) in [
        ("failed", "failed"),
        ("denied", "denied"),
        ("refused", "refused"),
    ] {
        let (_, run) = playbook("steps: [{id: other, playbook: other}]")
            .calls("other", [end(status, json!({}))])
            .go();
        assert_eq!(run.view().steps[0].status.as_str(), mine);
    }
}

#[test]
fn a_cancel_stops_the_other_run_and_waits_for_its_end() {
    playbook("steps: [{id: other, playbook: other}]\nfinally: [{id: note, uses: soc.note}]")
        .cancel_after("10s")
        .check(expect![[r#"
            0s started
                      1 run other {}
                      2 timer at 7d
            10s cancelled by mona
                      1 stop
            11s 1 signal of engine {"status":"cancelled"}
                      2 forget
                      1 forget
                      3 execute soc.note
            11s100ms 3 done {}
                      finish cancelled
            other: cancelled
            note: succeeded x1 {}
        "#]]);
}

#[test]
fn a_run_waits_for_its_turn() {
    let text = "
        concurrency: {key: 'device ${{ inputs.id }}', limit: 2}
        inputs: {id: {type: string, default: d1}}
        steps: [{id: look, uses: soc.look}]
        ";
    playbook(text).input("id", json!("d1")).check(expect![[r#"
        0s started
                  1 timer at 7d
                  2 turn of device d1 by 2
        1s 2 signal of engine {}
                  1 forget
                  2 forget
                  3 execute soc.look
        1s100ms 3 done {}
                  finish succeeded
        look: succeeded x1 {}
    "#]]);
    playbook(text)
        .input("id", json!("d1"))
        .never_its_turn("another run of the same key is going on")
        .check(expect![[r#"
            0s started
                      1 timer at 7d
                      2 turn of device d1 by 2
            1s 2 signal of engine {"refused":"another run of the same key is going on"}
                      1 forget
                      2 forget
                      finish cancelled because another run of the same key is going on
        "#]]);
}

#[test]
fn a_run_that_goes_on_with_another_one_keeps_what_succeeded() {
    playbook(
        "
        steps:
          - {id: look, uses: soc.look}
          - {id: each, for_each: {in: '${{ [1, 2] }}', as: n}, uses: soc.block}
          - {id: tell, uses: soc.tell, with: {id: '${{ steps.look.output.name }}'}}
        ",
    )
    .goes_on_with(json!({ "look": {"name": "d1"}, "each[0]": {"blocked": true} }))
    .check(expect![[r#"
        0s started
                  1 execute soc.block
        100ms 1 done {}
                  2 execute soc.tell {"id":"d1"}
        200ms 2 done {}
                  finish succeeded
        look: succeeded {"name":"d1"}
        each: succeeded [{"blocked":true},{}]
        each[0]: succeeded {"blocked":true}
        each[1]: succeeded x1 {}
        tell: succeeded x1 {}
    "#]]);
}

fn end(status: &str, outputs: Value) -> Value {
    json!({ "status": status, "outputs": outputs, "run": "run_1" })
}
