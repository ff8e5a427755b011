//! Lets requests pass as their bucket allows, the urgent first, and each run in turn.
//!
//! A request waits here only while its time lasts; one that cannot be sent in time is told at once
//! when it can, so that its run waits in the journal and not in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actions_contract::EffectKind;
use engine_model::{Millis, RunId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::limit::{Lane, Obstacle, QuotaAnswer, QuotaChange};
use crate::limit_config::Quota;
use crate::limit_store::{Bucket, QuotaStore};

/// More than these do not wait in memory, unless for containment: whoever waits holds a place among
/// the attempts under way.
const WAITING_MAX: usize = 128;
/// Promised times that are remembered.
const PROMISES_MAX: usize = 4096;
/// With so many lines, those where nobody waits are let go.
const LINES_MANY: usize = 4096;
/// A look again at the latest, since the counts may be shared with others.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl From<EffectKind> for Lane {
    fn from(effect: EffectKind) -> Self {
        match effect {
            EffectKind::Contain | EffectKind::Release | EffectKind::Destroy => Self::Containment,
            EffectKind::Annotate | EffectKind::Notify => Self::Evidence,
            EffectKind::Read => Self::Reading,
        }
    }
}

/// Who wants to pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) quota: &'a Quota,
    pub(crate) lane: Lane,
    pub(crate) run: &'a RunId,
    /// When the whole request has to be over.
    pub(crate) deadline: Instant,
}

/// The bucket stays closed for longer than the request may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// How long until it opens for this request.
    pub(crate) wait: Millis,
    /// The same as a moment, in milliseconds since the Unix epoch.
    pub(crate) open_at_ms: i64,
    pub(crate) obstacle: Obstacle,
}

/// The limits of all runs.
pub(crate) struct Limiter {
    store: Arc<dyn QuotaStore>,
    clock: Arc<dyn Clock>,
    lines: Mutex<HashMap<Bucket, Arc<Line>>>,
    waiting: AtomicUsize,
}

/// Those who wait for one bucket.
struct Line {
    state: Mutex<LineState>,
    /// Counts the changes that may let somebody pass.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct LineState {
    /// By lane, then turn of the run, then arrival.
    places: BTreeMap<(Lane, usize, u64), RunId>,
    arrivals: u64,
    /// The moments for which requests were sent away: they will come again.
    promises: VecDeque<(Lane, i64)>,
}

/// A place in the line; leaving it lets the others look again.
struct Place<'a> {
    limiter: &'a Limiter,
    line: Arc<Line>,
    key: (Lane, usize, u64),
}

/// The right to send one request; gives its place among those under way back.
pub(crate) struct Permit<'a> {
    limiter: &'a Limiter,
    bucket: &'a Bucket,
    lease: Option<u64>,
}

impl Limiter {
    pub(crate) fn new(store: Arc<dyn QuotaStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            lines: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a place, if it comes in time.
    pub(crate) async fn pass<'a>(&'a self, ask: Ask<'a>) -> Result<Permit<'a>, Closed> {
        let line = self.line(&ask.quota.bucket);
        if !line.is_taken(ask.lane)
            && let QuotaAnswer::Go { lease } = self.take(&ask).await
        {
            return Ok(self.permit(&ask, lease));
        }
        let patience = patience(ask.deadline);
        let place = Place::take(self, line, &ask);
        let mut changes = place.line.changes.subscribe();
        let mut is_new = true;
        loop {
            changes.mark_unchanged();
            let (ahead, promised) = place.ahead(self.clock.now().wall_ms);
            let answer = match ahead {
                0 => self.take(&ask).await,
                _ => self.foresee(&ask, ahead + 1).await,
            };
            // A newcomer who cannot stay comes after those who were sent away before.
            let answer = match answer {
                QuotaAnswer::Wait { .. } if is_new && promised > 0 => {
                    self.foresee(&ask, ahead + promised + 1).await
                }
                answer => answer,
            };
            let now = Instant::now();
            let wake_at = match answer {
                QuotaAnswer::Go { lease } if ahead == 0 => return Ok(self.permit(&ask, lease)),
                QuotaAnswer::Go { .. } => now + LOOK_AGAIN,
                QuotaAnswer::Wait { until_ms, obstacle } => {
                    let wait_ms = until_ms.saturating_sub(self.clock.now().wall_ms);
                    let wait = Millis::from_ms(u64::try_from(wait_ms).unwrap_or(0));
                    let crowded = is_new && self.is_crowded(ask.lane);
                    if crowded || now + wait.to_std() > patience {
                        return Err(place.send_away(until_ms, wait, obstacle));
                    }
                    now + wait.to_std().min(LOOK_AGAIN)
                }
            };
            is_new = false;
            tokio::select! {
                () = sleep_until(wake_at.max(now + Duration::from_millis(1))) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// Counts a request that leaves in any case.
    pub(crate) async fn charge(&self, quota: &Quota) {
        self.apply(&quota.bucket, QuotaChange::Charge).await;
    }

    /// The service asked everybody to wait.
    pub(crate) async fn pause(&self, quota: &Quota, sent_ms: i64, wait: Millis) {
        let bucket = &quota.bucket;
        tracing::warn!(
            tenant = bucket.tenant,
            client = bucket.client_id,
            api = bucket.api.as_str(),
            class = bucket.class,
            wait_ms = wait.as_ms(),
            "quota.paused"
        );
        self.apply(bucket, QuotaChange::Pause { sent_ms, wait })
            .await;
        self.line(bucket).tell();
    }

    async fn take(&self, ask: &Ask<'_>) -> QuotaAnswer {
        let left = ask.deadline.saturating_duration_since(Instant::now());
        let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        let change = QuotaChange::Take {
            figures: ask.quota.figures,
            lane: ask.lane,
            over_at_ms: self.clock.now().wall_ms.saturating_add(left_ms),
        };
        self.apply(&ask.quota.bucket, change).await
    }

    async fn foresee(&self, ask: &Ask<'_>, places: usize) -> QuotaAnswer {
        let change = QuotaChange::Foresee {
            figures: ask.quota.figures,
            lane: ask.lane,
            places: u32::try_from(places).unwrap_or(u32::MAX),
        };
        self.apply(&ask.quota.bucket, change).await
    }

    async fn apply(&self, bucket: &Bucket, change: QuotaChange) -> QuotaAnswer {
        let now_ms = self.clock.now().wall_ms;
        match self.store.apply(bucket, change, now_ms).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(%bucket, %error, "quota.unreachable");
                QuotaAnswer::Go { lease: None }
            }
        }
    }

    const fn permit<'a>(&'a self, ask: &Ask<'a>, lease: Option<u64>) -> Permit<'a> {
        Permit {
            limiter: self,
            bucket: &ask.quota.bucket,
            lease,
        }
    }

    fn is_crowded(&self, lane: Lane) -> bool {
        lane != Lane::Containment && self.waiting.load(Ordering::Relaxed) > WAITING_MAX
    }

    fn line(&self, bucket: &Bucket) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(bucket) {
            return Arc::clone(line);
        }
        // At each power of two, so that the looks stay rare while most are busy.
        if lines.len() >= LINES_MANY && lines.len().is_power_of_two() {
            let now_ms = self.clock.now().wall_ms;
            lines.retain(|_, line| Arc::strong_count(line) > 1 || !line.state().is_idle(now_ms));
        }
        let line = Arc::new(Line {
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        });
        lines.insert(bucket.clone(), Arc::clone(&line));
        line
    }
}

/// Until when to wait: a quarter of the time, and at most five seconds, stays for the request.
fn patience(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(Instant::now());
    deadline - (left / 4).min(Duration::from_secs(5))
}

impl Line {
    fn state(&self) -> MutexGuard<'_, LineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody waits whom a newcomer of this lane must not overtake.
    fn is_taken(&self, lane: Lane) -> bool {
        let state = self.state();
        let first = state.places.keys().next();
        first.is_some_and(|(other, ..)| *other <= lane)
    }

    fn tell(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl LineState {
    fn is_idle(&self, now_ms: i64) -> bool {
        self.places.is_empty() && self.promises.iter().all(|(_, at_ms)| *at_ms <= now_ms)
    }
}

impl<'a> Place<'a> {
    fn take(limiter: &'a Limiter, line: Arc<Line>, ask: &Ask<'_>) -> Self {
        let mut state = line.state();
        state.arrivals += 1;
        // A run's second request comes after the first ones of all others.
        let turn = state.places.values().filter(|run| *run == ask.run).count();
        let key = (ask.lane, turn, state.arrivals);
        state.places.insert(key, ask.run.clone());
        drop(state);
        limiter.waiting.fetch_add(1, Ordering::Relaxed);
        Self { limiter, line, key }
    }

    /// How many wait before this one, and how many were promised a time before it.
    fn ahead(&self, now_ms: i64) -> (usize, usize) {
        let mut state = self.line.state();
        state.promises.retain(|(_, at_ms)| *at_ms > now_ms);
        let ahead = state.places.range(..self.key).count();
        let promised = state
            .promises
            .iter()
            .filter(|(lane, _)| *lane <= self.key.0)
            .count();
        (ahead, promised)
    }

    /// Remembers when this request comes again, so that others are told a later time.
    fn send_away(&self, open_at_ms: i64, wait: Millis, obstacle: Obstacle) -> Closed {
        let mut state = self.line.state();
        if state.promises.len() < PROMISES_MAX {
            state.promises.push_back((self.key.0, open_at_ms));
        }
        Closed {
            wait,
            open_at_ms,
            obstacle,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.state().places.remove(&self.key);
        self.limiter.waiting.fetch_sub(1, Ordering::Relaxed);
        self.line.tell();
    }
}

impl Permit<'_> {
    /// The request is answered.
    pub(crate) async fn done(mut self) {
        if let Some(lease) = self.lease.take() {
            let change = QuotaChange::Return { lease };
            self.limiter.apply(self.bucket, change).await;
            self.limiter.line(self.bucket).tell();
        }
    }
}

#[cfg(test)]
mod tests;
