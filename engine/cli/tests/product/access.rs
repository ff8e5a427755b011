//! `quell preflight`, `quell auth` and `quell consent` as operators meet them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};

use actions_emulator::{Emulator, Options};
use axum::Router;
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
    let path = "/{tenant}/oauth2/v2.0/token";
    let router = Router::new().route(path, post(|| async move { axum::Json(answer) }));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn base64url(bytes: &[u8]) -> String {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_is_shown_is_examined_and_signs_out() {
    let origin = person_service().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("rt.key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let emulator = emulator(&[]).await;
    let home = home(&emulator).with(
        "connections",
        &json!({ "analyst": {
            "context": "user", "tenant": TENANT, "client_id": CLIENT, "authority": origin,
            "apis": ["mde"], "base_urls": { "mde": origin },
            "sign_in": { "type": "ropc", "username": "mona@contoso.com",
                         "password": "env:TEST_SECRET", "accept_ropc_risk": true },
            "persist_refresh_token": {
                "path": folder.path().join("kept/analyst.rt"),
                "key": format!("file:{}", key.display()),
            },
        }}),
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_consents_once_and_the_answer_may_be_pasted() {
    let emulator = emulator(&[]).await;
    let home = home(&emulator).with(
        "connections",
        &json!({ "mssp": {
            "context": "partner", "client_id": CLIENT, "apis": ["mde"],
            "credential": { "type": "secret", "secret": "env:TEST_SECRET" },
            "consent": { "redirect_uri": "https://soc.example/consent" },
            "tenants": { "contoso": { "id": TENANT } },
        }}),
    );
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
