//! What one call of a plugin costs, beside the bare engine doing the same.
//!
//! `instantiate_and_call` is wasmtime alone, with the same pool: a fresh store and instance, no
//! limits, no schemas, no conversion. The distance to `call` is what safety and checking cost.
#![expect(
    clippy::disallowed_methods,
    reason = "the plugin is read from its file"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::sync::Arc;

use actions_contract::{
    Action, BoxFuture, Call, Egress, EgressError, Follow, Mode, Outcome, Request, Response,
};
use divan::{Bencher, black_box};
use engine_model::{Millis, Timestamp};
use engine_plugin::{Host, HostConfig, PluginConfig};
use serde_json::json;
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};

fn main() {
    divan::main();
}

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/plugins/decode-powershell/ps-decode.wasm"
);

const LINE: &str = "powershell.exe -nop -enc SQBFAFgAIAAkAHgA";

struct Nowhere;

impl Egress for Nowhere {
    fn send<'a>(&'a self, _: &'a Call, _: Request) -> BoxFuture<'a, Result<Response, EgressError>> {
        unreachable!("the plugin sends nothing")
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

fn action(runtime: &Runtime) -> Arc<dyn Action> {
    let host = Host::new(HostConfig::default()).unwrap();
    let file = std::fs::read(FILE).unwrap();
    let loaded = runtime
        .block_on(host.load(&file, &PluginConfig::of(FILE)))
        .unwrap();
    Arc::clone(&loaded.actions[0])
}

fn request(action: &dyn Action) -> Call {
    Call {
        run: format!("run_{}", "a".repeat(26)).parse().unwrap(),
        playbook: "bench".parse().unwrap(),
        step: "decode".to_owned(),
        tenant: "default".parse().unwrap(),
        connection: None,
        action: action.info().id.clone(),
        effect: action.info().effect.kind(),
        mode: Mode::Execute,
        idem: "run_a/decode".to_owned(),
        attempt: 1,
        args: json!({ "command_line": LINE }),
        resume: None,
        begun_at: Timestamp::from_ms(0),
        now: Timestamp::from_ms(0),
        time_left: Millis::from_secs(10),
        follow: Follow::default(),
    }
}

#[divan::bench]
fn call(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let action = action(&runtime);
    let request = request(&*action);
    bencher.bench_local(|| {
        let outcome = runtime.block_on(action.call(black_box(&request), &Nowhere));
        assert!(matches!(outcome, Outcome::Done { .. }));
    });
}

mod bare {
    wasmtime::component::bindgen!({
        path: "../../actions/interface/wit",
        world: "quell:plugin/plugin-pure",
        exports: { default: async },
    });
}

#[divan::bench]
fn instantiate_and_call(bencher: Bencher<'_, '_>) {
    use bare::exports::quell::plugin::actions::Context;
    use bare::quell::plugin::action::{Mode, Outcome};

    let runtime = runtime();
    let mut config = Config::new();
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(16 << 20)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, FILE).unwrap();
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
    bencher.bench_local(|| {
        let outcome = runtime.block_on(async {
            let mut store = Store::new(&engine, ());
            let plugin = pre.instantiate_async(&mut store).await.unwrap();
            let actions = plugin.quell_plugin_actions();
            actions
                .call_run(&mut store, "decode", black_box(&input), &context)
                .await
                .unwrap()
        });
        assert!(matches!(outcome, Ok(Outcome::Done(_))));
    });
}
