//! Questions to people, over the API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use engine_driver::{Asked, AskedFilter, Page, Reply, Tally, Through};
use engine_model::{Digest, RunId, code};
use engine_run::Decision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{Caller, Shared, run_id};
use crate::problem::Problem;

/// Runs of a list where nobody says how many.
const LIST_DEFAULT: usize = 50;
/// Runs of a list at the most.
const LIST_MAX: usize = 500;

/// The routes, for people.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/approvals", get(list))
        .route("/v1/approvals/{run}/{digest}", get(show))
        .route("/v1/approvals/{run}/{digest}/approve", post(approve))
        .route("/v1/approvals/{run}/{digest}/deny", post(deny))
}

/// A question as the caller sees it.
#[derive(Debug, Serialize)]
struct AskedOfYou {
    #[serde(flatten)]
    asked: Asked,
    /// Why an answer of the caller would not count; null where it would.
    objection: Option<String>,
}

impl AskedOfYou {
    fn of(asked: Asked, caller: &Caller) -> Self {
        let objection = asked.objection(&caller.name, &caller.roles);
        Self { asked, objection }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedQuery {
    run: Option<RunId>,
    before: Option<u64>,
    limit: Option<usize>,
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<AskedQuery>,
) -> Result<Json<Page<AskedOfYou>>, Problem> {
    let filter = AskedFilter {
        run: query.run,
        before: query.before,
        limit: query.limit.unwrap_or(LIST_DEFAULT).clamp(1, LIST_MAX),
    };
    let page = shared.engine.approvals(&filter).await?;
    let items = page.items.into_iter();
    Ok(Json(Page {
        items: items.map(|asked| AskedOfYou::of(asked, &caller)).collect(),
        next: page.next,
    }))
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path((run, digest)): Path<(String, String)>,
) -> Result<Json<AskedOfYou>, Problem> {
    let (run, digest) = (run_id(&run)?, digest_of(&digest)?);
    let asked = shared.engine.asked(&run, &digest).await?;
    Ok(Json(AskedOfYou::of(asked, &caller)))
}

/// What a person says beside yes or no.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Said {
    comment: Option<String>,
    form: Option<Value>,
}

async fn approve(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(question): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Tally>, Problem> {
    answer(&shared, caller, question, (Decision::Approve, &body)).await
}

async fn deny(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(question): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Tally>, Problem> {
    answer(&shared, caller, question, (Decision::Deny, &body)).await
}

async fn answer(
    shared: &Shared,
    caller: Caller,
    (run, digest): (String, String),
    (decision, body): (Decision, &[u8]),
) -> Result<Json<Tally>, Problem> {
    let (run, digest) = (run_id(&run)?, digest_of(&digest)?);
    let said: Option<Said> = if body.is_empty() {
        None
    } else {
        serde_json::from_slice(body).map_err(|error| {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, code::SV0203, error.to_string())
        })?
    };
    let said = said.unwrap_or_default();
    let reply = Reply {
        by: caller.name,
        roles: caller.roles,
        through: Through::Key,
        decision,
        comment: said.comment,
        form: said.form,
    };
    Ok(Json(shared.engine.answer(&run, &digest, reply).await?))
}

fn digest_of(text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|error: engine_model::id::IdError| {
        Problem::new(StatusCode::NOT_FOUND, code::SV0104, error.to_string())
    })
}
