//! The stop switch: while it is on, nothing that contains or destroys leaves the engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actions_contract::{
    ActionError, BoxFuture, Call, EffectKind, Egress, EgressError, ErrorKind, Method, Mode,
    Request, Response, Sent,
};
use engine_model::{Timestamp, code};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Who stopped the engine, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a request that was given up may still take to leave the buffers of this process.
const DRAIN: Duration = Duration::from_millis(20);

/// The stop switch in memory; a driver keeps it durable beside it.
#[derive(Debug, Default)]
pub struct StopSwitch {
    state: Mutex<Option<Halt>>,
    /// Wakes those whose requests are under way in the order in which they left.
    turned: Notify,
    /// Requests that contain or destroy and are being sent.
    leaving: AtomicUsize,
}

impl StopSwitch {
    /// Whether it is on.
    #[must_use]
    pub fn halted(&self) -> Option<Halt> {
        self.state().clone()
    }

    /// Turns it to what a driver has made durable.
    pub fn set(&self, halt: Option<Halt>) {
        *self.state() = halt;
        self.turned.notify_waiters();
    }

    /// Turns it on. When this comes back, no request that contains or destroys is under way: what
    /// had not been answered was given up, and counts as unknown.
    pub async fn stop(&self, halt: Halt) {
        self.set(Some(halt));
        while self.leaving.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(DRAIN).await;
    }

    /// Waits until it is on.
    async fn on(&self) -> Halt {
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            // Listening before looking: no turn is missed in between.
            turned.as_mut().enable();
            if let Some(halt) = self.halted() {
                return halt;
            }
            turned.await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<Halt>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one request leave, or says that nothing does.
    fn leave(&self) -> Result<Leaving<'_>, Halt> {
        // Counted first and checked afterwards: whoever turns the switch looks the other way round.
        self.leaving.fetch_add(1, Ordering::SeqCst);
        let leaving = Leaving(self);
        match self.halted() {
            Some(halt) => Err(halt),
            None => Ok(leaving),
        }
    }
}

/// A request that is being sent.
struct Leaving<'a>(&'a StopSwitch);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leaving.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The error of everything that the stop switch refuses.
#[must_use]
pub fn stopped(halt: &Halt) -> ActionError {
    let why = halt.reason.as_deref().map(|why| format!(": {why}"));
    let message = format!(
        "{} stopped everything that contains at {}{}",
        halt.by,
        halt.at,
        why.unwrap_or_default()
    );
    ActionError::permanent(ErrorKind::GuardRefused, code::GR0101, message)
}

/// The way out with the stop switch in it, looked at when each request leaves.
pub(crate) struct Watched<'a> {
    pub(crate) egress: &'a dyn Egress,
    pub(crate) switch: &'a StopSwitch,
}

impl Egress for Watched<'_> {
    fn send<'a>(
        &'a self,
        call: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        let changes = matches!(call.effect, EffectKind::Contain | EffectKind::Destroy)
            && call.mode == Mode::Execute
            && !matches!(request.method, Method::Get | Method::Head);
        if !changes {
            return self.egress.send(call, request);
        }
        Box::pin(async move {
            let leaving = self.switch.leave();
            let _leaving = leaving.map_err(|halt| EgressError::unsent(stopped(&halt)))?;
            tokio::select! {
                biased;
                sent = self.egress.send(call, request) => sent,
                // It may have arrived: whoever asked looks it up.
                halt = self.switch.on() => Err(EgressError {
                    error: stopped(&halt),
                    sent: Sent::Maybe,
                }),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn halt() -> Halt {
        Halt {
            at: Timestamp::from_ms(0),
            by: "mona".to_owned(),
            reason: None,
        }
    }

    #[tokio::test]
    async fn nothing_leaves_once_the_switch_is_on_and_everything_once_it_is_off_again() {
        let switch = StopSwitch::default();
        assert!(switch.leave().is_ok());
        switch.stop(halt()).await;
        assert_eq!(switch.leave().err(), Some(halt()));
        assert_eq!(switch.leaving.load(Ordering::SeqCst), 0);
        switch.set(None);
        assert!(switch.leave().is_ok());
    }

    #[tokio::test]
    async fn the_switch_waits_for_what_is_being_sent() {
        let switch = Arc::new(StopSwitch::default());
        let leaving = switch.leave().unwrap();
        let stopping = switch.stop(halt());
        tokio::pin!(stopping);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut stopping).await;
        assert!(early.is_err(), "a request was still under way");
        drop(leaving);
        stopping.await;
    }
}
