//! Dry run: reads are real, everything else is only simulated.

use actions_contract::{ErrorKind, Mode};
use engine_run::{Command, RunStatus};
use expect_test::expect;
use serde_json::json;

use crate::answers::{done, failed, interrupted, pending};
use crate::world::playbook;

#[test]
fn only_reads_are_real() {
    playbook(
        r"
        steps:
          - {id: look, uses: soc.look}
          - {id: tell, uses: soc.tell}
          - {id: note, uses: soc.note}
          - {id: isolate, uses: soc.isolate, with: {id: '${{ steps.look.output.id }}'}}
          - {id: back, uses: soc.release}
          - {id: wipe, uses: soc.wipe}
        outputs: {simulated: '${{ [steps.look.simulated, steps.isolate.simulated] }}'}
        ",
    )
    .says("soc.look", [done(json!({"id": "d1"}))])
    .says("soc.isolate", [done(json!({"sample": true}))])
    .dry_run()
    .check(expect![[r#"
        0s started
                  1 execute soc.look
        100ms 1 done {"id":"d1"}
                  2 simulate soc.tell
        200ms 2 done {}
                  3 simulate soc.note
        300ms 3 done {}
                  4 simulate soc.isolate {"id":"d1"}
        400ms 4 done {"sample":true}
                  5 simulate soc.release
        500ms 5 done {}
                  6 simulate soc.wipe
        600ms 6 done {}
                  finish succeeded {"simulated":[false,true]}
        look: succeeded x1 {"id":"d1"}
        tell: simulated x1 {}
        note: simulated x1 {}
        isolate: simulated x1 {"sample":true}
        back: simulated x1 {}
        wipe: simulated x1 {}
    "#]]);
}

#[test]
fn whatever_a_simulated_action_answers_nothing_is_executed() {
    let answers = [
        interrupted(),
        failed(ErrorKind::Unavailable, Some("1s")),
        pending(json!("s"), "1s"),
        interrupted(),
        pending(json!("t"), "1s"),
        done(json!({})),
    ];
    let (told, run) = playbook("steps: [{id: wipe, uses: soc.wipe}]")
        .says("soc.wipe", answers)
        .dry_run()
        .go();
    let modes = told
        .iter()
        .flat_map(|told| &told.commands)
        .filter_map(|command| match command {
            Command::Attempt(attempt) => Some(attempt.mode),
            _ => None,
        });
    assert_eq!(modes.collect::<Vec<_>>(), [Mode::Simulate; 6]);
    assert_eq!(run.view().status, RunStatus::Succeeded);
}
