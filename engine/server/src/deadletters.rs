//! Dead letters, and how often triggers did what.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use engine_driver::{Count, Letter, LetterFilter, Page};
use serde_json::{Value, json};

use crate::api::{Caller, ListQuery, Shared};
use crate::problem::Problem;

/// The routes, for people.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/deadletters", get(list))
        .route("/v1/deadletters/{number}", get(show))
        .route("/v1/deadletters/{number}/replay", post(replay))
        .route("/v1/triggers/counts", get(counts))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Letter>>, Problem> {
    let filter = LetterFilter {
        limit: query.limit(),
        playbook: query.playbook,
        before: query.before,
    };
    Ok(Json(shared.engine.records().letters(&filter).await?))
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<u64>,
) -> Result<Json<Letter>, Problem> {
    Ok(Json(shared.engine.records().letter(number).await?))
}

async fn replay(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<u64>,
    Extension(caller): Extension<Caller>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let run = shared.engine.records().replay(number, &caller.name).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "run": run }))))
}

async fn counts(State(shared): State<Arc<Shared>>) -> Result<Json<Vec<Count>>, Problem> {
    Ok(Json(shared.engine.records().counts().await?))
}
