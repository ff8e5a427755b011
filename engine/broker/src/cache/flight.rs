//! Flights: requests for tokens that land whether or not anybody still waits for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actions_contract::BoxFuture;
use tokio::sync::watch;

use super::{Shared, throttled_error};
use crate::clock::Moment;
use crate::error::{AuthError, AuthKind};
use crate::key::TokenKey;
use crate::slot::{Landing, Slot, lost_flight};
use crate::telemetry::{TokenEvent, TokenEventKind, TokenSource, TokenSubject};
use crate::token::{Issued, Token};

const FLIGHT_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks the token service once.
pub(crate) type Fetch = Box<dyn FnOnce() -> BoxFuture<'static, Result<Issued, AuthError>> + Send>;

pub(super) type Announce = watch::Sender<Option<Landing>>;

/// What a flight needs to know to land.
pub(super) struct Plan {
    pub(super) key: TokenKey,
    pub(super) subject: TokenSubject,
    pub(super) epoch: u64,
}

impl Plan {
    pub(super) fn new(key: &TokenKey, subject: &TokenSubject, epoch: u64) -> Self {
        Self {
            key: key.clone(),
            subject: subject.clone(),
            epoch,
        }
    }
}

/// One flight: waits for its place, asks, lands. A panic inside lands as an error.
pub(super) async fn fly(shared: Arc<Shared>, plan: Plan, announce: Announce, fetch: Fetch) {
    let outcome = Err(lost_flight());
    let mut landing = Runway {
        shared: &shared,
        plan: &plan,
        announce,
        outcome,
    };
    // The narrow gate first: who waits for one tenant must not hold a place that others need.
    let gate = shared.traffic().gate_of(&plan.key);
    let (Ok(_narrow), Ok(_wide)) = (gate.acquire().await, shared.gate.acquire().await) else {
        return;
    };
    let throttled = shared
        .traffic()
        .throttled_for_ms(&plan.key.circuit(), shared.clock.now());
    landing.outcome = match throttled {
        Some(wait_ms) => Err(throttled_error(wait_ms)),
        None => match tokio::time::timeout(FLIGHT_TIMEOUT, fetch()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let reason = "the token service did not answer in time";
                Err(AuthError::new(AuthKind::Timeout, reason))
            }
        },
    };
}

/// Lands its flight when it goes out of scope, however that comes about.
struct Runway<'a> {
    shared: &'a Shared,
    plan: &'a Plan,
    announce: Announce,
    outcome: Result<Issued, AuthError>,
}

impl Drop for Runway<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(lost_flight()));
        let landing = self.shared.land(self.plan, outcome);
        self.announce.send_replace(Some(landing));
    }
}

impl Shared {
    fn land(&self, plan: &Plan, outcome: Result<Issued, AuthError>) -> Landing {
        let now = self.clock.now();
        let sent = outcome.as_ref().ok().map(|issued| issued.sent);
        let landing: Landing = match outcome {
            Ok(issued) => {
                let serial = self.serial.fetch_add(1, Ordering::Relaxed);
                Ok(Arc::new(Token::new(issued, serial, (self.chance)())))
            }
            Err(error) => Err(Arc::new(error)),
        };
        if let Err(error) = &landing
            && let (AuthKind::Throttled, Some(wait)) = (error.kind, error.retry_after)
        {
            self.traffic()
                .throttled
                .insert(plan.key.circuit(), now.plus(wait.as_ms()));
        }
        let chance = (self.chance)();
        let land = |slot: &mut Slot| slot.land(plan.epoch, &landing, now, chance);
        let serving = self.shelves.with(&plan.key, land).unwrap_or(false);
        let event = landed_event(plan, &landing, serving, now);
        let elapsed_ms = sent.map(|sent| now.steady_ms.saturating_sub(sent.steady_ms));
        self.telemetry.tell(&TokenEvent {
            elapsed_ms,
            ..event
        });
        landing
    }
}

fn landed_event(plan: &Plan, landing: &Landing, serving: bool, now: Moment) -> TokenEvent {
    match landing {
        Ok(token) => {
            let event = TokenEvent::new(TokenEventKind::Issued, &plan.subject, plan.epoch);
            TokenEvent {
                source: Some(TokenSource::Idp),
                token: Some(token.name.clone()),
                ttl_s: Some(token.ttl_s(now)),
                http_status: Some(200),
                ..event
            }
        }
        Err(error) => {
            let kind = if serving {
                TokenEventKind::RefreshFailedServingOld
            } else {
                TokenEventKind::Failed
            };
            TokenEvent::new(kind, &plan.subject, plan.epoch).failed_with(error)
        }
    }
}
