//! The cache of tokens: one slot per key, one flight per slot, flights owned by the broker.
//!
//! A caller that goes away does not take its flight along: the answer still lands. No lock is held
//! across an await; while the token service is slow for one tenant, nobody else waits.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine_model::Millis;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::challenge::Challenge;
use crate::clock::{Clock, Moment};
use crate::error::{AuthError, AuthKind};
use crate::key::{Circuit, Fingerprint, TokenKey};
use crate::slot::{Departure, Look, Rejection, Ticket, lost_flight};
use crate::telemetry::{Telemetry, TokenEvent, TokenEventKind, TokenSource, TokenSubject};
use crate::token::Token;

mod flight;
mod shelves;

pub(crate) use flight::Fetch;
use flight::{Plan, fly};
use shelves::Shelves;

const SLOTS_MAX: usize = 4096;
const GATES_MAX: usize = 1024;
const FLIGHTS_MAX: usize = 8;
const FLIGHTS_PER_TENANT_MAX: usize = 2;

/// A random number in `0..1`.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A token that may be used now, with what is told about it.
#[derive(Debug)]
pub(crate) struct Grasp {
    pub(crate) token: Arc<Token>,
    pub(crate) source: TokenSource,
    pub(crate) epoch: u64,
}

/// The tokens of a broker.
pub(crate) struct Cache {
    shared: Arc<Shared>,
    /// Dropped with the broker, which ends the flights.
    flights: Mutex<JoinSet<()>>,
}

/// What the flights share with the cache.
struct Shared {
    shelves: Shelves,
    traffic: Mutex<Traffic>,
    clock: Arc<dyn Clock>,
    chance: Chance,
    telemetry: Telemetry,
    serial: AtomicU64,
    gate: Semaphore,
}

/// What holds for all the tokens of a tenant together. Never locked while a shelf is.
#[derive(Default)]
struct Traffic {
    /// Until when the token service does not want to be asked.
    throttled: HashMap<Circuit, Moment>,
    /// A narrow gate per directory, so that a slow one cannot take every place.
    gates: HashMap<(String, String), Arc<Semaphore>>,
}

/// What a look at the slot led to.
enum Step {
    Ready(Arc<Token>),
    Refresh(Arc<Token>, Departure),
    Wait(Ticket),
    Leave(Departure),
}

impl Cache {
    pub(crate) fn new(clock: Arc<dyn Clock>, chance: Chance, telemetry: Telemetry) -> Self {
        Self::with_room(SLOTS_MAX, clock, chance, telemetry)
    }

    /// A cache of so many slots.
    pub(crate) fn with_room(
        slots_max: usize,
        clock: Arc<dyn Clock>,
        chance: Chance,
        telemetry: Telemetry,
    ) -> Self {
        let shared = Shared {
            shelves: Shelves::new(slots_max),
            traffic: Mutex::default(),
            clock,
            chance,
            telemetry,
            serial: AtomicU64::new(1),
            gate: Semaphore::new(FLIGHTS_MAX),
        };
        Self {
            shared: Arc::new(shared),
            flights: Mutex::default(),
        }
    }

    /// A usable token: at once when one is at hand, otherwise when the flight for it lands.
    /// `fetch` makes the request of a flight, should one have to leave.
    pub(crate) async fn get(
        &self,
        key: &TokenKey,
        subject: &TokenSubject,
        fetch: impl Fn(Option<&Challenge>) -> Fetch,
    ) -> Result<Grasp, AuthError> {
        loop {
            let (step, epoch) = self.look(key);
            let mut ticket = match step? {
                Step::Ready(token) => {
                    return Ok(Grasp {
                        token,
                        source: TokenSource::Cache,
                        epoch,
                    });
                }
                Step::Refresh(token, departure) => {
                    let kind = TokenEventKind::RefreshStarted;
                    let fetch = fetch(departure.challenge.as_deref());
                    let plan = Plan::new(key, subject, departure.epoch);
                    self.launch(plan, kind, departure, fetch);
                    return Ok(Grasp {
                        token,
                        source: TokenSource::Cache,
                        epoch,
                    });
                }
                Step::Wait(ticket) => ticket,
                Step::Leave(departure) => {
                    let kind = TokenEventKind::Requested;
                    let fetch = fetch(departure.challenge.as_deref());
                    let plan = Plan::new(key, subject, departure.epoch);
                    self.launch(plan, kind, departure, fetch)
                }
            };
            let landing = match ticket.landing.wait_for(Option::is_some).await {
                Ok(landing) => landing
                    .clone()
                    .unwrap_or_else(|| Err(Arc::new(lost_flight()))),
                Err(_) => Err(Arc::new(lost_flight())),
            };
            if ticket.is_current {
                return match landing {
                    Ok(token) => Ok(Grasp {
                        token,
                        source: TokenSource::Idp,
                        epoch,
                    }),
                    Err(error) => Err(AuthError::clone(&error)),
                };
            }
        }
    }

    /// The API rejected `token`: drops it unless it was replaced already.
    pub(crate) fn reject(
        &self,
        key: &TokenKey,
        subject: &TokenSubject,
        token: &Token,
    ) -> Rejection {
        let now = self.shared.clock.now();
        let rejected = self.shared.shelves.with(key, |slot| {
            let rejection = slot.reject(token.serial, now);
            (rejection, slot.epoch())
        });
        let Some((rejection, epoch)) = rejected else {
            return Rejection::Replaced;
        };
        if rejection == Rejection::Dropped {
            let mut event = TokenEvent::new(TokenEventKind::Invalidated, subject, epoch);
            event.token = Some(token.name.clone());
            self.shared.telemetry.tell(&event);
        }
        rejection
    }

    /// The API rejected `token` and says what it wants of the next one.
    pub(crate) fn challenge(
        &self,
        key: &TokenKey,
        subject: &TokenSubject,
        token: &Token,
        challenge: Challenge,
    ) -> Rejection {
        let now = self.shared.clock.now();
        let (rejection, epoch) = self.shared.shelves.with_new(key, |slot| {
            let rejection = slot.challenge(token.serial, challenge, now);
            (rejection, slot.epoch())
        });
        let mut event = TokenEvent::new(TokenEventKind::ClaimsChallenge, subject, epoch);
        event.token = Some(token.name.clone());
        self.shared.telemetry.tell(&event);
        rejection
    }

    /// Forgets every token that was got with this credential.
    pub(crate) fn forget(&self, credential: Fingerprint) {
        self.shared.shelves.forget(credential);
    }

    /// Looks into the slot, and books a flight under the same lock where one has to leave.
    fn look(&self, key: &TokenKey) -> (Result<Step, AuthError>, u64) {
        let (now, shelves) = (self.shared.clock.now(), &self.shared.shelves);
        // By far the most common; nothing is cloned for it but the way to the token.
        let fresh = shelves.with(key, |slot| (slot.fresh(now), slot.epoch()));
        match fresh {
            Some((Some(token), epoch)) => return (Ok(Step::Ready(token)), epoch),
            Some((None, _)) => {}
            None => shelves.make_room(now),
        }
        let throttled = self.shared.traffic().throttled_for_ms(&key.circuit(), now);
        shelves.with_new(key, |slot| {
            let step = match (slot.look(now), throttled) {
                (Look::Serve(token), _) | (Look::ServeAndRefresh(token), Some(_)) => {
                    Ok(Step::Ready(token))
                }
                (Look::ServeAndRefresh(token), None) => Ok(Step::Refresh(token, slot.depart())),
                (Look::Join(ticket), _) => Ok(Step::Wait(ticket)),
                (Look::Fetch, None) => Ok(Step::Leave(slot.depart())),
                (Look::Fetch, Some(wait_ms)) => Err(throttled_error(wait_ms)),
                (Look::Refuse(error), _) => Err(error),
            };
            (step, slot.epoch())
        })
    }

    /// Sends a flight off, owned by the broker.
    fn launch(
        &self,
        plan: Plan,
        kind: TokenEventKind,
        departure: Departure,
        fetch: Fetch,
    ) -> Ticket {
        self.shared
            .telemetry
            .tell(&TokenEvent::new(kind, &plan.subject, plan.epoch));
        let Departure {
            announce, ticket, ..
        } = departure;
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        while flights.try_join_next().is_some() {}
        flights.spawn(fly(Arc::clone(&self.shared), plan, announce, fetch));
        ticket
    }
}

impl Shared {
    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        // A panic while the lock was held leaves a consistent state: every change is one step.
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn throttled_error(wait_ms: u64) -> AuthError {
    let mut error = AuthError::new(AuthKind::Throttled, "the token service asked to slow down");
    error.retry_after = Some(Millis::from_ms(wait_ms));
    error
}

impl Traffic {
    fn throttled_for_ms(&mut self, circuit: &Circuit, now: Moment) -> Option<u64> {
        let until = *self.throttled.get(circuit)?;
        if until.is_reached(now) {
            self.throttled.remove(circuit);
            return None;
        }
        Some(until.ms_from(now))
    }

    /// The gate of a tenant; those that nobody stands at are forgotten.
    fn gate_of(&mut self, key: &TokenKey) -> Arc<Semaphore> {
        if self.gates.len() >= GATES_MAX {
            self.gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let place = (key.authority.clone(), key.tenant.clone());
        let gate = self
            .gates
            .entry(place)
            .or_insert_with(|| Arc::new(Semaphore::new(FLIGHTS_PER_TENANT_MAX)));
        Arc::clone(gate)
    }
}

#[cfg(test)]
mod tests;
