//! Files that were tampered with: each is refused, with the reason, before it is compiled.
#![expect(
    clippy::disallowed_methods,
    reason = "files are tampered with, which is what a test here is about"
)]

use actions_interface::guests;
use engine_model::Digest;
use engine_plugin::{Cache, Host, HostConfig, Key, PluginConfig, PluginError};
use serde_json::json;

use crate::support::component;

fn file() -> Vec<u8> {
    let manifest = json!({ "id": "guest", "version": "1.0.0" });
    component(guests::COUNT, actions_interface::WIT, &manifest)
}

fn host() -> Host {
    Host::new(HostConfig {
        calls_max: 2,
        ..HostConfig::default()
    })
    .unwrap()
}

#[track_caller]
fn refused(result: Result<engine_plugin::Loaded, PluginError>, part: &str) {
    let error = result.err().expect("it is refused");
    assert_eq!(error.code().as_str(), "PL0104", "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[tokio::test]
async fn another_file_than_the_installed_one_is_refused() {
    let pinned = PluginConfig {
        digest: Some(Digest::of(&file())),
        ..PluginConfig::of("guest.wasm")
    };
    assert!(host().load(&file(), &pinned).await.is_ok());
    let mut other = file();
    *other.last_mut().unwrap() ^= 1;
    refused(host().load(&other, &pinned).await, "its digest is sha256:");
}

#[tokio::test]
async fn a_signature_is_checked_against_the_file_the_lock_and_the_keys_of_the_house() {
    let (ours, theirs) = (Key::generate().unwrap(), Key::generate().unwrap());
    let signed = ours.sign(&file()).unwrap();
    let pinned = PluginConfig {
        signer: Some(ours.signer()),
        ..PluginConfig::of("guest.wasm")
    };
    let loaded = host().load(&signed, &pinned).await.unwrap();
    assert_eq!(loaded.signer, Some(ours.signer()));

    refused(host().load(&file(), &pinned).await, "signed by nobody");
    let by_another = theirs.sign(&file()).unwrap();
    refused(host().load(&by_another, &pinned).await, "was installed");
    let mut turned = signed.clone();
    *turned.last_mut().unwrap() ^= 1;
    refused(host().load(&turned, &pinned).await, "does not fit the file");

    let of_the_house = || host().trusting(vec![ours.signer()]);
    let any = PluginConfig::of("guest.wasm");
    assert!(of_the_house().load(&signed, &any).await.is_ok());
    refused(
        of_the_house().load(&by_another, &any).await,
        "plugin_signers",
    );
    refused(of_the_house().load(&file(), &any).await, "plugin_signers");
}

#[tokio::test]
async fn a_kept_plugin_that_was_tampered_with_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let load = async || {
        let host = host().keeping(Cache::open(folder.path()).unwrap());
        let loaded = host.load(&file(), &PluginConfig::of("guest.wasm")).await;
        loaded.unwrap().actions.len()
    };
    let entry = || {
        let mut entries = std::fs::read_dir(folder.path()).unwrap();
        let mut named = entries.find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension()
                .is_some_and(|ext| ext == "bin")
                .then_some(path)
        });
        named.take().unwrap()
    };
    assert_eq!(load().await, 2);
    let path = entry();
    let good = std::fs::read(&path).unwrap();
    assert_eq!(load().await, 2);
    let mut turned = good.clone();
    let middle = turned.len() / 2;
    turned[middle] ^= 1;
    std::fs::write(&path, &turned).unwrap();
    // Machine code that somebody changed is never run: a good entry takes its place.
    assert_eq!(load().await, 2);
    assert_ne!(std::fs::read(&path).unwrap(), turned);
}
