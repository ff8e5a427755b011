//! What arrived, in order, without secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine_model::Timestamp;
use serde::{Deserialize, Serialize};

/// One request that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its number, from 1.
    pub seq: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The tenant of the caller.
    pub tenant: Option<String>,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The operation; `token` for the token endpoint.
    pub operation: Option<String>,
    /// The machine it is about.
    pub machine: Option<String>,
    /// The status the service came to; none while it has come to none, or when it never did.
    /// Whether the caller saw it is another matter: look at the fault.
    pub status: Option<u16>,
    /// The application permissions of which the token had none.
    pub role_missing: Option<String>,
    /// The fault that struck it.
    pub fault: Option<String>,
    /// The idempotency mark in its comment.
    pub mark: Option<String>,
    /// The SHA-256 of the body; none for token requests.
    pub body_sha256: Option<String>,
}

/// Which entries of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// Those of this operation.
    pub operation: Option<String>,
    /// Those about this machine.
    pub machine: Option<String>,
    /// Those after this number.
    pub after: Option<u64>,
}

/// How many requests arrived, refused ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub requests: u64,
    /// By operation.
    pub operations: BTreeMap<String, u64>,
    /// By the status the service came to.
    pub statuses: BTreeMap<u16, u64>,
    /// POST requests about a machine: operation, machine, number.
    pub posts: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Counts {
    /// How many requests to isolate `machine` arrived.
    #[must_use]
    pub fn isolate_posts(&self, machine: &str) -> u64 {
        let counted = self.posts.get(crate::behaviour::ISOLATE);
        counted
            .and_then(|machines| machines.get(machine))
            .copied()
            .unwrap_or(0)
    }
}

#[derive(Default)]
struct Book {
    next: u64,
    entries: VecDeque<LogEntry>,
    counts: Counts,
}

/// The log: bounded, its counts exact.
pub(crate) struct Log {
    entries_max: usize,
    book: Mutex<Book>,
}

impl Log {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self {
            entries_max,
            book: Mutex::default(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request and gives it its number.
    pub(crate) fn arrived(&self, mut entry: LogEntry) -> u64 {
        let mut book = self.book();
        book.next += 1;
        let seq = book.next;
        entry.seq = seq;
        let counts = &mut book.counts;
        counts.requests += 1;
        if let Some(operation) = &entry.operation {
            count(&mut counts.operations, operation);
            if let Some(machine) = entry.machine.as_ref().filter(|_| entry.method == "POST") {
                if !counts.posts.contains_key(operation) {
                    counts.posts.insert(operation.clone(), BTreeMap::new());
                }
                if let Some(machines) = counts.posts.get_mut(operation) {
                    count(machines, machine);
                }
            }
        }
        if self.entries_max > 0 {
            if book.entries.len() >= self.entries_max {
                book.entries.pop_front();
            }
            book.entries.push_back(entry);
        }
        seq
    }

    /// Notes how request `seq` ended.
    pub(crate) fn ended(&self, seq: u64, status: u16, role_missing: Option<String>) {
        let mut book = self.book();
        *book.counts.statuses.entry(status).or_default() += 1;
        if let Some(entry) = book.entry(seq) {
            entry.status = Some(status);
            entry.role_missing = role_missing;
        }
    }

    /// Notes that `fault` struck request `seq`.
    pub(crate) fn struck(&self, seq: u64, fault: &str) {
        if let Some(entry) = self.book().entry(seq) {
            entry.fault = Some(fault.to_owned());
        }
    }

    pub(crate) fn entries(&self, filter: &LogFilter) -> Vec<LogEntry> {
        let same =
            |wanted: &Option<String>, got: &Option<String>| wanted.is_none() || wanted == got;
        self.book()
            .entries
            .iter()
            .filter(|entry| {
                same(&filter.operation, &entry.operation)
                    && same(&filter.machine, &entry.machine)
                    && filter.after.is_none_or(|seq| entry.seq > seq)
            })
            .cloned()
            .collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.book().counts.clone()
    }

    pub(crate) fn clear(&self) {
        *self.book() = Book::default();
    }
}

impl Book {
    /// The entry of request `seq`, unless it is forgotten.
    fn entry(&mut self, seq: u64) -> Option<&mut LogEntry> {
        let first = self.entries.front()?.seq;
        self.entries
            .get_mut(usize::try_from(seq.checked_sub(first)?).ok()?)
    }
}

fn count(numbers: &mut BTreeMap<String, u64>, key: &str) {
    match numbers.get_mut(key) {
        Some(number) => *number += 1,
        None => {
            numbers.insert(key.to_owned(), 1);
        }
    }
}
