//! `/healthz` and `/metrics`: whether the engine works, and how much.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine_driver::{Figures, RunNews};
use engine_run::NewsKind;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::api::Shared;
use crate::auth;
use crate::problem::Problem;

/// What was counted since the server began.
#[derive(Default)]
pub(crate) struct Counters {
    counts: Mutex<Counts>,
}

/// By the name of the figure and its labels.
type Counts = BTreeMap<(&'static str, String), u64>;

impl Counters {
    /// Counts what happens, for ever.
    pub(crate) async fn watch(&self, mut news: Receiver<RunNews>) {
        loop {
            match news.recv().await {
                Ok(one) => count(&mut self.counts(), &one.news.kind),
                Err(RecvError::Lagged(missed)) => {
                    let missing = ("news_missed_total", String::new());
                    *self.counts().entry(missing).or_default() += missed;
                }
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(counts: &mut Counts, kind: &NewsKind) {
    let (name, labels) = match kind {
        NewsKind::RunStarted { .. } => ("runs_started_total", String::new()),
        NewsKind::RunEnded { status, .. } => ("runs_ended_total", label("status", status.as_str())),
        NewsKind::StepEnded { status, .. } => {
            ("steps_ended_total", label("status", status.as_str()))
        }
        NewsKind::StepRetries { .. } => ("retries_total", String::new()),
        NewsKind::StepReconciles { .. } => ("reconciles_total", String::new()),
        NewsKind::StepAnswered { decision, .. } => {
            ("answers_total", label("decision", decision.as_str()))
        }
        NewsKind::StepStarted { .. } | NewsKind::StepWaits { .. } => return,
    };
    *counts.entry((name, labels)).or_default() += 1;
}

fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
}

/// The routes.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
}

/// Whether the engine can work: its database takes writes.
async fn health(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    shared.engine.figures().await?;
    Ok("ok\n".into_response())
}

async fn metrics(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::may_look(&shared.keys, &headers)?;
    let figures = shared.engine.figures().await?;
    let mut out = gauges(&figures, shared.engine.halted().is_some());
    let mut last = "";
    let counts = shared.counters.counts().clone();
    for ((name, labels), value) in counts {
        if name != last {
            let _ = writeln!(out, "# TYPE quell_{name} counter");
            last = name;
        }
        let _ = writeln!(out, "quell_{name}{labels} {value}");
    }
    let triggers = shared.engine.records().counts().await?;
    if !triggers.is_empty() {
        out.push_str("# HELP quell_triggers_total What became of alerts and starts.\n");
        out.push_str("# TYPE quell_triggers_total counter\n");
    }
    for count in triggers {
        // Names of playbooks and triggers have no character that would have to be escaped.
        let _ = writeln!(
            out,
            "quell_triggers_total{{playbook=\"{}\",trigger=\"{}\",what=\"{}\"}} {}",
            count.playbook, count.trigger, count.word, count.count
        );
    }
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, out).into_response())
}

/// How the engine stands at this moment.
fn gauges(figures: &Figures, halted: bool) -> String {
    let mut out = String::new();
    for (name, help, value) in [
        (
            "runs_running",
            "Runs that are going on.",
            figures.runs_running,
        ),
        (
            "approvals_open",
            "Questions to people that are open.",
            figures.approvals_open,
        ),
        (
            "effects_held",
            "Containments in effect.",
            figures.effects_held,
        ),
        (
            "effects_in_doubt",
            "Effects that may have happened.",
            figures.effects_in_doubt,
        ),
        (
            "releases_owed",
            "Releases that are to come.",
            figures.releases_owed,
        ),
        (
            "releases_failed",
            "Containments that could not be released.",
            figures.releases_failed,
        ),
        (
            "deadletters",
            "What was not done and not asked for again.",
            figures.deadletters,
        ),
        (
            "halted",
            "1 while the stop switch is on.",
            u64::from(halted),
        ),
    ] {
        let _ = writeln!(out, "# HELP quell_{name} {help}\n# TYPE quell_{name} gauge");
        let _ = writeln!(out, "quell_{name} {value}");
    }
    out
}
