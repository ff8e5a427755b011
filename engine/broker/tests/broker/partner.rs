//! Partners: one application, many tenants, and nothing that passes from one to another.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{Call, Egress as _, EgressError, Method, Response};
use engine_broker::{Config, CustomerStatus};
use engine_model::Millis;
use expect_test::expect;
use serde_json::json;

use crate::stage::{CLIENT, OTHER_TENANT, Reply, Stage, TENANT, api_request, call, refusal};

const PENDING: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const SUSPENDED: &str = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
const STRANGER: &str = "cccccccc-cccc-cccc-cccc-cccccccccccc";

async fn stage() -> Stage {
    Stage::with(|config, _, _| {
        let prod = config["connections"]["prod"].as_object_mut().unwrap();
        prod.insert("context".to_owned(), json!("partner"));
        prod.remove("tenant");
        let consent = json!({ "redirect_uri": "https://soc.example/consent" });
        prod.insert("consent".to_owned(), consent);
        let customers = json!({
            "contoso": { "id": TENANT, "status": "active" },
            "fabrikam": { "id": OTHER_TENANT.to_uppercase(), "status": "active", "apis": ["mde"] },
            "tailspin": { "id": PENDING },
            "woodgrove": { "id": SUSPENDED, "status": "suspended" },
        });
        prod.insert("tenants".to_owned(), customers);
    })
    .await
}

fn call_of(tenant: &str) -> Call {
    Call {
        tenant: tenant.parse().unwrap(),
        ..call()
    }
}

async fn get(stage: &Stage, tenant: &str) -> Result<Response, EgressError> {
    let request = api_request(Method::Get, "/api/machines");
    stage.broker.send(&call_of(tenant), request).await
}

async fn refused(stage: &Stage, tenant: &str) -> (String, String) {
    let error = get(stage, tenant).await.unwrap_err().error;
    (error.code.into_owned(), error.message)
}

#[tokio::test]
async fn every_customer_has_a_token_of_its_own() {
    let stage = stage().await;
    for tenant in [TENANT, OTHER_TENANT, TENANT, OTHER_TENANT] {
        get(&stage, tenant).await.unwrap();
    }
    let asked: Vec<String> = {
        let seen = stage.world.token_requests.lock().unwrap();
        seen.iter().map(|seen| seen.uri.clone()).collect()
    };
    let url = |tenant: &str| format!("/{tenant}/oauth2/v2.0/token");
    assert_eq!(asked, [url(TENANT), url(OTHER_TENANT)]);
    let sent: Vec<String> = {
        let seen = stage.world.api_seen();
        seen.iter()
            .map(|seen| seen.headers["authorization"].clone())
            .collect()
    };
    assert_eq!((&sent[0], &sent[1]), (&sent[2], &sent[3]));
    assert_ne!(sent[0], sent[1]);
    assert_eq!(
        stage.broker.tenant(Some("prod")),
        None,
        "it has no directory of its own"
    );
}

#[tokio::test]
async fn who_is_not_an_active_customer_is_refused_before_anything_is_sent() {
    let stage = stage().await;
    let (code, message) = refused(&stage, STRANGER).await;
    assert_eq!(code, "BR0104");
    assert!(message.contains("may not act for tenant"), "{message}");
    assert_eq!(refused(&stage, "default").await.0, "BR0104");
    let (code, message) = refused(&stage, SUSPENDED).await;
    assert_eq!(code, "BR0104");
    assert!(message.contains("is suspended"), "{message}");
    let (code, message) = refused(&stage, PENDING).await;
    assert_eq!(code, "BR0111");
    let url = format!(
        "consent: {}/{PENDING}/v2.0/adminconsent?client_id={CLIENT}\
         &redirect_uri=https%3A%2F%2Fsoc.example%2Fconsent\
         &scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default",
        stage.origin
    );
    assert!(message.contains(&url), "{message}");
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (0, 0));
}

#[tokio::test]
async fn the_customers_that_can_be_listed_are_the_active_ones() {
    let stage = stage().await;
    let listed = stage.broker.tenants(None).unwrap();
    let listed: Vec<&str> = listed.iter().map(|tenant| tenant.as_str()).collect();
    assert_eq!(listed, [TENANT, OTHER_TENANT]);
    let error = stage.broker.tenants(Some("other")).unwrap_err().error;
    assert_eq!(error.code, "BR0103");
    for tenant in &listed {
        get(&stage, tenant).await.unwrap();
    }
    assert_eq!(stage.world.token_count(), 2);
}

#[tokio::test]
async fn an_api_can_be_kept_from_a_customer() {
    let stage = stage().await;
    let target = actions_contract::Target::Api(actions_contract::Api::Graph);
    let request = crate::stage::request(target, Method::Get, "/x");
    let error = stage
        .broker
        .send(&call_of(OTHER_TENANT), request)
        .await
        .unwrap_err();
    assert_eq!(error.error.code, "BR0108");
    assert_eq!(stage.world.token_count(), 0);
}

#[tokio::test]
async fn a_token_of_another_customer_is_never_sent() {
    let stage = stage().await;
    *stage.world.claims.lock().unwrap() = json!({ "tid": OTHER_TENANT });
    assert_eq!(refused(&stage, TENANT).await.0, "BR0107");
    assert_eq!(stage.world.api_count(), 0);
}

#[tokio::test]
async fn a_customer_that_takes_its_consent_back_stops_nobody_else() {
    for number in [700_016, 65_001, 90_099] {
        let stage = stage().await;
        stage
            .world
            .next_token_reply(refusal(400, "invalid_grant", number));
        for _ in 0..3 {
            let (code, message) = refused(&stage, TENANT).await;
            assert_eq!(code, "BR0111", "{number}: {message}");
            assert!(
                message.contains(&format!("/{TENANT}/v2.0/adminconsent?")),
                "{message}"
            );
        }
        get(&stage, OTHER_TENANT).await.unwrap();
        assert_eq!(stage.world.token_count(), 2);
    }
}

#[tokio::test]
async fn a_throttled_or_slow_customer_delays_nobody_else() {
    let stage = Arc::new(stage().await);
    let busy = Reply::new(429, "{}").with("retry-after", "60");
    stage.world.next_token_reply(busy);
    let error = get(&stage, TENANT).await.unwrap_err().error;
    assert_eq!(error.retry_after, Some(Millis::from_secs(60)));
    get(&stage, OTHER_TENANT).await.unwrap();

    stage.clock.pass_secs(7200);
    let slow = Reply::new(503, "{}").after(Duration::from_secs(5));
    stage.world.next_token_reply(slow);
    let waiting = Arc::clone(&stage);
    let caller = tokio::spawn(async move { get(&waiting, TENANT).await });
    while stage.world.token_count() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let quick = tokio::time::timeout(Duration::from_secs(2), get(&stage, OTHER_TENANT));
    quick.await.expect("the other customer waited").unwrap();
    caller.abort();
}

fn answer(url: &str, fields: &str) -> String {
    let url = oauth2::url::Url::parse(url).unwrap();
    let state = url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    format!("{fields}&state={state}")
}

#[tokio::test]
async fn a_consent_is_accepted_once_and_changes_no_list() {
    let stage = stage().await;
    let link = stage
        .broker
        .consent_link("prod", &PENDING.to_uppercase())
        .unwrap();
    assert_eq!(link.expires_in, Millis::from_secs(900));
    let query = answer(&link.url, &format!("tenant={PENDING}&admin_consent=True"));
    let consented = stage.broker.consent_answer(&query).unwrap();
    assert_eq!(
        (consented.tenant.as_str(), consented.status),
        (PENDING, CustomerStatus::Pending)
    );
    let replayed = stage.broker.consent_answer(&query).unwrap_err();
    assert_eq!(replayed.code, "BR0107", "{replayed}");
    assert_eq!(refused(&stage, PENDING).await.0, "BR0111");
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_refused() {
    let stage = stage().await;
    let check = |query: &str, wanted: &str| {
        let error = stage.broker.consent_answer(query).unwrap_err();
        assert_eq!(error.code, wanted, "{query}: {error}");
    };
    check("", "BR0107");
    check(
        &format!("tenant={PENDING}&admin_consent=True&state=guessed"),
        "BR0107",
    );
    let link = || stage.broker.consent_link("prod", PENDING).unwrap().url;
    let swapped = answer(&link(), &format!("tenant={STRANGER}&admin_consent=True"));
    check(&swapped, "BR0107");
    check(&swapped.replace(STRANGER, PENDING), "BR0107");
    let declined = format!("tenant={PENDING}&error=access_denied&admin_consent=True");
    check(&answer(&link(), &declined), "BR0111");
    check(&answer(&link(), "admin_consent=True"), "BR0111");
    check(&answer(&link(), &format!("tenant={PENDING}")), "BR0111");
    let late = answer(&link(), &format!("tenant={PENDING}&admin_consent=True"));
    stage.clock.pass_secs(900);
    check(&late, "BR0111");
    let unknown = stage.broker.consent_link("prod", STRANGER).unwrap_err();
    assert_eq!(unknown.code, "BR0104");
    assert_eq!(
        stage.broker.consent_link("none", PENDING).unwrap_err().code,
        "BR0103"
    );
}

#[test]
fn a_list_of_customers_that_cannot_be_used_is_said_at_once() {
    let connection = json!({
        "context": "partner", "client_id": CLIENT, "apis": ["mde"],
        "credential": { "type": "secret", "secret": "env:S" },
        "consent": { "redirect_uri": "http://soc.example/consent" },
        "tenants": {
            "a": { "id": "organizations" },
            "b": { "id": TENANT, "apis": ["teams"] },
            "c": { "id": TENANT },
        },
    });
    let mut empty = connection.clone();
    empty["tenants"] = json!({});
    empty["consent"] = json!({ "redirect_uri": "https://soc.example/consent" });
    let config = json!({ "connections": { "full": connection, "none": empty } });
    let config: Config = serde_json::from_value(config).unwrap();
    let problems: Vec<String> = config
        .check()
        .iter()
        .map(|problem| format!("{} {}\n  {}", problem.code, problem.path, problem.message))
        .collect();
    expect![[r#"
        CF0101 connections.full.consent.redirect_uri
          this is not an https URL without credentials and query
        CF0101 connections.full.tenants.a.id
          `organizations` is not a GUID
        CF0101 connections.full.tenants.b.apis[0]
          there is no API `teams`
        CF0101 connections.full.tenants.c.id
          this tenant is listed twice
        CF0101 connections.none.tenants
          a partner connection needs the list of its customers"#]]
    .assert_eq(&problems.join("\n"));
}
