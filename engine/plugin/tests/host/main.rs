//! The host against guests in WebAssembly text, and against the plugin that ships as an example.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod calls;
mod example;
mod hostile;
mod languages;
mod reach;
mod speed;
mod support;
mod trust;
