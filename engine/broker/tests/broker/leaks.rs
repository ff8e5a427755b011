//! Nothing that the broker says holds a token or a secret, in any spelling.

use std::fmt::{Debug, Display, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use actions_contract::{
    ActionError, Call, ErrorKind, HeaderText, Method, Response, Secret, Target,
};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use engine_broker::Config;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::certificates::Files;
use crate::key_vaults::{Scene, file, signed_elsewhere};
use crate::people::{browse, open, parameter};
use crate::people_stage::{NAME, PASSWORD, PeopleStage};
use crate::stage::{
    OTHER_TENANT, Reply, SECRET, Stage, api_request, call, contain, refusal, request,
};
use crate::stores::{self, Vault};

/// Everything that was said on the thread of the test.
///
/// The subscriber is that of the whole process: one per thread would miss lines whose place another
/// test passed first.
#[derive(Clone)]
struct Record {
    said: Arc<Mutex<Vec<u8>>>,
    thread: ThreadId,
}

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if std::thread::current().id() == self.thread {
            self.said.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Record {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Record {
    fn here() -> Self {
        Self {
            said: Arc::default(),
            thread: std::thread::current().id(),
        }
    }

    fn add(&self, value: &(impl Debug + Display)) {
        let mut record = self.clone();
        writeln!(record, "{value} {value:?} {value:#?}").unwrap();
    }

    /// What an action gets to see of an answer.
    fn add_answer(&self, response: &Response) {
        let body = String::from_utf8_lossy(&response.body);
        writeln!(self.clone(), "{response:?} {body}").unwrap();
    }

    /// The text of a panic that shows a value.
    fn add_panic(&self, value: &impl Debug) {
        let caught = std::panic::AssertUnwindSafe(|| panic!("{value:?}"));
        let panic = std::panic::catch_unwind(caught).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        writeln!(self.clone(), "{text}").unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }
}

/// The spellings of a secret that a scan looks for.
fn spellings(secret: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.as_bytes();
    let list = |format: fn(&u8) -> String, between: &str| {
        bytes.iter().map(format).collect::<Vec<_>>().join(between)
    };
    let percent = bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
        text
    });
    let form: String = oauth2::url::form_urlencoded::byte_serialize(bytes).collect();
    let mut all = vec![
        ("plain", secret.to_owned()),
        (
            "escaped",
            format!("{secret:?}").trim_matches('"').to_owned(),
        ),
        ("percent", percent),
        ("form", form),
        ("bytes", list(u8::to_string, ", ")),
        ("hex", list(|byte| format!("{byte:02x}"), "")),
    ];
    // Inside a longer text, base64 has three alignments; the middle is the same in each.
    for skip in 0..3 {
        for engine in [&STANDARD, &URL_SAFE] {
            let padded = engine.encode([&b"xxx"[..skip], bytes].concat());
            let whole = padded.len() / 4 * 4 - 4;
            all.push(("base64", padded[skip.min(1) * 4..whole].to_owned()));
        }
    }
    all
}

/// The secrets that stand in a text, with their spelling.
fn scan(text: &str, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        // A prefix is a leak too.
        for part in [secret.as_str(), &secret[..secret.len().min(24)]] {
            for (spelling, needle) in spellings(part) {
                if text.contains(&needle) {
                    found.push(format!("{spelling} of {part}"));
                }
            }
        }
    }
    found
}

#[test]
fn the_scan_finds_a_planted_secret_in_every_spelling() {
    let secrets = [SECRET.to_owned()];
    for (spelling, text) in spellings(SECRET) {
        let log = format!("2026-10-24 WARN body=\"{text}\" more");
        assert!(
            !scan(&log, &secrets).is_empty(),
            "{spelling} is not found in {log}"
        );
    }
    let inside = STANDARD.encode(format!("ab{SECRET}cd"));
    assert!(
        !scan(&inside, &secrets).is_empty(),
        "base64 of a longer text is not found"
    );
    assert!(!scan(&format!("{:?}", SECRET.as_bytes()), &secrets).is_empty());
    assert!(scan("nothing here", &secrets).is_empty());
}

/// Leaks a secret where `leak` says, and looks whether the scan finds it.
#[track_caller]
fn check_sink(sink: &str, leak: impl FnOnce(&Record)) {
    let record = Record::here();
    leak(&record);
    let found = scan(&record.text(), &[SECRET.to_owned()]);
    assert!(!found.is_empty(), "a leak into {sink} is not found");
}

#[test]
fn a_leak_into_any_sink_is_found() {
    #[derive(Debug)]
    struct Holder {
        #[expect(dead_code, reason = "seen in the debug text")]
        secret: &'static str,
    }

    check_sink("the log", |record| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(record.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(body = SECRET, "token.planted");
        });
    });
    check_sink("an error", |record| {
        let kind = ErrorKind::Unauthorized;
        let code = engine_model::code::BR0102;
        record.add(&ActionError::permanent(
            kind,
            code,
            format!("you sent {SECRET}"),
        ));
    });
    check_sink("a debug text", |record| {
        writeln!(record.clone(), "{:#?}", Holder { secret: SECRET }).unwrap();
    });
    check_sink("a panic", |record| {
        record.add_panic(&Holder { secret: SECRET })
    });
    check_sink("an answer", |record| {
        record.add_answer(&Response {
            status: 200,
            headers: Vec::new(),
            body: format!("echo: {SECRET}").into_bytes(),
            retry_after: None,
        });
    });
    check_sink("a header of an answer", |record| {
        record.add_answer(&Response {
            status: 200,
            headers: vec![("x-echo".to_owned(), SECRET.to_owned())],
            body: Vec::new(),
            retry_after: None,
        });
    });
}

const HOOK_PATH: &str = "/services/T00/B00/path-of-the-hook";
const API_KEY: &str = "key-of-the-intel-service";
const CODE: &str = "code-that-the-browser-brought";
const PASTED: &str = "pasted-secret-value~123";

/// Sends what goes well and what goes wrong, and records every error.
async fn play(stage: &Stage, record: &Record) {
    let note = async |call: Call, request| match stage.send(&call, request).await {
        Ok(response) => record.add_answer(&response),
        Err(error) => {
            record.add(&error);
            record.add(&error.error);
            record.add_panic(&error);
        }
    };
    let get = || api_request(Method::Get, "/api/machines");
    note(call(), get()).await;
    stage.world.revoke_all();
    note(
        contain(),
        api_request(Method::Post, "/api/x").with_json(json!({"a": 1})),
    )
    .await;
    stage.clock.pass_secs(60);
    for _ in 0..2 {
        stage.world.next_api_reply(Reply::new(401, "{}"));
    }
    note(call(), get()).await;
    let token = stage.world.issued.lock().unwrap().last().unwrap().clone();
    stage.world.next_api_reply(Reply::new(200, token.clone()));
    note(call(), get()).await;
    let truncated = json!({"token_type": "Bearer", "access_token": token}).to_string();
    let replies = [
        refusal(401, "invalid_client", 7_000_215),
        refusal(400, SECRET, 1),
        Reply::new(200, &truncated[..truncated.len() - 2]),
        Reply::new(200, truncated.replace("Bearer", "mac")),
        Reply::new(500, format!("<html>{SECRET} {token}</html>")).with("content-type", "text/html"),
        Reply::new(200, format!("<html>{token}</html>")).with("content-type", SECRET),
        Reply::new(302, "").with("location", &format!("{}/?{token}", stage.web)),
    ];
    for reply in replies {
        stage.clock.pass_secs(7200);
        stage.world.next_token_reply(reply);
        note(call(), get()).await;
    }
    stage.clock.pass_secs(7200);
    *stage.world.claims.lock().unwrap() = json!({"tid": OTHER_TENANT});
    note(call(), get()).await;
    hooks(stage, &note).await;
}

async fn hooks(stage: &Stage, note: &impl AsyncFn(Call, actions_contract::Request)) {
    let secret = |name: &str| Secret {
        name: name.to_owned(),
    };
    let hook = || request(Target::SecretUrl(secret("chat")), Method::Post, "");
    for base in [
        stage.web.as_str(),
        "http://127.0.0.1:1",
        "http://evil.example",
        "no url",
        "https://127.0.0.1:1",
    ] {
        stage.set_env("CHAT_HOOK", &format!("{base}{HOOK_PATH}"));
        note(contain(), hook()).await;
    }
    for key in [API_KEY.to_owned(), format!("{API_KEY}\n")] {
        stage.set_env("API_KEY", &key);
        let mut request = request(Target::Url(stage.web.clone()), Method::Get, "");
        request
            .headers
            .push(("x-key".to_owned(), HeaderText::Secret(secret("api_key"))));
        stage.world.next_api_reply(Reply::new(200, API_KEY));
        note(call(), request).await;
    }
}

/// Lets a person sign in, well and badly, and gives back everything that was a secret in it.
async fn people(record: &Record) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = json!({ "path": directory.path().join("rt"), "key": "env:RT_KEY" });
    let ropc = json!({
        "sign_in": { "type": "ropc", "username": NAME, "password": "env:PERSON_PASSWORD",
            "accept_ropc_risk": true },
        "persist_refresh_token": file,
    });
    let mut secrets = vec![PASSWORD.to_owned(), "device-code-of-the-person".to_owned()];
    for change in [ropc, json!({})] {
        let stage = PeopleStage::new(change).await;
        for number in [None, Some(50_126), None, Some(50_053)] {
            let reply = number.map(|number| refusal(400, "invalid_grant", number));
            stage.directory.replies.lock().unwrap().extend(reply);
            let tell = |prompt: &engine_broker::Prompt| {
                writeln!(record.clone(), "{prompt:?}").unwrap();
            };
            match stage.broker.sign_in("analyst", &tell).await {
                Ok(account) => writeln!(record.clone(), "{account:?}").unwrap(),
                Err(error) => record.add(&error),
            }
            for _ in 0..2 {
                if let Err(error) = stage.get().await {
                    record.add(&error);
                }
                stage.clock.pass_secs(7200);
            }
        }
        *stage.directory.current.lock().unwrap() = None;
        record.add(&stage.get().await.unwrap_err());
        writeln!(record.clone(), "{:?} {:?}", stage.broker, stage.config).unwrap();
        secrets.extend(stage.directory.spent.lock().unwrap().iter().cloned());
        let bearers = stage.directory.bearers.lock().unwrap();
        // The header of a token is the same for all and no secret.
        let tokens = bearers
            .iter()
            .map(|bearer| bearer.split_once('.').unwrap().1.to_owned());
        secrets.extend(tokens);
    }
    secrets
}

/// Sends a request, and records what came of it.
async fn note(stage: &Stage, record: &Record) {
    match stage.get("/api/machines").await {
        Ok(response) => record.add_answer(&response),
        Err(error) => record.add(&error.error),
    }
    stage.clock.pass_secs(7200);
}

/// Lets an application speak with statements, and with secrets and signatures of stores, well and
/// badly, and gives back everything that was a secret in it.
async fn applications(record: &Record) -> Vec<String> {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    for number in [None, Some(700_027), Some(700_024)] {
        let reply = number.map(|number| refusal(401, "invalid_client", number));
        stage.world.token_replies.lock().unwrap().extend(reply);
        note(&stage, record).await;
    }
    let scene = Scene::new(signed_elsewhere()).await;
    let public = String::from_utf8(file("app.crt")).unwrap();
    scene.vault.put("public", json!({ "value": public }));
    note(&scene.stage, record).await;
    let bearers = scene.vault.bearers.lock().unwrap().clone();
    scene.vault.revoked.lock().unwrap().extend(bearers);
    note(&scene.stage, record).await;
    *scene.vault.failing.lock().unwrap() = Some(StatusCode::BAD_GATEWAY);
    note(&scene.stage, record).await;
    let mut secrets = stage.world.sent("client_assertion");
    secrets.extend(scene.stage.world.sent("client_assertion"));
    secrets.extend(scene.vault.bearers.lock().unwrap().iter().cloned());
    // The first part is the same for all and no secret.
    for secret in &mut secrets {
        *secret = secret.split_once('.').unwrap().1.to_owned();
    }
    let (vault, address) = Vault::start().await;
    let stage = stores::stage(&address, stores::REF).await;
    note(&stage, record).await;
    *vault.away.lock().unwrap() = true;
    let reply = refusal(401, "invalid_client", 7_000_222);
    stage.world.next_token_reply(reply);
    note(&stage, record).await;
    secrets.push("role~secret".to_owned());
    secrets.extend(vault.tokens.lock().unwrap().iter().cloned());
    secrets
}

/// Lets a browser bring a code, well and badly, and gives back code and verifier.
async fn codes(record: &Record) -> Vec<String> {
    let mut secrets = vec![CODE.to_owned()];
    for good in [true, false] {
        let stage = PeopleStage::new(json!({ "sign_in": { "type": "auth_code_pkce" } })).await;
        let directory = Arc::clone(&stage.directory);
        let signed = browse(&stage, move |url| {
            let directory = Arc::clone(&directory);
            async move {
                if good {
                    *directory.nonce.lock().unwrap() = parameter(&url, "nonce");
                }
                let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
                open(&redirect, &format!("/?code={CODE}&state={state}")).await;
            }
        })
        .await;
        assert_eq!(signed.is_ok(), good, "{signed:?}");
        match signed {
            Ok(account) => writeln!(record.clone(), "{account:?}").unwrap(),
            Err(error) => record.add(&error),
        }
        let forms = stage.directory.forms.lock().unwrap();
        secrets.extend(
            forms
                .iter()
                .filter_map(|form| form.get("code_verifier").cloned()),
        );
        secrets.extend(stage.directory.spent.lock().unwrap().iter().cloned());
    }
    secrets
}

#[tokio::test]
async fn nothing_that_is_said_holds_a_token_or_a_secret() {
    let record = Record::here();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(record.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
        config["secrets"] = json!({ "chat": "env:CHAT_HOOK", "api_key": "env:API_KEY" });
    })
    .await;
    play(&stage, &record).await;
    let of_people = people(&record).await;
    let of_applications = applications(&record).await;
    let of_codes = codes(&record).await;
    for event in stage.events.lock().unwrap().iter() {
        writeln!(record.clone(), "{event:?}").unwrap();
    }
    writeln!(record.clone(), "{:?}", stage.broker).unwrap();

    let text = record.text();
    for word in [
        "token.issued",
        "token.invalidated",
        "request.done",
        "BR0107",
        "BR0105",
        "BR0102",
    ] {
        assert!(text.contains(word), "the record is too thin: no {word}");
    }
    let mut secrets = stage.world.issued.lock().unwrap().clone();
    assert!(secrets.len() >= 3);
    // The header of a token is the same for all and no secret; its claims and signature are.
    for token in &mut secrets {
        *token = token.split_once('.').unwrap().1.to_owned();
    }
    secrets.extend([SECRET, HOOK_PATH, API_KEY].map(str::to_owned));
    assert!(of_people.len() > 10);
    secrets.extend(of_people);
    assert!(of_applications.len() > 6 && of_codes.len() > 2);
    secrets.extend(of_applications.into_iter().chain(of_codes));
    assert_eq!(scan(&text, &secrets), Vec::<String>::new());
}

#[test]
fn a_secret_pasted_into_the_configuration_is_not_repeated() {
    let mut value = crate::stage::config("https://login.example");
    value["connections"]["prod"]["credential"]["secret"] = json!([PASTED, format!("env:{PASTED}")]);
    value["secrets"] = json!({ "chat": PASTED, "number": 1_234_567 });
    let config: Config = serde_json::from_value(value).unwrap();
    let problems = config.check();
    assert!(problems.len() >= 4);
    let error = engine_broker::Broker::new(&config, engine_broker::Surroundings::default());
    let text = format!("{config:?} {problems:?} {:?}", error.unwrap_err());
    assert_eq!(
        scan(&text, &[PASTED.to_owned(), "1234567".to_owned()]),
        Vec::<String>::new()
    );
}
