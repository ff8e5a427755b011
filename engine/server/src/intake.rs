//! `POST /v1/alerts`: alerts in the vendor's shape, taken only when durable.

use std::sync::Arc;

use actions_contract::{MapError, Source};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use engine_driver::Receipt;
use engine_model::{Alert, AlertKey, AlertSource, RunId, TenantId, code};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::Value;

use crate::api::Shared;
use crate::body::{self, Batch};
use crate::problem::Problem;

/// Alerts of one batch that are taken at the same time.
const AT_ONCE: usize = 64;
/// The longest id of an alert; that of every vendor is far shorter.
const ID_BYTES_MAX: usize = 1024;

/// What became of one alert.
#[derive(Debug, Serialize)]
struct Taken {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    alert: AlertKey,
    status: &'static str,
    revision: u32,
    runs: Vec<RunId>,
}

/// A line of a batch that was refused.
#[derive(Debug, Serialize)]
struct Refused {
    line: usize,
    #[serde(flatten)]
    problem: Problem,
}

/// What became of a batch.
#[derive(Debug, Serialize)]
struct Answer {
    taken: Vec<Taken>,
    refused: Vec<Refused>,
}

/// Takes alerts whose shape tells their source.
pub(crate) async fn any(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let named = headers
        .get("quell-source")
        .and_then(|value| value.to_str().ok());
    let source = named.map(source_of).transpose()?;
    take(&shared, source, &body).await
}

/// Takes alerts of the source named in the path.
pub(crate) async fn of_source(
    State(shared): State<Arc<Shared>>,
    Path(source): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    take(&shared, Some(source_of(&source)?), &body).await
}

async fn take(
    shared: &Shared,
    source: Option<AlertSource>,
    body: &[u8],
) -> Result<Response, Problem> {
    match body::read(body)? {
        Batch::One(value) => {
            let taken = one(shared, source, None, value).await?;
            let status = if taken.status == "same" {
                StatusCode::OK
            } else {
                StatusCode::ACCEPTED
            };
            Ok((status, Json(taken)).into_response())
        }
        Batch::Many(values) => Ok(many(shared, source, values).await),
    }
}

async fn many(
    shared: &Shared,
    source: Option<AlertSource>,
    values: Vec<(usize, Result<Value, Problem>)>,
) -> Response {
    let results: Vec<Result<Taken, Refused>> = futures_util::stream::iter(values)
        .map(|(line, value)| async move {
            let taken = match value {
                Ok(value) => one(shared, source, Some(line), value).await,
                Err(problem) => Err(problem),
            };
            taken.map_err(|problem| Refused { line, problem })
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut answer = Answer {
        taken: Vec::new(),
        refused: Vec::new(),
    };
    for result in results {
        match result {
            Ok(taken) => answer.taken.push(taken),
            Err(refused) => answer.refused.push(refused),
        }
    }
    let status = match (
        answer.taken.iter().all(|t| t.status == "same"),
        answer.refused.first(),
    ) {
        (_, Some(refused)) if answer.taken.is_empty() => refused.problem.status(),
        (true, None) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    (status, Json(answer)).into_response()
}

async fn one(
    shared: &Shared,
    source: Option<AlertSource>,
    line: Option<usize>,
    value: Value,
) -> Result<Taken, Problem> {
    let alert = map(shared, source, value)?;
    let key = alert.key();
    let (status, revision, runs) = match shared.engine.intake(alert).await? {
        Receipt::Created { runs } => ("created", 1, runs),
        Receipt::Updated { revision, runs } => ("updated", revision, runs),
        Receipt::Same { revision, runs } => ("same", revision, runs),
    };
    Ok(Taken {
        line,
        alert: key,
        status,
        revision,
        runs,
    })
}

fn map(shared: &Shared, source: Option<AlertSource>, value: Value) -> Result<Alert, Problem> {
    read_alert(&shared.sources, source, value, &shared.tenant).map_err(|error| {
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code::SV0106,
            format!("this is not an alert that can be read: {error}"),
        );
        problem.at(error.path)
    })
}

/// Reads an alert in the shape of its source; without a source the shape tells which.
///
/// # Errors
///
/// When no adapter takes alerts of that source, or the value does not have its shape.
pub fn read_alert(
    sources: &Sources,
    source: Option<AlertSource>,
    value: Value,
    tenant: &TenantId,
) -> Result<Alert, MapError> {
    let source = source.unwrap_or_else(|| recognise(&value));
    let adapter = sources.iter().find(|adapter| adapter.source() == source);
    let adapter = adapter.ok_or_else(|| MapError {
        path: "source".to_owned(),
        message: format!("no adapter takes alerts of `{}`", source.as_str()),
    })?;
    let alert = adapter.map(value, tenant)?;
    if alert.id.len() > ID_BYTES_MAX {
        return Err(MapError {
            path: "id".to_owned(),
            message: format!("longer than {ID_BYTES_MAX} bytes"),
        });
    }
    Ok(alert)
}

/// The source by the shape: our own shape says it, Graph names its types, incidents have names, and
/// everything else is Defender for Endpoint's.
fn recognise(value: &Value) -> AlertSource {
    let kind = value.get("@odata.type").and_then(Value::as_str);
    match kind.and_then(|kind| kind.rsplit('.').next()) {
        _ if value.get("source").is_some() && value.get("created_at").is_some() => AlertSource::Api,
        Some("alert") => AlertSource::GraphAlerts,
        Some("incident") => AlertSource::GraphIncidents,
        _ if value.get("incidentName").is_some() => AlertSource::Xdr,
        _ => AlertSource::Mde,
    }
}

fn source_of(word: &str) -> Result<AlertSource, Problem> {
    AlertSource::ALL
        .into_iter()
        .find(|source| source.as_str() == word)
        .ok_or_else(|| unknown_source(word))
}

fn unknown_source(word: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        code::SV0106,
        format!("the source `{word}` is not one that this engine takes alerts of"),
    )
}

/// The adapters of every source the server takes.
pub type Sources = Vec<Box<dyn Source>>;
