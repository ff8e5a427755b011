//! What a well-behaved guest is given, and what becomes of its answers.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Service, Wire, act, act_on, call, failure, load_with, no_wire, strict};
use actions_contract::{Call, Effect, Mode, Outcome};
use actions_interface::guests::{self, changed};
use engine_model::{Millis, code};
use engine_plugin::{Host, HostConfig};
use serde_json::{Value, json};

fn ok() -> Outcome {
    Outcome::Done {
        output: json!({ "ok": true }),
    }
}

#[tokio::test]
async fn an_action_carries_the_facts_its_plugin_describes() {
    let capabilities = json!([{ "host": "connection:graph" }]);
    let guest = changed(
        guests::TRAP,
        "(i32.const 0))\n  (global $s",
        "(i32.const 3))\n  (global $s",
    );
    let loaded = load_with(&strict(), &guest, capabilities, json!([]))
        .await
        .unwrap();
    assert_eq!(loaded.manifest.id, "guest");
    let [act, undo] = loaded.actions.as_slice() else {
        panic!("two actions")
    };
    let info = act.info();
    assert_eq!(info.id.as_str(), "guest.act");
    assert_eq!(info.major, 1);
    assert_eq!(
        info.effect,
        Effect::Contain {
            undo: "guest.undo-act".into()
        }
    );
    assert_eq!(info.target.as_ref().unwrap().entity, "device");
    assert_eq!(info.permissions_application, ["Machine.Read.All"]);
    assert_eq!(info.example, json!({ "device_id": "d1" }));
    assert_eq!(info.example_output, json!({ "ok": true }));
    assert_eq!(undo.info().effect, Effect::Release);
}

#[tokio::test]
async fn every_call_gets_a_fresh_instance() {
    let action = act(guests::COUNT).await;
    for _ in 0..3 {
        assert_eq!(action.call(&call(&*action), &no_wire()).await, ok());
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit_never_reach_the_guest() {
    let action = act(guests::TRAP).await;
    for args in [
        json!({}),
        json!({ "device_id": 7 }),
        json!({ "device_id": "d", "x": 1 }),
        json!(7),
    ] {
        let outcome = action
            .call(
                &Call {
                    args,
                    ..call(&*action)
                },
                &no_wire(),
            )
            .await;
        assert_eq!(failure(&outcome), ("invalid_input", "AC0105"));
    }
}

#[tokio::test]
async fn a_pending_answer_keeps_its_state_until_it_is_resumed() {
    let action = act(guests::LATER).await;
    let outcome = action.call(&call(&*action), &no_wire()).await;
    let Outcome::Pending {
        state,
        resume_after,
        note,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (&state["state"], resume_after),
        (&json!({ "scan": 7 }), Millis::from_secs(90))
    );
    assert!(state["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(note.as_deref(), Some("waiting for the scan"));
    let resumed = Call {
        resume: Some(state),
        ..call(&*action)
    };
    assert_eq!(action.call(&resumed, &no_wire()).await, ok());
}

#[tokio::test]
async fn a_declared_failure_keeps_code_kind_and_pause() {
    let action = act(guests::BUSY).await;
    let outcome = action.call(&call(&*action), &no_wire()).await;
    let Outcome::Failed { error } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (error.kind.as_str(), error.code.as_ref()),
        ("rate_limited", "scanner.busy")
    );
    assert!(error.retryable);
    assert_eq!(error.retry_after, Some(Millis::from_ms(1500)));

    let forged = changed(guests::BUSY, "scanner.busy", "GR0101");
    let action = act(&forged).await;
    let outcome = action.call(&call(&*action), &no_wire()).await;
    assert_eq!(failure(&outcome), ("rate_limited", "rate_limited"));
}

#[tokio::test]
async fn a_simulation_answers_the_example_unless_the_action_does_it_itself() {
    let action = act(guests::TRAP).await;
    let simulated = Call {
        mode: Mode::Simulate,
        ..call(&*action)
    };
    assert_eq!(action.call(&simulated, &no_wire()).await, ok());

    let own = changed(
        guests::LIE,
        "$simulates i32 (i32.const 0)",
        "$simulates i32 (i32.const 1)",
    );
    let action = act(&own).await;
    let simulated = Call {
        mode: Mode::Simulate,
        ..call(&*action)
    };
    assert_eq!(
        failure(&action.call(&simulated, &no_wire()).await).1,
        "PL0204"
    );
}

#[tokio::test]
async fn waiting_for_the_host_costs_no_computing_time() {
    // Five times the budget of 100 ms, spent waiting; then in two threads of life, sleeping.
    let action = act(guests::ASK).await;
    let wire = Wire::to(Service::Slow(Duration::from_millis(500)));
    assert_eq!(action.call(&call(&*action), &wire).await, ok());
    let nap = guests::NAP.replace("60000", "400");
    let action = act(&nap).await;
    assert_eq!(action.call(&call(&*action), &no_wire()).await, ok());
}

#[tokio::test]
async fn a_reconcile_is_answered_by_looking_or_not_at_all() {
    let reconcile = |call: Call| Call {
        mode: Mode::Reconcile,
        ..call
    };
    // `unsupported` is how a plugin says that it cannot tell.
    let unable = changed(
        guests::BUSY,
        "(i32.const 6) (i32.const 2048)",
        "(i32.const 10) (i32.const 2048)",
    );
    let unable = changed(&unable, "(i32.store8 (i32.const 20) (i32.const 0))", "");
    let action = act(&unable).await;
    let outcome = action.call(&reconcile(call(&*action)), &no_wire()).await;
    assert_eq!(
        outcome,
        Outcome::Unclear {
            message: "scanner.busy".to_owned()
        }
    );
    // `nothing` is an answer to this question only.
    let nothing = changed(
        guests::LIE,
        "(call $done (i32.const 2048))",
        "(i32.store8 (i32.const 20) (i32.const 2)) (i32.const 16)",
    );
    let action = act(&nothing).await;
    assert_eq!(
        action.call(&reconcile(call(&*action)), &no_wire()).await,
        Outcome::Nothing
    );
    assert_eq!(
        failure(&action.call(&call(&*action), &no_wire()).await).1,
        "PL0204"
    );
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_is_refused() {
    let manifest = json!({ "id": "guest", "version": "1.0.0" });
    let file = crate::support::component(guests::TRAP, actions_interface::WIT, &manifest);
    let config = json!({ "file": "guest.wasm", "config": { "surprise": 1 } });
    let config = serde_json::from_value(config).unwrap();
    let error = strict().load(&file, &config).await.err().unwrap();
    assert_eq!(error.code(), code::PL0103);
}

#[tokio::test]
async fn a_description_is_refused_with_every_problem_at_once() {
    let guest = guests::whole(guests::TRAP)
        .replacen(
            "\"x-entity\\\":\\\"device\\\"",
            "\"x-entity\\\":\\\"toaster\\\"",
            1,
        )
        .replacen("\"ok\\\":true}]", "\"ok\\\":\\\"no\\\"}]", 1)
        .replacen("\"guest\\00\"", "\"\\00\"", 1);
    let guest = changed(
        &guest,
        "(i32.const 0))\n  (global $s",
        "(i32.const 5))\n  (global $s",
    );
    let error = load_with(&strict(), &guest, json!([]), json!([]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), code::PL0102);
    let text = error.to_string();
    for part in [
        "act: `x-entity` of `device_id`",
        "not 0",
        "refuses its own example",
        "undo-act",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_calls_at_once_all_succeed() {
    let host = Host::new(HostConfig::default()).unwrap();
    let action = act_on(&host, guests::ASK).await;
    let wire = Arc::new(Wire::to(Service::Slow(Duration::from_millis(30))));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (action, wire) = (Arc::clone(&action), Arc::clone(&wire));
        calls.spawn(async move { action.call(&call(&*action), &*wire).await });
    }
    assert!(
        calls
            .join_all()
            .await
            .iter()
            .all(|outcome| *outcome == ok())
    );
    assert_eq!(wire.sent().len(), 64);
}

#[cfg(target_os = "linux")]
#[expect(
    clippy::disallowed_methods,
    reason = "the kernel tells the memory in a file"
)]
#[tokio::test]
async fn a_thousand_calls_take_no_more_memory_than_a_hundred() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let action = act(guests::COUNT).await;
    for _ in 0..100 {
        action.call(&call(&*action), &no_wire()).await;
    }
    let before = resident_kib();
    for _ in 0..1_000 {
        assert_eq!(action.call(&call(&*action), &no_wire()).await, ok());
    }
    let grown = resident_kib().saturating_sub(before);
    // An instance has two pages of 64 KiB: kept, a thousand of them would be 125 MiB.
    assert!(grown < 16 << 10, "{grown} KiB more");
}

#[tokio::test]
async fn a_machine_without_room_for_a_pool_runs_plugins_one_by_one() {
    // More than a slot of the pool can hold, so that the pool cannot be made.
    let limits = HostConfig {
        memory_bytes_max: 8 << 30,
        ..HostConfig::default()
    };
    let action = act_on(&Host::new(limits).unwrap(), guests::COUNT).await;
    assert_eq!(action.call(&call(&*action), &no_wire()).await, ok());
}

#[tokio::test]
async fn actions_outlive_the_host_that_loaded_them() {
    let host = strict();
    let action = act_on(&host, guests::SPIN).await;
    drop(host);
    assert_eq!(
        failure(&action.call(&call(&*action), &no_wire()).await).1,
        "PL0202"
    );
}

#[test]
fn the_configuration_refuses_what_it_does_not_know() {
    let read = |value: Value| serde_json::from_value::<engine_plugin::PluginConfig>(value);
    assert!(read(json!({ "file": "a.wasm" })).is_ok());
    assert!(read(json!({ "file": "a.wasm", "grant": [] })).is_err());
    assert!(read(json!({ "file": "a.wasm", "grants": [{ "host": "*.example.com" }] })).is_err());
    let granted = read(json!({ "file": "a.wasm", "grants": [{ "host": "a.example" }] })).unwrap();
    assert_eq!(
        serde_json::to_value(&granted.grants[0].effects).unwrap(),
        json!(["read"])
    );
}
