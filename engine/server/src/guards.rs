//! The stop switch, the ledger of effects and the audit log.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use engine_driver::guard::{AuditRow, EffectFilter, EffectRow};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Caller, Shared};
use crate::problem::Problem;

/// Rows of a list where nobody says how many.
const LIST_DEFAULT: usize = 200;
/// Rows of a list at the most.
const LIST_MAX: usize = 2000;

/// Why everything is stopped.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HaltBody {
    reason: Option<String>,
}

pub(crate) async fn halt(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Option<Json<HaltBody>>,
) -> Result<Json<Value>, Problem> {
    let Json(body) = body.unwrap_or_default();
    let halt = shared
        .engine
        .halt(&caller.name, body.reason.as_deref())
        .await?;
    Ok(Json(json!({ "halted": halt })))
}

pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let was = shared.engine.resume(&caller.name).await?;
    Ok(Json(json!({ "was_halted": was })))
}

pub(crate) async fn halted(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "halted": shared.engine.halted() }))
}

/// Which effects are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EffectQuery {
    all: bool,
    failed: bool,
    dry: bool,
    limit: Option<usize>,
}

pub(crate) async fn effects(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<Vec<EffectRow>>, Problem> {
    let filter = EffectFilter {
        all: query.all || query.failed,
        failed: query.failed,
        dry: query.dry,
        limit: query.limit.unwrap_or(LIST_DEFAULT).clamp(1, LIST_MAX),
    };
    Ok(Json(shared.engine.effects(&filter).await?))
}

/// Which part of the audit log is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditQuery {
    after: u64,
    limit: Option<usize>,
}

pub(crate) async fn audit(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditRow>>, Problem> {
    let limit = query.limit.unwrap_or(LIST_DEFAULT).clamp(1, LIST_MAX);
    Ok(Json(shared.engine.audit(query.after, limit).await?))
}
