//! Makes a plugin file of a core module: types, manifest and the digest of the source go in.
//!
//! `cargo run -p engine-plugin --example encode -- CORE.wasm MANIFEST.json OUT.wasm SOURCE…`
#![expect(
    clippy::disallowed_methods,
    reason = "a tool that reads and writes files"
)]

use std::error::Error;

use engine_model::Digest;
use engine_plugin::Manifest;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [core, manifest, out, sources @ ..] = arguments.as_slice() else {
        return Err("usage: encode CORE.wasm MANIFEST.json OUT.wasm SOURCE…".into());
    };
    let mut source = Vec::new();
    for path in sources {
        source.extend(std::fs::read(path)?);
    }
    let mut manifest: Manifest = serde_json::from_slice(&std::fs::read(manifest)?)?;
    manifest.source = Some(Digest::of(&source));
    let component = encode(std::fs::read(core)?)?;
    std::fs::write(out, manifest.embed(&component)?)?;
    Ok(())
}

/// The component of a core module that exports the interface of world `plugin`.
fn encode(mut core: Vec<u8>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", actions_interface::WIT)?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    let encoding = StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut core, &resolve, world, encoding, false)?;
    Ok(ComponentEncoder::default()
        .validate(true)
        .module(&core)?
        .encode()?)
}
