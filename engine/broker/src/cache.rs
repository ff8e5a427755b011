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
use crate::slot::{Departure, Look, Rejection, Slot, Ticket, lost_flight};
use crate::telemetry::{Telemetry, TokenEvent, TokenEventKind, TokenSource, TokenSubject};
use crate::token::Token;

mod flight;

pub(crate) use flight::Fetch;
use flight::{Plan, fly};

const SLOTS_MAX: usize = 4096;
const IDLE_MS: u64 = 2 * 3_600_000;
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
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    chance: Chance,
    telemetry: Telemetry,
    serial: AtomicU64,
    gate: Semaphore,
    slots_max: usize,
}

#[derive(Default)]
struct State {
    slots: HashMap<TokenKey, Slot>,
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
            state: Mutex::default(),
            clock,
            chance,
            telemetry,
            serial: AtomicU64::new(1),
            gate: Semaphore::new(FLIGHTS_MAX),
            slots_max,
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
        let mut state = self.shared.state();
        let Some(slot) = state.slots.get_mut(key) else {
            return Rejection::Replaced;
        };
        let rejection = slot.reject(token.serial, now);
        let epoch = slot.epoch();
        drop(state);
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
        let mut state = self.shared.state();
        let slot = state.slots.entry(key.clone()).or_default();
        let rejection = slot.challenge(token.serial, challenge, now);
        let epoch = slot.epoch();
        drop(state);
        let mut event = TokenEvent::new(TokenEventKind::ClaimsChallenge, subject, epoch);
        event.token = Some(token.name.clone());
        self.shared.telemetry.tell(&event);
        rejection
    }

    /// Forgets every token that was got with this credential.
    pub(crate) fn forget(&self, credential: Fingerprint) {
        self.shared
            .state()
            .slots
            .retain(|key, _| key.credential != credential);
    }

    /// Looks into the slot, and books a flight under the same lock where one has to leave.
    fn look(&self, key: &TokenKey) -> (Result<Step, AuthError>, u64) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        match state.slots.get_mut(key) {
            // By far the most common; nothing is cloned for it but the way to the token.
            Some(slot) => {
                if let Some(token) = slot.fresh(now) {
                    return (Ok(Step::Ready(token)), slot.epoch());
                }
            }
            None => state.make_room(now, self.shared.slots_max),
        }
        let throttled = state.throttled_for_ms(&key.circuit(), now);
        let slot = state.slots.entry(key.clone()).or_default();
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
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves a consistent state: every change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn throttled_error(wait_ms: u64) -> AuthError {
    let mut error = AuthError::new(AuthKind::Throttled, "the token service asked to slow down");
    error.retry_after = Some(Millis::from_ms(wait_ms));
    error
}

impl State {
    fn throttled_for_ms(&mut self, circuit: &Circuit, now: Moment) -> Option<u64> {
        let until = *self.throttled.get(circuit)?;
        if until.is_reached(now) {
            self.throttled.remove(circuit);
            return None;
        }
        Some(until.ms_from(now))
    }

    fn gate_of(&mut self, key: &TokenKey) -> Arc<Semaphore> {
        let place = (key.authority.clone(), key.tenant.clone());
        let gate = self
            .gates
            .entry(place)
            .or_insert_with(|| Arc::new(Semaphore::new(FLIGHTS_PER_TENANT_MAX)));
        Arc::clone(gate)
    }

    /// Drops what nobody asks for; a partner with thousands of tenants must not fill the memory.
    fn make_room(&mut self, now: Moment, slots_max: usize) {
        self.slots
            .retain(|_, slot| slot.has_flight() || !slot.used_at.plus(IDLE_MS).is_reached(now));
        if self.slots.len() >= slots_max {
            let idle = self.slots.iter().filter(|(_, slot)| !slot.has_flight());
            let oldest = idle.min_by_key(|(_, slot)| slot.used_at.steady_ms);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.slots.remove(&key);
            }
        }
        if self.gates.len() >= slots_max {
            self.gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
    }
}

#[cfg(test)]
mod tests;
