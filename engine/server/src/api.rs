//! The routes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use engine_driver::{
    AlertDocument, AlertSummary, Engine, Failure, ManualStart, Page, RunDocument, RunFilter,
    RunSummary, Why,
};
use engine_model::{Alert, PlaybookName, RunId, TenantId, code};
use engine_run::RunStatus;
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::admission::{self, Admission};
use crate::approvals;
use crate::auth::{self, Keys};
use crate::body::{BODY_BYTES_MAX, too_large};
use crate::deadletters;
use crate::guards;
use crate::intake::{self, Sources};
use crate::links;
use crate::metrics::{self, Counters};
use crate::problem::Problem;

/// Rows of a list where nobody says how many.
const LIST_DEFAULT: usize = 50;
/// Rows of a list at the most.
const LIST_MAX: usize = 500;
/// How long requests under way may take when the server stops. Nothing is lost with one that is cut
/// off, as it was not answered.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// What a server is made of.
pub struct ServerOptions {
    /// The engine it serves.
    pub engine: Arc<dyn Engine>,
    /// The adapters of the sources it takes alerts of.
    pub sources: Sources,
    /// Every key it knows.
    pub keys: Keys,
    /// The tenant of alerts that do not say theirs.
    pub tenant: TenantId,
    /// Requests of the intake that are handled at the same time; more are refused with 429.
    pub intake_max: usize,
}

pub(crate) struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) sources: Sources,
    pub(crate) keys: Arc<Keys>,
    pub(crate) tenant: TenantId,
    pub(crate) admission: Admission,
    pub(crate) counters: Counters,
}

/// The HTTP server.
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// A server that does not listen yet.
    #[must_use]
    pub fn new(options: ServerOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                counters: Counters::default(),
                engine: options.engine,
                sources: options.sources,
                keys: Arc::new(options.keys),
                tenant: options.tenant,
                admission: Admission::new(options.intake_max),
            }),
        }
    }

    /// The routes.
    pub fn router(&self) -> Router {
        let people = Router::new()
            .route("/v1/alerts", get(list_alerts))
            .route("/v1/alerts/{source}", get(show_alert))
            .route("/v1/alerts/{source}/why", get(why))
            .route("/v1/runs", get(list_runs).post(start_run))
            .route("/v1/runs/{run}", get(show_run))
            .route("/v1/runs/{run}/cancel", post(cancel_run))
            .route("/v1/runs/{run}/retry", post(retry_run))
            .route("/v1/failures", get(list_failures))
            .merge(deadletters::routes())
            .merge(approvals::routes())
            .route("/v1/halt", get(guards::halted).post(guards::halt))
            .route("/v1/resume", post(guards::resume))
            .route("/v1/effects", get(guards::effects))
            .route("/v1/audit", get(guards::audit))
            .route_layer(middleware::from_fn_with_state(
                Arc::clone(&self.shared),
                person_only,
            ));
        let intake = Router::new()
            .route("/v1/alerts", post(intake::any))
            .route("/v1/alerts/{source}", post(intake::of_source))
            .route_layer(middleware::from_fn_with_state(
                Arc::clone(&self.shared),
                admission::admit,
            ));
        Router::new()
            .merge(intake)
            .merge(people)
            .merge(metrics::routes())
            .merge(links::routes())
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(middleware::from_fn(name_refusals))
            .fallback(|| async {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    code::SV0104,
                    "there is nothing at this path",
                )
            })
            .with_state(Arc::clone(&self.shared))
    }

    /// Serves until `stop` ends; requests under way are finished, within a few seconds.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let stop = stop.boxed().shared();
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(stop.clone());
        let late = async {
            stop.await;
            tokio::time::sleep(STOP_TIME_MAX).await;
        };
        let news = self.shared.engine.subscribe();
        tokio::select! {
            served = serving.into_future() => served,
            () = self.shared.counters.watch(news) => Ok(()),
            () = late => {
                tracing::warn!("connections that did not end are cut off");
                Ok(())
            }
        }
    }
}

/// Every call of a person's route is made by a person.
async fn person_only(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let person = auth::person(&shared.keys, request.headers())?;
    request.extensions_mut().insert(Caller {
        name: person.name,
        roles: person.roles,
    });
    Ok(next.run(request).await)
}

/// The person who calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
}

/// Gives the framework's own refusals our shape.
async fn name_refusals(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE if !is_problem(&response) => too_large().into_response(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let detail = "this path does not take that method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, code::SV0104, detail).into_response()
        }
        _ => response,
    }
}

fn is_problem(response: &Response) -> bool {
    response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    pub(crate) playbook: Option<PlaybookName>,
    status: Option<RunStatus>,
    pub(crate) before: Option<u64>,
    limit: Option<usize>,
}

impl ListQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(LIST_DEFAULT).clamp(1, LIST_MAX)
    }
}

async fn list_runs(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<RunSummary>>, Problem> {
    let limit = query.limit();
    let filter = RunFilter {
        playbook: query.playbook,
        status: query.status,
        before: query.before,
        failed: false,
        limit,
    };
    Ok(Json(shared.engine.runs(&filter).await?))
}

async fn list_failures(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Failure>>, Problem> {
    let filter = RunFilter {
        limit: query.limit(),
        playbook: query.playbook,
        status: query.status,
        before: query.before,
        failed: true,
    };
    Ok(Json(shared.engine.failures(&filter).await?))
}

async fn list_alerts(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<AlertSummary>>, Problem> {
    Ok(Json(
        shared.engine.alerts(query.before, query.limit()).await?,
    ))
}

async fn show_alert(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<AlertDocument>, Problem> {
    Ok(Json(shared.engine.alert(&id).await?))
}

async fn why(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Why>, Problem> {
    Ok(Json(shared.engine.why(&id).await?))
}

async fn show_run(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
) -> Result<Json<RunDocument>, Problem> {
    Ok(Json(shared.engine.run(&run_id(&run)?).await?))
}

async fn cancel_run(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    axum::Extension(caller): axum::Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let cancelled = shared.engine.cancel(&run_id(&run)?, &caller.name).await?;
    Ok(Json(json!({ "cancelled": cancelled })))
}

async fn retry_run(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    axum::Extension(caller): axum::Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let again = shared.engine.retry(&run_id(&run)?, &caller.name).await?;
    Ok(Json(json!({ "run": again })))
}

/// A start by hand.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    playbook: PlaybookName,
    #[serde(default)]
    inputs: Map<String, Value>,
    #[serde(default)]
    alert: Option<Alert>,
    /// The same key again starts nothing.
    key: String,
    #[serde(default)]
    dry_run: bool,
}

async fn start_run(
    State(shared): State<Arc<Shared>>,
    axum::Extension(caller): axum::Extension<Caller>,
    body: StartRequest,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let StartRequest(body) = body;
    let run = shared
        .engine
        .start(ManualStart {
            playbook: body.playbook,
            tenant: shared.tenant.clone(),
            inputs: body.inputs,
            alert: body.alert,
            by: caller.name,
            roles: Some(caller.roles),
            key: body.key,
            dry_run: body.dry_run,
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "run": run }))))
}

/// A JSON body whose refusals are problems.
struct StartRequest(StartBody);

impl<S: Send + Sync> FromRequest<S> for StartRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| too_large())?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code::RN0106,
                error.to_string(),
            )
        })
    }
}

pub(crate) fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|error: engine_model::id::IdError| {
        Problem::new(StatusCode::NOT_FOUND, code::SV0104, error.to_string())
    })
}
