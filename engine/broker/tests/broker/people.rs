//! People: how they sign in, and how their sessions live on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::ActionError;
use engine_broker::{Account, Broker, Config, Prompt, TokenEventKind as Kind};
use expect_test::expect;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::people_stage::{NAME, PASSWORD, PERSON, PeopleStage, get, refusal};
use crate::stage::{CLIENT, OTHER_TENANT, Reply, SECRET, TENANT, jwt};

const MDE: &str = "https://api.securitycenter.microsoft.com/Alert.ReadWrite \
                   https://api.securitycenter.microsoft.com/Machine.Isolate";

fn ropc() -> Value {
    json!({ "sign_in": {
        "type": "ropc", "username": NAME, "password": "env:PERSON_PASSWORD",
        "accept_ropc_risk": true,
    }})
}

/// A connection that keeps its refresh token in `directory`.
fn kept(directory: &Path) -> Value {
    let mut change = ropc();
    let path = directory.join("private/analyst.rt");
    change["persist_refresh_token"] = json!({ "path": path, "key": "env:RT_KEY" });
    change
}

async fn sign_in(broker: &Broker) -> Result<Account, ActionError> {
    broker.sign_in("analyst", &|_| {}).await
}

/// Signs in by a browser that does what `visit` does with the URL it is shown.
pub(crate) async fn browse<F: Future<Output = ()> + Send + 'static>(
    stage: &PeopleStage,
    visit: impl Fn(String) -> F + Send + Sync + 'static,
) -> Result<Account, ActionError> {
    let browsers = Mutex::new(JoinSet::new());
    let tell = |prompt: &Prompt| {
        let Prompt::Visit { url } = prompt else {
            panic!("{prompt:?}");
        };
        browsers.lock().unwrap().spawn(visit(url.clone()));
    };
    stage.broker.sign_in("analyst", &tell).await
}

pub(crate) fn parameter(url: &str, name: &str) -> String {
    let url = oauth2::url::Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// A browser: asks for `target` at the host of the redirect, and gives back what it sees.
pub(crate) async fn open(redirect: &str, target: &str) -> Option<String> {
    let url = oauth2::url::Url::parse(redirect).unwrap();
    let address = format!("127.0.0.1:{}", url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await.ok()?;
    Some(page)
}

#[tokio::test]
async fn a_browser_brings_its_code_to_this_machine_once() {
    let stage = PeopleStage::new(json!({ "sign_in": { "type": "auth_code_pkce" } })).await;
    let directory = Arc::clone(&stage.directory);
    let seen: Arc<Mutex<String>> = Arc::default();
    let shown = Arc::clone(&seen);
    let account = browse(&stage, move |url| {
        let (directory, shown) = (Arc::clone(&directory), Arc::clone(&shown));
        async move {
            *directory.nonce.lock().unwrap() = parameter(&url, "nonce");
            let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
            let icon = open(&redirect, "/favicon.ico").await.unwrap();
            assert!(icon.starts_with("HTTP/1.1 404"), "{icon}");
            let page = open(&redirect, &format!("/?code=the-code&state={state}")).await;
            let page = page.unwrap();
            assert!(
                page.contains("You are signed in") && !page.contains("the-code"),
                "{page}"
            );
            *shown.lock().unwrap() = url;
        }
    })
    .await
    .unwrap();
    assert_eq!(
        (account.user.as_str(), account.name.as_deref()),
        (PERSON, Some(NAME))
    );
    let url = tokio::time::timeout(Duration::from_secs(5), async {
        while seen.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        seen.lock().unwrap().clone()
    });
    let url = url.await.unwrap();
    let redirect = parameter(&url, "redirect_uri");
    assert!(
        redirect.starts_with("http://localhost:") && !redirect.ends_with('/'),
        "{redirect}"
    );
    assert_eq!(
        parameter(&url, "scope"),
        format!("{MDE} offline_access openid profile")
    );
    assert_eq!(parameter(&url, "code_challenge_method"), "S256");
    let form = stage.directory.last();
    assert_eq!(
        (form["code"].as_str(), form["redirect_uri"].as_str()),
        ("the-code", redirect.as_str())
    );
    assert_eq!(
        challenge(&form["code_verifier"]),
        parameter(&url, "code_challenge")
    );
    assert!(!form.contains_key("client_secret"));
    assert!(
        open(&redirect, "/?code=late").await.is_none(),
        "nobody listens any more"
    );
    stage.get().await.unwrap();
    assert_eq!(stage.directory.count("refresh_token"), 1);
}

fn challenge(verifier: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier))
}

#[tokio::test]
async fn a_browser_that_comes_back_wrong_ends_the_sign_in() {
    for (query, wanted) in [
        ("code=c&state=another", "from another sign-in"),
        ("code=c", "from another sign-in"),
        ("code=c&state=STATE&state=STATE", "from another sign-in"),
        (
            "error=access_denied&state=STATE",
            "was not completed (access_denied)",
        ),
        ("state=STATE", "without a code"),
    ] {
        let stage = PeopleStage::new(json!({ "sign_in": { "type": "auth_code_pkce" } })).await;
        let error = browse(&stage, move |url| async move {
            let query = query.replace("STATE", &parameter(&url, "state"));
            open(&parameter(&url, "redirect_uri"), &format!("/?{query}")).await;
        })
        .await
        .unwrap_err();
        assert_eq!(error.code, "BR0110");
        assert!(error.message.contains(wanted), "{query}: {error}");
        assert_eq!(stage.directory.forms.lock().unwrap().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_comes_later_than_five_minutes_finds_nobody() {
    let stage = PeopleStage::new(json!({ "sign_in": { "type": "auth_code_pkce" } })).await;
    let began = tokio::time::Instant::now();
    let urls = Mutex::new(Vec::new());
    let tell = |prompt: &Prompt| match prompt {
        Prompt::Visit { url } => urls.lock().unwrap().push(url.clone()),
        Prompt::EnterCode { .. } => panic!("{prompt:?}"),
    };
    let error = stage.broker.sign_in("analyst", &tell).await.unwrap_err();
    assert!(error.message.contains("within five minutes"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 300);
    let url = urls.lock().unwrap().remove(0);
    let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
    let late = open(&redirect, &format!("/?code=c&state={state}")).await;
    assert_eq!(late, None);
    assert_eq!(stage.directory.forms.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_answer_to_another_sign_in_is_refused() {
    let stage = PeopleStage::new(json!({ "sign_in": { "type": "auth_code_pkce" } })).await;
    *stage.directory.nonce.lock().unwrap() = "of-somebody-else".to_owned();
    let error = browse(&stage, |url| async move {
        let state = parameter(&url, "state");
        open(
            &parameter(&url, "redirect_uri"),
            &format!("/?code=c&state={state}"),
        )
        .await;
    })
    .await
    .unwrap_err();
    assert_eq!(error.code, "BR0107", "{error}");
    assert_eq!(stage.code().await, "BR0110");
}

#[tokio::test]
async fn a_code_is_shown_and_waited_for_until_it_is_typed() {
    let stage = PeopleStage::new(json!({})).await;
    assert_eq!(stage.code().await, "BR0110");
    assert_eq!(stage.directory.forms.lock().unwrap().len(), 0);
    stage
        .directory
        .next_reply(refusal(400, "authorization_pending", 70_016));
    let prompts = Mutex::new(Vec::new());
    let tell = |prompt: &Prompt| prompts.lock().unwrap().push(prompt.clone());
    stage.broker.sign_in("analyst", &tell).await.unwrap();
    expect![[r#"
        [
            EnterCode {
                url: "https://login.example/device",
                code: "ABCD-EFGH",
                expires_in: Millis(
                    900000,
                ),
            },
        ]
    "#]]
    .assert_debug_eq(&*prompts.lock().unwrap());
    assert_eq!(stage.directory.count("device_code"), 2);
    assert_eq!(
        stage.directory.last()["device_code"],
        "device-code-of-the-person"
    );
    stage.get().await.unwrap();
}

#[tokio::test]
async fn a_declined_code_ends_the_waiting_whatever_it_is_called() {
    for word in [
        "authorization_declined",
        "access_denied",
        "expired_token",
        "bad_verification_code",
    ] {
        let stage = PeopleStage::new(json!({})).await;
        stage.directory.next_reply(refusal(400, word, 1));
        let error = sign_in(&stage.broker).await.unwrap_err();
        assert_eq!(error.code, "BR0110", "{error}");
        assert_eq!(stage.directory.count("device_code"), 1);
    }
}

#[tokio::test]
async fn a_password_is_sent_once_and_the_session_lives_on_without_it() {
    let stage = PeopleStage::new(ropc()).await;
    sign_in(&stage.broker).await.unwrap();
    let form = stage.directory.last();
    assert_eq!(
        (form["username"].as_str(), form["password"].as_str()),
        (NAME, PASSWORD)
    );
    for _ in 0..3 {
        stage.get().await.unwrap();
        stage.clock.pass_secs(7200);
    }
    assert_eq!(
        (
            stage.directory.count("password"),
            stage.directory.count("refresh")
        ),
        (1, 3)
    );
}

#[tokio::test]
async fn a_wrong_password_or_a_locked_account_is_never_tried_again_by_itself() {
    for (number, code) in [(50_126, "BR0110"), (50_053, "BR0112"), (50_057, "BR0112")] {
        let stage = PeopleStage::new(ropc()).await;
        stage
            .directory
            .next_reply(refusal(400, "invalid_grant", number));
        let error = sign_in(&stage.broker).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(
            !error.retryable && !error.message.contains(PASSWORD),
            "{error}"
        );
        for _ in 0..60 {
            assert_eq!(stage.code().await, "BR0110");
            stage.clock.pass_secs(10);
        }
        assert_eq!(stage.directory.forms.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn even_a_server_that_fails_sees_the_password_once() {
    for reply in [Reply::new(503, ""), refusal(401, "invalid_client", 700_024)] {
        let stage = PeopleStage::new(ropc()).await;
        stage.directory.next_reply(reply);
        sign_in(&stage.broker).await.unwrap_err();
        assert_eq!(stage.directory.count("password"), 1);
    }
}

#[tokio::test]
async fn somebody_else_who_signs_in_gets_no_session() {
    for (claim, value) in [
        ("tid", OTHER_TENANT),
        ("aud", OTHER_TENANT),
        ("preferred_username", "intern@contoso.example"),
    ] {
        let mut change = ropc();
        change["expected_user"] = json!({ "upn": NAME.to_uppercase() });
        let stage = PeopleStage::new(change).await;
        *stage.directory.identity.lock().unwrap() = json!({ claim: value });
        let error = sign_in(&stage.broker).await.unwrap_err();
        assert_eq!(error.code, "BR0107", "{error}");
        assert!(error.message.contains(claim), "{error}");
        assert_eq!(stage.code().await, "BR0110");
    }
}

#[tokio::test]
async fn every_api_has_its_own_token_and_all_share_one_refresh_token() {
    let stage = PeopleStage::new(ropc()).await;
    sign_in(&stage.broker).await.unwrap();
    let mut sends = JoinSet::new();
    for api in [actions_contract::Api::Mde, actions_contract::Api::Xdr].repeat(20) {
        let broker = Arc::clone(&stage.broker);
        sends.spawn(async move {
            let target = actions_contract::Target::Api(api);
            let request = crate::stage::request(target, actions_contract::Method::Get, "/x");
            actions_contract::Egress::send(&*broker, &crate::stage::call(), request).await
        });
    }
    assert!(sends.join_all().await.iter().all(Result::is_ok));
    assert_eq!(stage.directory.count("refresh"), 2);
    assert!(
        stage.directory.current.lock().unwrap().is_some(),
        "the family was revoked"
    );
    let rotated = |kinds: &[Kind]| {
        kinds
            .iter()
            .filter(|kind| **kind == Kind::RefreshTokenRotated)
            .count()
    };
    assert_eq!(rotated(&stage.kinds.lock().unwrap()), 2);
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_leaves_the_old_one() {
    let stage = PeopleStage::new(ropc()).await;
    *stage.directory.keeps.lock().unwrap() = true;
    sign_in(&stage.broker).await.unwrap();
    for _ in 0..3 {
        stage.get().await.unwrap();
        stage.clock.pass_secs(7200);
    }
    assert_eq!(stage.directory.count("refresh"), 3);
}

#[tokio::test]
async fn a_second_factor_for_one_api_leaves_the_others_alone_until_somebody_signs_in() {
    let stage = PeopleStage::new(ropc()).await;
    sign_in(&stage.broker).await.unwrap();
    stage
        .directory
        .next_reply(refusal(400, "invalid_grant", 50_076));
    assert_eq!(stage.code().await, "BR0110");
    stage.clock.pass_secs(3600);
    assert_eq!(stage.code().await, "BR0110");
    assert_eq!(stage.directory.count("refresh"), 1, "it was asked again");
    let target = actions_contract::Target::Api(actions_contract::Api::Xdr);
    let request = crate::stage::request(target, actions_contract::Method::Get, "/x");
    let call = crate::stage::call();
    let send = actions_contract::Egress::send(&*stage.broker, &call, request);
    send.await.unwrap();
    sign_in(&stage.broker).await.unwrap();
    stage.get().await.unwrap();
}

#[tokio::test]
async fn who_called_us_is_passed_on_until_another_calls() {
    let change = json!({
        "sign_in": { "type": "on_behalf_of" },
        "credential": { "type": "secret", "secret": "env:APP_SECRET" },
    });
    let stage = PeopleStage::new(change).await;
    let caller = |number: u32| {
        jwt(&json!({ "tid": TENANT, "oid": PERSON, "aud": format!("api://{CLIENT}"), "n": number }))
    };
    let pass_on = async |assertion: &str| {
        let signed = stage.broker.sign_in_on_behalf_of("analyst", assertion);
        signed.await.unwrap();
        stage.get().await.unwrap();
    };
    pass_on(&caller(1)).await;
    pass_on(&caller(1)).await;
    let form = stage.directory.last();
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert_eq!(
        (form["requested_token_use"].as_str(), &form["assertion"]),
        ("on_behalf_of", &caller(1))
    );
    assert_eq!(
        (form["client_secret"].as_str(), form["client_id"].as_str()),
        (SECRET, CLIENT)
    );
    assert_eq!(
        stage.directory.count("jwt-bearer"),
        1,
        "the same caller shares the token"
    );
    pass_on(&caller(2)).await;
    assert_eq!(stage.directory.count("jwt-bearer"), 2);
    let foreign = jwt(&json!({ "tid": OTHER_TENANT, "oid": PERSON }));
    let error = stage
        .broker
        .sign_in_on_behalf_of("analyst", &foreign)
        .await
        .unwrap_err();
    assert_eq!(error.code, "BR0107");
}

#[tokio::test]
async fn a_kept_session_serves_the_next_process_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    let next = stage.another();
    get(&next).await.unwrap();
    let account = next.account("analyst").unwrap().unwrap();
    assert_eq!(account.user, PERSON);
    let file = directory.path().join("private/analyst.rt");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let bytes = std::fs::read(&file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        !text.contains("refresh") && !text.contains(PERSON),
        "the file is not encrypted"
    );
    next.sign_out("analyst").await.unwrap();
    assert_eq!(
        (file.exists(), stage.code().await.as_str()),
        (false, "BR0110")
    );
}

#[tokio::test]
async fn two_processes_share_a_refresh_token_and_never_revoke_its_family() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    let others = [stage.another(), stage.another()];
    for _ in 0..10 {
        let mut sends = JoinSet::new();
        for broker in others.iter().chain([&stage.broker]) {
            let broker = Arc::clone(broker);
            sends.spawn(async move { get(&broker).await });
        }
        for result in sends.join_all().await {
            result.unwrap();
        }
        stage.clock.pass_secs(7200);
    }
    assert_eq!(stage.directory.count("refresh"), 30);
    assert!(
        stage.directory.current.lock().unwrap().is_some(),
        "the family was revoked"
    );
}

#[tokio::test]
async fn the_new_refresh_token_is_on_disk_before_its_access_token_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    let private = directory.path().join("private");
    let shut = |mode: u32| {
        // Root may write anywhere, so the place of the new file is taken by a directory.
        let next = private.join("analyst.rt.next");
        if mode == 0 {
            std::fs::create_dir_all(next.join("full")).unwrap();
        } else {
            std::fs::remove_dir_all(next).unwrap();
        }
    };
    shut(0);
    assert_eq!(stage.code().await, "BR0113");
    assert_eq!(stage.directory.bearers.lock().unwrap().len(), 0);
    shut(0o700);
    stage.clock.pass_secs(60);
    stage.get().await.unwrap();
    assert_eq!(
        stage.directory.count("refresh"),
        2,
        "the token in memory was not lost"
    );
    get(&stage.another()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_final_only_when_nobody_stored_a_newer_refresh_token() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    let path = directory.path().join("private/analyst.rt");
    let older = std::fs::read(&path).unwrap();
    stage.get().await.unwrap();
    let newer = std::fs::read(&path).unwrap();
    std::fs::write(&path, older).unwrap();
    let late = refusal(400, "invalid_grant", 70_000).after(Duration::from_millis(300));
    stage.directory.next_reply(late);
    let other = stage.another();
    let caller = tokio::spawn(async move { get(&other).await });
    while stage.directory.count("refresh") < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(&path, newer).unwrap();
    caller.await.unwrap().unwrap();
    assert_eq!(stage.directory.count("refresh"), 3);
}

#[tokio::test]
async fn a_session_that_was_revoked_asks_for_a_sign_in() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    *stage.directory.current.lock().unwrap() = None;
    let error = stage.get().await.unwrap_err().error;
    assert_eq!((error.code.as_ref(), error.retryable), ("BR0110", false));
    assert!(stage.kinds.lock().unwrap().contains(&Kind::Failed));
    let other = stage.another();
    sign_in(&other).await.unwrap();
    stage.get().await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_process_waits_for_requests_that_hold_a_refresh_token() {
    let directory = tempfile::tempdir().unwrap();
    let stage = PeopleStage::new(kept(directory.path())).await;
    sign_in(&stage.broker).await.unwrap();
    let answer = json!({
        "token_type": "Bearer", "expires_in": 3600, "access_token": "opaque",
        "refresh_token": "the-late-one",
    });
    let late = Reply::new(200, answer.to_string()).after(Duration::from_millis(300));
    stage.directory.next_reply(late);
    let broker = Arc::clone(&stage.broker);
    let caller = tokio::spawn(async move { get(&broker).await });
    while stage.directory.count("refresh") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    caller.abort();
    stage.broker.settle().await;
    *stage.directory.current.lock().unwrap() = Some("the-late-one".to_owned());
    get(&stage.another()).await.unwrap();
}

#[test]
fn what_cannot_work_for_a_person_is_said_when_the_configuration_is_read() {
    let connection = |change: Value| {
        let mut connection = json!({
            "context": "user", "tenant": TENANT, "client_id": CLIENT, "apis": ["mde"],
            "sign_in": { "type": "device_code" },
        });
        let object = connection.as_object_mut().unwrap();
        object.extend(change.as_object().unwrap().clone());
        connection
    };
    let config = json!({ "connections": {
        "a": connection(json!({ "tenant": "organizations" })),
        "b": connection(json!({ "scopes": {
            "graph": ["User.Read"], "mde": [".default", "https://x/y"] } })),
        "c": connection(json!({ "sign_in": {
            "type": "ropc", "username": "u", "password": "hunter2" } })),
        "d": connection(json!({ "sign_in": { "type": "on_behalf_of" },
            "persist_refresh_token": { "path": "relative", "key": "env:K" } })),
        "e": connection(json!({ "sign_in": {
            "type": "auth_code_pkce", "redirect": "https://x.example" } })),
        "f": connection(json!({ "credential": { "type": "managed_identity" } })),
    }});
    let config: Config = serde_json::from_value(config).unwrap();
    let problems: Vec<String> = config
        .check()
        .iter()
        .map(|problem| format!("{} {}\n  {}", problem.code, problem.path, problem.message))
        .collect();
    expect![[r#"
        CF0101 connections.a.tenant
          `organizations` is not a GUID
        CF0101 connections.b.scopes.graph
          the connection does not offer `graph`
        CF0101 connections.b.scopes.mde
          `.default` is not the name of a delegated permission
        CF0101 connections.b.scopes.mde
          `https://x/y` is not the name of a delegated permission
        CF0101 connections.c.sign_in.accept_ropc_risk
          signing in with a password is not accepted
        CF0103 connections.c.sign_in.password
          a secret is written here instead of a reference to it
        CF0101 connections.d.persist_refresh_token.path
          this is not the absolute path of a file
        CF0101 connections.d.credential
          an application that passes a person on has to prove who it is
        CF0101 connections.d.persist_refresh_token
          there is no refresh token with `on_behalf_of`
        CF0101 connections.e.sign_in.redirect
          the redirect is not a plain `http` URL of this machine
        CF0101 connections.f.credential
          a managed identity speaks for itself and for no person"#]]
    .assert_eq(&problems.join("\n"));
}
