//! Batches that are not complete yet.

use engine_model::Timestamp;
use engine_playbook::plan::Batch;
use serde::{Deserialize, Serialize};

use super::{ALERTS_MAX, Facts, Firing};

/// What has come into a batch so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    firing: Option<Firing>,
    collected: u32,
    due: Timestamp,
}

impl Pending {
    /// Adds what would start; the whole batch, once it is complete.
    pub(super) fn add(&mut self, batch: &Batch, new: Firing, facts: &Facts) -> Option<Firing> {
        self.collected += 1;
        let firing = match self.firing.take() {
            None => {
                self.due = facts.now.plus(batch.wait);
                Firing {
                    group: batch_group(&new, facts),
                    ..new
                }
            }
            Some(mut firing) => {
                firing.alerts.extend(new.alerts);
                let more = firing.alerts.len().saturating_sub(ALERTS_MAX);
                firing.alerts.drain(..more);
                firing.count = firing.count.saturating_add(new.count);
                firing.since = firing.since.min(new.since);
                firing.group.extend(new.group);
                Firing {
                    change: new.change,
                    limit: new.limit,
                    ..firing
                }
            }
        };
        let firing = firing.gathered();
        if self.collected >= batch.max {
            return Some(firing);
        }
        self.firing = Some(firing);
        None
    }

    pub(super) fn release(self) -> Option<Firing> {
        self.firing
    }

    /// What starts, as it stands.
    #[must_use]
    pub const fn firing(&self) -> Option<&Firing> {
        self.firing.as_ref()
    }

    /// How many have come.
    #[must_use]
    pub const fn collected(&self) -> u32 {
        self.collected
    }

    /// When it starts at the latest.
    #[must_use]
    pub const fn due(&self) -> Timestamp {
        self.due
    }
}

fn batch_group(new: &Firing, facts: &Facts) -> super::Group {
    let mut group = new.group.clone();
    group.extend(facts.batch.clone());
    group
}
