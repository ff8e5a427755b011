//! The routes under `/emulator`: looking at the emulator, and breaking it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::behaviour::live_response;
use crate::emulator::Emulator;
use crate::fault::FaultRule;
use crate::log::LogFilter;
use crate::{front, gzip, state};

pub(crate) fn router(emulator: &Emulator) -> axum::Router {
    axum::Router::new()
        .route("/emulator", get(describe))
        .route("/emulator/alerts", post(add_alerts))
        .route("/emulator/alerts/demo", get(demo_alert))
        .route("/emulator/clock", post(advance))
        .route("/emulator/counts", get(counts))
        .route("/emulator/coverage", get(coverage))
        .route("/emulator/exports/{*place}", get(export))
        .route(
            "/emulator/faults",
            get(faults).post(order_faults).delete(clear_faults),
        )
        .route("/emulator/log", get(log))
        .route("/emulator/packages/{name}", get(package))
        .route("/emulator/release", post(release))
        .route("/emulator/results/{action}/{index}", get(result))
        .route("/emulator/reset", post(reset))
        .route("/emulator/state", get(world_state))
        .fallback(any(front::handle))
        .with_state(emulator.clone())
}

/// A body of a control request, refused in the words of the parser.
type Given<T> = Result<Json<T>, JsonRejection>;

fn refused(message: impl ToString) -> Response {
    let body = json!({ "error": { "code": "BadRequest", "message": message.to_string() } });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

async fn describe(State(emulator): State<Emulator>) -> String {
    emulator.describe()
}

async fn demo_alert(State(emulator): State<Emulator>) -> Json<Value> {
    Json(emulator.demo_alert())
}

/// Which tenant a control request is about; the first when it does not say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    tenant: Option<String>,
}

/// One alert, or a list of them.
async fn add_alerts(
    State(emulator): State<Emulator>,
    Query(whose): Query<Whose>,
    given: Given<Value>,
) -> Response {
    let alerts = match given {
        Ok(Json(Value::Array(alerts))) => alerts,
        Ok(Json(alert)) => vec![alert],
        Err(error) => return refused(error),
    };
    let first = emulator
        .options()
        .tenants
        .first()
        .map(|tenant| tenant.id.clone());
    let tenant = whose.tenant.or(first).unwrap_or_default();
    let added: Result<Vec<Value>, _> = alerts
        .into_iter()
        .map(|alert| emulator.add_alert(&tenant, alert))
        .collect();
    match added {
        Ok(added) => (StatusCode::CREATED, Json(json!({ "value": added }))).into_response(),
        Err(error) => refused(error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

async fn advance(State(emulator): State<Emulator>, given: Given<Advance>) -> Response {
    match given {
        Ok(Json(Advance { advance_ms })) if advance_ms >= 0 => {
            emulator.advance(advance_ms);
            Json(json!({ "now_ms": emulator.now_ms() })).into_response()
        }
        Ok(_) => refused("time does not run backwards"),
        Err(error) => refused(error),
    }
}

async fn counts(State(emulator): State<Emulator>) -> Response {
    Json(emulator.counts()).into_response()
}

async fn coverage(State(emulator): State<Emulator>) -> Response {
    Json(emulator.coverage()).into_response()
}

async fn faults(State(emulator): State<Emulator>) -> Response {
    Json(json!({ "faults": emulator.faults_left(), "held": emulator.held() })).into_response()
}

async fn order_faults(State(emulator): State<Emulator>, given: Given<FaultRule>) -> Response {
    match given {
        Ok(Json(rule)) => {
            let id = emulator.order_fault(rule);
            (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
        }
        Err(error) => refused(error),
    }
}

async fn clear_faults(State(emulator): State<Emulator>) -> StatusCode {
    emulator.clear_faults();
    StatusCode::NO_CONTENT
}

async fn log(State(emulator): State<Emulator>, Query(filter): Query<LogFilter>) -> Response {
    Json(json!({ "value": emulator.log(&filter) })).into_response()
}

/// An archive with nothing in it.
async fn package() -> Response {
    const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    ([(header::CONTENT_TYPE, "application/zip")], EMPTY_ZIP).into_response()
}

/// A file of an export: one JSON line, in gzip.
async fn export(Path(place): Path<String>) -> Response {
    let line = format!("{}\n", json!({ "deviceId": "made-up", "file": place }));
    let file = gzip::stored(line.as_bytes());
    ([(header::CONTENT_TYPE, "application/gzip")], file).into_response()
}

/// What a command of a live response session brought.
async fn result(
    State(emulator): State<Emulator>,
    Path((action, index)): Path<(String, usize)>,
) -> Response {
    let tenants = emulator.options().tenants.iter();
    let command = tenants
        .filter_map(|tenant| emulator.world(&tenant.id))
        .find_map(|world| world.action(&action)?.commands.get(index).cloned());
    match command.as_ref().map(live_response::brought) {
        Some(Ok(transcript)) => Json(transcript).into_response(),
        Some(Err(bytes)) => {
            ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    fault: Option<u64>,
}

async fn release(State(emulator): State<Emulator>, Query(which): Query<Release>) -> Response {
    Json(json!({ "released": emulator.release(which.fault) })).into_response()
}

async fn reset(State(emulator): State<Emulator>) -> StatusCode {
    emulator.reset();
    StatusCode::NO_CONTENT
}

async fn world_state(State(emulator): State<Emulator>, Query(whose): Query<Whose>) -> Response {
    let Some(tenant) = whose.tenant else {
        return Json(emulator.state()).into_response();
    };
    let state = emulator
        .world(&tenant)
        .map(|world| state::of(&world, emulator.now_ms()));
    match state {
        Some(state) => Json(state).into_response(),
        None => refused("the emulator has no such tenant"),
    }
}
