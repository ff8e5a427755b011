//! One cached token as a state machine: no lock, no clock, no network.
//!
//! | state | meaning | [`Slot::look`] |
//! |---|---|---|
//! | empty or dead | no usable token | `Fetch`, or `Join` the flight under way |
//! | fresh | token before its refresh time | `Serve` |
//! | aging | past it, nothing under way | `ServeAndRefresh` |
//! | refreshing, degraded | a refresh is under way, or failed lately | `Serve` |
//! | challenged | no token; the next flight knows what the API wants | `Fetch`, or `Join` |
//! | cooling down, blocked | no token and a failure not long ago | `Refuse` |

use std::sync::Arc;

use engine_model::Millis;
use tokio::sync::watch;

use crate::challenge::Challenge;
use crate::clock::Moment;
use crate::error::{AuthError, AuthKind};
use crate::token::{Token, share};

/// What became of a flight.
pub(crate) type Landing = Result<Arc<Token>, Arc<AuthError>>;

const FORCED_PAUSE_MS: u64 = 30_000;
const WAIT_MIN_MS: u64 = 1000;
const BACKOFF_MIN_MS: u64 = 250;
const BACKOFF_MAX_MS: u64 = 60_000;
const BLOCKED_FIRST_MS: u64 = 60_000;
const BLOCKED_NEXT_MS: u64 = 300_000;
/// For how long a token that was had for some claims proves that asking again does not help.
const LOOP_MS: u64 = 300_000;
/// Nobody but the person can help, and signing in leads to another slot.
const SIGNED_OUT_MS: u64 = 86_400_000;

/// One key's token, the flight that fetches it, and the memory of a failure.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Raised when a token is rejected: a flight that began before cannot satisfy who came after.
    epoch: u64,
    token: Option<Arc<Token>>,
    flight: Option<Flight>,
    negative: Option<Negative>,
    /// Failures in a row.
    strikes: u32,
    forced_at: Option<Moment>,
    /// What an API wants of the next token.
    challenge: Option<Arc<Challenge>>,
    /// What an API wanted of the present token, and when it was had.
    answered: Option<(Arc<Challenge>, Moment)>,
    /// When it was last looked at.
    pub(crate) used_at: Moment,
}

#[derive(Debug)]
struct Flight {
    epoch: u64,
    landing: watch::Receiver<Option<Landing>>,
}

#[derive(Debug)]
struct Negative {
    until: Moment,
    error: Arc<AuthError>,
}

/// What a caller is to do.
#[derive(Debug)]
pub(crate) enum Look {
    /// Use this token.
    Serve(Arc<Token>),
    /// Use this token, and begin a flight for the next one.
    ServeAndRefresh(Arc<Token>),
    /// Wait for the flight under way.
    Join(Ticket),
    /// Begin a flight and wait for it.
    Fetch,
    /// Give up for now.
    Refuse(AuthError),
}

/// A place in the queue for a flight.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) landing: watch::Receiver<Option<Landing>>,
    /// Whether the flight began after the last rejection; otherwise look again once it landed.
    pub(crate) is_current: bool,
}

/// What a flight needs to know.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) epoch: u64,
    pub(crate) challenge: Option<Arc<Challenge>>,
    pub(crate) announce: watch::Sender<Option<Landing>>,
    pub(crate) ticket: Ticket,
}

/// What a rejection led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The token is dropped, or was replaced meanwhile: a new one can be had.
    Dropped,
    /// The slot holds another token already.
    Replaced,
    /// A fresh token was fetched for the same reason moments ago: another will not help.
    TooSoon,
    /// The token was fetched for the very claims that are asked for again.
    Loop,
}

impl Slot {
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) const fn has_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// The token, where it is fresh and nothing else has to be thought of.
    pub(crate) fn fresh(&mut self, now: Moment) -> Option<Arc<Token>> {
        let fresh = |token: &&Arc<Token>| token.is_live(now) && !token.wants_refresh(now);
        let token = self.token.as_ref().filter(fresh)?;
        self.used_at = now;
        Some(Arc::clone(token))
    }

    /// What a caller is to do now.
    pub(crate) fn look(&mut self, now: Moment) -> Look {
        self.used_at = now;
        if self
            .negative
            .as_ref()
            .is_some_and(|negative| negative.until.is_reached(now))
        {
            self.negative = None;
        }
        if let Some(token) = self.token.take_if(|token| !token.is_live(now)) {
            drop(token);
        }
        if let Some(token) = &self.token {
            // A failure never hides a live token; it only keeps the next refresh back.
            let due = token.wants_refresh(now) && self.flight.is_none() && self.negative.is_none();
            let token = Arc::clone(token);
            return if due {
                Look::ServeAndRefresh(token)
            } else {
                Look::Serve(token)
            };
        }
        if let Some(flight) = &self.flight {
            let is_current = flight.epoch == self.epoch;
            return Look::Join(Ticket {
                landing: flight.landing.clone(),
                is_current,
            });
        }
        match &self.negative {
            Some(negative) => Look::Refuse(negative.at(now)),
            None => Look::Fetch,
        }
    }

    /// Begins a flight; the caller found by [`Slot::look`] that there is none.
    pub(crate) fn depart(&mut self) -> Departure {
        let (announce, landing) = watch::channel(None);
        let epoch = self.epoch;
        self.flight = Some(Flight {
            epoch,
            landing: landing.clone(),
        });
        Departure {
            epoch,
            challenge: self.challenge.clone(),
            announce,
            ticket: Ticket {
                landing,
                is_current: true,
            },
        }
    }

    /// Takes the result of the flight of `epoch`. A token that was asked for before a rejection
    /// goes to its own waiters only. Says whether an older token goes on serving.
    pub(crate) fn land(&mut self, epoch: u64, landing: &Landing, now: Moment, chance: f64) -> bool {
        self.flight = None;
        match landing {
            Ok(token) if epoch == self.epoch => {
                self.token = Some(Arc::clone(token));
                self.negative = None;
                self.strikes = 0;
                // Of the same epoch, so the flight knew of the challenge.
                self.answered = self.challenge.take().map(|challenge| (challenge, now));
            }
            Ok(_) => {}
            Err(error) => {
                self.strikes = self.strikes.saturating_add(1);
                let until = now.plus(self.pause_ms(error, chance));
                self.negative = Some(Negative {
                    until,
                    error: Arc::clone(error),
                });
            }
        }
        self.token.as_ref().is_some_and(|token| token.is_live(now))
    }

    /// The service rejected the token with this serial.
    pub(crate) fn reject(&mut self, serial: u64, now: Moment) -> Rejection {
        if self
            .token
            .as_ref()
            .is_none_or(|token| token.serial != serial)
        {
            return Rejection::Replaced;
        }
        let ready = |at: Moment| at.plus(FORCED_PAUSE_MS).is_reached(now);
        if !self.forced_at.is_none_or(ready) {
            return Rejection::TooSoon;
        }
        self.forced_at = Some(now);
        self.epoch += 1;
        self.token = None;
        Rejection::Dropped
    }

    /// The service rejected the token with this serial, and says what it wants of the next.
    ///
    /// The challenge stays until a flight that knew of it lands, whatever is under way.
    pub(crate) fn challenge(
        &mut self,
        serial: u64,
        challenge: Challenge,
        now: Moment,
    ) -> Rejection {
        if self.challenge.as_deref() == Some(&challenge) {
            return Rejection::Dropped;
        }
        if let Some((answered, at)) = &self.answered
            && **answered == challenge
            && let Some(token) = &self.token
        {
            if token.serial != serial {
                return Rejection::Replaced;
            }
            if !at.plus(LOOP_MS).is_reached(now) {
                return Rejection::Loop;
            }
        }
        self.challenge = Some(Arc::new(challenge));
        self.answered = None;
        self.epoch += 1;
        self.token = None;
        Rejection::Dropped
    }

    /// How long not to ask again: what the service said, or full jitter over 1, 2, 4 … 60 s, or a
    /// minute and then five where somebody has to change something.
    fn pause_ms(&self, error: &AuthError, chance: f64) -> u64 {
        if let Some(wait) = error.retry_after {
            // Whoever says zero would otherwise be asked by every caller.
            return wait.as_ms().max(WAIT_MIN_MS);
        }
        if matches!(error.kind, AuthKind::Interaction | AuthKind::Locked) {
            return SIGNED_OUT_MS;
        }
        if !error.kind.is_transient() {
            return if self.strikes <= 1 {
                BLOCKED_FIRST_MS
            } else {
                BLOCKED_NEXT_MS
            };
        }
        let ceiling = 1000_u64 << self.strikes.saturating_sub(1).min(6);
        share(ceiling.min(BACKOFF_MAX_MS), chance).max(BACKOFF_MIN_MS)
    }
}

impl Negative {
    /// The error for somebody who asks at `now`.
    fn at(&self, now: Moment) -> AuthError {
        let mut error = AuthError::clone(&self.error);
        if error.kind.is_transient() {
            error.retry_after = Some(Millis::from_ms(self.until.ms_from(now)));
        }
        error
    }
}

/// The error of a flight that ended without a result: it panicked, or its runtime went away.
pub(crate) fn lost_flight() -> AuthError {
    AuthError::new(
        AuthKind::Internal,
        "the request for a token ended without a result",
    )
}

#[cfg(test)]
mod tests;
