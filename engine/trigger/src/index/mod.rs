//! The index over all alert triggers: an alert is tried against those that it may match, not
//! against all.
//!
//! For each trigger one required condition is chosen, that whose text is rarest in the whole set,
//! and filed: an equality in a hash table, a part of a text in one automaton per field, a network
//! by its prefix. An alert's values are looked up there, and what comes out is evaluated in full.
//! So the time for an alert depends on how many triggers it nearly matches, not on how many exist.

mod posting;

use std::collections::HashMap;
use std::sync::Arc;

use engine_model::{PlaybookName, TriggerId};
use engine_playbook::plan::{Plan, TriggerKind};

use self::posting::Postings;
use crate::cause::AlertChange;
use crate::key::{self, Key, KeyKind};
use crate::path::{Fields, Seen};
use crate::problem::Problem;
use crate::rule::{Explanation, Rule};
use crate::view::AlertView;

/// A text this short stands in nearly every value.
const SHORT_BYTES_MAX: usize = 2;

/// Every alert trigger of a set of playbooks.
#[derive(Debug)]
pub struct Index {
    fields: Fields,
    entries: Vec<Entry>,
    postings: Postings,
    /// Entries without a key, which every alert is tried against.
    always: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    plan: Arc<Plan>,
    trigger: TriggerId,
    rule: Rule,
}

/// A trigger that fires.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The playbook.
    pub plan: Arc<Plan>,
    /// The trigger.
    pub trigger: TriggerId,
}

/// What a trigger made of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
    /// Why it does not fire; none when it does.
    pub missed: Option<Explanation>,
}

impl Index {
    /// Compiles the alert triggers of `plans`.
    ///
    /// # Errors
    ///
    /// Every problem of every match; [`crate::check`] finds the same before anything is loaded.
    pub fn build(plans: &[Arc<Plan>]) -> Result<Self, Vec<Problem>> {
        let mut fields = Fields::default();
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        for plan in plans {
            for trigger in &plan.triggers {
                let TriggerKind::Alert(alert) = &trigger.kind else {
                    continue;
                };
                match Rule::new(alert, &mut fields) {
                    Ok(rule) => entries.push(Entry {
                        plan: Arc::clone(plan),
                        trigger: trigger.id.clone(),
                        rule,
                    }),
                    Err(found) => problems.extend(found.into_iter().map(|problem| Problem {
                        playbook: Some(plan.name.clone()),
                        ..problem
                    })),
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (filed, always) = file(&entries);
        Ok(Self {
            fields,
            entries,
            postings: Postings::build(filed),
            always,
        })
    }

    /// The triggers that fire for the alert, in the order of the plans and of their triggers.
    #[must_use]
    pub fn matches(&self, alert: &AlertView<'_>, change: AlertChange) -> Vec<Hit> {
        let seen = Seen::new(alert, &self.fields);
        let mut candidates = self.always.clone();
        self.postings.collect(&seen, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        candidates
            .into_iter()
            .map(|number| &self.entries[number as usize])
            .filter(|entry| entry.rule.fires(alert, &seen, change))
            .map(|entry| Hit {
                plan: Arc::clone(&entry.plan),
                trigger: entry.trigger.clone(),
            })
            .collect()
    }

    /// What each trigger makes of the alert and why; tries every one, so it is not for the hot
    /// path.
    #[must_use]
    pub fn explain(&self, alert: &AlertView<'_>, change: AlertChange) -> Vec<Account> {
        let seen = Seen::new(alert, &self.fields);
        let account = |entry: &Entry| Account {
            playbook: entry.plan.name.clone(),
            trigger: entry.trigger.clone(),
            missed: disabled(&entry.plan).or_else(|| entry.rule.explain(alert, &seen, change)),
        };
        self.entries.iter().map(account).collect()
    }

    /// The triggers that every alert is tried against, because their match has no required text.
    pub fn always(&self) -> impl Iterator<Item = (&PlaybookName, &TriggerId)> {
        let entries = self
            .always
            .iter()
            .map(|number| &self.entries[*number as usize]);
        entries.map(|entry| (&entry.plan.name, &entry.trigger))
    }

    /// How many triggers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no trigger.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn disabled(plan: &Plan) -> Option<Explanation> {
    (!plan.enabled).then(|| Explanation {
        selection: None,
        field: "enabled".to_owned(),
        wanted: "`true`".to_owned(),
        found: "`false`".to_owned(),
    })
}

/// Whether a match has something to be filed under.
pub(crate) fn has_key(rule: &Rule) -> bool {
    key::choose(rule.node(), &|_| (false, 0, 0)).is_some()
}

/// The keys under which each entry is filed, and the entries that have none.
fn file(entries: &[Entry]) -> (Vec<(Key, u32)>, Vec<u32>) {
    let mut counts: HashMap<Key, u32> = HashMap::new();
    let enabled = || {
        entries
            .iter()
            .zip(0..)
            .filter(|(entry, _)| entry.plan.enabled)
    };
    for (entry, _) in enabled() {
        key::visit_keys(entry.rule.node(), &mut |key| {
            *counts.entry(key).or_default() += 1
        });
    }
    // The rarest in the set first; a short part of a text last, however rare it is.
    let cost = |key: &Key| {
        let short = matches!(&key.kind, KeyKind::Part(text) if text.len() <= SHORT_BYTES_MAX);
        let count = counts.get(key).copied().unwrap_or_default();
        (short, count, usize::MAX - key.length())
    };
    let (mut filed, mut always) = (Vec::new(), Vec::new());
    for (entry, number) in enabled() {
        match key::choose(entry.rule.node(), &cost) {
            Some((_, keys)) => filed.extend(keys.into_iter().map(|key| (key, number))),
            None => always.push(number),
        }
    }
    (filed, always)
}

#[cfg(test)]
mod tests;
