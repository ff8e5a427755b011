//! A run in the foreground that asks people: where they answer, and who waits for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine_driver::{Asked, AskedFilter, Engine, RunNews};
use engine_model::RunId;
use engine_run::{NewsKind, StepStatus};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::exit::Fault;
use crate::timeline::Timeline;
use crate::wire::Parts;

/// Who starts a run where nobody said who.
pub(super) const NOBODY: &str = "command line";

/// Open questions that are looked at.
const ASKED_MAX: usize = 100;

/// Where people answer a run in the foreground.
pub(super) struct Desk {
    /// The person whose key is `QUELL_KEY`.
    pub(super) starter: Option<String>,
    url: Option<String>,
    _serving: JoinSet<()>,
}

impl Desk {
    /// Serves the API on loopback, where somebody may answer: it has to be known who started the
    /// run, or that person could agree to it.
    pub(super) async fn open(parts: &Parts, engine: &Arc<dyn Engine>) -> Result<Self, Fault> {
        let mut serving = JoinSet::new();
        let none = Self {
            starter: None,
            url: None,
            _serving: JoinSet::new(),
        };
        let Ok(own) = std::env::var("QUELL_KEY") else {
            return Ok(none);
        };
        let keys = parts.keys()?;
        let Some(starter) = keys.owner(&own).map(str::to_owned) else {
            return Ok(none);
        };
        let server = parts.server(Arc::clone(engine), keys);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        serving.spawn(async move {
            if let Err(error) = server.serve(listener, std::future::pending()).await {
                tracing::error!(%error, "the server stopped");
            }
        });
        serving.spawn(parts.herald(engine)?.run());
        Ok(Self {
            starter: Some(starter),
            url: Some(url),
            _serving: serving,
        })
    }
}

/// Watches a run in the foreground.
pub(super) struct Watch<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) timeline: &'a Timeline,
    pub(super) desk: &'a Desk,
    pub(super) no_wait: bool,
}

impl Watch<'_> {
    /// Tells what happens until the run is over, or waits for people and nobody waits with it.
    pub(super) async fn to_the_end(
        &self,
        run: &RunId,
        mut news: Receiver<RunNews>,
    ) -> Result<(), Fault> {
        let mut told = BTreeSet::new();
        loop {
            match news.recv().await {
                Ok(one) => {
                    if one.run == *run {
                        self.timeline.news(&one);
                        if matches!(one.news.kind, NewsKind::RunEnded { .. }) {
                            return Ok(());
                        }
                    }
                    if matches!(one.news.kind, NewsKind::StepStarted { .. }) {
                        continue;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
            let filter = AskedFilter {
                limit: ASKED_MAX,
                ..AskedFilter::default()
            };
            let asked = self.engine.approvals(&filter).await?.items;
            if self.no_wait && !asked.is_empty() && self.is_idle(run, &asked).await? {
                return Err(super::approvals::waiting(&asked));
            }
            for one in &asked {
                if told.insert(one.question.digest.clone()) {
                    self.say(one);
                }
            }
        }
    }

    /// Whether everything of the run that goes on waits for people.
    async fn is_idle(&self, run: &RunId, asked: &[Asked]) -> Result<bool, Fault> {
        let steps = self.engine.run(run).await?.view.steps;
        let mut tries = steps
            .iter()
            .filter(|step| step.status == StepStatus::Running && step.action.is_some());
        Ok(tries.all(|step| asked.iter().any(|one| one.question.step == step.label)))
    }

    fn say(&self, asked: &Asked) {
        let (run, step) = (&asked.run, &asked.question.step);
        let text = match &self.desk.url {
            Some(url) => format!("quell approve {run} {step} --url {url}"),
            None => {
                "nobody can answer here: set QUELL_KEY to your own key before you start".to_owned()
            }
        };
        let fields = json!({ "run": run, "step": step, "url": self.desk.url });
        self.timeline
            .say(asked.question.asked_at, "asked", fields, &text);
    }
}
