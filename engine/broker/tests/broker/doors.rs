//! URLs that are not an API of a connection.

use actions_contract::{
    Body, Call, EffectKind, HeaderText, KeptFile, Method, Request, Secret, Sent, Target,
};
use serde_json::json;

use crate::stage::{Reply, Stage, api_request, call, contain, request};

fn to(url: &str, method: Method) -> Request {
    request(Target::Url(url.to_owned()), method, "")
}

fn hook(name: &str) -> Request {
    let target = Target::SecretUrl(Secret {
        name: name.to_owned(),
    });
    request(target, Method::Post, "").with_json(json!({"text": "hello"}))
}

fn notify() -> Call {
    Call {
        effect: EffectKind::Notify,
        ..call()
    }
}

/// The code of a refusal that nothing left for, and its message.
async fn refused(stage: &Stage, url: &str) -> String {
    let error = stage.send(&call(), to(url, Method::Get)).await.unwrap_err();
    assert_eq!(error.sent, Sent::No, "{url}");
    assert_eq!(
        stage.world.api_count() + stage.world.token_count(),
        0,
        "{url}"
    );
    error.error.to_string()
}

#[tokio::test]
async fn a_host_with_tokens_has_one_door() {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
        let mut other = config["connections"]["prod"].clone();
        other["limits"] = json!({});
        other["base_urls"]["graph"] = json!("https://gateway.corp.example/graph");
        config["connections"]["other"] = other;
    })
    .await;
    let port = stage.origin.rsplit(':').next().unwrap();
    for url in [
        "https://graph.microsoft.com/v1.0/me",
        "https://GRAPH.microsoft.com./v1.0/me",
        "https://graph.microsoft.com:8443/",
        "https://eu.api.security.microsoft.com/api/alerts",
        "https://api-us.securitycenter.microsoft.com/",
        "https://login.microsoftonline.com/x/oauth2/v2.0/token",
        "https://login.microsoftonline.us/",
        "https://gateway.corp.example/elsewhere",
        stage.origin.as_str(),
        &format!("http://localhost:{port}/"),
        &format!("http://[::1]:{port}/"),
        &format!("http://127.9.9.9:{port}/"),
        &format!("http://0x7f.1:{port}/"),
    ] {
        let message = refused(&stage, url).await;
        assert!(
            message.contains("connection only") && message.contains("BR0204"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_private_address_is_out_of_bounds() {
    let stage = Stage::new().await;
    for url in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://x.localhost/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/metadata/identity",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://167772161/",
        "https://0xa.0.0.1/",
    ] {
        let message = refused(&stage, url).await;
        assert!(
            message.contains("private address") && message.contains("BR0204"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn plain_http_and_credentials_in_urls_are_refused() {
    let stage = Stage::new().await;
    for (url, code) in [
        ("http://example.com/", "BR0204"),
        ("ftp://example.com/", "BR0204"),
        ("https://user:pass@example.com/", "BR0204"),
        ("file:///etc/passwd", "BR0204"),
        ("example.com", "BR0206"),
        ("https://", "BR0206"),
    ] {
        assert!(refused(&stage, url).await.contains(code), "{url}");
    }
}

#[tokio::test]
async fn loopback_and_named_private_hosts_open_by_configuration() {
    let loopback = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
    })
    .await;
    let response = loopback
        .send(&call(), to(&loopback.web, Method::Get))
        .await
        .unwrap();
    assert_eq!(response.status, 200);
    assert!(
        !loopback.world.api_seen()[0]
            .headers
            .contains_key("authorization")
    );
    let named = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_private": ["127.0.0.1"] });
    })
    .await;
    let mut search = request(
        Target::Url(format!("{}/v1", named.web)),
        Method::Get,
        "/search",
    );
    search = search.with_query("q", "a b");
    named.send(&call(), search).await.unwrap();
    assert_eq!(named.world.api_seen()[0].uri, "/v1/search?q=a%20b");
}

#[tokio::test]
async fn a_list_of_hosts_keeps_all_others_out() {
    let stage = Stage::with(|config, _, _| {
        let hosts = json!(["tickets.example", "*.intel.example"]);
        config["http"] = json!({ "allow_hosts": hosts, "allow_loopback": true });
    })
    .await;
    for url in [
        "https://other.example/",
        "https://intel.example/",
        "https://xintel.example/",
    ] {
        assert!(
            refused(&stage, url).await.contains("http.allow_hosts"),
            "{url}"
        );
    }
    let web = stage.web.clone();
    assert!(refused(&stage, &web).await.contains("http.allow_hosts"));
}

#[tokio::test]
async fn an_action_that_reads_may_not_write_to_a_url() {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
    })
    .await;
    let error = stage
        .send(&call(), to(&stage.web, Method::Post))
        .await
        .unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0204", Sent::No)
    );
    assert!(
        stage
            .send(&notify(), to(&stage.web, Method::Post))
            .await
            .is_ok()
    );
    let simulated = Call {
        mode: actions_contract::Mode::Simulate,
        ..notify()
    };
    let error = stage
        .send(&simulated, to(&stage.web, Method::Post))
        .await
        .unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0204", Sent::No)
    );
    assert_eq!(stage.world.api_count(), 1);
}

async fn stage_with_secrets() -> Stage {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
        config["secrets"] = json!({ "chat": "env:CHAT_HOOK", "api_key": "env:API_KEY" });
    })
    .await;
    stage.set_env(
        "CHAT_HOOK",
        &format!("{}/services/T00/B00/hook-secret", stage.web),
    );
    stage.set_env("API_KEY", "key-of-the-intel-service");
    stage
}

#[tokio::test]
async fn a_hook_is_called_without_anybody_learning_its_address() {
    let stage = stage_with_secrets().await;
    stage.world.next_api_reply(Reply::new(
        404,
        "no service /services/T00/B00/hook-secret here",
    ));
    let response = stage.send(&notify(), hook("chat")).await.unwrap();
    assert_eq!(
        stage.world.api_seen()[0].uri,
        "/services/T00/B00/hook-secret"
    );
    assert_eq!(response.body, b"no service [secret] here");
    stage.set_env("CHAT_HOOK", "http://127.0.0.1:1/services/hook-secret");
    let error = stage.send(&notify(), hook("chat")).await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0201", Sent::No)
    );
    assert_eq!(error.error.message, "the hook `chat` could not be reached");
    for (value, code) in [
        ("not a url hook-secret", "BR0206"),
        ("http://evil.example/hook-secret", "BR0204"),
        ("https://graph.microsoft.com/hook-secret", "BR0204"),
    ] {
        stage.set_env("CHAT_HOOK", value);
        let error = stage.send(&notify(), hook("chat")).await.unwrap_err();
        assert_eq!(error.error.code, code);
        assert!(
            !format!("{error:?} {error}").contains("hook-secret"),
            "{error}"
        );
    }
    let error = stage.send(&notify(), hook("unknown")).await.unwrap_err();
    assert_eq!(error.error.code, "BR0106");
}

#[tokio::test]
async fn a_secret_may_stand_in_a_header_of_a_url_and_not_of_an_api() {
    let stage = stage_with_secrets().await;
    let secret = HeaderText::Secret(Secret {
        name: "api_key".to_owned(),
    });
    let mut request = to(&stage.web, Method::Get);
    request
        .headers
        .push(("authorization".to_owned(), secret.clone()));
    request
        .headers
        .push(("x-api-key".to_owned(), secret.clone()));
    stage
        .world
        .next_api_reply(Reply::new(200, r#"{"echo":"key-of-the-intel-service"}"#));
    let response = stage.send(&call(), request).await.unwrap();
    assert_eq!(response.body, br#"{"echo":"[secret]"}"#);
    let seen = &stage.world.api_seen()[0];
    assert_eq!(seen.headers["authorization"], "key-of-the-intel-service");
    assert_eq!(seen.headers["x-api-key"], "key-of-the-intel-service");
    let text = HeaderText::Text("Bearer stolen".to_owned());
    for header in [
        ("authorization", text.clone()),
        ("cookie", secret.clone()),
        ("host", text),
    ] {
        let mut request = to(&stage.web, Method::Get);
        request.headers.push((header.0.to_owned(), header.1));
        let error = stage.send(&call(), request).await.unwrap_err();
        assert_eq!(error.error.code, "BR0204", "{}", header.0);
    }
    let mut request = api_request(Method::Get, "/a");
    request.headers.push(("authorization".to_owned(), secret));
    assert_eq!(
        stage
            .send(&contain(), request)
            .await
            .unwrap_err()
            .error
            .code,
        "BR0204"
    );
}

#[tokio::test]
async fn a_redirect_from_a_url_is_not_followed_to_a_door() {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
    })
    .await;
    let door = format!("{}/api/machines", stage.origin);
    stage
        .world
        .next_api_reply(Reply::new(307, "").with("location", &door));
    let response = stage
        .send(&call(), to(&stage.web, Method::Get))
        .await
        .unwrap();
    assert_eq!((response.status, stage.world.api_count()), (307, 1));
}

#[tokio::test]
async fn a_file_is_kept_by_what_it_holds_and_its_host_gets_no_token() {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "allow_loopback": true });
    })
    .await;
    let mut wanted = link(&format!("{}/package.zip?sig=s", stage.origin));
    wanted.keep_bytes_max = Some(3);
    stage.world.next_api_reply(Reply::new(200, "abc"));
    let response = stage.send(&call(), wanted.clone()).await.unwrap();
    let kept: KeptFile = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(kept.size_bytes, 3);
    let place = stage
        .store
        .path()
        .join(&kept.sha256[..2])
        .join(&kept.sha256);
    assert_eq!(std::fs::read(place).unwrap(), b"abc");
    let headers = &stage.world.api_seen()[0].headers;
    assert!(!headers.contains_key("authorization"));

    stage.world.next_api_reply(Reply::new(200, "abcd"));
    let error = stage.send(&call(), wanted.clone()).await.unwrap_err();
    assert_eq!(error.error.code, "BR0205");
    stage.world.next_api_reply(Reply::new(404, "gone"));
    let response = stage.send(&call(), wanted).await.unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (404, b"gone".as_slice())
    );
    let names = std::fs::read_dir(stage.store.path()).unwrap().count();
    assert_eq!(names, 1, "what was not kept leaves nothing");
}

/// A link that a service gave.
fn link(url: &str) -> Request {
    request(Target::Link(url.to_owned()), Method::Get, "")
}

#[tokio::test]
async fn a_link_of_a_service_is_read_without_a_token_where_other_urls_have_no_way() {
    let stage = Stage::new().await;
    let place = format!("{}/result?sig=s", stage.origin);
    assert!(refused(&stage, &place).await.contains("BR0204"));
    stage.world.next_api_reply(Reply::new(200, "said"));
    let response = stage.send(&call(), link(&place)).await.unwrap();
    assert_eq!(response.body, b"said");
    let headers = &stage.world.api_seen()[0].headers;
    assert!(!headers.contains_key("authorization"));
    for (method, body) in [
        (Method::Post, Body::Empty),
        (Method::Get, Body::Json(json!({ "isolate": true }))),
    ] {
        let mut wrong = link(&place);
        (wrong.method, wrong.body) = (method, body);
        let error = stage.send(&contain(), wrong).await.unwrap_err();
        assert_eq!(error.error.code, "BR0206");
    }
    let error = stage
        .send(&call(), link("https://10.0.0.1/x"))
        .await
        .unwrap_err();
    assert_eq!(error.error.code, "BR0204");
    assert_eq!(stage.world.api_count(), 1);
}
