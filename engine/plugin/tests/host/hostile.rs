//! Each way a guest can misbehave, and what the engine makes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Service, Wire, act, act_on, call, failure, load_with, no_wire, strict};
use actions_contract::{Call, Outcome};
use actions_interface::guests::{self, changed};
use engine_model::Millis;
use engine_plugin::{Host, HostConfig, PluginError};
use serde_json::json;
use tokio::time::Instant;

async fn outcome(guest: &str) -> Outcome {
    let action = act(guest).await;
    action.call(&call(&*action), &no_wire()).await
}

#[tokio::test]
async fn a_guest_that_never_returns_is_stopped_soon_after_its_budget() {
    let action = act(guests::SPIN).await;
    let began = Instant::now();
    let outcome = action.call(&call(&*action), &no_wire()).await;
    assert_eq!(failure(&outcome), ("timeout", "PL0202"));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(80), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_guest_that_never_returns_lets_other_tasks_run() {
    // One thread for everything: a guest that did not yield would hold the timer back to the end of
    // its two seconds.
    let host = Host::new(HostConfig {
        cpu_ms_max: 2_000,
        ..HostConfig::default()
    })
    .unwrap();
    let action = act_on(&host, guests::SPIN).await;
    let request = call(&*action);
    let wire = no_wire();
    let guest = action.call(&request, &wire);
    let timer = async {
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        began.elapsed()
    };
    let both = async { tokio::join!(guest, timer) };
    let (_, late) = both.await;
    assert!(
        late < Duration::from_millis(90),
        "the timer came after {late:?}"
    );
}

#[tokio::test]
async fn a_guest_that_takes_memory_for_ever_is_stopped() {
    assert_eq!(
        failure(&outcome(guests::GROW).await),
        ("plugin_trap", "PL0203")
    );
}

#[tokio::test]
async fn a_guest_that_breaks_tells_where() {
    let outcome = outcome(guests::TRAP).await;
    assert_eq!(failure(&outcome), ("plugin_trap", "PL0201"));
    let Outcome::Failed { error } = outcome else {
        unreachable!()
    };
    assert!(error.message.contains("falls-apart"), "{}", error.message);
    assert!(error.message.contains("unreachable"), "{}", error.message);
}

#[tokio::test]
async fn an_output_against_its_schema_or_too_large_is_refused() {
    assert_eq!(
        failure(&outcome(guests::LIE).await),
        ("invalid_output", "PL0204")
    );
    assert_eq!(
        failure(&outcome(guests::FLOOD).await),
        ("invalid_output", "PL0204")
    );
    // Below the cap on what a guest hands over, above the cap on outputs.
    let barely = guests::FLOOD.replace("4194304", "1048577");
    assert_eq!(
        failure(&outcome(&barely).await),
        ("invalid_output", "PL0204")
    );
    // Within both, and still no JSON.
    let blank = guests::FLOOD.replace("4194304", "1000000");
    assert_eq!(
        failure(&outcome(&blank).await),
        ("invalid_output", "PL0204")
    );
    let no_text = changed(guests::LIE, r#""{\"ok\":\"maybe\"}\00""#, r#""\ff\00""#);
    assert_eq!(failure(&outcome(&no_text).await), ("plugin_trap", "PL0201"));
}

#[tokio::test]
async fn an_answer_at_a_wild_address_is_a_trap() {
    let wild = changed(guests::TRAP, "unreachable", "(i32.const -16)");
    assert_eq!(failure(&outcome(&wild).await), ("plugin_trap", "PL0201"));
}

#[tokio::test]
async fn a_sleeping_guest_wakes_when_its_time_is_over() {
    let action = act(guests::NAP).await;
    let request = Call {
        time_left: Millis::from_ms(50),
        ..call(&*action)
    };
    let outcome = action.call(&request, &no_wire()).await;
    assert_eq!(failure(&outcome), ("timeout", "PL0202"));
}

/// Counts the lines of plugins, and keeps how many the host says it dropped.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<(u64, u64)>>);

impl tracing::field::Visit for Lines {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" && format!("{value:?}") == "a plugin wrote a line" {
            self.0.lock().unwrap().0 += 1;
        }
    }

    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        if field.name() == "lines" {
            self.0.lock().unwrap().1 = value;
        }
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_guest_that_chatters_is_cut_short_counted_and_goes_on() {
    let action = act(guests::CHATTER).await;
    let lines = Lines::default();
    let heard = tracing::subscriber::set_default(lines.clone());
    let outcome = action.call(&call(&*action), &no_wire()).await;
    drop(heard);
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(*lines.0.lock().unwrap(), (100, 900));
}

#[tokio::test]
async fn a_plugin_that_cannot_be_served_is_refused_with_the_reason() {
    let host = strict();
    let manifest = json!({ "id": "guest", "version": "1.0.0" });
    let config = engine_plugin::PluginConfig::of("guest.wasm");
    let wit = actions_interface::WIT;

    let newer = wit.replace("@0.1.0;", "@0.2.0;");
    let guest = guests::TRAP.replace("@0.1.0", "@0.2.0");
    let file = crate::support::component(&guest, &newer, &manifest);
    let error = host.load(&file, &config).await.err().unwrap();
    assert_eq!(error.code().as_str(), "PL0101");
    assert!(
        error.to_string().contains("quell:plugin/actions@0.2.0"),
        "{error}"
    );

    let wider = format!("{wit}\ninterface files {{ read: func(); }}\n")
        .replace("world plugin {", "world plugin {\n  import files;");
    let file = crate::support::component(guests::STRANGER, &wider, &manifest);
    let error = host.load(&file, &config).await.err().unwrap();
    assert_eq!(error.code().as_str(), "PL0101");
    assert!(
        error
            .to_string()
            .contains("imports quell:plugin/files@0.1.0"),
        "{error}"
    );

    let error = load_with(&host, guests::PEEK, json!([]), json!([]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code().as_str(), "PL0102");
    assert!(error.to_string().contains("import"), "{error}");

    let core = wat::parse_str("(module)").unwrap();
    for file in [&b"text"[..], &core, &[]] {
        let error = host.load(file, &config).await.err().unwrap();
        assert_eq!(error.code().as_str(), "PL0101");
    }
    let bare = wat::parse_str("(component)").unwrap();
    assert!(matches!(
        host.load(&bare, &config).await,
        Err(PluginError::Manifest(_))
    ));
}

#[tokio::test]
async fn a_guest_cannot_hold_more_memory_at_birth_than_in_life() {
    let large = guests::TRAP.replace("(global $effect", "(memory 300)\n  (global $effect");
    let large = guests::whole(&large).replace("(memory (export \"memory\") 2)", "");
    let large = large.replace("(memory 300)", "(memory (export \"memory\") 300)");
    let error = load_with(&strict(), &large, json!([]), json!([]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code().as_str(), "PL0101", "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_call_does_not_touch_its_neighbours() {
    let host = strict();
    let good = act_on(&host, guests::COUNT).await;
    let mut calls = tokio::task::JoinSet::new();
    for guest in [guests::SPIN, guests::GROW, guests::TRAP, guests::FLOOD] {
        let bad = act_on(&host, guest).await;
        for _ in 0..4 {
            let (bad, good) = (Arc::clone(&bad), Arc::clone(&good));
            calls.spawn(async move {
                let outcome = bad.call(&call(&*bad), &no_wire()).await;
                assert!(matches!(outcome, Outcome::Failed { .. }));
                good.call(&call(&*good), &no_wire()).await
            });
        }
    }
    for outcome in calls.join_all().await {
        assert_eq!(
            outcome,
            Outcome::Done {
                output: json!({ "ok": true })
            }
        );
    }
}

#[tokio::test]
async fn a_slow_plugin_waits_for_its_own_places_only() {
    let host = strict();
    let slow = act_on(&host, guests::ASK).await;
    let quick = act_on(&host, guests::COUNT).await;
    let wire = Wire::to(Service::Silent);
    let with = |ms| Call {
        time_left: Millis::from_ms(ms),
        ..call(&*slow)
    };
    let (long, brief) = (with(1_000), with(300));
    // Eight places, four of them for one plugin: the fifth call of the slow one waits in vain.
    let crowd = async {
        tokio::join!(
            slow.call(&long, &wire),
            slow.call(&long, &wire),
            slow.call(&long, &wire),
            slow.call(&long, &wire),
            slow.call(&brief, &wire),
        )
    };
    let neighbour = async {
        let began = Instant::now();
        let outcome = quick.call(&call(&*quick), &no_wire()).await;
        (outcome, began.elapsed())
    };
    let (crowd, (outcome, took)) = tokio::join!(crowd, neighbour);
    assert_eq!(failure(&crowd.3), ("timeout", "PL0202"));
    assert_eq!(failure(&crowd.4), ("unavailable", "PL0202"));
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert!(took < Duration::from_millis(900), "{took:?}");
    assert_eq!(wire.sent().len(), 4);
}

#[tokio::test]
async fn a_million_log_lines_leave_a_hundred() {
    let chatter = changed(guests::CHATTER, "(i32.const 1000)", "(i32.const 1000000)");
    let action = act(&chatter).await;
    let lines = Lines::default();
    let heard = tracing::subscriber::set_default(lines.clone());
    let outcome = action.call(&call(&*action), &no_wire()).await;
    drop(heard);
    let (kept, dropped) = *lines.0.lock().unwrap();
    // It gets through in its computing time, or is stopped; the log is the same.
    assert!(
        matches!(outcome, Outcome::Done { .. }) || failure(&outcome) == ("timeout", "PL0202"),
        "{outcome:?}"
    );
    assert_eq!(kept, 100);
    assert!(dropped > 1_000, "{dropped}");
}

#[tokio::test]
async fn a_guest_with_a_door_of_its_own_is_not_installed() {
    // What `fetch` of other engines, sockets, files and the environment need.
    let manifest = json!({ "id": "guest", "version": "1.0.0" });
    for (interface, function) in [
        ("wasi:http/outgoing-handler@0.2.3", "handle"),
        ("wasi:cli/environment@0.2.3", "get-environment"),
        ("wasi:filesystem/preopens@0.2.3", "get-directories"),
        ("wasi:sockets/instance-network@0.2.3", "instance-network"),
    ] {
        let text = format!(
            "(component (import \"{interface}\" (instance (export \"{function}\" (func)))) \
             (instance $actions) (export \"quell:plugin/actions@0.1.0\" (instance $actions)))"
        );
        let bare = wat::parse_str(text).unwrap();
        let manifest: engine_plugin::Manifest = serde_json::from_value(manifest.clone()).unwrap();
        let file = manifest.embed(&bare).unwrap();
        let config = engine_plugin::PluginConfig::of("guest.wasm");
        let error = strict().load(&file, &config).await.err().unwrap();
        assert_eq!(error.code().as_str(), "PL0101");
        assert!(
            error.to_string().contains(&format!("imports {interface}")),
            "{error}"
        );
    }
}
