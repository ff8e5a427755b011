//! The operations of the catalog, performed against the emulator.

use std::sync::{Arc, LazyLock};

use actions_catalog::{Options as CatalogOptions, catalog};
use actions_contract::{
    Action, ActionError, Body, BoxFuture, Call, EffectKind, Egress, EgressError, ErrorKind,
    KeptFile, Mode, Outcome, Request, Response, Sent, Target,
};
use actions_emulator::{Ending, Fault, FaultMatch, FaultRule};
use engine_model::{Millis, Timestamp, code};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::door::Door;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the documented links to exports lead.
const STORAGE: &str = "https://tvmexport.blob.core.windows.net";

const RUN: &str = "run_aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The headers of an answer as the broker hands them on.
fn texts(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let headers = headers.iter();
    headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

impl Egress for Door {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async move {
            let (content_type, body) = match request.body {
                Body::Json(body) => ("application/json".into(), Some(body.to_string())),
                Body::Empty => ("application/json".into(), None),
                Body::Bytes {
                    content_type,
                    bytes,
                } => (content_type, Some(String::from_utf8(bytes).unwrap())),
            };
            let (door, path) = match &request.target {
                Target::Api(api) => {
                    let path = Door::with_query(&request.path, &request.query);
                    (self.token_for(0, *api), path)
                }
                // A link is its own key and goes without a token.
                Target::Link(link) => {
                    // What a service keeps elsewhere is in this world kept here.
                    let here = link.replace(STORAGE, "/emulator/exports");
                    let path = here.trim_start_matches(&self.emulator.base_url());
                    (self.with_token(None), path.to_owned())
                }
                other => panic!("{} goes to {other:?}", request.operation),
            };
            let door = match &request.target {
                Target::Api(api) if in_user_context_only(&request.operation) => {
                    self.user_token_for(*api)
                }
                _ => door,
            };
            let method = request.method.as_str();
            let mut answer = door.send_text(method, &path, &content_type, body).await;
            if let Some(max) = request.keep_bytes_max {
                let size_bytes = answer.bytes.len() as u64;
                assert!(size_bytes <= max);
                answer.bytes = serde_json::to_vec(&KeptFile {
                    sha256: hex(&Sha256::digest(&answer.bytes)),
                    size_bytes,
                    media_type: None,
                })
                .unwrap();
            }
            match answer.status {
                Some(status) => Ok(Response {
                    status,
                    headers: texts(&answer.headers),
                    body: answer.bytes,
                    retry_after: None,
                }),
                None => Err(EgressError {
                    error: ActionError::retryable(
                        ErrorKind::Network,
                        code::AC0111,
                        "the connection was cut",
                        None,
                    ),
                    sent: Sent::Maybe,
                }),
            }
        })
    }
}

/// A call of `action`, of a step that began when the world did.
pub(crate) fn call(door: &Door, action: &str, args: Value) -> Call {
    Call {
        run: RUN.parse().unwrap(),
        playbook: "contain".parse().unwrap(),
        step: "isolate".to_owned(),
        tenant: door.emulator.options().tenants[0].id.parse().unwrap(),
        connection: None,
        action: action.parse().unwrap(),
        effect: EffectKind::Contain,
        mode: Mode::Execute,
        idem: format!("{RUN}/isolate"),
        attempt: 1,
        args,
        resume: None,
        begun_at: Timestamp::from_ms(door.emulator.now_ms()),
        now: Timestamp::from_ms(door.emulator.now_ms()),
        time_left: Millis::from_secs(60),
        follow: actions_contract::Follow::default(),
    }
}

/// Every action, made once: that takes its time.
static ACTIONS: LazyLock<Vec<Arc<dyn Action>>> =
    LazyLock::new(|| catalog(CatalogOptions::default()));

/// Whether no application may call an operation without a person.
fn in_user_context_only(operation: &str) -> bool {
    let mut actions = ACTIONS.iter();
    actions
        .find(|action| action.info().id.as_str() == operation)
        .is_some_and(|action| action.info().permissions_application.is_empty())
}

pub(crate) async fn perform(door: &Door, call: &Call) -> Outcome {
    let action = ACTIONS
        .iter()
        .find(|action| action.info().id == call.action);
    let action = action.unwrap_or_else(|| panic!("{} is not in the catalog", call.action));
    action.call(call, door).await
}

/// Performs a call and follows it to its end, the clock running ahead to each look.
pub(crate) async fn follow(door: &Door, mut call: Call) -> Outcome {
    for _ in 0..10 {
        match perform(door, &call).await {
            Outcome::Pending {
                state,
                resume_after,
                ..
            } => {
                door.clock
                    .advance(i64::try_from(resume_after.as_ms()).unwrap());
                call.resume = Some(state);
            }
            other => return other,
        }
    }
    panic!("{} never ends", call.action);
}

fn isolation(door: &Door) -> Call {
    let args = json!({
        "machine_id": door.victim(),
        "comment": "alert 1",
        "isolation_type": "Full",
    });
    call(door, "defender.isolate-machine", args)
}

#[track_caller]
pub(crate) fn done(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done { output } => output,
        other => panic!("not done: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn failed(outcome: Outcome) -> ErrorKind {
    match outcome {
        Outcome::Failed { error } => error.kind,
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn every_operation_of_the_catalog_is_served() {
    let coverage = Door::new().emulator.coverage();
    assert_eq!(coverage.unserved, Vec::<&str>::new());
    assert!(coverage.served.len() >= 13);
}

#[tokio::test]
async fn an_isolation_is_followed_to_its_end() {
    let door = Door::new();
    let output = done(follow(&door, isolation(&door)).await);
    assert_eq!(output["status"], "Succeeded");
    assert_eq!(output["machine_id"], door.victim());
    assert!(
        door.emulator
            .state()
            .machine(&door.victim())
            .unwrap()
            .isolated
    );
    let args = json!({ "machine_id": door.victim(), "comment": "false alarm" });
    done(follow(&door, call(&door, "defender.unisolate-machine", args)).await);
    assert!(
        !door
            .emulator
            .state()
            .machine(&door.victim())
            .unwrap()
            .isolated
    );
}

#[tokio::test]
async fn an_isolation_that_fails_says_how() {
    for (ending, kind) in [
        (Ending::Fails, ErrorKind::Conflict),
        (Ending::TimesOut, ErrorKind::Timeout),
    ] {
        let door = Door::with(|options| options.isolation = ending);
        assert_eq!(failed(follow(&door, isolation(&door)).await), kind);
    }
}

#[tokio::test]
async fn a_second_isolation_is_a_conflict() {
    let door = Door::new();
    assert!(matches!(
        perform(&door, &isolation(&door)).await,
        Outcome::Pending { .. }
    ));
    assert_eq!(
        failed(perform(&door, &isolation(&door)).await),
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn a_lost_answer_is_found_again_and_a_lost_request_is_not() {
    for (fault, arrived) in [(Fault::CutAfter, true), (Fault::CutBefore, false)] {
        let rule = FaultRule {
            on: FaultMatch::operation("defender.isolate-machine"),
            times: 1,
            fault,
        };
        let door = Door::with(|options| options.faults = vec![rule]);
        let mut call = isolation(&door);
        assert!(matches!(
            perform(&door, &call).await,
            Outcome::Unknown { .. }
        ));
        door.clock.advance(5000);
        call.mode = Mode::Reconcile;
        match perform(&door, &call).await {
            Outcome::Done { output } if arrived => assert_eq!(output["status"], "Succeeded"),
            Outcome::Nothing if !arrived => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(door.emulator.counts().isolate_posts(&door.victim()), 1);
    }
}

/// Performs an action and checks that its output is typed to the last field and not empty.
pub(crate) async fn check(door: &Door, action: &str, args: Value) {
    let output = done(perform(door, &call(door, action, args)).await);
    // Fields of another shape than documented end up in `extra`.
    let text = output.to_string();
    assert!(!text.contains("\"extra\""), "{action}: {text}");
    let found = output
        .get("value")
        .or(output.get("rows"))
        .and_then(Value::as_array);
    assert!(
        found.is_none_or(|found| !found.is_empty()),
        "{action}: {text}"
    );
}

#[tokio::test]
async fn devices_and_their_actions_have_the_documented_shape() {
    let door = Door::new();
    let isolated = done(follow(&door, isolation(&door)).await);
    let machine = json!({ "machine_id": door.victim() });
    let found = done(perform(&door, &call(&door, "defender.get-machine", machine.clone())).await);
    let now = Timestamp::from_ms(door.emulator.now_ms());
    let address = json!({ "ip": found["last_ip_address"], "timestamp": now });
    check(&door, "defender.find-machines-by-ip", address).await;
    check(&door, "defender.get-machine", machine).await;
    check(&door, "defender.list-machines", json!({ "limit": 3 })).await;
    let id = json!({ "machine_action_id": isolated["id"] });
    check(&door, "defender.get-machine-action", id).await;
    let filter = json!({ "filter": "status eq 'Succeeded'" });
    check(&door, "defender.list-machine-actions", filter).await;
}

#[tokio::test]
async fn alerts_have_the_documented_shape() {
    let door = Door::new();
    let id = door.emulator.demo_alert()["id"].clone();
    check(&door, "defender.get-alert", json!({ "alert_id": id })).await;
    let filter = json!({ "filter": "severity eq 'High'", "expand_evidence": true });
    check(&door, "defender.list-alerts", filter).await;
    let change = json!({ "alert_id": id, "status": "InProgress", "comment": "x" });
    check(&door, "defender.update-alert", change).await;
}

#[tokio::test]
async fn hunting_results_have_the_documented_shape() {
    let door = Door::new();
    let query = json!({ "query": "DeviceProcessEvents | where FileName =~ 'rundll32.exe'" });
    for action in [
        "defender.run-advanced-hunting-query",
        "defender.run-advanced-query",
        "defender.run-hunting-query",
        "graph.run-hunting-query",
    ] {
        check(&door, action, query.clone()).await;
    }
}
