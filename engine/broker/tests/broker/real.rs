//! Against a certified OAuth server: what other people's code makes of our requests.
//!
//! The server is `tests/provider/server.mjs`; `QUELL_OIDC_HOME` says where its package lies, and
//! `QUELL_MSAL_PYTHON` is a Python that has MSAL. `.ci/run` installs both.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{Api, Egress as _, EgressError, Method, Response, Target};
use engine_broker::{Broker, Clock, Config, Prompt, Surroundings, TokenEvent, TokenEventKind};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::people_stage::{NAME, PASSWORD, PERSON};
use crate::stage::{CLIENT, HandClock, OTHER_TENANT, SECRET, TENANT, api_request, call, request};

const CERTIFIED: &str = "33333333-3333-3333-3333-333333333333";
const PUBLIC: &str = "44444444-4444-4444-4444-444444444444";
const RT_KEY: &str = "0123456789abcdef0123456789abcdef";

fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

/// The server, until it is dropped.
struct Provider {
    child: Child,
    origin: String,
    http: reqwest::Client,
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
            .arg(tests("provider/server.mjs"))
            .env("QUELL_OIDC_HOME", std::env::var("QUELL_OIDC_HOME").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut origin).unwrap();
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        Self {
            child,
            origin: origin.trim().to_owned(),
            http: builder.build().unwrap(),
        }
    }

    /// The forms that the token endpoints were sent.
    async fn log(&self) -> Vec<BTreeMap<String, String>> {
        let url = format!("{}/control/log", self.origin);
        let answer = self.http.get(url).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    fn control(&self, what: &str, body: &Value) -> impl Future<Output = ()> + Send + 'static {
        let url = format!("{}/control/{what}", self.origin);
        let request = self.http.post(url).body(body.to_string());
        async move {
            request.send().await.unwrap();
        }
    }

    /// A connection to it, with `change` on top.
    fn connection(&self, change: Value) -> Value {
        let mut connection = json!({
            "context": "application", "tenant": TENANT, "client_id": CLIENT,
            "authority": self.origin, "apis": ["mde", "xdr"],
            "base_urls": { "mde": self.origin, "xdr": self.origin },
        });
        let object = connection.as_object_mut().unwrap();
        object.extend(change.as_object().unwrap().clone());
        object.retain(|_, value| !value.is_null());
        connection
    }

    fn person(&self, change: Value) -> Value {
        let mut connection = self.connection(json!({
            "context": "user", "client_id": PUBLIC, "apis": ["mde"],
            "base_urls": { "mde": self.origin },
            "scopes": { "mde": ["Machine.Isolate", "Alert.ReadWrite"] },
        }));
        let object = connection.as_object_mut().unwrap();
        object.extend(change.as_object().unwrap().clone());
        connection
    }
}

fn secret() -> Value {
    json!({ "credential": { "type": "secret", "secret": "env:APP_SECRET" } })
}

fn ropc() -> Value {
    json!({ "sign_in": {
        "type": "ropc", "username": NAME, "password": "env:PERSON_PASSWORD",
        "accept_ropc_risk": true,
    }})
}

type Events = Arc<Mutex<Vec<TokenEvent>>>;

fn broker(connection: &Value) -> (Arc<Broker>, Events) {
    broker_at(connection, Arc::new(engine_broker::SystemClock::default()))
}

fn broker_at(connection: &Value, clock: Arc<dyn Clock>) -> (Arc<Broker>, Events) {
    let events = Events::default();
    let log = Arc::clone(&events);
    let surroundings = Surroundings {
        clock,
        environment: Arc::new(|name| match name {
            "APP_SECRET" => Some(SECRET.to_owned()),
            "WRONG_SECRET" => Some("wrong".to_owned()),
            "PERSON_PASSWORD" => Some(PASSWORD.to_owned()),
            "PFX_PASSWORD" => Some("pfx-password".to_owned()),
            "RT_KEY" => Some(RT_KEY.to_owned()),
            _ => None,
        }),
        observer: Some(Arc::new(move |event| {
            log.lock().unwrap().push(event.clone())
        })),
        ..Surroundings::default()
    };
    let config = json!({ "connections": { "real": connection } });
    let config: Config = serde_json::from_value(config).unwrap();
    (
        Arc::new(Broker::new(&config, surroundings).unwrap()),
        events,
    )
}

async fn get(broker: &Broker) -> Result<Response, EgressError> {
    broker
        .send(&call(), api_request(Method::Get, "/api/machines"))
        .await
}

async fn code(broker: &Broker) -> String {
    get(broker).await.unwrap_err().error.code.into_owned()
}

async fn sign_in(broker: &Broker) {
    broker.sign_in("real", &|_| {}).await.unwrap();
}

/// A file of `tests/certificates` that only its owner may read.
fn private(directory: &TempDir, name: &str) -> String {
    let path = directory.path().join(name);
    std::fs::copy(tests("certificates").join(name), &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("file:{}", path.display())
}

fn certified(directory: &TempDir, name: &str) -> Value {
    let mut credential = json!({ "type": "certificate", "certificate": private(directory, name) });
    if name.ends_with(".pfx") {
        credential["password"] = json!("env:PFX_PASSWORD");
    }
    json!({ "client_id": CERTIFIED, "credential": credential })
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_secret_gets_a_token_for_each_api_and_a_wrong_one_none() {
    let provider = Provider::start();
    let (broker, events) = broker(&provider.connection(secret()));
    for api in [Api::Mde, Api::Xdr] {
        let request = request(Target::Api(api), Method::Get, "/api/x");
        broker.send(&call(), request).await.unwrap();
    }
    let issued = |event: &&TokenEvent| event.kind == TokenEventKind::Issued;
    assert_eq!(events.lock().unwrap().iter().filter(issued).count(), 2);
    let wrong = json!({ "credential": { "type": "secret", "secret": "env:WRONG_SECRET" } });
    let (wrong, _) = self::broker(&provider.connection(wrong));
    assert_eq!(code(&wrong).await, "BR0102");
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_token_is_replaced_when_the_server_would_like_to_be_asked() {
    let provider = Provider::start();
    let clock = Arc::new(HandClock::default());
    let time = Arc::clone(&clock) as Arc<dyn Clock>;
    let (broker, events) = broker_at(&provider.connection(secret()), time);
    // Half an hour of `refresh_in`, five minutes of chance; an hour alone would go on longer.
    for (wait_s, wanted) in [(0, 0), (1490, 0), (311, 1)] {
        clock.pass_secs(wait_s);
        get(&broker).await.unwrap();
        let begun = |event: &&TokenEvent| event.kind == TokenEventKind::RefreshStarted;
        let count = events.lock().unwrap().iter().filter(begun).count();
        assert_eq!(count, wanted, "after {wait_s} seconds more");
    }
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_statements_of_every_kind_of_file_are_accepted() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    for name in ["app.pem", "app-modern.pfx", "app-legacy.pfx"] {
        let connection = provider.connection(certified(&directory, name));
        get(&broker(&connection).0).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_hundred_statements_are_accepted_by_a_server_that_refuses_replays() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let connection = provider.connection(certified(&directory, "app.pem"));
    for _ in 0..100 {
        get(&broker(&connection).0).await.unwrap();
    }
    let log = provider.log().await;
    let statements: HashSet<&String> = log.iter().map(|form| &form["client_assertion"]).collect();
    assert_eq!(statements.len(), 100);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_two_tenants_at_once_get_statements_and_tokens_of_their_own() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let mut change = certified(&directory, "app.pem");
    change["context"] = json!("partner");
    change["tenant"] = Value::Null;
    change["tenants"] = json!({
        "a": { "id": TENANT, "status": "active" }, "b": { "id": OTHER_TENANT, "status": "active" },
    });
    let (broker, events) = broker(&provider.connection(change));
    let mut sends = JoinSet::new();
    for tenant in [TENANT, OTHER_TENANT].repeat(10) {
        let broker = Arc::clone(&broker);
        sends.spawn(async move {
            let mut call = call();
            call.tenant = tenant.parse().unwrap();
            let request = api_request(Method::Get, "/api/machines");
            broker.send(&call, request).await
        });
    }
    assert!(sends.join_all().await.iter().all(Result::is_ok));
    let log = provider.log().await;
    assert_eq!(log.len(), 2);
    for form in &log {
        let claims = form["client_assertion"]
            .split('.')
            .nth(1)
            .unwrap()
            .to_owned();
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims: Value = serde_json::from_slice(&engine.decode(claims).unwrap()).unwrap();
        let url = format!("{}/{}/oauth2/v2.0/token", provider.origin, form["tenant"]);
        assert_eq!(claims["aud"], url.as_str());
    }
    let names: HashSet<Option<String>> = {
        let events = events.lock().unwrap();
        let used = events
            .iter()
            .filter(|event| event.kind == TokenEventKind::Used);
        used.map(|event| event.token.clone()).collect()
    };
    assert_eq!(names.len(), 2);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_person_signs_in_with_a_browser_and_a_code_is_good_once() {
    let provider = Provider::start();
    let sign_in = json!({ "sign_in": { "type": "auth_code_pkce" } });
    let (broker, _) = broker(&provider.person(sign_in));
    let browsers = Mutex::new(JoinSet::new());
    let tell = |prompt: &Prompt| {
        let Prompt::Visit { url } = prompt else {
            panic!("{prompt:?}");
        };
        let visit = provider.control("browse", &json!({ "url": url }));
        browsers.lock().unwrap().spawn(visit);
    };
    let account = broker.sign_in("real", &tell).await.unwrap();
    assert_eq!(
        (account.user.as_str(), account.name.as_deref()),
        (PERSON, Some(NAME))
    );
    get(&broker).await.unwrap();
    let mut form = provider.log().await.remove(0);
    let tenant = form.remove("tenant").unwrap();
    let url = format!("{}/{tenant}/oauth2/v2.0/token", provider.origin);
    let body = oauth2::url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let again = provider.http.post(url).body(body);
    let again = again.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(again.send().await.unwrap().status(), 400);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_code_of_another_sign_in_is_worth_nothing() {
    let provider = Provider::start();
    let sign_in = json!({ "sign_in": { "type": "auth_code_pkce" } });
    let (broker, _) = broker(&provider.person(sign_in));
    let browsers = Mutex::new(JoinSet::new());
    let tell = |prompt: &Prompt| {
        let Prompt::Visit { url } = prompt else {
            panic!("{prompt:?}");
        };
        let (before, after) = url.split_once("code_challenge=").unwrap();
        let rest = &after[after.find('&').unwrap()..];
        let other = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let url = format!("{before}code_challenge={other}{rest}");
        let visit = provider.control("browse", &json!({ "url": url }));
        browsers.lock().unwrap().spawn(visit);
    };
    let error = broker.sign_in("real", &tell).await.unwrap_err();
    assert_eq!(error.code, "BR0110", "{error}");
    assert_eq!(provider.log().await.len(), 1, "the verifier was refused");
    assert_eq!(code(&broker).await, "BR0110");
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_person_types_a_code_elsewhere() {
    let provider = Provider::start();
    let sign_in = json!({ "sign_in": { "type": "device_code" } });
    let (broker, _) = broker(&provider.person(sign_in));
    let browsers = Mutex::new(JoinSet::new());
    let tell = |prompt: &Prompt| {
        let Prompt::EnterCode { code, .. } = prompt else {
            panic!("{prompt:?}");
        };
        let body = json!({ "tenant": TENANT, "user_code": code });
        let approve = provider.control("approve", &body);
        browsers.lock().unwrap().spawn(async move {
            // Later than the first time the engine asks.
            tokio::time::sleep(Duration::from_secs(6)).await;
            approve.await;
        });
    };
    broker.sign_in("real", &tell).await.unwrap();
    get(&broker).await.unwrap();
    let log = provider.log().await;
    let asked = log
        .iter()
        .filter(|form| form["grant_type"].contains("device_code"));
    assert!(asked.count() >= 2);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_password_begins_a_session_that_goes_on_without_it() {
    let provider = Provider::start();
    let (broker, events) = broker(&provider.person(ropc()));
    sign_in(&broker).await;
    get(&broker).await.unwrap();
    let log = provider.log().await;
    let grants: Vec<&str> = log.iter().map(|form| form["grant_type"].as_str()).collect();
    assert_eq!(grants, ["password", "refresh_token"]);
    let events = events.lock().unwrap();
    let rotated = events
        .iter()
        .filter(|event| event.kind == TokenEventKind::RefreshTokenRotated);
    assert_eq!(rotated.count(), 1);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_person_who_called_us_is_passed_on() {
    let provider = Provider::start();
    let mut change = secret();
    change["context"] = json!("user");
    change["sign_in"] = json!({ "type": "on_behalf_of" });
    let (broker, _) = broker(&provider.connection(change));
    let assertion = crate::stage::jwt(&json!({ "tid": TENANT, "oid": PERSON }));
    broker
        .sign_in_on_behalf_of("real", &assertion)
        .await
        .unwrap();
    get(&broker).await.unwrap();
}

/// A connection that keeps its refresh token in `directory`.
fn kept(provider: &Provider, directory: &Path) -> Value {
    let mut change = ropc();
    let path = directory.join("person.rt");
    change["persist_refresh_token"] = json!({ "path": path, "key": "env:RT_KEY" });
    provider.person(change)
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_an_old_refresh_token_ends_the_session_and_says_so() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let connection = kept(&provider, directory.path());
    let (first, _) = broker(&connection);
    sign_in(&first).await;
    let path = directory.path().join("person.rt");
    let old = std::fs::read(&path).unwrap();
    get(&first).await.unwrap();
    std::fs::write(&path, old).unwrap();
    let (second, events) = broker(&connection);
    assert_eq!(code(&second).await, "BR0110");
    let failed = |event: &TokenEvent| event.kind == TokenEventKind::Failed;
    assert!(events.lock().unwrap().iter().any(failed));
    sign_in(&second).await;
    get(&second).await.unwrap();
}

/// This test binary again, as another process that goes on with a kept session `rounds` times.
fn worker(connection: &Value, rounds: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "real::real_other_process_of_a_pair",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env("QUELL_WORKER_CONNECTION", connection.to_string())
        .env("QUELL_WORKER_ROUNDS", rounds.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "needs oidc: it is the other process of the tests below"]
async fn real_other_process_of_a_pair() {
    let Ok(connection) = std::env::var("QUELL_WORKER_CONNECTION") else {
        return;
    };
    let rounds: u32 = std::env::var("QUELL_WORKER_ROUNDS")
        .unwrap()
        .parse()
        .unwrap();
    let connection: Value = serde_json::from_str(&connection).unwrap();
    for _ in 0..rounds {
        get(&broker(&connection).0).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_processes_that_share_a_refresh_token_never_revoke_its_family() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let connection = kept(&provider, directory.path());
    sign_in(&broker(&connection).0).await;
    let mut workers = [worker(&connection, 30), worker(&connection, 30)];
    for _ in 0..30 {
        get(&broker(&connection).0).await.unwrap();
    }
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    let log = provider.log().await;
    let refreshes = log
        .iter()
        .filter(|form| form["grant_type"] == "refresh_token");
    assert_eq!(refreshes.count(), 90);
}

#[tokio::test]
#[ignore = "needs oidc: a certified OAuth server"]
async fn real_a_process_killed_at_any_moment_leaves_a_refresh_token_on_disk() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let connection = kept(&provider, directory.path());
    sign_in(&broker(&connection).0).await;
    let (mut moments, mut lost) = (0, 0);
    for i in 0..100_u64 {
        let mut worker = worker(&connection, 1000);
        tokio::time::sleep(Duration::from_millis(40 + i * 7 % 60)).await;
        worker.kill().unwrap();
        worker.wait().unwrap();
        moments += 1;
        let (next, _) = broker(&connection);
        let account = next.account("real").unwrap();
        assert_eq!(
            account.map(|account| account.user).as_deref(),
            Some(PERSON),
            "moment {i}"
        );
        // Killed between the answer and the disk, the old one is there; this strict server ends
        // the session of whoever shows it again.
        if get(&next).await.is_err() {
            lost += 1;
            sign_in(&next).await;
        }
    }
    assert_eq!(moments, 100);
    assert!(lost < moments, "no new token was ever found");
}

/// What only MSAL sends, and why we do not.
const ONLY_MSAL: [&str; 1] = [
    // Asks for the ids of the account once more; ours come from the id token.
    "client_info",
];

#[tokio::test]
#[ignore = "needs msal: a second client, whose forms are compared with ours"]
async fn real_our_forms_have_the_fields_that_msal_sends() {
    let provider = Provider::start();
    let python = std::env::var("QUELL_MSAL_PYTHON").unwrap();
    let status = Command::new(python)
        .arg(tests("provider/msal_client.py"))
        .args([provider.origin.as_str(), TENANT])
        .args([tests("certificates/app.key"), tests("certificates/app.crt")])
        .status()
        .unwrap();
    assert!(status.success());
    let theirs = provider.log().await;
    let directory = tempfile::tempdir().unwrap();
    get(&broker(&provider.connection(secret())).0)
        .await
        .unwrap();
    let connection = provider.connection(certified(&directory, "app.pem"));
    get(&broker(&connection).0).await.unwrap();
    let (person, _) = broker(&provider.person(ropc()));
    sign_in(&person).await;
    get(&person).await.unwrap();
    let ours = provider.log().await.split_off(theirs.len());
    assert_eq!((theirs.len(), ours.len()), (4, 4));
    for (theirs, ours) in theirs.into_iter().zip(ours) {
        assert_eq!(comparable(ours), comparable(theirs));
    }
}

/// A form with what differs from request to request replaced, and without what only MSAL sends.
fn comparable(mut form: BTreeMap<String, String>) -> BTreeMap<String, String> {
    form.retain(|name, _| !ONLY_MSAL.contains(&name.as_str()));
    for (name, value) in &mut form {
        match name.as_str() {
            "refresh_token" => "a refresh token".clone_into(value),
            "client_assertion" => *value = statement(value),
            "claims" => {
                let claims: Value = serde_json::from_str(value).unwrap();
                *value = claims.to_string();
            }
            "scope" => {
                let words: std::collections::BTreeSet<&str> = value.split(' ').collect();
                *value = Vec::from_iter(words).join(" ");
            }
            _ => {}
        }
    }
    form
}

/// The names in a statement, and the values that do not change.
fn statement(text: &str) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |i: usize| -> BTreeMap<String, Value> {
        let bytes = engine.decode(text.split('.').nth(i).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (mut header, claims) = (part(0), part(1));
    // MSAL sends it whenever it has the certificate; we where it is asked for.
    header.remove("x5c");
    // MSAL pads it, which the standard does not.
    let thumbprint = header["x5t#S256"]
        .as_str()
        .map(|text| text.trim_end_matches('=').to_owned());
    header.insert("x5t#S256".to_owned(), json!(thumbprint));
    let same = ["iss", "sub"].map(|name| claims[name].clone());
    // We add nbf, so that a clock that is ahead is not refused.
    let names: Vec<&String> = claims.keys().filter(|name| *name != "nbf").collect();
    format!("{header:?} {same:?} {names:?}")
}
