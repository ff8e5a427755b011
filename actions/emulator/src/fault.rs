//! What goes wrong on request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::front::Incoming;
use crate::reply::Reply;

/// Which requests a fault strikes. What is absent matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    /// The operation, such as `defender.isolate-machine`; `token` is the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How the path begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The machine that the path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The tenant of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl FaultMatch {
    /// Every request to `operation`.
    #[must_use]
    pub fn operation(operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::default()
        }
    }

    fn strikes(&self, incoming: &Incoming) -> bool {
        let same = |wanted: &Option<String>, got: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| got == Some(wanted))
        };
        same(&self.operation, incoming.operation())
            && same(&self.machine, incoming.machine.as_deref())
            && same(&self.tenant, incoming.tenant.as_deref())
            && self
                .path_prefix
                .as_deref()
                .is_none_or(|head| incoming.path.starts_with(head))
    }
}

/// Where a throttled answer says how long to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryIn {
    /// In the `Retry-After` header.
    #[default]
    Header,
    /// In the text of the body.
    Body,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// This status, and no effect.
    Status {
        /// The status.
        status: u16,
        /// How long the caller is told to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
        /// Where it is told.
        #[serde(default)]
        retry_in: RetryIn,
    },
    /// The effect happens at once, the answer comes later.
    Slow {
        /// How much later.
        ms: u64,
    },
    /// The connection is closed without an answer; nothing happened.
    CutBefore,
    /// The effect happens, then the connection is closed without an answer.
    CutAfter,
    /// The effect happens; the answer waits until it is released.
    Hold,
    /// The request waits; the effect happens when it is released, even if the caller has gone.
    HoldBefore,
}

impl Fault {
    /// The kind of the fault, as the log names it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Slow { .. } => "slow",
            Self::CutBefore => "cut_before",
            Self::CutAfter => "cut_after",
            Self::Hold => "hold",
            Self::HoldBefore => "hold_before",
        }
    }
}

const fn once() -> u64 {
    1
}

/// A fault, whom it strikes and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which requests.
    #[serde(rename = "match", default)]
    pub on: FaultMatch,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens to them.
    pub fault: Fault,
}

/// A fault that still has something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultState {
    /// Its number.
    pub id: u64,
    /// The rule, with the times that are left.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// How many requests it holds.
    pub held: usize,
}

/// A request that waits.
pub(crate) struct Parked {
    fault: u64,
    pub(crate) work: Work,
    pub(crate) waiter: oneshot::Sender<Reply>,
}

/// What is left to do for a request that waits.
pub(crate) enum Work {
    Answer(Reply),
    Perform(Box<Incoming>),
}

#[derive(Default)]
struct Book {
    next: u64,
    rules: Vec<(u64, FaultRule)>,
    parked: Vec<Parked>,
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Book>);

impl Faults {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, rule: FaultRule) -> u64 {
        let mut book = self.book();
        book.next += 1;
        let id = book.next;
        if rule.times > 0 {
            book.rules.push((id, rule));
        }
        id
    }

    /// The fault that strikes this request; it has then struck once more.
    pub(crate) fn claim(&self, incoming: &Incoming) -> Option<(u64, Fault)> {
        let mut book = self.book();
        let fits = |(_, rule): &(u64, FaultRule)| rule.times > 0 && rule.on.strikes(incoming);
        let at = book.rules.iter().position(fits)?;
        let (id, rule) = &mut book.rules[at];
        let claimed = (*id, rule.fault.clone());
        rule.times -= 1;
        // A spent fault that holds stays in the book until it is released.
        if rule.times == 0 && !matches!(rule.fault, Fault::Hold | Fault::HoldBefore) {
            book.rules.remove(at);
        }
        Some(claimed)
    }

    /// Sets a request aside until it is released.
    pub(crate) fn park(&self, fault: u64, work: Work) -> oneshot::Receiver<Reply> {
        let (waiter, answer) = oneshot::channel();
        self.book().parked.push(Parked {
            fault,
            work,
            waiter,
        });
        answer
    }

    /// Takes out what is held, by one fault or by all.
    pub(crate) fn release(&self, fault: Option<u64>) -> Vec<Parked> {
        let mut book = self.book();
        let (out, stay) = std::mem::take(&mut book.parked)
            .into_iter()
            .partition(|parked| fault.is_none_or(|id| parked.fault == id));
        book.parked = stay;
        let held: Vec<u64> = book.parked.iter().map(|parked| parked.fault).collect();
        book.rules
            .retain(|(id, rule)| rule.times > 0 || held.contains(id));
        out
    }

    pub(crate) fn clear(&self) {
        let mut book = self.book();
        book.rules.clear();
        // Dropping the waiters cuts their connections.
        book.parked.clear();
    }

    pub(crate) fn states(&self) -> Vec<FaultState> {
        let book = self.book();
        let held = |id: u64| {
            book.parked
                .iter()
                .filter(|parked| parked.fault == id)
                .count()
        };
        book.rules
            .iter()
            .map(|(id, rule)| FaultState {
                id: *id,
                rule: rule.clone(),
                held: held(*id),
            })
            .collect()
    }

    /// How many requests wait.
    pub(crate) fn held(&self) -> usize {
        self.book().parked.len()
    }
}
