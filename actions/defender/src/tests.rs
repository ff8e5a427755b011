mod graph;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use actions_contract::read::{self, our_name};
use actions_contract::{
    Action, ActionError, Body, BoxFuture, Call, Egress, EgressError, ErrorKind, Follow, Mode,
    Operation, OperationAction, Outcome, Request, Response, Sent,
};
use engine_model::{Millis, RunId, Timestamp, code};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::alerts::{GetAlert, ListAlerts, UpdateAlert};
use crate::hunting::{RunAdvancedHuntingQuery, RunAdvancedQuery, RunHuntingQuery};
use crate::machine_actions::{
    GetMachineAction, IsolateMachine, ListMachineActions, UnisolateMachine,
};
use crate::machines::{FindMachinesByIp, GetMachine, ListMachines};
use crate::{Followed, Paged, mark};

type Isolate = Followed<IsolateMachine>;
type Unisolate = Followed<UnisolateMachine>;

/// An egress that answers from a script and keeps what it was asked.
struct Script {
    answers: Mutex<VecDeque<Result<Response, EgressError>>>,
    asked: Mutex<Vec<Request>>,
}

impl Egress for Script {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        self.asked.lock().unwrap().push(request);
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("one request too many");
        Box::pin(async { answer })
    }
}

fn answer(status: u16, body: &Value) -> Result<Response, EgressError> {
    let body = body.to_string().into_bytes();
    Ok(Response {
        status,
        headers: Vec::new(),
        body,
        retry_after: None,
    })
}

fn refusal(status: u16, code: &str, message: &str) -> Result<Response, EgressError> {
    answer(
        status,
        &json!({ "error": { "code": code, "message": message, "target": "t" } }),
    )
}

fn call<O: Operation>(args: Value) -> Call {
    let tenant = "default".parse().unwrap();
    let playbook = "contain".parse().unwrap();
    Call {
        run: RunId::derive(&tenant, &playbook, &"t".parse().unwrap(), "a1"),
        playbook,
        step: "isolate".to_owned(),
        tenant,
        connection: None,
        action: O::ENDPOINT.id.parse().unwrap(),
        effect: O::ENDPOINT.effect.kind(),
        mode: Mode::Execute,
        idem: "run_x/isolate".to_owned(),
        attempt: 1,
        args,
        resume: None,
        begun_at: "2026-10-24T12:00:00Z".parse().unwrap(),
        now: "2026-10-24T12:00:05Z".parse().unwrap(),
        time_left: Millis::from_secs(60),
        follow: Follow::default(),
    }
}

fn example_call<O: Operation>() -> Call {
    call::<O>(serde_json::to_value(O::example()).unwrap())
}

/// Runs one try of `O` against a script of answers.
fn run<O: Operation>(
    call: &Call,
    answers: impl IntoIterator<Item = Result<Response, EgressError>>,
) -> (Outcome, Vec<Request>) {
    let script = Script {
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
    };
    let action = OperationAction::of::<O>();
    let polled = pin!(action.call(call, &script)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = polled else {
        panic!("the script never waits")
    };
    assert!(
        script.answers.lock().unwrap().is_empty(),
        "a request was not sent"
    );
    (outcome, script.asked.into_inner().unwrap())
}

fn done(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done { output } => output,
        other => panic!("expected an output, got {other:?}"),
    }
}

fn failed(outcome: Outcome) -> ActionError {
    match outcome {
        Outcome::Failed { error } => error,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn pending(outcome: Outcome) -> (Value, Millis) {
    match outcome {
        Outcome::Pending {
            state,
            resume_after,
            ..
        } => (state, resume_after),
        other => panic!("expected to wait, got {other:?}"),
    }
}

fn query_of(request: &Request) -> Vec<(&str, &str)> {
    request
        .query
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_str()))
        .collect()
}

/// Every documented value is in the output: under our name, or kept under `extra`.
fn assert_kept(vendor: &Value, ours: &Value, path: &str) {
    match (vendor, ours) {
        (Value::Object(fields), Value::Object(out)) => {
            let none = Map::new();
            let extra = out.get("extra").and_then(Value::as_object).unwrap_or(&none);
            for (name, value) in fields {
                if name.contains("@odata.") || (value.is_null() && !out.contains_key(name)) {
                    continue;
                }
                let ours = match name.as_str() {
                    "lastUpdateTimeUtc" => "last_update_date_time_utc".to_owned(),
                    name => our_name(name),
                };
                let kept = out.get(&ours).or_else(|| extra.get(name));
                let kept = kept.unwrap_or_else(|| panic!("{path}.{name} is lost"));
                assert_kept(value, kept, &format!("{path}.{name}"));
            }
        }
        (Value::Array(items), Value::Array(out)) => {
            assert_eq!(items.len(), out.len(), "{path}");
            for (at, (item, out)) in items.iter().zip(out).enumerate() {
                assert_kept(item, out, &format!("{path}[{at}]"));
            }
        }
        _ => assert_eq!(vendor, ours, "{path}"),
    }
}

fn check_kept<O: Operation>(documented: &str) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    let (outcome, _) = run::<O>(&example_call::<O>(), [answer(200, &documented)]);
    let output = done(outcome);
    assert_kept(&documented, &output, O::ENDPOINT.id);
    // What playbooks are promised, tests and simulations can build.
    let again: O::Output = serde_json::from_value(output.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), output);
}

#[test]
fn every_documented_answer_is_read_without_losing_a_field() {
    check_kept::<GetMachine>(include_str!("../fixtures/get-machine.response.json"));
    check_kept::<Paged<ListMachines>>(include_str!("../fixtures/list-machines.response.json"));
    check_kept::<FindMachinesByIp>(include_str!(
        "../fixtures/find-machines-by-ip.response.json"
    ));
    check_kept::<GetMachineAction>(include_str!("../fixtures/get-machine-action.response.json"));
    check_kept::<Paged<ListMachineActions>>(include_str!(
        "../fixtures/list-machine-actions.response.json"
    ));
    check_kept::<GetAlert>(include_str!("../fixtures/get-alert.response.json"));
    check_kept::<Paged<ListAlerts>>(include_str!("../fixtures/list-alerts.response.json"));
    check_kept::<Paged<ListAlerts>>(include_str!(
        "../fixtures/list-alerts.expand-evidence.response.json"
    ));
    check_kept::<UpdateAlert>(include_str!("../fixtures/update-alert.response.json"));
    check_kept::<Isolate>(include_str!("../fixtures/isolate-machine.response.json"));
    check_kept::<Unisolate>(include_str!("../fixtures/unisolate-machine.response.json"));
}

fn check_rows<O: Operation>(documented: &str) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    let (outcome, _) = run::<O>(&example_call::<O>(), [answer(200, &documented)]);
    let output = done(outcome);
    let either = |a: &str, b: &str| documented.get(a).or(documented.get(b)).cloned().unwrap();
    assert_eq!(output["rows"], either("Results", "results"));
    assert_eq!(
        output.get("stats").cloned(),
        Some(documented["Stats"].clone())
    );
    for (ours, theirs) in output["schema"]
        .as_array()
        .unwrap()
        .iter()
        .zip(either("Schema", "schema").as_array().unwrap())
    {
        let either = |a: &str, b: &str| theirs.get(a).or(theirs.get(b)).cloned().unwrap();
        assert_eq!(ours["name"], either("Name", "name"));
        assert_eq!(ours["type"], either("Type", "type"));
    }
}

#[test]
fn the_three_hunting_answers_come_out_in_one_shape() {
    check_rows::<RunAdvancedHuntingQuery>(include_str!(
        "../fixtures/run-advanced-hunting-query.response.json"
    ));
    check_rows::<RunAdvancedQuery>(include_str!("../fixtures/run-advanced-query.response.json"));
    check_rows::<RunHuntingQuery>(include_str!("../fixtures/run-hunting-query.response.json"));
}

/// The body that leaves is the documented one; `args` say the same in the playbook's words.
fn check_body<O: Operation>(args: Value, documented: &str) {
    let call = call::<O>(args);
    let (_, asked) = run::<O>(&call, [refusal(400, "BadRequest", "no")]);
    let Body::Json(body) = &asked[0].body else {
        panic!("no body")
    };
    let mut documented: Value = serde_json::from_str(documented).unwrap();
    if let Some(Value::String(comment)) = documented.get_mut("Comment") {
        comment.push_str(&format!(" {}", mark(&call)));
    }
    assert_eq!(*body, documented);
}

#[test]
fn every_documented_request_can_be_made() {
    check_body::<Isolate>(
        json!({
            "machine_id": "d1",
            "comment": "Isolate machine due to alert 1234",
            "isolation_type": "Full",
        }),
        include_str!("../fixtures/isolate-machine.request.json"),
    );
    check_body::<Unisolate>(
        json!({
            "machine_id": "d1",
            "comment": "Unisolate machine since it was clean and validated",
        }),
        include_str!("../fixtures/unisolate-machine.request.json"),
    );
    let update: Value =
        serde_json::from_str(include_str!("../fixtures/update-alert.request.json")).unwrap();
    let mut args: Map<String, Value> = update
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (our_name(name), value.clone()))
        .collect();
    args.insert("alert_id".to_owned(), json!("a1"));
    check_body::<UpdateAlert>(
        Value::Object(args),
        include_str!("../fixtures/update-alert.request.json"),
    );
    for documented in [
        include_str!("../fixtures/run-hunting-query.request.json"),
        include_str!("../fixtures/run-hunting-query.timespan.request.json"),
    ] {
        let body: Value = serde_json::from_str(documented).unwrap();
        let args = json!({ "query": body["Query"], "timespan": body.get("Timespan") });
        check_body::<RunHuntingQuery>(args, documented);
    }
    let documented = include_str!("../fixtures/run-advanced-query.request.json");
    let body: Value = serde_json::from_str(documented).unwrap();
    check_body::<RunAdvancedQuery>(json!({ "query": body["Query"] }), documented);
    let documented = include_str!("../fixtures/run-advanced-hunting-query.request.json");
    let body: Value = serde_json::from_str(documented).unwrap();
    check_body::<RunAdvancedHuntingQuery>(json!({ "query": body["Query"] }), documented);
}

#[test]
fn a_hostile_id_stays_in_its_place_in_the_path() {
    let call = call::<GetMachine>(json!({ "machine_id": "../alerts?x=1" }));
    let (_, asked) = run::<GetMachine>(&call, [refusal(404, "NotFound", "no")]);
    assert_eq!(asked[0].path, "/api/machines/..%2Falerts%3Fx%3D1");
}

#[test]
fn an_address_is_checked_and_normalised() {
    let at = |ip: &str, answers| {
        let args = json!({ "ip": ip, "timestamp": "2019-09-22T08:44:05Z" });
        run::<FindMachinesByIp>(&call::<FindMachinesByIp>(args), answers)
    };
    let (_, asked) = at("10.248.240.38", vec![answer(200, &json!({ "value": [] }))]);
    assert_eq!(
        asked[0].path,
        "/api/machines/findbyip(ip='10.248.240.38',timestamp=2019-09-22T08%3A44%3A05.000Z)"
    );
    let (_, asked) = at("2A01:0::1", vec![answer(200, &json!({ "value": [] }))]);
    assert!(
        asked[0].path.contains("ip='2a01%3A%3A1'"),
        "{}",
        asked[0].path
    );
    assert_eq!(
        failed(at("10.0.0.1' or '", vec![]).0).kind,
        ErrorKind::InvalidInput
    );
}

#[test]
fn an_update_without_a_change_is_refused() {
    let call = call::<UpdateAlert>(json!({ "alert_id": "a1" }));
    let (outcome, _) = run::<UpdateAlert>(&call, []);
    assert_eq!(failed(outcome).code, code::AC0105.as_str());
}

#[test]
fn every_spelling_of_a_determination_is_read_and_one_is_sent() {
    for (spelling, sent) in [
        ("Clean", "NotMalicious"),
        ("notMalicious", "NotMalicious"),
        ("ConfirmedUserActivity", "ConfirmedActivity"),
        ("CompromisedAccount", "CompromisedUser"),
        ("NoEnoughDataToValidate", "InsufficientData"),
        ("notEnoughDataToValidate", "InsufficientData"),
    ] {
        let call = call::<UpdateAlert>(json!({ "alert_id": "a1", "determination": spelling }));
        let answered = answer(200, &json!({ "id": "a1", "determination": spelling }));
        let (outcome, asked) = run::<UpdateAlert>(&call, [answered]);
        assert_eq!(asked[0].body, Body::Json(json!({ "determination": sent })));
        assert_eq!(done(outcome)["determination"], sent);
    }
}

fn machines(ids: std::ops::Range<usize>) -> Vec<Value> {
    ids.map(|id| json!({ "id": format!("d{id}") })).collect()
}

#[test]
fn a_list_is_read_page_by_page_up_to_its_limit() {
    let call =
        call::<Paged<ListMachines>>(json!({ "limit": 2500, "filter": "osPlatform eq 'Linux'" }));
    let pages = [0..1000, 1000..2000, 2000..2500];
    let answers = pages.map(|page| answer(200, &json!({ "value": machines(page) })));
    let (outcome, asked) = run::<Paged<ListMachines>>(&call, answers);
    let output = done(outcome);
    assert_eq!(output["value"].as_array().unwrap().len(), 2500);
    assert_eq!(output["value"][2499]["id"], "d2499");
    assert_eq!(output["truncated"], true, "there may be a 2501st");
    let filter = ("$filter", "osPlatform eq 'Linux'");
    assert_eq!(query_of(&asked[0]), [filter, ("$top", "1000")]);
    assert_eq!(
        query_of(&asked[2]),
        [filter, ("$top", "500"), ("$skip", "2000")]
    );
}

#[test]
fn a_short_page_is_the_last_one() {
    let call = call::<Paged<ListMachines>>(json!({}));
    let (outcome, asked) =
        run::<Paged<ListMachines>>(&call, [answer(200, &json!({ "value": machines(0..3) }))]);
    assert_eq!(query_of(&asked[0]), [("$top", "100")]);
    assert_eq!(done(outcome)["truncated"], false);
}

#[test]
fn a_link_is_followed_within_its_operation_and_never_to_another_host() {
    let call = call::<Paged<ListMachines>>(json!({ "limit": 5 }));
    let link = "https://evil.example/api/machines?$skiptoken=a%20b";
    let first = answer(
        200,
        &json!({ "value": machines(0..2), "@odata.nextLink": link }),
    );
    let last = answer(200, &json!({ "value": machines(2..9) }));
    let (outcome, asked) = run::<Paged<ListMachines>>(&call, [first, last]);
    assert_eq!(asked[1].target, asked[0].target);
    assert_eq!(asked[1].path, "/api/machines");
    assert_eq!(query_of(&asked[1]), [("$skiptoken", "a b")]);
    let output = done(outcome);
    assert_eq!(output["value"].as_array().unwrap().len(), 5);
    assert_eq!(output["truncated"], true);

    let astray = json!({ "value": machines(0..2), "@odata.nextLink": "https://x/api/alerts" });
    let (outcome, _) = run::<Paged<ListMachines>>(&call, [answer(200, &astray)]);
    assert_eq!(failed(outcome).kind, ErrorKind::InvalidOutput);
}

/// An egress that answers with pages of its own size, linked; it knows `$skip` and not `$top`.
struct Linked(Vec<std::ops::Range<usize>>);

impl Egress for Linked {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        let option = |wanted: &str| {
            let query = query_of(&request);
            let pair = query.into_iter().find(|(name, _)| *name == wanted);
            pair.map_or(0, |(_, value)| value.parse().unwrap())
        };
        let at: usize = option("$skiptoken");
        let page = self.0[at].clone();
        let skipped = page.start + option("$skip");
        let mut body = json!({ "value": machines(skipped..page.end) });
        if at + 1 < self.0.len() {
            let link = format!("https://x/API/Machines?$skiptoken={}", at + 1);
            body["@odata.nextLink"] = json!(link);
        }
        Box::pin(async move { answer(200, &body) })
    }
}

#[test]
fn a_collection_read_on_from_where_it_stopped_is_whole() {
    let service = Linked(vec![0..7, 7..7, 7..8, 8..31, 31..40]);
    let action = OperationAction::of::<Paged<ListMachines>>();
    for limit in [1, 3, 7, 8, 39, 40, 100] {
        let mut ids = Vec::new();
        let mut args = json!({ "limit": limit });
        loop {
            let call = call::<Paged<ListMachines>>(args.clone());
            let polled =
                pin!(action.call(&call, &service)).poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(outcome) = polled else {
                panic!("the service never waits")
            };
            let output = done(outcome);
            let entries = output["value"].as_array().unwrap();
            assert!(entries.len() <= limit);
            ids.extend(entries.iter().map(|machine| machine["id"].clone()));
            assert_eq!(output["truncated"], json!(!output["next"].is_null()));
            if output["next"].is_null() {
                break;
            }
            args["continue_from"] = output["next"].clone();
        }
        let whole: Vec<Value> = machines(0..40)
            .into_iter()
            .map(|m| m["id"].clone())
            .collect();
        assert_eq!(ids, whole, "{limit} at a time");
    }
}

#[test]
fn a_place_that_is_none_is_refused() {
    for place in ["x", "-1:", "1", ":$skip=1"] {
        let call = call::<Paged<ListMachines>>(json!({ "continue_from": place }));
        let error = failed(run::<Paged<ListMachines>>(&call, []).0);
        assert_eq!(error.code, code::AC0105.as_str(), "{place}");
    }
}

#[test]
fn an_empty_page_with_a_link_does_not_go_on_for_ever() {
    let call = call::<Paged<ListMachines>>(json!({}));
    let page = json!({ "value": [], "@odata.nextLink": "https://x/api/machines?$skiptoken=a" });
    let pages = [answer(200, &page), answer(200, &page)];
    let output = done(run::<Paged<ListMachines>>(&call, pages).0);
    assert_eq!(output["value"], json!([]));
    assert_eq!(output["truncated"], false);
}

fn action(status: &str) -> Value {
    json!({ "id": "m1", "type": "Isolate", "status": status, "machineId": "d1" })
}

fn isolation() -> Call {
    call::<Isolate>(json!({
        "machine_id": "d1", "comment": "alert a1", "isolation_type": "Full",
    }))
}

#[test]
fn an_isolation_is_followed_with_growing_waits_until_it_has_succeeded() {
    let mut call = isolation();
    call.follow = Follow {
        first: Millis::from_secs(2),
        max: Millis::from_secs(10),
    };
    let (outcome, asked) = run::<Isolate>(&call, [answer(201, &action("Pending"))]);
    assert_eq!(asked[0].path, "/api/machines/d1/isolate");
    let (mut state, wait) = pending(outcome);
    assert_eq!(wait, Millis::from_secs(2));
    for expected in [4, 8, 10, 10] {
        call.resume = Some(state);
        let (outcome, asked) = run::<Isolate>(&call, [answer(200, &action("InProgress"))]);
        assert_eq!(asked[0].path, "/api/machineactions/m1");
        let wait;
        (state, wait) = pending(outcome);
        assert_eq!(wait, Millis::from_secs(expected));
    }
    call.resume = Some(state);
    let (outcome, _) = run::<Isolate>(&call, [answer(200, &action("Succeeded"))]);
    let output = done(outcome);
    assert_eq!(
        (&output["id"], &output["status"]),
        (&json!("m1"), &json!("Succeeded"))
    );
}

#[test]
fn the_wait_stays_bounded_however_often_it_is_looked() {
    let mut call = isolation();
    call.resume = Some(json!({ "action_id": "m1", "looks": u32::MAX }));
    let (outcome, _) = run::<Isolate>(&call, [answer(200, &action("Pending"))]);
    assert_eq!(pending(outcome).1, call.follow.max);
}

#[test]
fn an_action_that_ends_badly_is_an_error_with_the_words_of_the_service() {
    for (status, kind) in [
        ("Failed", ErrorKind::Conflict),
        ("TimeOut", ErrorKind::Timeout),
        ("Cancelled", ErrorKind::Cancelled),
    ] {
        let mut call = isolation();
        call.resume = Some(json!({ "action_id": "m1", "looks": 3 }));
        let mut body = action(status);
        body["errorHResult"] = json!(-2_147_024_891_i64);
        let error = failed(run::<Isolate>(&call, [answer(200, &body)]).0);
        assert_eq!(error.kind, kind);
        assert_eq!(error.code, code::AC0104.as_str());
        assert!(!error.retryable);
        let expected =
            format!("machine action m1 ended as {status}, error 0x80070005 on the device");
        assert_eq!(error.message, expected);
        assert_eq!(error.details.unwrap()["status"], status);
    }
}

#[test]
fn trouble_while_looking_may_pass() {
    for (status, kind) in [
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::Unavailable),
        (404, ErrorKind::NotFound),
    ] {
        let mut call = isolation();
        call.resume = Some(json!({ "action_id": "m1", "looks": 0 }));
        let error = failed(run::<Isolate>(&call, [refusal(status, "x", "x")]).0);
        assert_eq!(error.kind, kind);
        assert!(error.retryable, "{status}");
    }
    let error = failed(run::<Isolate>(&isolation(), [refusal(404, "x", "x")]).0);
    assert!(!error.retryable, "an unknown device stays unknown");
}

#[test]
fn a_second_isolation_is_a_conflict() {
    for (code, message) in [
        ("BadRequest", "Action is already in progress"),
        (
            "BadRequest",
            "There is a pending machine action on this device",
        ),
        ("ActiveRequestAlreadyExists", "no"),
    ] {
        let error = failed(run::<Isolate>(&isolation(), [refusal(400, code, message)]).0);
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(error.code, code::AC0106.as_str());
    }
    let other = refusal(400, "OsPlatformNotSupported", "no");
    assert_eq!(
        failed(run::<Isolate>(&isolation(), [other]).0).kind,
        ErrorKind::InvalidInput
    );
}

#[test]
fn a_lost_answer_is_not_taken_for_a_failure() {
    let lost = ActionError::retryable(ErrorKind::Network, code::BR0201, "reset", None);
    let lost = || {
        Err(EgressError {
            error: lost.clone(),
            sent: Sent::Maybe,
        })
    };
    let (outcome, _) = run::<Isolate>(&isolation(), [lost()]);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    let (outcome, _) = run::<Isolate>(&isolation(), [answer(201, &json!({ "status": 7 }))]);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    let mut looking = isolation();
    looking.resume = Some(json!({ "action_id": "m1", "looks": 0 }));
    let (outcome, _) = run::<Isolate>(&looking, [lost()]);
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

/// Reconciles an isolation of a device with a quote in its id against a list of actions.
fn reconciled(actions: &Value) -> (Outcome, Vec<Request>) {
    let mut call = isolation();
    call.mode = Mode::Reconcile;
    call.args["machine_id"] = json!("d'1");
    run::<Isolate>(&call, [answer(200, &json!({ "value": actions }))])
}

fn marked(id: &str, status: &str, created: &str, mark: &str) -> Value {
    json!({
        "id": id, "type": "Isolate", "status": status, "creationDateTimeUtc": created,
        "requestorComment": format!("alert a1 {mark}"),
    })
}

#[test]
fn an_earlier_try_is_found_by_its_mark_and_followed() {
    let ours = mark(&isolation());
    let (outcome, asked) = reconciled(&json!([
        marked("old", "Failed", "2026-10-24T12:00:01Z", &ours),
        marked("new", "Pending", "2026-10-24T12:00:02Z", &ours),
        marked("foreign", "Succeeded", "2026-10-24T12:00:03Z", "[quell:run_y/isolate]"),
        { "id": "manual", "status": "Succeeded", "requestorComment": null },
    ]));
    assert_eq!(pending(outcome).0["action_id"], "new");
    assert_eq!(asked[0].path, "/api/machineactions");
    let filter = "machineId eq 'd''1' and type eq 'Isolate' \
                  and creationDateTimeUtc ge 2026-10-24T11:58:00.000Z";
    assert_eq!(query_of(&asked[0]), [("$filter", filter), ("$top", "100")]);
}

#[test]
fn an_earlier_try_that_has_ended_counts_as_it_ended() {
    let ours = mark(&isolation());
    let at = "2026-10-24T12:00:01Z";
    let (outcome, _) = reconciled(&json!([marked("m1", "Succeeded", at, &ours)]));
    assert_eq!(done(outcome)["id"], "m1");
    let (outcome, _) = reconciled(&json!([marked("m1", "Failed", at, &ours)]));
    assert_eq!(failed(outcome).code, code::AC0104.as_str());
    let foreign = marked("m1", "Succeeded", at, "[quell:run_x/isolate/2]");
    assert_eq!(reconciled(&json!([foreign])).0, Outcome::Nothing);
}

#[test]
fn a_search_that_fails_says_nothing_about_the_earlier_try() {
    let mut call = isolation();
    call.mode = Mode::Reconcile;
    for told_nothing in [
        refusal(403, "Forbidden", "no"),
        answer(200, &json!({ "value": 7 })),
    ] {
        let (outcome, _) = run::<Isolate>(&call, [told_nothing]);
        assert!(matches!(outcome, Outcome::Unclear { .. }), "{outcome:?}");
    }
    assert!(failed(run::<Isolate>(&call, [refusal(503, "x", "x")]).0).retryable);
}

#[test]
fn a_long_comment_is_cut_and_the_mark_never_is() {
    let mut call = isolation();
    call.args["comment"] = json!("é".repeat(5000));
    let (_, asked) = run::<Isolate>(&call, [refusal(400, "x", "x")]);
    let Body::Json(body) = &asked[0].body else {
        panic!("no body")
    };
    let comment = body["Comment"].as_str().unwrap();
    assert_eq!(comment.chars().count(), 1000);
    assert!(
        comment.ends_with(&format!("é… {}", mark(&call))),
        "{comment}"
    );
}

#[test]
fn a_machine_action_of_the_documented_list_has_its_last_change() {
    let documented = include_str!("../fixtures/list-machine-actions.response.json");
    assert!(
        documented.contains("lastUpdateTimeUtc"),
        "the stray spelling is what is tested"
    );
    let documented: Value = serde_json::from_str(documented).unwrap();
    let call = example_call::<Paged<ListMachineActions>>();
    let (outcome, _) = run::<Paged<ListMachineActions>>(&call, [answer(200, &documented)]);
    let first = &done(outcome)["value"][0];
    assert_eq!(
        first["last_update_date_time_utc"],
        "2018-12-04T12:45:25.4049122Z"
    );
    assert_eq!(first.get("extra"), None);
}

/// An entity as its own page shows it.
fn check_entity<T: serde::de::DeserializeOwned + serde::Serialize + JsonSchema + 'static>(
    documented: &str,
) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    let entity: T = read::typed(documented.clone()).unwrap();
    let output = serde_json::to_value(entity).unwrap();
    let schema = actions_contract::schema_of::<T>();
    graph::assert_kept(&schema, &documented, &output, std::any::type_name::<T>());
}

#[test]
fn every_documented_entity_is_read_without_losing_a_field() {
    check_entity::<crate::entities::DefenderAlert>(include_str!("../fixtures/entity.alert.json"));
    check_entity::<crate::entities::Indicator>(include_str!("../fixtures/entity.indicator.json"));
    check_entity::<crate::entities::Investigation>(include_str!(
        "../fixtures/entity.investigation.json"
    ));
    check_entity::<crate::entities::MachineAction>(include_str!(
        "../fixtures/entity.machineAction.json"
    ));
}

#[test]
fn a_body_that_is_refused_is_told_in_the_words_of_the_service() {
    let text = include_str!("../fixtures/error.invalid-request-body.json");
    let body: Value = serde_json::from_str(text).unwrap();
    let call = example_call::<GetMachine>();
    let error = failed(run::<GetMachine>(&call, [answer(400, &body)]).0);
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    for said in ["code", "message"] {
        let said = body["error"][said].as_str().unwrap();
        assert!(error.message.contains(said), "{error}");
    }
}

#[test]
fn an_unknown_machine_is_named_by_the_service() {
    let body: Value =
        serde_json::from_str(include_str!("../fixtures/error.resource-not-found.json")).unwrap();
    let call = example_call::<GetMachine>();
    let error = failed(run::<GetMachine>(&call, [answer(404, &body)]).0);
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(
        error.message.contains("Machine 123123123 was not found"),
        "{}",
        error.message
    );
    assert_eq!(error.details.unwrap()["target"], body["error"]["target"]);
}

#[test]
fn hunting_rows_keep_their_columns_and_lose_annotations_of_the_protocol() {
    let body = json!({
        "Schema": [{ "name": "Hits", "Type": "Int64" }],
        "results": [{ "Hits": 3, "Hits@odata.type": "#Int64", "deviceName": "ws1" }],
    });
    let call = example_call::<RunHuntingQuery>();
    let output = done(run::<RunHuntingQuery>(&call, [answer(200, &body)]).0);
    assert_eq!(output["rows"], json!([{ "Hits": 3, "deviceName": "ws1" }]));
    assert_eq!(
        output["schema"],
        json!([{ "name": "Hits", "type": "Int64" }])
    );
    let broken = json!({ "Schema": [], "Results": "none" });
    let error = failed(run::<RunHuntingQuery>(&call, [answer(200, &broken)]).0);
    assert!(
        error.message.contains("expected a list at `Results`"),
        "{}",
        error.message
    );
}

#[test]
fn the_time_of_a_call_without_a_past_does_not_underflow() {
    let mut call = isolation();
    call.mode = Mode::Reconcile;
    call.begun_at = Timestamp::from_ms(i64::MIN);
    let (outcome, _) = run::<Isolate>(&call, [answer(200, &json!({ "value": [] }))]);
    assert_eq!(outcome, Outcome::Nothing);
}
