//! What leaves the engine on behalf of a guest.

use crate::support::{
    Service, Wire, act, api_example, call, component, failure, load_with, strict,
};
use actions_contract::{Api, Call, HeaderText, Mode, Outcome, Secret, Sent, Target};
use actions_interface::guests::{self, changed};
use engine_model::Millis;
use serde_json::json;

#[tokio::test]
async fn a_granted_request_leaves_as_it_was_meant() {
    let action = act(guests::ASK).await;
    let wire = Wire::to(Service::Answers(200));
    let outcome = action.call(&call(&*action), &wire).await;
    assert_eq!(
        outcome,
        Outcome::Done {
            output: json!({ "ok": true })
        }
    );
    let [request] = wire.sent().try_into().unwrap();
    assert_eq!(
        request.target,
        Target::Url("https://api.example.com".to_owned())
    );
    assert_eq!(request.path, "/v1/files");
    assert_eq!(request.query, [("hash".into(), "abc d".to_owned())]);
    assert_eq!(
        request.headers,
        [("x-trace".to_owned(), HeaderText::Text("one".to_owned()))]
    );
    assert_eq!(request.operation, "guest.act");
}

#[tokio::test]
async fn a_host_that_is_not_declared_is_refused_with_the_line_that_would_allow_it() {
    let elsewhere = changed(guests::ASK, "api.example.com", "cdn.example.com");
    let action = act(&elsewhere).await;
    let wire = Wire::to(Service::Answers(200));
    let outcome = action.call(&call(&*action), &wire).await;
    assert_eq!(failure(&outcome), ("guard_refused", "PL0205"));
    let Outcome::Failed { error } = outcome else {
        unreachable!()
    };
    assert!(
        error
            .message
            .contains(r#"{"host":"cdn.example.com","methods":["GET"]"#),
        "{error}"
    );
    assert_eq!(error.details.unwrap()["code"], "ask.denied");
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn a_host_that_is_declared_but_not_granted_is_refused() {
    let host = strict();
    let capabilities = api_example();
    let loaded = load_with(&host, guests::ASK, capabilities, json!([]))
        .await
        .unwrap();
    let wire = Wire::to(Service::Answers(200));
    let outcome = loaded.actions[0]
        .call(&call(&*loaded.actions[0]), &wire)
        .await;
    assert_eq!(failure(&outcome), ("guard_refused", "PL0206"));
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn a_forged_header_keeps_the_request_at_home() {
    for name in ["authorization", "Cookie", "HOST", "proxy-auth"] {
        let forged = changed(guests::ASK, "\"x-trace\\00\"", &format!("\"{name}\\00\""));
        let action = act(&forged).await;
        let wire = Wire::to(Service::Answers(200));
        let outcome = action.call(&call(&*action), &wire).await;
        assert_eq!(failure(&outcome), ("guard_refused", "ask.denied"), "{name}");
        assert!(wire.sent().is_empty());
    }
}

#[tokio::test]
async fn an_action_that_reads_cannot_write() {
    let writes = changed(guests::ASK, "\"GET\\00\"", "\"POST\\00\"");
    let action = act(&writes).await;
    let wire = Wire::to(Service::Answers(200));
    assert_eq!(
        failure(&action.call(&call(&*action), &wire).await),
        ("guard_refused", "PL0206")
    );
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn nothing_is_written_while_simulating_or_looking_up() {
    for (mode, told) in [(Mode::Simulate, "done"), (Mode::Reconcile, "failed")] {
        let action = act(guests::POST_AND_TRAP).await;
        let wire = Wire::to(Service::Answers(200));
        let outcome = action
            .call(
                &Call {
                    mode,
                    ..call(&*action)
                },
                &wire,
            )
            .await;
        match told {
            "done" => assert!(matches!(outcome, Outcome::Done { .. })),
            _ => assert_eq!(failure(&outcome), ("plugin_trap", "PL0201")),
        }
        assert!(wire.sent().is_empty());
    }
}

#[tokio::test]
async fn an_action_whose_simulation_writes_does_not_install() {
    let simulates = changed(
        guests::POST_AND_TRAP,
        "$simulates i32 (i32.const 0)",
        "$simulates i32 (i32.const 1)",
    );
    let refused = load_with(&strict(), &simulates, api_example(), json!([])).await;
    let error = refused.err().unwrap();
    assert_eq!(error.code().as_str(), "PL0102");
    assert!(
        error.to_string().contains("act: it says that it simulates"),
        "{error}"
    );
}

#[tokio::test]
async fn a_service_is_reached_where_the_operator_says_with_the_credential_given_there() {
    let host = strict();
    let wish = json!([{ "host": "connection:okta", "methods": ["GET"], "paths": ["/v1.0/users"] }]);
    let guest = changed(guests::READ_GRAPH, "\"graph\\00\"", "\"okta\\00\"");
    // `act` says that it uses `graph`; the text is the prelude's.
    let guest = guests::whole(&guest).replace(
        "(i32.const 1216) \"graph\\00\"",
        "(i32.const 1216) \"okta\\00\"",
    );
    let manifest = json!({ "id": "guest", "version": "1.2.3", "capabilities": wish });
    let file = component(&guest, actions_interface::WIT, &manifest);
    let load = |connections: serde_json::Value| {
        let config = json!({ "file": "x", "grants": wish, "connections": connections });
        let config: engine_plugin::PluginConfig = serde_json::from_value(config).unwrap();
        let (host, file) = (&host, &file);
        async move { host.load(file, &config).await.unwrap() }
    };
    let bound = load(json!({
        "okta": { "url": "https://acme.okta.com/", "headers": { "Authorization": "okta_token" } }
    }))
    .await;
    let wire = Wire::to(Service::Answers(200));
    bound.actions[0]
        .call(&call(&*bound.actions[0]), &wire)
        .await;
    let [request] = wire.sent().try_into().unwrap();
    assert_eq!(
        request.target,
        Target::Url("https://acme.okta.com".to_owned())
    );
    assert_eq!(request.path, "/v1.0/users/u1");
    let secret = HeaderText::Secret(Secret {
        name: "okta_token".to_owned(),
    });
    assert_eq!(request.headers, [("authorization".to_owned(), secret)]);

    let unbound = load(json!({})).await;
    let wire = Wire::to(Service::Answers(200));
    unbound.actions[0]
        .call(&call(&*unbound.actions[0]), &wire)
        .await;
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn a_connection_is_read_through_the_credentials_of_the_call() {
    let wish = json!([{ "host": "connection:graph", "paths": ["/v1.0/users"] }]);
    let host = strict();
    let loaded = load_with(&host, guests::READ_GRAPH, wish.clone(), wish.clone())
        .await
        .unwrap();
    let wire = Wire::to(Service::Answers(200));
    let outcome = loaded.actions[0]
        .call(&call(&*loaded.actions[0]), &wire)
        .await;
    assert_eq!(
        outcome,
        Outcome::Done {
            output: json!({ "ok": true })
        }
    );
    assert_eq!(wire.sent()[0].target, Target::Api(Api::Graph));
    // `undo-act` does not say that it uses Graph.
    let outcome = loaded.actions[1]
        .call(&call(&*loaded.actions[1]), &wire)
        .await;
    assert_eq!(failure(&outcome).0, "guard_refused");

    let elsewhere = changed(guests::READ_GRAPH, "/v1.0/users/u1", "/v1.0/usersettings");
    let loaded = load_with(&host, &elsewhere, wish.clone(), wish)
        .await
        .unwrap();
    let outcome = loaded.actions[0]
        .call(&call(&*loaded.actions[0]), &wire)
        .await;
    assert_eq!(failure(&outcome), ("guard_refused", "PL0205"));
}

/// How a containing action ends that sends its request and then breaks.
async fn contain(service: Service) -> Outcome {
    let action = act(guests::POST_AND_TRAP).await;
    let request = Call {
        time_left: Millis::from_secs(1),
        ..call(&*action)
    };
    action.call(&request, &Wire::to(service)).await
}

#[tokio::test]
async fn a_containment_that_may_have_arrived_is_unknown_and_never_failed() {
    let cases = [
        (Service::Answers(200), "unknown"),
        (Service::Answers(500), "unknown"),
        (Service::Breaks(Sent::Maybe), "unknown"),
        (Service::Silent, "unknown"),
        (Service::Answers(403), "failed"),
        (Service::Answers(429), "failed"),
        (Service::Answers(503), "failed"),
        (Service::Breaks(Sent::No), "failed"),
    ];
    for (index, (service, expected)) in cases.into_iter().enumerate() {
        let outcome = contain(service).await;
        let told = match &outcome {
            Outcome::Unknown { .. } => "unknown",
            Outcome::Failed { .. } => "failed",
            other => panic!("{other:?}"),
        };
        assert_eq!(told, expected, "case {index}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_notification_that_broke_has_failed() {
    let notifies = changed(
        guests::POST_AND_TRAP,
        "$effect i32 (i32.const 3)",
        "$effect i32 (i32.const 1)",
    );
    let action = act(&notifies).await;
    let wire = Wire::to(Service::Answers(200));
    assert_eq!(
        failure(&action.call(&call(&*action), &wire).await),
        ("plugin_trap", "PL0201")
    );
    assert_eq!(wire.sent().len(), 1);
}
