//! Where the counts of calls are: in this process, kept by the embedder, or shared by workers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actions_contract::{Api, BoxFuture};
use serde::{Deserialize, Serialize};

use crate::key::quick_hash;
use crate::limit::{QuotaAnswer, QuotaChange, QuotaState};

/// A bucket is kept again at the earliest after this time. A process that is killed forgets no more
/// than the calls since; the ceiling leaves room for them.
const KEEP_EVERY_MS: i64 = 5_000;
/// With more buckets than this, those that know nothing are let go.
const BUCKETS_MAX: usize = 4096;
/// Tenants lie on several shelves, so that who counts for one seldom waits for another.
const SHELVES: usize = 16;

/// What a service counts together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The token service, which tells the clouds apart.
    pub authority: String,
    /// The directory.
    pub tenant: String,
    /// The application.
    pub client_id: String,
    /// The API.
    pub api: Api,
    /// The operation with a limit of its own, or `usual`.
    pub class: String,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (api, class) = (self.api.as_str(), &self.class);
        write!(f, "{api}/{class} in {}", self.tenant)
    }
}

/// The counts are out of reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counts of calls are out of reach: {0}")]
pub struct QuotaUnreachable(pub String);

/// The counts of calls, by bucket.
///
/// Workers that share an application share its limits: their store applies
/// [`QuotaState::apply`] to the one state they share, in one transaction.
pub trait QuotaStore: Send + Sync {
    /// Applies a change to the state of a bucket, in one step for everybody.
    ///
    /// # Errors
    ///
    /// When the state cannot be reached. The request leaves all the same, uncounted: the service
    /// guards itself, and a store that is down must not stop a containment.
    fn apply<'a>(
        &'a self,
        bucket: &'a Bucket,
        change: QuotaChange,
        now_ms: i64,
    ) -> BoxFuture<'a, Result<QuotaAnswer, QuotaUnreachable>>;
}

/// Keeps counts over a restart: short runs of the command line would otherwise begin each hour
/// anew.
///
/// Both are called on the thread that sends, seldom, and have to return soon. What cannot be kept
/// or read is left out; limits are a courtesy and no reason to stop.
pub trait QuotaKeeper: Send + Sync {
    /// What was kept last.
    fn kept(&self) -> Vec<(Bucket, QuotaState)>;

    /// Keeps the state of a bucket; a later one replaces it.
    fn keep(&self, bucket: &Bucket, state: &QuotaState);
}

/// The counts of one process.
#[derive(Default)]
pub struct MemoryQuotas {
    shelves: [Mutex<Buckets>; SHELVES],
    keeper: Option<Arc<dyn QuotaKeeper>>,
}

#[derive(Default)]
struct Buckets {
    all: HashMap<Bucket, Counted>,
    /// How many there may be before the next look for idle ones. Doubled while most are busy, so
    /// that the looks stay rare.
    sweep_at: usize,
}

#[derive(Default)]
struct Counted {
    state: QuotaState,
    kept_at_ms: i64,
    is_kept: bool,
}

impl fmt::Debug for MemoryQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryQuotas").finish_non_exhaustive()
    }
}

impl MemoryQuotas {
    /// Counts that go on where those kept ended, and are kept from now on.
    #[must_use]
    pub fn kept_by(keeper: Arc<dyn QuotaKeeper>) -> Self {
        let mut quotas = Self::default();
        for (bucket, state) in keeper.kept() {
            let counted = Counted {
                state,
                is_kept: true,
                ..Counted::default()
            };
            quotas.shelf(&bucket).all.insert(bucket, counted);
        }
        quotas.keeper = Some(keeper);
        quotas
    }

    /// Applies a change at once.
    pub fn apply_now(&self, bucket: &Bucket, change: QuotaChange, now_ms: i64) -> QuotaAnswer {
        let mut buckets = self.shelf(bucket);
        let counted = buckets.counted(bucket, now_ms);
        let answer = counted.state.apply(change, now_ms);
        counted.is_kept &= matches!(
            change,
            QuotaChange::Foresee { .. } | QuotaChange::Return { .. }
        );
        let Some(keeper) = &self.keeper else {
            return answer;
        };
        let since_ms = now_ms.saturating_sub(counted.kept_at_ms);
        let is_due = !(0..KEEP_EVERY_MS).contains(&since_ms);
        if counted.is_kept || !(is_due || matches!(change, QuotaChange::Pause { .. })) {
            return answer;
        }
        counted.is_kept = true;
        counted.kept_at_ms = now_ms;
        let state = counted.state.clone();
        drop(buckets);
        keeper.keep(bucket, &state);
        answer
    }

    fn shelf(&self, bucket: &Bucket) -> MutexGuard<'_, Buckets> {
        let place = (quick_hash(&bucket.tenant) >> 32) as usize % SHELVES;
        lock(&self.shelves[place])
    }
}

fn lock(shelf: &Mutex<Buckets>) -> MutexGuard<'_, Buckets> {
    // A panic while the lock was held leaves a consistent state: every change is one step.
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Buckets {
    fn counted(&mut self, bucket: &Bucket, now_ms: i64) -> &mut Counted {
        if !self.all.contains_key(bucket) {
            if self.all.len() >= self.sweep_at.max(BUCKETS_MAX / SHELVES) {
                self.all.retain(|_, counted| !counted.state.is_idle(now_ms));
                self.sweep_at = self.all.len() * 2;
            }
            self.all.insert(bucket.clone(), Counted::default());
        }
        self.all.get_mut(bucket).expect("it was put in above")
    }
}

impl Drop for MemoryQuotas {
    fn drop(&mut self) {
        let Some(keeper) = self.keeper.take() else {
            return;
        };
        for shelf in &self.shelves {
            for (bucket, counted) in &lock(shelf).all {
                if !counted.is_kept {
                    keeper.keep(bucket, &counted.state);
                }
            }
        }
    }
}

impl QuotaStore for MemoryQuotas {
    fn apply<'a>(
        &'a self,
        bucket: &'a Bucket,
        change: QuotaChange,
        now_ms: i64,
    ) -> BoxFuture<'a, Result<QuotaAnswer, QuotaUnreachable>> {
        let answer = self.apply_now(bucket, change, now_ms);
        Box::pin(std::future::ready(Ok(answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Lane, QuotaFigures};

    #[derive(Default)]
    struct Shelf(Mutex<HashMap<Bucket, (QuotaState, u32)>>);

    impl QuotaKeeper for Shelf {
        fn kept(&self) -> Vec<(Bucket, QuotaState)> {
            let kept = self.0.lock().unwrap();
            kept.iter()
                .map(|(bucket, (state, _))| (bucket.clone(), state.clone()))
                .collect()
        }

        fn keep(&self, bucket: &Bucket, state: &QuotaState) {
            let mut kept = self.0.lock().unwrap();
            let (known, times) = kept.entry(bucket.clone()).or_default();
            *known = state.clone();
            *times += 1;
        }
    }

    fn bucket(tenant: &str) -> Bucket {
        Bucket {
            authority: "https://login.example".to_owned(),
            tenant: tenant.to_owned(),
            client_id: "app".to_owned(),
            api: Api::Mde,
            class: "usual".to_owned(),
        }
    }

    const TAKE: QuotaChange = QuotaChange::Take {
        figures: QuotaFigures {
            per_minute: None,
            per_hour: Some(3),
            concurrent: None,
        },
        lane: Lane::Containment,
        over_at_ms: 0,
    };

    fn goes(quotas: &MemoryQuotas, tenant: &str, now_ms: i64) -> bool {
        let answer = quotas.apply_now(&bucket(tenant), TAKE, now_ms);
        matches!(answer, QuotaAnswer::Go { .. })
    }

    #[test]
    fn a_restart_keeps_the_window_of_the_hour() {
        let shelf = Arc::new(Shelf::default());
        let quotas = MemoryQuotas::kept_by(Arc::clone(&shelf) as _);
        assert!((0..3).all(|_| goes(&quotas, "a", 1_000)));
        assert!(!goes(&quotas, "a", 1_000));
        drop(quotas);
        let quotas = MemoryQuotas::kept_by(Arc::clone(&shelf) as _);
        assert!(!goes(&quotas, "a", 60_000));
        assert!(goes(&quotas, "b", 60_000), "another tenant has its own");
        assert!(goes(&quotas, "a", 3_700_000));
    }

    #[test]
    fn a_killed_process_forgets_only_the_last_seconds() {
        let shelf = Arc::new(Shelf::default());
        let quotas = MemoryQuotas::kept_by(Arc::clone(&shelf) as _);
        assert!(goes(&quotas, "a", 0));
        assert!(goes(&quotas, "a", 5_000));
        assert!(goes(&quotas, "a", 6_000), "not kept yet");
        std::mem::forget(quotas);
        let quotas = MemoryQuotas::kept_by(shelf);
        assert!(goes(&quotas, "a", 7_000));
        assert!(!goes(&quotas, "a", 7_000));
    }

    #[test]
    fn a_busy_bucket_is_kept_every_five_seconds_and_not_for_every_call() {
        let shelf = Arc::new(Shelf::default());
        let quotas = MemoryQuotas::kept_by(Arc::clone(&shelf) as _);
        for at_ms in 10_000..20_000 {
            quotas.apply_now(&bucket("a"), QuotaChange::Charge, at_ms);
        }
        assert_eq!(shelf.0.lock().unwrap()[&bucket("a")].1, 2);
        let pause = QuotaChange::Pause {
            sent_ms: 0,
            wait: engine_model::Millis::from_secs(1),
        };
        quotas.apply_now(&bucket("a"), pause, 20_000);
        assert_eq!(
            shelf.0.lock().unwrap()[&bucket("a")].1,
            3,
            "a pause at once"
        );
    }

    #[test]
    fn buckets_that_know_nothing_are_let_go() {
        let quotas = MemoryQuotas::default();
        for number in 0..3 * i64::try_from(BUCKETS_MAX).unwrap() {
            goes(&quotas, &number.to_string(), number * 3_600_000);
        }
        let held = quotas.shelves.iter().map(|shelf| lock(shelf).all.len());
        assert!(held.sum::<usize>() <= BUCKETS_MAX);
    }
}
