//! Where runs and alerts are looked up: a running engine over its API, or a folder.

use std::path::Path;
use std::sync::Arc;

use engine_broker::ControlClient;
use engine_driver::guard::{AuditRow, EffectFilter, EffectRow};
use engine_driver::{
    AlertDocument, AlertSummary, Asked, AskedFilter, EngineError, Failure, Letter, LetterFilter,
    Page, Playbooks, RunDocument, RunFilter, RunSummary, Tally, Why,
};
use engine_embedded::Archive;
use engine_model::{Digest, RunId, code};
use engine_run::Decision;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::WhereArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

/// A question as whoever calls sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskedOfMe {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Why an answer of the caller would not count.
    pub(crate) objection: Option<String>,
}

/// A running engine, or the folder of one.
pub(crate) enum Client {
    Running(ControlClient),
    Folder(Archive),
}

impl Client {
    /// Finds the engine that the command line means.
    pub(crate) async fn find(place: &WhereArgs) -> Result<Self, Fault> {
        let config = Config::near(None)?;
        if let Some(folder) = &place.data {
            let infos = wire::infos(&wire::actions(&config).await?);
            return Self::folder(folder, Arc::new(Playbooks::new(infos)));
        }
        let url = place
            .url
            .clone()
            .unwrap_or_else(|| format!("http://{}", config.listen));
        let reference = serde_json::from_value(Value::String(place.key.clone()))
            .map_err(|error| Fault::new(Kind::Usage, error.to_string()))?;
        let key = wire::resolve(&reference)?;
        let client = ControlClient::new(&url, &key)
            .map_err(|error| Fault::new(Kind::Usage, error.to_string()))?;
        Ok(Self::Running(client))
    }

    /// The folder of a stopped engine, looked at with these playbooks.
    pub(crate) fn folder(folder: &Path, playbooks: Arc<Playbooks>) -> Result<Self, Fault> {
        Ok(Self::Folder(Archive::open(folder, playbooks)?))
    }

    pub(crate) async fn run(&self, run: &RunId) -> Result<RunDocument, Fault> {
        match self {
            Self::Running(client) => get(client, &format!("/v1/runs/{run}")).await,
            Self::Folder(archive) => Ok(archive.run(run).await?),
        }
    }

    pub(crate) async fn runs(&self, filter: &RunFilter) -> Result<Page<RunSummary>, Fault> {
        match self {
            Self::Running(client) => {
                let mut path = format!("/v1/runs?limit={}", filter.limit);
                if let Some(playbook) = &filter.playbook {
                    path.push_str(&format!("&playbook={playbook}"));
                }
                if let Some(status) = filter.status {
                    path.push_str(&format!("&status={}", status.as_str()));
                }
                get(client, &path).await
            }
            Self::Folder(archive) => Ok(archive.runs(filter).await?),
        }
    }

    /// Runs that failed, newest first, each with its reason.
    pub(crate) async fn failures(&self, filter: &RunFilter) -> Result<Page<Failure>, Fault> {
        match self {
            Self::Running(client) => {
                let mut path = format!("/v1/failures?limit={}", filter.limit);
                if let Some(playbook) = &filter.playbook {
                    path.push_str(&format!("&playbook={playbook}"));
                }
                get(client, &path).await
            }
            Self::Folder(archive) => Ok(archive.failures(filter).await?),
        }
    }

    /// What waits for people.
    pub(crate) async fn approvals(&self, filter: &AskedFilter) -> Result<Page<AskedOfMe>, Fault> {
        match self {
            Self::Running(client) => {
                let mut path = format!("/v1/approvals?limit={}", filter.limit);
                if let Some(run) = &filter.run {
                    path.push_str(&format!("&run={run}"));
                }
                get(client, &path).await
            }
            Self::Folder(archive) => {
                let page = archive.approvals(filter).await?;
                let items = page.items.into_iter().map(|asked| AskedOfMe {
                    asked,
                    objection: Some("no engine is running here that could be answered".to_owned()),
                });
                Ok(Page {
                    items: items.collect(),
                    next: page.next,
                })
            }
        }
    }

    /// Answers a question.
    pub(crate) async fn answer(
        &self,
        (run, digest): (&RunId, &Digest),
        decision: Decision,
        body: &Value,
    ) -> Result<Tally, Fault> {
        let path = format!("/v1/approvals/{run}/{digest}/{}", decision.as_str());
        read(self.running()?.post(&path, body).await)
    }

    /// Whether the run was still going on.
    pub(crate) async fn cancel(&self, run: &RunId) -> Result<bool, Fault> {
        match self {
            Self::Running(client) => {
                let path = format!("/v1/runs/{run}/cancel");
                let answer = client.post(&path, &Value::Null).await;
                let answer: Value = read(answer)?;
                Ok(answer["cancelled"] == Value::Bool(true))
            }
            Self::Folder(_) => Err(Fault::new(
                Kind::Usage,
                "only a running engine can cancel a run; leave `--data` out",
            )),
        }
    }

    /// The run that goes on where this one ended without success.
    pub(crate) async fn retry(&self, run: &RunId) -> Result<String, Fault> {
        match self {
            Self::Running(client) => {
                let path = format!("/v1/runs/{run}/retry");
                let answer: Value = read(client.post(&path, &Value::Null).await)?;
                let again = answer["run"].as_str().unwrap_or_default();
                Ok(again.to_owned())
            }
            Self::Folder(_) => Err(Fault::new(
                Kind::Usage,
                "only a running engine can let a run go on; leave `--data` out",
            )),
        }
    }

    pub(crate) async fn letters(&self, filter: &LetterFilter) -> Result<Page<Letter>, Fault> {
        match self {
            Self::Running(client) => {
                let mut path = format!("/v1/deadletters?limit={}", filter.limit);
                if let Some(playbook) = &filter.playbook {
                    path.push_str(&format!("&playbook={playbook}"));
                }
                get(client, &path).await
            }
            Self::Folder(archive) => Ok(archive.letters(filter).await?),
        }
    }

    pub(crate) async fn letter(&self, number: u64) -> Result<Letter, Fault> {
        match self {
            Self::Running(client) => get(client, &format!("/v1/deadletters/{number}")).await,
            Self::Folder(archive) => Ok(archive.letter(number).await?),
        }
    }

    /// The run that began.
    pub(crate) async fn replay(&self, number: u64) -> Result<RunId, Fault> {
        match self {
            Self::Running(client) => {
                let path = format!("/v1/deadletters/{number}/replay");
                let answer: Value = read(client.post(&path, &Value::Null).await)?;
                run_id(answer["run"].as_str().unwrap_or_default())
            }
            Self::Folder(_) => Err(Fault::new(
                Kind::Usage,
                "only a running engine can replay a dead letter; leave `--data` out",
            )),
        }
    }

    pub(crate) async fn alert(&self, id: &str) -> Result<AlertDocument, Fault> {
        match self {
            Self::Running(client) => {
                let id = engine_broker::path_segment(id);
                get(client, &format!("/v1/alerts/{id}")).await
            }
            Self::Folder(archive) => Ok(archive.alert(id).await?),
        }
    }

    pub(crate) async fn why(&self, id: &str) -> Result<Why, Fault> {
        match self {
            Self::Running(client) => {
                let id = engine_broker::path_segment(id);
                get(client, &format!("/v1/alerts/{id}/why")).await
            }
            Self::Folder(archive) => Ok(archive.why(id).await?),
        }
    }

    pub(crate) async fn alerts(&self, limit: usize) -> Result<Page<AlertSummary>, Fault> {
        match self {
            Self::Running(client) => get(client, &format!("/v1/alerts?limit={limit}")).await,
            Self::Folder(archive) => Ok(archive.alerts(None, limit).await?),
        }
    }
}

impl Client {
    /// Turns the stop switch on.
    pub(crate) async fn halt(&self, reason: Option<&str>) -> Result<Value, Fault> {
        let body = serde_json::json!({ "reason": reason });
        read(self.running()?.post("/v1/halt", &body).await)
    }

    /// Turns the stop switch off.
    pub(crate) async fn resume(&self) -> Result<Value, Fault> {
        read(self.running()?.post("/v1/resume", &Value::Null).await)
    }

    pub(crate) async fn effects(&self, filter: &EffectFilter) -> Result<Vec<EffectRow>, Fault> {
        match self {
            Self::Running(client) => {
                let EffectFilter {
                    all,
                    failed,
                    dry,
                    limit,
                } = filter;
                let query = format!("all={all}&failed={failed}&dry={dry}&limit={limit}");
                get(client, &format!("/v1/effects?{query}")).await
            }
            Self::Folder(archive) => Ok(archive.effects(filter).await?),
        }
    }

    pub(crate) async fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, Fault> {
        match self {
            Self::Running(client) => {
                get(client, &format!("/v1/audit?after={after}&limit={limit}")).await
            }
            Self::Folder(archive) => Ok(archive.audit(after, limit).await?),
        }
    }

    fn running(&self) -> Result<&ControlClient, Fault> {
        match self {
            Self::Running(client) => Ok(client),
            Self::Folder(_) => Err(Fault::new(
                Kind::Usage,
                "only a running engine can do that; leave `--data` out",
            )),
        }
    }
}

/// The folder of a database: the one named, or that of the configuration.
pub(crate) async fn folder(data: Option<&Path>) -> Result<Archive, Fault> {
    let config = Config::near(None)?;
    let infos = wire::infos(&wire::actions(&config).await?);
    let playbooks = Arc::new(Playbooks::new(infos));
    let folder = data.unwrap_or(&config.data_dir);
    Ok(Archive::open(folder, playbooks)?)
}

async fn get<T: DeserializeOwned>(client: &ControlClient, path: &str) -> Result<T, Fault> {
    read(client.get(path).await)
}

fn read<T: DeserializeOwned>(
    answer: Result<engine_broker::ControlAnswer, engine_broker::ControlError>,
) -> Result<T, Fault> {
    let answer = answer.map_err(|error| Fault::new(Kind::Temporary, error.to_string()))?;
    if answer.status < 300 {
        return serde_json::from_value(answer.body).map_err(|error| {
            Fault::failed(format!("the engine's answer is not its own: {error}"))
        });
    }
    let text = |key: &str| {
        answer
            .body
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let message = format!("the engine answered {}: {}", answer.status, text("detail"));
    Err(Fault::of_code(text("code"), message))
}

/// Parses a run id of the command line.
pub(crate) fn run_id(text: &str) -> Result<RunId, Fault> {
    text.parse().map_err(|error: engine_model::id::IdError| {
        Fault::from(EngineError::new(code::SV0104, error.to_string()))
    })
}
