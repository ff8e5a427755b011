//! What the built-in actions send, and what they make of the answer.

use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use crate::{AddNote, Builtin, BuiltinAction, HttpRequest, NotifyWebhook};
use actions_contract::{
    Action, ActionError, BoxFuture, Call, EffectKind, Egress, EgressError, ErrorKind, Follow, Mode,
    Outcome, Request, Response, Target,
};
use engine_model::{Millis, RunId, Timestamp};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// An egress that keeps what it is given and answers as it was told.
struct Fake {
    answer: Response,
    sent: Mutex<Vec<Request>>,
}

impl Egress for Fake {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        self.sent.lock().unwrap().push(request);
        Box::pin(async { Ok(self.answer.clone()) })
    }
}

fn answer(status: u16, kind: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: body.as_bytes().to_vec(),
        retry_after: None,
    }
}

fn call(mode: Mode, args: Value) -> Call {
    let tenant = "default".parse().unwrap();
    let playbook = "contain".parse().unwrap();
    Call {
        run: RunId::derive(&tenant, &playbook, &"t".parse().unwrap(), "a1"),
        playbook,
        step: "steps[0]".to_owned(),
        tenant,
        connection: None,
        action: "http.request".parse().unwrap(),
        effect: EffectKind::Read,
        mode,
        idem: "x".to_owned(),
        attempt: 1,
        args,
        resume: None,
        begun_at: Timestamp::from_ms(0),
        now: "2026-10-24T12:00:00Z".parse().unwrap(),
        time_left: Millis::from_secs(60),
        follow: Follow::default(),
    }
}

/// Runs `B` once; gives the outcome and the request that left, if one did.
fn run<B: Builtin>(mode: Mode, args: Value, answer: Response) -> (Outcome, Option<Request>) {
    let fake = Fake {
        answer,
        sent: Mutex::new(Vec::new()),
    };
    let action = BuiltinAction::<B>::new();
    let call = call(mode, args);
    let polled = pin!(action.call(&call, &fake)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = polled else {
        panic!("the fake egress never waits")
    };
    let sent = fake.sent.lock().unwrap().pop();
    (outcome, sent)
}

fn failed(outcome: Outcome) -> ActionError {
    match outcome {
        Outcome::Failed { error } => error,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn done(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done { output } => output,
        other => panic!("expected an output, got {other:?}"),
    }
}

#[test]
fn a_json_answer_is_read_and_any_other_is_text() {
    for (kind, text, body) in [
        (
            "application/json; charset=utf-8",
            r#"{"a":1}"#,
            json!({ "a": 1 }),
        ),
        ("application/problem+json", "[]", json!([])),
        ("text/plain", r#"{"a":1}"#, json!(r#"{"a":1}"#)),
        ("application/json", "", Value::Null),
    ] {
        let args = json!({ "url": "https://cmdb.corp.example/api" });
        let (outcome, _) = run::<HttpRequest>(Mode::Execute, args, answer(200, kind, text));
        let output = done(outcome);
        assert_eq!(output["body"], body, "{kind}");
        assert_eq!(output["headers"]["content-type"], kind);
    }
}

#[test]
fn query_and_headers_leave_as_given_and_a_secret_leaves_as_its_name() {
    let args = json!({
        "url": "https://cmdb.corp.example/api?v=2",
        "query": { "name": "a b&c" },
        "headers": { "Accept": "text/csv", "Authorization": { "$secret": "cmdb" } },
    });
    let (_, sent) = run::<HttpRequest>(Mode::Execute, args, answer(200, "text/csv", "x"));
    let sent = sent.unwrap();
    assert_eq!(
        sent.target,
        Target::Url("https://cmdb.corp.example/api?v=2".to_owned())
    );
    assert_eq!(sent.query, [("name".into(), "a b&c".to_owned())]);
    expect![[
        r#"[("Accept", Text("text/csv")), ("Authorization", Secret(Secret { name: "cmdb" }))]"#
    ]]
    .assert_eq(&format!("{:?}", sent.headers));
}

#[test]
fn a_status_that_is_not_accepted_fails() {
    let url = "https://cmdb.corp.example/api";
    let at = |status, accept: Value| {
        let args = json!({ "url": url, "accept": accept });
        run::<HttpRequest>(
            Mode::Execute,
            args,
            answer(status, "text/plain", " no such host "),
        )
        .0
    };
    let error = failed(at(404, json!([])));
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(error.message, "the server answered 404: no such host");
    assert!(!error.retryable);
    assert_eq!(done(at(404, json!([404])))["status"], 404);
    assert!(failed(at(503, json!([404]))).retryable);
}

#[test]
fn an_address_with_credentials_or_another_scheme_is_refused_before_anything_leaves() {
    for url in [
        "ftp://x.example/",
        "file:///etc/passwd",
        "//x.example",
        "https://",
        "https://user:pw@x.example/",
        "https://x.example\\@evil.example/",
        "https://x.example\t/",
    ] {
        let (outcome, sent) =
            run::<HttpRequest>(Mode::Execute, json!({ "url": url }), answer(200, "", ""));
        assert_eq!(sent, None, "{url}");
        assert_eq!(failed(outcome).kind, ErrorKind::InvalidInput, "{url}");
    }
}

#[test]
fn parameters_that_do_not_exist_are_refused() {
    for args in [
        json!({ "url": "https://x.example", "verify": false }),
        json!({ "url": "https://x.example", "method": "POST" }),
        json!({ "method": "GET" }),
    ] {
        let (outcome, sent) = run::<HttpRequest>(Mode::Execute, args, answer(200, "", ""));
        assert_eq!(failed(outcome).kind, ErrorKind::InvalidInput);
        assert_eq!(sent, None);
    }
}

fn message(format: &str) -> Value {
    json!({
        "url": { "$secret": "soc_hook" },
        "format": format,
        "title": "Device <isolated>",
        "text": "**ws1** was isolated.",
        "facts": { "Severity": "high", "User": "a_b*c" },
    })
}

fn check_body(format: &str, expected: &Expect) {
    let (outcome, sent) = run::<NotifyWebhook>(
        Mode::Execute,
        message(format),
        answer(202, "text/plain", "ok"),
    );
    assert_eq!(done(outcome), json!({ "status": 202 }));
    let sent = sent.unwrap();
    assert!(matches!(&sent.target, Target::SecretUrl(secret) if secret.name == "soc_hook"));
    let actions_contract::Body::Json(body) = sent.body else {
        panic!("not JSON")
    };
    expected.assert_eq(&serde_json::to_string_pretty(&body).unwrap());
}

#[test]
fn slack_gets_blocks() {
    check_body(
        "slack",
        &expect![[r#"
        {
          "blocks": [
            {
              "text": {
                "emoji": false,
                "text": "Device <isolated>",
                "type": "plain_text"
              },
              "type": "header"
            },
            {
              "text": "**ws1** was isolated.",
              "type": "markdown"
            },
            {
              "fields": [
                {
                  "emoji": false,
                  "text": "Severity: high",
                  "type": "plain_text"
                },
                {
                  "emoji": false,
                  "text": "User: a_b*c",
                  "type": "plain_text"
                }
              ],
              "type": "section"
            }
          ],
          "text": "Device &lt;isolated&gt;"
        }"#]],
    );
}

#[test]
fn teams_gets_an_adaptive_card() {
    check_body(
        "teams",
        &expect![[r#"
        {
          "attachments": [
            {
              "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "body": [
                  {
                    "inlines": [
                      {
                        "size": "Large",
                        "text": "Device <isolated>",
                        "type": "TextRun",
                        "weight": "Bolder"
                      }
                    ],
                    "type": "RichTextBlock"
                  },
                  {
                    "text": "**ws1** was isolated.",
                    "type": "TextBlock",
                    "wrap": true
                  },
                  {
                    "facts": [
                      {
                        "title": "Severity",
                        "value": "high"
                      },
                      {
                        "title": "User",
                        "value": "a\\_b\\*c"
                      }
                    ],
                    "type": "FactSet"
                  }
                ],
                "msteams": {
                  "width": "Full"
                },
                "type": "AdaptiveCard",
                "version": "1.4"
              },
              "contentType": "application/vnd.microsoft.card.adaptive",
              "contentUrl": null
            }
          ],
          "type": "message"
        }"#]],
    );
}

#[test]
fn anything_else_gets_plain_json() {
    check_body(
        "json",
        &expect![[r#"
        {
          "facts": {
            "Severity": "high",
            "User": "a_b*c"
          },
          "playbook": "contain",
          "run": "run_6nuaai2eneaqhurv6r5jap6hwc",
          "step": "steps[0]",
          "text": "**ws1** was isolated.",
          "title": "Device <isolated>"
        }"#]],
    );
}

#[test]
fn a_long_message_stays_within_the_limits_of_slack() {
    let mut args = message("slack");
    args["title"] = json!("é".repeat(400));
    args["text"] = json!("x".repeat(50_000));
    let facts: serde_json::Map<String, Value> = (0..600)
        .map(|n| (format!("f{n:03}"), json!("y".repeat(3000))))
        .collect();
    args["facts"] = Value::Object(facts);
    let (_, sent) = run::<NotifyWebhook>(Mode::Execute, args, answer(200, "", "ok"));
    let actions_contract::Body::Json(body) = sent.unwrap().body else {
        panic!("not JSON")
    };
    let blocks = body["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 50);
    assert_eq!(
        blocks[0]["text"]["text"].as_str().unwrap().chars().count(),
        150
    );
    assert_eq!(blocks[1]["text"].as_str().unwrap().chars().count(), 12_000);
    assert_eq!(blocks[2]["fields"].as_array().unwrap().len(), 10);
    assert_eq!(
        blocks[2]["fields"][0]["text"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        2000
    );
}

#[test]
fn a_refused_message_says_why_and_not_where() {
    let (outcome, _) = run::<NotifyWebhook>(
        Mode::Execute,
        message("slack"),
        answer(400, "text/plain", "invalid_blocks"),
    );
    assert_eq!(
        failed(outcome).message,
        "the server answered 400: invalid_blocks"
    );
}

#[test]
fn a_simulated_message_is_not_sent() {
    let (outcome, sent) =
        run::<NotifyWebhook>(Mode::Simulate, message("teams"), answer(500, "", ""));
    assert_eq!(done(outcome), json!({ "status": 200 }));
    assert_eq!(sent, None);
}

#[test]
fn a_note_carries_its_text_and_time_and_leaves_nothing_behind() {
    let args = json!({ "text": "looked at it" });
    let (outcome, sent) = run::<AddNote>(Mode::Execute, args, answer(500, "", ""));
    assert_eq!(
        done(outcome),
        json!({ "text": "looked at it", "at": "2026-10-24T12:00:00.000Z" })
    );
    assert_eq!(sent, None);
}
