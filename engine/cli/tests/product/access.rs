//! `quell preflight`, `quell auth` and `quell consent` as operators meet them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actions_emulator::{Emulator, Fault, FaultMatch, FaultRule, LogFilter, Options, RetryIn};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::{self, Home};

const PLAYBOOK: &str = "
version: 1
name: contain
triggers:
  - id: by_hand
    manual: {}
steps:
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: 1e5bc9d7e413ddd7902c2932e418702b84d0cc07
      isolation_type: Full
      comment: Contained by hand
";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT: &str = "22222222-2222-2222-2222-222222222222";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn run(home: &Home, args: &[&str]) -> Output {
    home.quell().args(args).output().unwrap()
}

async fn emulator(roles: &[&str]) -> Emulator {
    let mut options = Options::seeded(5);
    options.tenants[0].roles = roles.iter().map(|role| (*role).to_owned()).collect();
    support::emulator(options).await
}

fn home(emulator: &Emulator) -> Home {
    let home = Home::new(emulator, &emulator.base_url(), &json!({}));
    home.playbook("contain.yaml", PLAYBOOK)
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_passes_where_the_roles_suffice_and_lists_what_is_too_much() {
    let emulator = emulator(&["Machine.Isolate", "Alert.ReadWrite.All"]).await;
    let home = home(&emulator);
    let output = run(&home, &["preflight", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let reports = json_of(&output);
    assert_eq!(reports[0]["missing"], json!([]));
    assert_eq!(reports[0]["excess"], json!(["Alert.ReadWrite.All"]));
    assert_eq!(reports[0]["context"], "application");
    let shown = text(&run(&home, &["preflight"]).stdout);
    assert!(
        shown.contains("excess       Alert.ReadWrite.All"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_names_the_role_that_is_missing_and_ends_with_77() {
    let emulator = emulator(&["Alert.ReadWrite.All"]).await;
    let home = home(&emulator);
    let output = run(&home, &["preflight", "--format", "json"]);
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    let missing = &json_of(&output)[0]["missing"][0];
    assert_eq!(missing["action"], "defender.isolate-machine");
    assert_eq!(missing["any_of"], json!(["Machine.Isolate"]));
    let said = text(&output.stderr);
    assert!(said.contains("missing: Machine.Isolate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_without_a_token_says_why_and_ends_with_the_code_of_the_reason() {
    let emulator = emulator(&["Machine.Isolate"]).await;
    let home = home(&emulator);
    let mut command = home.quell();
    command
        .env("TEST_SECRET", "wrong")
        .args(["preflight", "--json"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    assert_eq!(json_of(&output)[0]["error"]["code"], "BR0102");
    let output = run(&home, &["preflight", "--connection", "other"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// The machine of the alert is isolated.
const ALERT_PLAYBOOK: &str = "
version: 1
name: contain
triggers:
  - id: any
    alert:
      source: mde
      match:
        device.id|exists: true
steps:
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ alert.device.id }}
      isolation_type: Full
      comment: Alert ${{ alert.id }}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_isolation_whose_token_is_rejected_is_sent_again_and_happens_once() {
    let emulator = emulator(&["Machine.Isolate", "Machine.Read.All"]).await;
    emulator.order_fault(FaultRule {
        on: FaultMatch {
            operation: Some("defender.isolate-machine".to_owned()),
            ..FaultMatch::default()
        },
        fault: Fault::Status {
            status: 401,
            retry_after_s: None,
            retry_in: RetryIn::Header,
        },
        times: 1,
    });
    let engine = json!({ "follow_first": "100ms", "follow_max": "200ms" });
    let home = Home::new(&emulator, &emulator.base_url(), &engine)
        .playbook("contain.yaml", ALERT_PLAYBOOK);
    let alert = emulator.demo_alert();
    let machine = alert["machineId"].as_str().unwrap().to_owned();
    let alert = home.file("alert.json", &alert.to_string());
    let args = ["run", "playbooks/contain.yaml", "--alert"];
    let output = home.quell().args(args).arg(alert).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let posts = emulator.log(&LogFilter {
        operation: Some("defender.isolate-machine".to_owned()),
        ..LogFilter::default()
    });
    let statuses: Vec<_> = posts.iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(401), Some(201)]);
    assert_eq!(
        posts[0].body_sha256, posts[1].body_sha256,
        "another request was sent the second time"
    );
    assert_eq!(emulator.counts().operations["token"], 2);
    let state = emulator.state();
    let state = state.machine(&machine).unwrap();
    assert!(state.isolated);
    assert_eq!(state.actions, 1);
}

/// A token service for one person.
async fn person_service() -> String {
    let claims = |claims: Value| format!("e30.{}.x", base64url(claims.to_string().as_bytes()));
    let id_token = claims(json!({
        "aud": CLIENT, "tid": TENANT, "oid": "p-1", "preferred_username": "mona@contoso.com",
    }));
    let access_token = claims(json!({
        "tid": TENANT, "appid": CLIENT, "oid": "p-1",
        "scp": "Machine.Isolate Alert.Read openid profile",
    }));
    let answer = json!({
        "token_type": "Bearer", "expires_in": 3599, "access_token": access_token,
        "id_token": id_token, "refresh_token": "rt-1",
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let token = move |form: String| async move {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        if number == 0 && form.contains("device_code") {
            let pending = json!({ "error": "authorization_pending", "error_codes": [70016] });
            return (StatusCode::BAD_REQUEST, axum::Json(pending));
        }
        (StatusCode::OK, axum::Json(answer))
    };
    let device = json!({
        "device_code": "device-code-of-mona", "user_code": "ABCD-EFGH", "interval": 1,
        "verification_uri": "https://login.example/device", "expires_in": 900,
    });
    let path = |name: &str| format!("/{{tenant}}/oauth2/v2.0/{name}");
    let router = Router::new().route(&path("token"), post(token)).route(
        &path("devicecode"),
        post(move || async move { axum::Json(device) }),
    );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..=chunk.len() {
            let index = group >> (18 - 6 * place) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}

/// An engine with the connection `analyst` of a person, whose refresh token is kept in `folder`.
async fn person_home(folder: &Path, origin: &str, sign_in: Value) -> Home {
    let key = folder.join("rt.key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let emulator = emulator(&[]).await;
    home(&emulator).with(
        "connections",
        &json!({ "analyst": {
            "context": "user", "tenant": TENANT, "client_id": CLIENT, "authority": origin,
            "apis": ["mde"], "base_urls": { "mde": origin },
            "sign_in": sign_in,
            "persist_refresh_token": {
                "path": folder.join("kept/analyst.rt"),
                "key": format!("file:{}", key.display()),
            },
        }}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_types_a_code_elsewhere_is_signed_in() {
    let origin = person_service().await;
    let folder = tempfile::tempdir().unwrap();
    let sign_in = json!({ "type": "device_code" });
    let home = person_home(folder.path(), &origin, sign_in).await;
    let login = run(&home, &["auth", "login"]);
    assert_eq!(login.status.code(), Some(0), "{login:?}");
    let said = text(&login.stdout);
    for part in [
        "https://login.example/device",
        "ABCD-EFGH",
        "signed in as mona@contoso.com",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("device-code-of-mona"), "{said}");
    let status = run(&home, &["auth", "status", "--json"]);
    assert_eq!(json_of(&status)[0]["signed_in"], "mona@contoso.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_is_shown_is_examined_and_signs_out() {
    let origin = person_service().await;
    let folder = tempfile::tempdir().unwrap();
    let sign_in = json!({ "type": "ropc", "username": "mona@contoso.com",
        "password": "env:TEST_SECRET", "accept_ropc_risk": true });
    let home = person_home(folder.path(), &origin, sign_in).await;
    let before = run(&home, &["auth", "status"]);
    assert_eq!(before.status.code(), Some(77), "{before:?}");
    let login = run(&home, &["auth", "login", "analyst"]);
    assert_eq!(login.status.code(), Some(0), "{login:?}");
    assert!(text(&login.stdout).contains("signed in as mona@contoso.com"));
    let status = run(&home, &["auth", "status", "--json"]);
    assert_eq!(status.status.code(), Some(0), "{status:?}");
    assert_eq!(json_of(&status)[0]["signed_in"], "mona@contoso.com");
    let preflight = run(&home, &["preflight", "--json"]);
    assert_eq!(preflight.status.code(), Some(0), "{preflight:?}");
    let report = &json_of(&preflight)[0];
    assert_eq!(report["excess"], json!(["Alert.Read"]));
    let hidden = report["not_visible"].to_string();
    assert!(hidden.contains("device groups"), "{hidden}");
    let logout = run(&home, &["auth", "logout", "analyst"]);
    assert_eq!(logout.status.code(), Some(0), "{logout:?}");
    let after = run(&home, &["auth", "status"]);
    assert_eq!(after.status.code(), Some(77), "{after:?}");
    for output in [before, login, status, preflight, logout, after] {
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("rt-1") && !said.contains("e30."), "{said}");
    }
}

/// An engine whose customer `contoso` has not consented yet.
async fn partner_home(redirect_uri: &str) -> Home {
    let emulator = emulator(&[]).await;
    home(&emulator).with(
        "connections",
        &json!({ "mssp": {
            "context": "partner", "client_id": CLIENT, "apis": ["mde"],
            "credential": { "type": "secret", "secret": "env:TEST_SECRET" },
            "consent": { "redirect_uri": redirect_uri },
            "tenants": { "contoso": { "id": TENANT } },
        }}),
    )
}

/// A browser that is sent to this machine.
fn browse(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_consents_on_this_machine_is_awaited_once() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let home = partner_home(&format!("http://localhost:{port}/consent")).await;
    let answers = [
        (format!("admin_consent=True&tenant={TENANT}&state=STATE"), 0),
        (
            format!("admin_consent=True&tenant={CLIENT}&state=STATE"),
            77,
        ),
        (
            format!("admin_consent=True&tenant={TENANT}&state=other"),
            77,
        ),
        (
            format!("error=access_denied&tenant={TENANT}&state=STATE"),
            77,
        ),
    ];
    for (answer, code) in answers {
        let mut command = home.quell();
        command.args(["consent", "mssp", "contoso"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let link = lines.find(|line| line.contains("adminconsent")).unwrap();
        let state = link.split("state=").nth(1).unwrap();
        assert!(browse(port, "/favicon.ico").starts_with("HTTP/1.1 404"));
        let answer = answer.replace("STATE", state);
        let page = browse(port, &format!("/consent?{answer}"));
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(!page.contains(state), "{page}");
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{rest:?}");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_consents_once_and_the_answer_may_be_pasted() {
    let home = partner_home("https://soc.example/consent").await;
    for (answered, code) in [(TENANT, 0), (CLIENT, 77)] {
        let mut command = home.quell();
        command.args(["consent", "mssp", "contoso"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let link = lines.find(|line| line.contains("adminconsent")).unwrap();
        let state = link.split("state=").nth(1).unwrap();
        let answer = format!("https://soc.example/consent?admin_consent=True&tenant={answered}");
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{answer}&state={state}").unwrap();
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{rest:?}");
        let consented = rest.iter().any(|line| line.contains("has consented"));
        assert_eq!(consented, code == 0, "{rest:?}");
    }
}

/// A certified OAuth server that looks like the vendor's, until it is dropped.
struct Provider {
    child: Child,
    origin: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    fn start() -> Self {
        let mut child = Command::new("node")
            .arg(support::root().join("engine/broker/tests/provider/server.mjs"))
            .env("QUELL_OIDC_HOME", std::env::var("QUELL_OIDC_HOME").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut origin).unwrap();
        let origin = origin.trim().to_owned();
        Self { child, origin }
    }

    fn connection(&self, client_id: &str, credential: &Value) -> Value {
        json!({ "real": {
            "context": "application", "tenant": TENANT, "client_id": client_id,
            "authority": self.origin, "apis": ["mde"], "base_urls": { "mde": self.origin },
            "credential": credential,
        }})
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_preflight_reads_the_tokens_of_a_certified_server() {
    let provider = Provider::start();
    let emulator = emulator(&[]).await;
    let secret = json!({ "type": "secret", "secret": "env:PROVIDER_SECRET" });
    let preflight = |home: &Home| {
        let mut command = home.quell();
        command.env("PROVIDER_SECRET", "s3cr3t~of-the.application/+=");
        command.args(["preflight", "--json"]).output().unwrap()
    };
    let connection = provider.connection(CLIENT, &secret);
    let enough = preflight(&home(&emulator).with("connections", &connection));
    assert_eq!(enough.status.code(), Some(0), "{enough:?}");
    let report = &json_of(&enough)[0];
    assert_eq!(report["missing"], json!([]));
    assert_eq!(report["excess"], json!(["Alert.ReadWrite.All"]));

    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("app.pem");
    let source = support::root().join("engine/broker/tests/certificates/app.pem");
    std::fs::copy(source, &pem).unwrap();
    std::fs::set_permissions(&pem, std::fs::Permissions::from_mode(0o600)).unwrap();
    let certificate = format!("file:{}", pem.display());
    let certificate = json!({ "type": "certificate", "certificate": certificate });
    let connection = provider.connection("33333333-3333-3333-3333-333333333333", &certificate);
    let missing = preflight(&home(&emulator).with("connections", &connection));
    assert_eq!(missing.status.code(), Some(77), "{missing:?}");
    let report = &json_of(&missing)[0];
    assert_eq!(report["missing"][0]["any_of"], json!(["Machine.Isolate"]));
    assert!(text(&missing.stderr).contains("missing: Machine.Isolate"));
}
