//! Secrets that a store holds, and a store that is away.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use engine_broker::Config;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::stage::{SECRET, Stage, refusal};

pub(crate) const REF: &str = "vault:kv/soc/app#secret";

/// A store as the documentation of its HTTP interface describes it.
#[derive(Default)]
pub(crate) struct Vault {
    /// What is at `kv/soc/app`.
    fields: Mutex<Value>,
    /// The tokens that are good.
    pub(crate) tokens: Mutex<Vec<String>>,
    pub(crate) away: Mutex<bool>,
    seen: Mutex<Vec<String>>,
    server: Mutex<JoinSet<()>>,
}

async fn serve(
    State(vault): State<Arc<Vault>>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: String,
) -> (StatusCode, String) {
    vault.seen.lock().unwrap().push(format!("{method} {uri}"));
    if *vault.away.lock().unwrap() {
        return (StatusCode::SERVICE_UNAVAILABLE, String::new());
    }
    if uri.path() == "/v1/auth/approle/login" {
        let given: HashMap<String, String> = serde_json::from_str(&body).unwrap();
        if given["role_id"] != "soc" || given["secret_id"] != "role~secret" {
            return (StatusCode::BAD_REQUEST, String::new());
        }
        let mut tokens = vault.tokens.lock().unwrap();
        let token = format!("s.token-{}", tokens.len());
        tokens.push(token.clone());
        let auth = json!({ "client_token": token, "lease_duration": 3600, "renewable": true });
        return (StatusCode::OK, json!({ "auth": auth }).to_string());
    }
    let token = headers
        .get("x-vault-token")
        .map(|token| token.to_str().unwrap());
    let good = token.is_some_and(|token| vault.tokens.lock().unwrap().iter().any(|t| t == token));
    if !good || headers["x-vault-request"] != "true" {
        return (StatusCode::FORBIDDEN, String::new());
    }
    if uri.path() != "/v1/kv/data/soc/app" {
        return (StatusCode::NOT_FOUND, String::new());
    }
    let data = json!({ "data": *vault.fields.lock().unwrap(), "metadata": { "version": 3 } });
    (StatusCode::OK, json!({ "data": data }).to_string())
}

impl Vault {
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let vault = Arc::new(Self::default());
        *vault.fields.lock().unwrap() = json!({ "secret": SECRET });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&vault));
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        vault.server.lock().unwrap().spawn(serving);
        (vault, address)
    }

    fn count(&self, head: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|line| line.starts_with(head)).count()
    }
}

pub(crate) async fn stage(address: &str, reference: &str) -> Stage {
    let stage = Stage::with(|config, _, _| {
        let auth = json!({ "type": "app_role", "role_id": "soc", "secret_id": "env:ROLE" });
        config["secret_stores"] = json!({ "vault": { "address": address, "auth": auth } });
        config["connections"]["prod"]["credential"]["secret"] = json!(reference);
    })
    .await;
    let role = ("ROLE".to_owned(), "role~secret".to_owned());
    stage.environment.lock().unwrap().extend([role]);
    stage
}

async fn code(stage: &Stage) -> (String, String) {
    let error = stage.get("/a").await.unwrap_err().error;
    (error.code.into_owned(), error.message)
}

#[tokio::test]
async fn a_store_is_asked_once_and_a_secret_serves_while_it_is_away() {
    let (vault, address) = Vault::start().await;
    let stage = stage(&address, REF).await;
    for _ in 0..3 {
        stage.get("/a").await.unwrap();
    }
    assert_eq!((vault.count("POST"), vault.count("GET")), (1, 1));
    *vault.away.lock().unwrap() = true;
    stage.clock.pass_secs(3600);
    stage.get("/a").await.unwrap();
    assert_eq!(
        stage.world.token_count(),
        2,
        "the old secret got a new token"
    );
}

#[tokio::test]
async fn a_store_that_is_away_is_no_wrong_secret() {
    let (vault, address) = Vault::start().await;
    *vault.away.lock().unwrap() = true;
    let stage = stage(&address, REF).await;
    let (code, message) = code(&stage).await;
    assert_eq!(code, "BR0101", "{message}");
    assert_eq!(stage.world.token_count(), 0);
    *vault.away.lock().unwrap() = false;
    stage.get("/a").await.unwrap();
}

#[tokio::test]
async fn what_a_store_does_not_have_is_named_and_not_shown() {
    let (_vault, address) = Vault::start().await;
    for (reference, reason) in [
        ("vault:kv/soc/other#secret", "does not have it"),
        ("vault:kv/soc/app#password", "has no such field"),
    ] {
        let stage = stage(&address, reference).await;
        let (code, message) = code(&stage).await;
        assert_eq!(code, "BR0106");
        assert!(
            message.contains(reference) && message.contains(reason),
            "{message}"
        );
        assert!(!message.contains(SECRET), "{message}");
    }
}

#[tokio::test]
async fn a_secret_that_was_changed_in_the_store_is_fetched_when_the_old_one_is_refused() {
    let (vault, address) = Vault::start().await;
    let stage = stage(&address, REF).await;
    stage.get("/a").await.unwrap();
    *vault.fields.lock().unwrap() = json!({ "secret": format!("{SECRET}-next") });
    stage.clock.pass_secs(3400);
    let refused = refusal(401, "invalid_client", 7_000_222);
    stage.world.token_replies.lock().unwrap().push_back(refused);
    stage.clock.pass_secs(400);
    stage.get("/a").await.unwrap();
    let last = stage
        .world
        .token_requests
        .lock()
        .unwrap()
        .last()
        .unwrap()
        .body
        .clone();
    assert!(last.contains("-next"), "{last}");
}

#[tokio::test]
async fn a_token_of_the_store_that_was_revoked_is_had_anew_once() {
    let (vault, address) = Vault::start().await;
    let stage = stage(&address, REF).await;
    stage.get("/a").await.unwrap();
    vault.tokens.lock().unwrap().clear();
    vault.tokens.lock().unwrap().push("another".to_owned());
    let facts = stage.broker.connections().await;
    assert_eq!(facts[0].secrets[0].fault, None);
    let (_other, address) = Vault::start().await;
    let second = self::stage(&address, REF).await;
    let wrong = ("ROLE".to_owned(), "wrong".to_owned());
    second.environment.lock().unwrap().extend([wrong]);
    let (code, message) = code(&second).await;
    assert_eq!(code, "BR0106");
    assert!(message.contains("refuses the role"), "{message}");
}

#[tokio::test]
async fn the_token_of_a_store_is_read_from_its_file_for_every_request() {
    let (vault, address) = Vault::start().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vault-token");
    let write = |token: &str, mode: u32| {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let stage = Stage::with(|config, _, _| {
        let auth = json!({ "type": "token_file", "path": path });
        config["secret_stores"] = json!({ "vault": { "address": address, "auth": auth } });
        config["connections"]["prod"]["credential"]["secret"] = json!(REF);
    })
    .await;
    let (found, message) = code(&stage).await;
    assert_eq!(found, "BR0106", "{message}");
    assert!(message.contains("vault-token"), "{message}");
    write("first-token-of-the-agent", 0o644);
    let (_, message) = code(&stage).await;
    assert!(message.contains("chmod 600"), "{message}");
    write("first-token-of-the-agent", 0o600);
    let (_, message) = code(&stage).await;
    assert!(message.contains("refuses to show it"), "{message}");
    write("second-token-of-the-agent", 0o600);
    let good = "second-token-of-the-agent".to_owned();
    vault.tokens.lock().unwrap().push(good);
    stage.get("/a").await.unwrap();
    assert_eq!(vault.count("POST"), 0, "nobody logs in");
    assert_eq!(vault.count("GET"), 2);
}

#[test]
fn a_reference_to_a_store_is_checked_when_the_configuration_is_read() {
    let config = |reference: &str| {
        let auth = json!({ "type": "token_file", "path": "/run/vault-token" });
        let vault = json!({ "address": "https://vault.example", "auth": auth });
        let config = json!({
            "secret_stores": { "vault": vault }, "secrets": { "hook": reference },
        });
        serde_json::from_value::<Config>(config).unwrap().check()
    };
    for good in [REF, "vault:kv/a#b?version=3"] {
        assert_eq!(config(good), [], "{good}");
    }
    for bad in [
        "vault:kv#a",
        "vault:kv/a",
        "vault:kv/../sys#a",
        "vault:kv/a#b?version=x",
    ] {
        assert_eq!(config(bad).len(), 1, "{bad}");
    }
}

#[test]
fn a_reference_to_a_store_that_is_not_configured_is_told_at_once() {
    let prod = &mut crate::stage::config("https://login.example");
    prod["connections"]["prod"]["credential"] = json!({
        "type": "certificate", "certificate": "file:/etc/quell/app.crt",
        "private_key": "azkv-sign:kv-soc/keys/app",
    });
    prod["secrets"] = json!({ "a": "azkv:kv-soc/secrets/a", "b": REF, "c": "env:C" });
    let config: Config = serde_json::from_value(prod.clone()).unwrap();
    let problems = config.check();
    let problems = problems.iter().map(|problem| {
        let (_, store) = problem.message.split_once("secret_stores.").unwrap();
        (problem.path.as_str(), store)
    });
    let wanted = [
        ("connections.prod.credential.private_key", "key_vault`"),
        ("secrets.a", "key_vault`"),
        ("secrets.b", "vault`"),
    ];
    assert_eq!(problems.collect::<Vec<_>>(), wanted);
}
