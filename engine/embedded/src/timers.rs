//! Timers in memory: an index over the table of timers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use engine_model::Timestamp;
use engine_run::Cid;
use tokio::sync::Notify;

use crate::rows::RunRow;

#[derive(Debug, Default)]
struct Index {
    by_time: BTreeSet<(Timestamp, RunRow, Cid)>,
    by_name: HashMap<(RunRow, Cid), Timestamp>,
}

/// What wakes at what time. The table is the truth; this is what is looked at.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    index: Mutex<Index>,
    changed: Notify,
}

impl Timers {
    pub(crate) fn add(&self, wake_at: Timestamp, run: RunRow, cid: Cid) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = index
            .by_time
            .first()
            .is_none_or(|(first, ..)| wake_at < *first);
        index.by_time.insert((wake_at, run, cid));
        index.by_name.insert((run, cid), wake_at);
        drop(index);
        if earliest {
            self.changed.notify_one();
        }
    }

    /// Forgets a timer; false when it is no longer there.
    pub(crate) fn remove(&self, run: RunRow, cid: Cid) -> bool {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        match index.by_name.remove(&(run, cid)) {
            Some(wake_at) => index.by_time.remove(&(wake_at, run, cid)),
            None => false,
        }
    }

    /// Takes what is due, and says when the next one is.
    pub(crate) fn due(&self, now: Timestamp) -> (Vec<(RunRow, Cid)>, Option<Timestamp>) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        while let Some((wake_at, run, cid)) = index.by_time.first().copied() {
            if wake_at > now {
                return (due, Some(wake_at));
            }
            index.by_time.pop_first();
            index.by_name.remove(&(run, cid));
            due.push((run, cid));
        }
        (due, None)
    }

    /// Waits until an earlier timer than all before was set.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
