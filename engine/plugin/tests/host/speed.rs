//! What a call costs, beside the bare engine doing the same; run in release.
#![expect(clippy::disallowed_methods, reason = "times are measured")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actions_contract::{Action, Call, Outcome};
use engine_plugin::{Host, HostConfig, PluginConfig};
use serde_json::json;
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};

use crate::support::{call, no_wire};

const LINE: &str = "powershell.exe -nop -enc SQBFAFgAIAAkAHgA";

fn file() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
    std::fs::read(folder.join("decode-powershell/ps-decode.wasm")).unwrap()
}

fn runtime(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_time()
        .build()
        .unwrap()
}

fn action(runtime: &Runtime) -> Arc<dyn Action> {
    let host = Host::new(HostConfig::default()).unwrap();
    let loaded = runtime.block_on(host.load(&file(), &PluginConfig::of("ps-decode.wasm")));
    Arc::clone(&loaded.unwrap().actions[0])
}

fn request(action: &dyn Action) -> Call {
    Call {
        args: json!({ "command_line": LINE }),
        ..call(action)
    }
}

/// The median of many tries, the two in turns, so that a busy machine is busy for both.
fn medians(count: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> [Duration; 2] {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let began = Instant::now();
        one();
        first.push(began.elapsed());
        let began = Instant::now();
        other();
        second.push(began.elapsed());
    }
    [first, second].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

mod bare {
    wasmtime::component::bindgen!({
        path: "../../actions/interface/wit",
        world: "quell:plugin/plugin-pure",
        exports: { default: async },
    });
}

/// A store, an instance and a call of the engine alone: no limits, no schemas, no conversion.
fn bare_call(runtime: &Runtime) -> impl FnMut() + '_ {
    use bare::exports::quell::plugin::actions::Context;
    use bare::quell::plugin::action::{Mode, Outcome};

    let mut config = Config::new();
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(16 << 20)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_binary(&engine, &file()).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    let pre = bare::PluginPurePre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
    let input = json!({ "command_line": LINE }).to_string();
    let context = Context {
        invocation_id: "run_a/decode".to_owned(),
        attempt: 1,
        mode: Mode::Execute,
        time_left_ms: 10_000,
        config: "{}".to_owned(),
        resume: None,
        traceparent: None,
    };
    move || {
        let outcome = runtime.block_on(async {
            let mut store = Store::new(&engine, ());
            let plugin = pre.instantiate_async(&mut store).await.unwrap();
            let actions = plugin.quell_plugin_actions();
            actions
                .call_run(&mut store, "decode", &input, &context)
                .await
                .unwrap()
        });
        assert!(matches!(outcome, Ok(Outcome::Done(_))));
    }
}

#[test]
#[ignore = "long: thousands of calls, measured in release"]
fn campaign_a_cold_call_costs_at_most_three_times_the_bare_engine() {
    let runtime = runtime(1);
    let action = action(&runtime);
    let request = request(&*action);
    let wire = no_wire();
    let ours = || {
        let outcome = runtime.block_on(action.call(&request, &wire));
        assert!(matches!(outcome, Outcome::Done { .. }));
    };
    let [ours, bare] = medians(4_000, ours, bare_call(&runtime));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!(
        "a cold call of the plugin in C: {ours:?}, the bare engine: {bare:?}, {ratio:.2} times"
    );
    // Wide, because a busy machine shifts it; the figure is in what is printed.
    assert!(ratio <= 3.0, "{ratio:.2}");
}

#[test]
#[ignore = "long: ten thousand calls"]
fn campaign_ten_thousand_calls_leave_resident_memory_flat() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let runtime = runtime(2);
    let action = action(&runtime);
    let request = request(&*action);
    let calls = |count| {
        for _ in 0..count {
            let outcome = runtime.block_on(action.call(&request, &no_wire()));
            assert!(matches!(outcome, Outcome::Done { .. }));
        }
        resident_kib()
    };
    let (before, after) = (calls(1_000), calls(10_000));
    println!("resident after 1,000 calls {before} KiB, after 11,000 {after} KiB");
    assert!(after < before + 16_384, "{before} KiB, then {after} KiB");
}

#[test]
#[ignore = "long: sixty-four calls at once, many times over"]
fn campaign_sixty_four_calls_at_once_are_answered_on_every_core() {
    let rate = |threads: usize| {
        let runtime = runtime(threads);
        let action = action(&runtime);
        let began = Instant::now();
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..64 {
                let action = Arc::clone(&action);
                tasks.spawn(async move {
                    let request = request(&*action);
                    for _ in 0..200 {
                        let outcome = action.call(&request, &no_wire()).await;
                        assert!(matches!(outcome, Outcome::Done { .. }));
                    }
                });
            }
            tasks.join_all().await;
        });
        64.0 * 200.0 / began.elapsed().as_secs_f64()
    };
    let cores = std::thread::available_parallelism().unwrap().get().min(4);
    let (one, all) = (rate(1), rate(cores));
    println!("64 at once: {one:.0} calls/s on one thread, {all:.0} on {cores}");
    // How much more depends on what else runs; a lock around every call would cost far more.
    assert!(all * 3.0 > one, "{one:.0}, {all:.0}");
}
