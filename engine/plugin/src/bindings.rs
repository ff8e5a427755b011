//! Rust for the WIT package, one module per minor version that is served.

/// `quell:plugin@0.1.0`.
pub(crate) mod v0_1 {
    wasmtime::component::bindgen!({
        path: "../../actions/interface/wit",
        world: "quell:plugin/plugin",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

pub(crate) use v0_1::PluginPre;
pub(crate) use v0_1::quell::plugin::{action as words, clock, http, log};
