//! Pollers: read an alert source from a durable watermark on, with overlap.

use std::sync::Arc;

use actions_contract::{ActionError, Call, EffectKind, Egress, Follow, Mode, Source};
use engine_driver::{Clock, Engine};
use engine_model::{Alert, AlertSource, Code, Millis, RunId, TenantId, Timestamp, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far before the watermark each poll begins: the service may show a change late.
const OVERLAP: Millis = Millis::from_secs(300);
/// Pages of one poll at the most; what is left comes with the next poll.
const PAGES_MAX: usize = 100;

/// One entry of `sources:` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PollerConfig {
    /// The source to read.
    pub source: AlertSource,
    /// The connection to read it with; the default connection when absent.
    #[serde(default)]
    pub connection: Option<String>,
    /// A folder of NDJSON files to read instead of asking a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<std::path::PathBuf>,
    /// How often; at least 5s, for a folder 1s.
    #[serde(default = "every_default")]
    pub every: Millis,
    /// How far back the very first poll looks.
    #[serde(default = "lookback_default")]
    pub lookback: Millis,
}

const fn every_default() -> Millis {
    Millis::from_secs(30)
}

const fn lookback_default() -> Millis {
    Millis::from_secs(3600)
}

/// Why a poll did not get through.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({code})")]
pub struct PollError {
    /// The code.
    pub code: Code,
    /// One line for people.
    pub message: String,
    /// How long the service asked to wait.
    pub retry_after: Option<Millis>,
}

impl PollError {
    fn of_source(error: &ActionError) -> Self {
        let (message, retry_after) = (error.to_string(), error.retry_after);
        Self {
            code: code::TR0101,
            message,
            retry_after,
        }
    }
}

impl From<engine_driver::EngineError> for PollError {
    fn from(error: engine_driver::EngineError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            retry_after: error.retry_after,
        }
    }
}

/// Reads one source for ever.
pub struct Poller {
    /// What to read and how often.
    pub config: PollerConfig,
    /// How to ask and how to map.
    pub source: Box<dyn Source>,
    /// Where alerts go.
    pub engine: Arc<dyn Engine>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The tenant of the connection.
    pub tenant: TenantId,
}

impl Poller {
    /// Polls until the task is dropped; a failed poll is logged and tried again.
    pub async fn run(self) {
        let pause = self.config.every.max(Millis::from_secs(5)).to_std();
        loop {
            match self.poll().await {
                Ok(taken) => tracing::debug!(source = self.name(), taken, "polled"),
                Err(error) => {
                    tracing::warn!(source = self.name(), %error, "a poll failed");
                    let asked_for = error.retry_after.unwrap_or_default().to_std();
                    tokio::time::sleep(asked_for.saturating_sub(pause)).await;
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads everything since the watermark; the number of alerts handed to the engine.
    ///
    /// The watermark moves only after every alert of the poll is durable, and only when every page
    /// was read.
    ///
    /// # Errors
    ///
    /// When the service or the engine refuses; what was taken until then stays taken.
    pub async fn poll(&self) -> Result<usize, PollError> {
        let name = self.name();
        let stored = self.engine.watermark(&name).await?;
        let now = self.clock.now();
        let since = stored.unwrap_or_else(|| back(now, self.config.lookback));
        let mut next = self.source.poll(back(since, OVERLAP));
        let mut newest = since;
        let mut taken = 0;
        for _ in 0..PAGES_MAX {
            let Some(asked) = next.take() else { break };
            let response = self.egress.send(&self.call(now), asked.clone()).await;
            let response = response.map_err(|failure| PollError::of_source(&failure.error))?;
            let page = self.source.page(&asked, &response);
            let page = page.map_err(|error| PollError::of_source(&error))?;
            for raw in page.alerts {
                if let Some(alert) = self.read(raw) {
                    // A time that has not come yet would hide every alert until then.
                    newest = newest.max(alert.updated_at.min(now));
                    self.engine.intake(alert).await?;
                    taken += 1;
                }
            }
            next = page.next;
        }
        if next.is_some() {
            tracing::warn!(
                source = name,
                "more pages than one poll reads; it is read again"
            );
        } else if newest > since || stored.is_none() {
            self.engine.set_watermark(&name, newest).await?;
        }
        Ok(taken)
    }

    /// One unreadable alert must not hold up the others for ever; nor does a service speak for
    /// another tenant than that of its connection.
    fn read(&self, raw: serde_json::Value) -> Option<Alert> {
        match self.source.map(raw, &self.tenant) {
            Ok(alert) if alert.tenant == self.tenant => Some(alert),
            Ok(alert) => {
                let (source, tenant) = (self.name(), &alert.tenant);
                tracing::error!(source, %tenant, "an alert of a foreign tenant is left out");
                None
            }
            Err(error) => {
                tracing::error!(source = self.name(), %error, "an alert is left out");
                None
            }
        }
    }

    fn name(&self) -> String {
        let connection = self.config.connection.as_deref().unwrap_or("default");
        format!("{}/{connection}", self.config.source.as_str())
    }

    /// What a poll is in the log: the action that reads the same.
    const fn action(&self) -> &'static str {
        match self.config.source {
            AlertSource::Xdr => "defender.list-incidents",
            AlertSource::GraphAlerts => "graph.list-security-alerts",
            AlertSource::GraphIncidents => "graph.list-security-incidents",
            _ => "defender.list-alerts",
        }
    }

    /// A poll belongs to no run; its calls carry a fixed id of their own.
    fn call(&self, now: Timestamp) -> Call {
        let playbook = "poller".parse().expect("a valid playbook name");
        let trigger = "poll".parse().expect("a valid trigger id");
        Call {
            run: RunId::derive(&self.tenant, &playbook, &trigger, &self.name()),
            playbook,
            step: "poll".to_owned(),
            tenant: self.tenant.clone(),
            connection: self.config.connection.clone(),
            action: self.action().parse().expect("a valid action id"),
            effect: EffectKind::Read,
            mode: Mode::Execute,
            idem: self.name(),
            attempt: 1,
            args: serde_json::Value::Null,
            resume: None,
            begun_at: now,
            now,
            time_left: Millis::from_secs(60),
            follow: Follow::default(),
        }
    }
}

fn back(at: Timestamp, span: Millis) -> Timestamp {
    Timestamp::from_ms(at.as_ms().saturating_sub_unsigned(span.as_ms()))
}
