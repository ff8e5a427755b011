//! The demo's world: an emulated Defender, the shipped playbooks, a configuration for both.

use std::path::{Path, PathBuf};

use actions_emulator::{Emulator, Ending, Options};
use engine_driver::PlaybookText;
use engine_model::Millis;
use serde_json::json;

use crate::args::{DemoArgs, DemoFault};
use crate::config::Config;
use crate::exit::{Fault, Kind};

/// Where the demo's configuration finds the emulator's client secret.
pub(super) const SECRET: &str = "QUELL_DEMO_SECRET";

const PLUGIN: &[u8] =
    include_bytes!("../../../../../examples/plugins/decode-powershell/ps-decode.wasm");

/// The shipped playbooks of the demo.
const PLAYBOOKS: [(&str, &str); 3] = [
    (
        "workflows/contain-workstation.yaml",
        include_str!("../../../../../workflows/contain-workstation.yaml"),
    ),
    (
        "workflows/daily-hunt.yaml",
        include_str!("../../../../../workflows/daily-hunt.yaml"),
    ),
    (
        "examples/plugins/decode-powershell/playbooks/triage-with-plugin.yaml",
        include_str!(
            "../../../../../examples/plugins/decode-powershell/playbooks/triage-with-plugin.yaml"
        ),
    ),
];

/// The emulated Defender that the command line asks for.
pub(super) fn emulator(args: &DemoArgs) -> Result<Emulator, Fault> {
    let mut options = Options::seeded(args.seed);
    options.isolation = match args.fault {
        None => Ending::Succeeds,
        Some(DemoFault::IsolateFails) => Ending::Fails,
        Some(DemoFault::IsolateTimesOut) => Ending::TimesOut,
    };
    if let Some(role) = &args.role_missing {
        for tenant in &mut options.tenants {
            if !tenant.roles.contains(role) {
                let message = format!("`{role}` is not a role of the demo");
                let known = tenant.roles.join(", ");
                return Err(Fault::new(Kind::Usage, message).with_hint(format!("roles: {known}")));
            }
            *tenant = tenant.clone().without_role(role);
        }
    }
    Ok(Emulator::new(options))
}

/// The playbooks, as if read from their files.
pub(super) fn playbooks() -> Vec<PlaybookText> {
    let text = |(path, text): &(&str, &str)| PlaybookText {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    PLAYBOOKS.iter().map(text).collect()
}

/// A configuration that points at the emulator, in the form that `quell.yaml` has.
pub(super) fn config(emulator: &Emulator, folder: &Path) -> Result<Config, Fault> {
    let plugin = plugin(folder)?;
    let url = emulator.base_url();
    let Some(tenant) = emulator.options().tenants.first() else {
        return Err(Fault::failed("the emulator has no tenant"));
    };
    let mut config: Config = serde_json::from_value(json!({
        "data_dir": folder,
        "tenant": tenant.id,
        "plugins": [{ "file": plugin }],
        "connections": {
            "demo": {
                "context": "application",
                "tenant": tenant.id,
                "client_id": tenant.client_id,
                "authority": url,
                "apis": ["mde", "xdr", "graph"],
                "base_urls": { "mde": url, "xdr": url, "graph": url },
                "credential": { "type": "secret", "secret": format!("env:{SECRET}") },
                "limits": "off",
            },
        },
    }))
    .map_err(|error| Fault::failed(format!("the demo's configuration is not valid: {error}")))?;
    config.engine.follow_first = Millis::from_ms(500);
    Ok(config)
}

/// Puts the plugin's component beside the database.
fn plugin(folder: &Path) -> Result<PathBuf, Fault> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("ps-decode.wasm");
    std::fs::write(&path, PLUGIN)?;
    Ok(path)
}
