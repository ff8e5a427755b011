//! Load: as much as a number of places allows, or at a fixed rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actions_emulator::Emulator;
use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::alerts::Alerts;
use crate::connection::Connection;
use crate::readings::Spent;
use crate::side::{ALERTS, Side};
use crate::tap::Tap;

/// Runs, or alerts, that are under way at the same time.
pub(crate) const PLACES: usize = 64;
/// Connections that post alerts at a fixed rate, by turns.
const SENDERS: u32 = 16;

/// What all load needs.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) emulator: Emulator,
    pub(crate) tap: Arc<Tap>,
    pub(crate) alerts: Arc<Alerts>,
}

/// What is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Alerts that each start a run, [`PLACES`] runs at a time.
    Runs,
    /// Alerts of which few start a run, [`PLACES`] alerts at a time.
    Flood,
}

/// What came of a round of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Alerts that were taken.
    pub(crate) alerts: u64,
    /// From the first alert until no run was going on.
    pub(crate) took: Duration,
    /// Requests that arrived at the emulator.
    pub(crate) calls: u64,
    /// Transactions that were committed.
    pub(crate) commits: u32,
    /// Processor time.
    pub(crate) spent: Spent,
}

/// Posts for `span`, then waits until every run has ended.
pub(crate) async fn closed(
    field: &Field,
    side: &Side,
    work: Work,
    span: Duration,
) -> anyhow::Result<Round> {
    let mut connections = Vec::new();
    for _ in 0..PLACES {
        connections.push(Connection::open(&side.served.url).await?);
    }
    field.tap.clear();
    let calls = field.emulator.counts().requests;
    let commits = side.commits()?;
    let spent = Spent::now(side.served.pid())?;
    let began = Instant::now();
    let worker = Worker {
        field: field.clone(),
        quiet_path: side.quiet_path,
        until: began + span,
    };
    let mut workers = JoinSet::new();
    for connection in connections {
        workers.spawn(worker.clone().post(connection, work));
    }
    field.tap.places.add_permits(PLACES);
    let mut alerts = 0;
    while let Some(posted) = workers.join_next().await {
        alerts += posted??;
    }
    side.drained().await?;
    Ok(Round {
        alerts,
        took: began.elapsed(),
        calls: field.emulator.counts().requests - calls,
        commits: side.commits()?.wrapping_sub(commits),
        spent: Spent::now(side.served.pid())?.since(spent),
    })
}

/// Posts one alert after the other.
#[derive(Clone)]
struct Worker {
    field: Field,
    quiet_path: &'static str,
    until: Instant,
}

impl Worker {
    async fn post(self, mut connection: Connection, work: Work) -> anyhow::Result<u64> {
        let Field { tap, alerts, .. } = &self.field;
        let mut posted = 0;
        loop {
            if work == Work::Runs {
                tap.places.acquire().await?.forget();
            }
            if Instant::now() >= self.until {
                return Ok(posted);
            }
            let (alert, path) = match work {
                Work::Runs => (alerts.matching(), ALERTS),
                Work::Flood => match alerts.mixed() {
                    (alert, true) => (alert, ALERTS),
                    (alert, false) => (alert, self.quiet_path),
                },
            };
            connection.post(path, alert.body).await?;
            posted += 1;
        }
    }
}

/// Posts alerts at a fixed rate, each on a device of its own, whether or not those before are done;
/// how long each took from its posting until the request to isolate its device arrived.
pub(crate) async fn open(
    field: &Field,
    side: &Side,
    per_second: u32,
    span: Duration,
) -> anyhow::Result<Vec<Duration>> {
    field.tap.clear();
    let count = per_second * u32::try_from(span.as_secs())?;
    let began = Instant::now() + Duration::from_millis(20);
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let connection = Connection::open(&side.served.url).await?;
        let turns = (sender..count).step_by(SENDERS as usize);
        let due = turns.map(move |turn| began + Duration::from_secs(1) * turn / per_second);
        senders.spawn(send(connection, Arc::clone(&field.alerts), due));
    }
    let mut posted = Vec::new();
    while let Some(sent) = senders.join_next().await {
        posted.extend(sent??);
    }
    side.drained().await?;
    let latency = posted.into_iter().map(|(machine, at)| {
        let arrived = field
            .tap
            .isolated_at(&machine)
            .context("a device was not isolated")?;
        Ok(arrived.duration_since(at))
    });
    latency.collect()
}

async fn send(
    mut connection: Connection,
    alerts: Arc<Alerts>,
    due: impl Iterator<Item = Instant>,
) -> anyhow::Result<Vec<(String, Instant)>> {
    let mut posted = Vec::new();
    for at in due {
        tokio::time::sleep_until(at.into()).await;
        let alert = alerts.matching();
        posted.push((alert.machine, Instant::now()));
        connection.post(ALERTS, alert.body).await?;
    }
    Ok(posted)
}
