//! Secrets, certificates and signatures of a Key Vault, for which the engine asks as an identity of
//! the machine.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use engine_broker::Config;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::certificates::opened;
use crate::machine::{Machine, Running};
use crate::stage::{CLIENT, SECRET, Stage, TENANT, refusal};

pub(crate) fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

/// A Key Vault as the documentation of its HTTP interface describes it.
#[derive(Default)]
pub(crate) struct KeyVault {
    secrets: Mutex<HashMap<String, Value>>,
    /// The key that signs, as PEM.
    key: Mutex<Vec<u8>>,
    /// Tokens that it does not take any more, and a status that it answers with.
    pub(crate) revoked: Mutex<Vec<String>>,
    pub(crate) failing: Mutex<Option<StatusCode>>,
    seen: Mutex<Vec<String>>,
    pub(crate) bearers: Mutex<Vec<String>>,
    server: Mutex<JoinSet<()>>,
}

impl KeyVault {
    async fn start() -> (Arc<Self>, String) {
        let vault = Arc::new(Self::default());
        vault.put("app", json!({ "value": SECRET }));
        *vault.key.lock().unwrap() = file("app.key");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&vault));
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        vault.server.lock().unwrap().spawn(serving);
        (vault, address)
    }

    pub(crate) fn put(&self, name: &str, bundle: Value) {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(name.to_owned(), bundle);
    }

    fn put_certificate(&self, name: &str, file_name: &str) {
        let bytes = file(file_name);
        let (kind, value) = if file_name.ends_with(".pem") {
            let text = String::from_utf8(bytes).unwrap();
            ("application/x-pem-file", text)
        } else {
            ("application/x-pkcs12", STANDARD.encode(bytes))
        };
        self.put(name, json!({ "value": value, "contentType": kind }));
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn sign(&self, body: &str) -> Option<String> {
        let asked: Value = serde_json::from_str(body).ok()?;
        let digest = URL_SAFE_NO_PAD.decode(asked["value"].as_str()?).ok()?;
        if asked["alg"] != "PS256" {
            return None;
        }
        let pem = self.key.lock().unwrap().clone();
        let (_, der) = <(SectionKind, Vec<u8>)>::pem_slice_iter(&pem)
            .next()?
            .ok()?;
        let key = RsaKeyPair::from_pkcs8(&der).ok()?;
        let digest = Digest::import_less_safe(&digest, &SHA256).ok()?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign_digest(&RSA_PSS_SHA256, &digest, &mut signature)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode(signature))
    }

    fn answer(&self, method: &Method, path: &str, body: &str) -> (StatusCode, String) {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let answer = match (method, parts.as_slice()) {
            (&Method::GET, ["secrets", name] | ["secrets", name, "v1"]) => {
                self.secrets.lock().unwrap().get(*name).cloned()
            }
            (&Method::POST, ["keys", "app", "sign"]) => {
                let kid = "https://kv-soc.example/keys/app/v1";
                let signed = self.sign(body);
                signed.map(|value| json!({ "kid": kid, "value": value }))
            }
            _ => None,
        };
        match answer {
            Some(answer) => (StatusCode::OK, answer.to_string()),
            None => {
                let error = json!({ "error": { "code": "SecretNotFound", "message": SECRET } });
                (StatusCode::NOT_FOUND, error.to_string())
            }
        }
    }
}

async fn serve(
    State(vault): State<Arc<KeyVault>>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> (StatusCode, String) {
    let path = uri.path().to_owned();
    vault.seen.lock().unwrap().push(format!("{method} {path}"));
    if let Some(status) = *vault.failing.lock().unwrap() {
        return (status, SECRET.to_owned());
    }
    let bearer = headers["authorization"].to_str().unwrap().to_owned();
    let claims = bearer.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    if claims["aud"] != "https://vault.azure.net" || query["api-version"] != "7.4" {
        return (StatusCode::BAD_REQUEST, String::new());
    }
    vault.bearers.lock().unwrap().push(bearer.clone());
    if vault.revoked.lock().unwrap().contains(&bearer) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    vault.answer(&method, &path, &body)
}

/// A vault, a machine whose identity may ask it, and a stage whose connection has `credential`.
pub(crate) struct Scene {
    pub(crate) vault: Arc<KeyVault>,
    pub(crate) machine: Running,
    pub(crate) stage: Stage,
}

impl Scene {
    pub(crate) async fn new(credential: Value) -> Self {
        let (vault, address) = KeyVault::start().await;
        let machine = Machine::start().await;
        let stage = Stage::with(|config, _, _| {
            config["secret_stores"] = json!({ "key_vault": {
                "tenant": TENANT, "client_id": CLIENT,
                "credential": { "type": "managed_identity" },
                "addresses": { "kv-soc": address },
            }});
            config["connections"]["prod"]["credential"] = credential;
        })
        .await;
        stage.clock.pass_secs(crate::stage::NOW_S);
        stage.set_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &machine.origin);
        Self {
            vault,
            machine,
            stage,
        }
    }

    async fn secret(reference: &str) -> Self {
        Self::new(json!({ "type": "secret", "secret": reference })).await
    }

    async fn error(&self) -> (String, String) {
        let error = self.stage.get("/a").await.unwrap_err().error;
        assert!(!error.message.contains(SECRET), "{error}");
        (error.code.into_owned(), error.message)
    }
}

#[tokio::test]
async fn a_secret_of_a_key_vault_is_asked_for_once_as_the_identity_of_the_machine() {
    let scene = Scene::secret("azkv:kv-soc/secrets/app").await;
    for _ in 0..3 {
        scene.stage.get("/a").await.unwrap();
    }
    assert_eq!(scene.vault.seen(), ["GET /secrets/app"]);
    assert_eq!(scene.stage.world.sent("client_secret"), [SECRET]);
    let asked = scene.machine.machine.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["resource"], "https://vault.azure.net");
    let facts = scene.stage.broker.connections().await;
    assert_eq!(facts[0].secrets[0].reference, "azkv:kv-soc/secrets/app");
    assert_eq!(facts[0].secrets[0].fault, None);
}

#[tokio::test]
async fn a_version_of_a_secret_can_be_named() {
    let scene = Scene::secret("azkv:KV-SOC/secrets/app/v1").await;
    scene.stage.get("/a").await.unwrap();
    assert_eq!(scene.vault.seen(), ["GET /secrets/app/v1"]);
}

#[tokio::test]
async fn a_certificate_comes_with_its_key_as_pem_or_pfx() {
    for name in ["app.pem", "app-modern.pfx", "app-legacy.pfx"] {
        let scene = Scene::new(json!({
            "type": "certificate", "certificate": "azkv:kv-soc/certificates/cert",
            "password": "env:PFX_PASSWORD",
        }))
        .await;
        scene.stage.set_env("PFX_PASSWORD", "pfx-password");
        scene.vault.put_certificate("cert", name);
        scene.stage.get("/a").await.unwrap();
        assert_eq!(scene.vault.seen(), ["GET /secrets/cert"], "{name}");
        opened(&scene.stage.world.sent("client_assertion")[0]);
    }
}

pub(crate) fn signed_elsewhere() -> Value {
    json!({
        "type": "certificate", "certificate": "azkv:kv-soc/secrets/public",
        "private_key": "azkv-sign:kv-soc/keys/app",
    })
}

#[tokio::test]
async fn a_key_that_never_leaves_its_vault_signs_every_statement() {
    let scene = Scene::new(signed_elsewhere()).await;
    let public = String::from_utf8(file("app.crt")).unwrap();
    scene.vault.put("public", json!({ "value": public }));
    for _ in 0..2 {
        scene.stage.get("/a").await.unwrap();
        scene.stage.clock.pass_secs(7200);
    }
    let seen = scene.vault.seen();
    let signatures = seen.iter().filter(|line| *line == "POST /keys/app/sign");
    assert_eq!(signatures.count(), 2, "{seen:?}");
    assert!(seen.iter().all(|line| !line.starts_with("GET /keys")));
    let statements = scene.stage.world.sent("client_assertion");
    let ids = statements
        .iter()
        .map(|text| opened(text).claims["jti"].clone());
    let [first, second] = <[Value; 2]>::try_from(ids.collect::<Vec<_>>()).unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_key_of_another_certificate_signs_nothing_that_is_sent() {
    let scene = Scene::new(signed_elsewhere()).await;
    let other = String::from_utf8(file("other.crt")).unwrap();
    scene.vault.put("public", json!({ "value": other }));
    let (code, message) = scene.error().await;
    assert_eq!(code, "BR0109", "{message}");
    assert!(message.contains("azkv-sign:kv-soc/keys/app"), "{message}");
    assert_eq!(scene.stage.world.token_count(), 0);
}

#[tokio::test]
async fn what_a_key_vault_does_not_give_is_named_and_not_shown() {
    let cases = [
        (
            StatusCode::FORBIDDEN,
            "BR0106",
            "give the identity the role",
        ),
        (StatusCode::NOT_FOUND, "BR0106", "does not have it"),
        (StatusCode::TOO_MANY_REQUESTS, "BR0101", "failed"),
        (StatusCode::SERVICE_UNAVAILABLE, "BR0101", "failed"),
        (StatusCode::OK, "BR0101", "answered nonsense"),
        (StatusCode::FOUND, "BR0106", "failed"),
    ];
    let reference = "azkv:kv-soc/secrets/app";
    for (status, code, reason) in cases {
        let scene = Scene::secret(reference).await;
        *scene.vault.failing.lock().unwrap() = Some(status);
        let (found, message) = scene.error().await;
        assert_eq!(found, code, "{status}: {message}");
        assert!(message.contains(reference), "{message}");
        assert!(message.contains(reason), "{message}");
        assert_eq!(scene.stage.world.token_count(), 0);
    }
}

#[tokio::test]
async fn without_an_identity_no_vault_is_asked() {
    let scene = Scene::secret("azkv:kv-soc/secrets/app").await;
    scene
        .machine
        .machine
        .next_reply(400, &[], r#"{"error":"invalid_request"}"#);
    let (code, message) = scene.error().await;
    assert_eq!(code, "BR0106", "{message}");
    assert!(message.contains("no token for the key vault"), "{message}");
    assert_eq!(scene.vault.seen(), Vec::<String>::new());
    let other = json!({ "access_token": crate::stage::jwt(&json!({
        "aud": "https://vault.azure.net", "tid": crate::stage::OTHER_TENANT,
    }))});
    *scene.machine.machine.fields.lock().unwrap() = other;
    let (code, message) = scene.error().await;
    assert_eq!(code, "BR0106", "{message}");
    assert!(message.contains("`tid`"), "{message}");
    assert_eq!(scene.vault.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_that_the_vault_does_not_take_is_replaced_once() {
    let scene = Scene::secret("azkv:kv-soc/secrets/app").await;
    scene.stage.get("/a").await.unwrap();
    let first = scene.vault.bearers.lock().unwrap().clone();
    scene.vault.revoked.lock().unwrap().extend(first);
    scene
        .vault
        .put("app", json!({ "value": format!("{SECRET}-next") }));
    let refused = refusal(401, "invalid_client", 7_000_222);
    scene.stage.world.next_token_reply(refused);
    scene.stage.clock.pass_secs(3400);
    scene.stage.get("/a").await.unwrap();
    assert_eq!(scene.machine.machine.count(), 2);
    let sent = scene.stage.world.sent("client_secret");
    assert_eq!(sent.last(), Some(&format!("{SECRET}-next")));
}

#[tokio::test]
async fn a_hundred_who_need_the_same_secret_ask_the_store_once_even_if_it_fails() {
    let scene = Arc::new(Scene::secret("azkv:kv-soc/secrets/app").await);
    *scene.vault.failing.lock().unwrap() = Some(StatusCode::SERVICE_UNAVAILABLE);
    let mut sends = JoinSet::new();
    for _ in 0..100 {
        let scene = Arc::clone(&scene);
        sends.spawn(async move { scene.error().await.0 });
    }
    let codes = sends.join_all().await;
    assert!(codes.iter().all(|code| code == "BR0101"), "{codes:?}");
    assert!(scene.vault.seen().len() <= 2, "{:?}", scene.vault.seen());
}

#[test]
fn who_asks_a_key_vault_and_what_it_signs_is_checked_when_the_configuration_is_read() {
    let problems = |credential: Value, secret: &str| {
        let config = json!({
            "secret_stores": { "key_vault": {
                "tenant": TENANT, "client_id": CLIENT, "credential": credential,
            }},
            "secrets": { "hook": secret },
        });
        let config: Config = serde_json::from_value(config).unwrap();
        let problems = config.check();
        let paths = problems.iter().map(|problem| problem.path.clone());
        paths.collect::<Vec<_>>()
    };
    let machine = || json!({ "type": "managed_identity" });
    let none: [&str; 0] = [];
    for good in ["azkv:kv-soc/secrets/a", "azkv:kv-soc/certificates/a/0f"] {
        assert_eq!(problems(machine(), good), none, "{good}");
    }
    for bad in [
        "azkv:kv-soc/a",
        "azkv:a.b/secrets/a",
        "azkv-sign:kv-soc/keys/app",
    ] {
        assert_eq!(problems(machine(), bad), ["secrets.hook"], "{bad}");
    }
    let circles = [
        json!({ "type": "secret", "secret": "azkv:kv-soc/secrets/a" }),
        json!({ "type": "secret", "secret": ["env:A", "azkv:kv-soc/secrets/b"] }),
        signed_elsewhere(),
    ];
    for circle in circles {
        let found = problems(circle, "env:HOOK");
        assert_eq!(found, ["secret_stores.key_vault.credential"]);
    }
}
