//! Another try: how often, for what, how much later.

use actions_contract::ErrorKind::{self, NotFound, RateLimited, Timeout, Unavailable};
use engine_run::Command;
use expect_test::expect;
use serde_json::json;

use crate::answers::{broken, done, failed, interrupted, unknown};
use crate::world::playbook;

#[test]
fn the_waits_double_and_are_shortened_by_a_hash_instead_of_chance() {
    playbook("steps: [{id: look, uses: soc.look, retry: {max_attempts: 6, delay: 10s}}]")
        .says("soc.look", (0..5).map(|_| failed(Unavailable, None)))
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed unavailable
                      2 timer at 7s897ms
            7s897ms 2 fired
                      3 execute soc.look
            7s997ms 3 failed unavailable
                      4 timer at 22s143ms
            22s143ms 4 fired
                      5 execute soc.look
            22s243ms 5 failed unavailable
                      6 timer at 26s140ms
            26s140ms 6 fired
                      7 execute soc.look
            26s240ms 7 failed unavailable
                      8 timer at 40s523ms
            40s523ms 8 fired
                      9 execute soc.look
            40s623ms 9 failed unavailable
                      10 timer at 56s167ms
            56s167ms 10 fired
                      11 execute soc.look
            56s267ms 11 done {}
                      finish succeeded
            look: succeeded x6 {}
        "#]]);
}

#[test]
fn no_wait_is_longer_than_the_longest_one() {
    let (told, _) = playbook(
        r"
        steps:
          - id: look
            uses: soc.look
            timeout: 1d
            retry: {max_attempts: 100, delay: 1s, multiplier: 10, max_delay: 2s}
        ",
    )
    .says("soc.look", (0..40).map(|_| failed(Unavailable, None)))
    .go();
    let mut waits = Vec::new();
    for told in &told {
        for command in &told.commands {
            if let Command::Timer { wake_at, .. } = command {
                waits.push(wake_at.since(told.event.at()));
            }
        }
    }
    assert_eq!(waits.len(), 40);
    assert!(waits.iter().max().unwrap().as_ms() > 1800);
    assert!(waits.iter().all(|wait| wait.as_ms() <= 2000));
}

#[test]
fn the_wait_the_service_asks_for_wins() {
    playbook("steps: [{id: look, uses: soc.look}]")
        .says("soc.look", [failed(RateLimited, Some("42s"))])
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed rate_limited
                      2 timer at 42s100ms
            42s100ms 2 fired
                      3 execute soc.look
            42s200ms 3 done {}
                      finish succeeded
            look: succeeded x2 {}
        "#]]);
}

#[test]
fn after_the_last_try_the_step_fails_with_the_last_error() {
    playbook("steps: [{id: look, uses: soc.look, retry: {max_attempts: 2, delay: 1s}}]")
        .says(
            "soc.look",
            [failed(Unavailable, None), failed(Timeout, None)],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed unavailable
                      2 timer at 879ms
            879ms 2 fired
                      3 execute soc.look
            979ms 3 failed timeout
                      finish failed {"attempts":2, "cause":null, "code":"AC0111",
                        "kind":"timeout", "message":"timeout for now", "retryable":true,
                        "step":"look"}
            look: failed x2 {"attempts":2, "cause":null, "code":"AC0111",
              "kind":"timeout", "message":"timeout for now", "retryable":true,
              "step":"look"}
        "#]]);
}

#[test]
fn only_the_kinds_asked_for_are_tried_again() {
    playbook("steps: [{id: look, uses: soc.look, retry: {on: [unavailable]}}]")
        .says(
            "soc.look",
            [
                failed(Unavailable, Some("1s")),
                failed(RateLimited, Some("1s")),
            ],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 failed unavailable
                      2 timer at 1s100ms
            1s100ms 2 fired
                      3 execute soc.look
            1s200ms 3 failed rate_limited
                      finish failed {"attempts":2, "cause":null, "code":"AC0111",
                        "kind":"rate_limited", "message":"rate_limited for now",
                        "retryable":true, "step":"look"}
            look: failed x2 {"attempts":2, "cause":null, "code":"AC0111",
              "kind":"rate_limited", "message":"rate_limited for now", "retryable":true,
              "step":"look"}
        "#]]);
}

#[test]
fn an_error_that_no_try_mends_is_not_tried_again() {
    playbook("steps: [{id: look, uses: soc.look, retry: {on: [not_found]}}]")
        .says("soc.look", [broken(NotFound)])
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
fn a_wait_past_the_deadline_of_the_step_fails_it_at_once() {
    playbook("steps: [{id: look, uses: soc.look, timeout: 30s}]")
        .says("soc.look", [failed(RateLimited, Some("30s"))])
        .check(expect![[r#"
            0s started
                      1 execute soc.look within 30s
            100ms 1 failed rate_limited
                      finish failed {"attempts":1, "cause":null, "code":"AC0111",
                        "kind":"rate_limited", "message":"rate_limited for now",
                        "retryable":true, "step":"look"}
            look: failed x1 {"attempts":1, "cause":null, "code":"AC0111",
              "kind":"rate_limited", "message":"rate_limited for now", "retryable":true,
              "step":"look"}
        "#]]);
}

#[test]
fn an_interruption_does_not_count_as_a_try_that_failed() {
    playbook("steps: [{id: look, uses: soc.look, retry: {max_attempts: 2, delay: 1s}}]")
        .says(
            "soc.look",
            [
                interrupted(),
                interrupted(),
                failed(Unavailable, Some("1s")),
                done(json!({})),
            ],
        )
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            5s 1 interrupted
                      2 execute soc.look
            10s 2 interrupted
                      3 execute soc.look
            10s100ms 3 failed unavailable
                      4 timer at 11s100ms
            11s100ms 4 fired
                      5 execute soc.look
            11s200ms 5 done {}
                      finish succeeded
            look: succeeded x4 {}
        "#]]);
}

#[test]
fn an_interrupted_message_to_people_is_repeated() {
    playbook("steps: [{id: tell, uses: soc.tell}]")
        .says("soc.tell", [interrupted()])
        .check(expect![[r#"
            0s started
                      1 execute soc.tell
            5s 1 interrupted
                      2 execute soc.tell
            5s100ms 2 done {}
                      finish succeeded
            tell: succeeded x2 {}
        "#]]);
}

#[test]
fn an_interrupted_comment_is_repeated_only_where_twice_is_harmless() {
    playbook("steps: [{id: tag, uses: soc.tag}, {id: note, uses: soc.note}]")
        .says("soc.tag", [interrupted()])
        .says("soc.note", [interrupted()])
        .check(expect![[r#"
            0s started
                      1 execute soc.tag
            5s 1 interrupted
                      2 execute soc.tag
            5s100ms 2 done {}
                      3 execute soc.note
            10s100ms 3 interrupted
                      finish failed {"attempts":1, "cause":null, "code":"AC0108",
                        "kind":"internal", "message":"it could not be found out whether
                        the action happened: the engine stopped during the attempt",
                        "retryable":false, "step":"note"}
            tag: succeeded x2 {}
            note: failed x1 {"attempts":1, "cause":null, "code":"AC0108",
              "kind":"internal", "message":"it could not be found out whether the action
              happened: the engine stopped during the attempt", "retryable":false,
              "step":"note"}
        "#]]);
}

#[test]
fn a_read_of_unknown_outcome_is_simply_repeated() {
    playbook("steps: [{id: look, uses: soc.look}]")
        .says("soc.look", [unknown()])
        .check(expect![[r#"
            0s started
                      1 execute soc.look
            100ms 1 unknown network
                      2 timer at 1s659ms
            1s659ms 2 fired
                      3 execute soc.look
            1s759ms 3 done {}
                      finish succeeded
            look: succeeded x2 {}
        "#]]);
}

#[test]
fn the_defaults_of_the_playbook_hold_where_the_step_says_nothing() {
    playbook(
        r"
        defaults: {retry: {max_attempts: 1}, on_error: continue, timeout: 20s}
        steps: [{id: look, uses: soc.look}, {id: tell, uses: soc.tell}]
        ",
    )
    .says("soc.look", [failed(ErrorKind::Network, None)])
    .check(expect![[r#"
        0s started
                  1 execute soc.look within 20s
        100ms 1 failed network
                  2 execute soc.tell within 20s
        200ms 2 done {}
                  finish succeeded
        look: failed x1 {"attempts":1, "cause":null, "code":"AC0111",
          "kind":"network", "message":"network for now", "retryable":true,
          "step":"look"}
        tell: succeeded x1 {}
    "#]]);
}

#[test]
fn a_try_that_was_only_told_to_come_back_does_not_count() {
    let (told, _) = playbook("steps: [{id: block, uses: soc.block, retry: {max_attempts: 2}}]")
        .says(
            "soc.block",
            (0..6).map(|_| failed(RateLimited, Some("10s"))),
        )
        .go();
    let tries = told.iter().flat_map(|told| &told.commands);
    let tries = tries
        .filter(|command| matches!(command, Command::Attempt(_)))
        .count();
    assert_eq!(
        tries, 7,
        "six that were told to wait, and the one that was let in"
    );
}

#[test]
fn a_step_that_is_told_to_wait_past_its_deadline_fails_at_once() {
    let (told, _) = playbook("steps: [{id: block, uses: soc.block, timeout: 1m}]")
        .says("soc.block", [failed(RateLimited, Some("2m"))])
        .go();
    let ended = told.iter().flat_map(|told| &told.commands);
    assert_eq!(
        ended
            .filter(|command| matches!(command, Command::Finish(_)))
            .count(),
        1
    );
}

#[test]
fn a_service_that_says_come_back_at_once_is_not_hammered() {
    let (told, _) = playbook("steps: [{id: look, uses: soc.look, timeout: 10s}]")
        .says(
            "soc.look",
            (0..1000).map(|_| failed(RateLimited, Some("0s"))),
        )
        .go();
    let tries = told.iter().flat_map(|told| &told.commands);
    let tries = tries
        .filter(|command| matches!(command, Command::Attempt(_)))
        .count();
    assert!((10..=20).contains(&tries), "{tries} tries in ten seconds");
}
