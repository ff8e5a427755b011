//! What one instance can see and use: the host's side of every import.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{EffectKind, Mode, Request};
use engine_model::{Timestamp, code};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::bindings::http::HttpError;
use crate::bindings::{clock, http as wit, log, words};
use crate::config::HostConfig;
use crate::http::{self, Parsed};
use crate::manifest::Place;
use crate::reach::{Errand, Reach, Refusal, is_safe};
use crate::schema::brief;
use crate::ticker;

/// Why the host stopped a guest; travels inside the trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("it computed longer than allowed")]
    Cpu,
    #[error("it asked for more memory than allowed")]
    Memory,
    #[error("it called an import while describing itself")]
    Peeked,
}

/// A request on its way to the one who may send it.
pub(crate) struct Ask {
    pub(crate) request: Request,
    pub(crate) limit: Duration,
    pub(crate) reply: oneshot::Sender<Result<wit::Response, HttpError>>,
}

/// Where requests are handed over.
pub(crate) struct Line {
    asks: mpsc::Sender<Ask>,
    limit: Duration,
}

impl Line {
    /// Hands a request over and waits for what comes back.
    pub(crate) async fn send(self, request: Request) -> Result<wit::Response, HttpError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask {
            request,
            limit: self.limit,
            reply,
        };
        // Whoever serves the other end outlives this instance.
        if self.asks.send(ask).await.is_err() {
            return Err(HttpError::Timeout);
        }
        answer.await.unwrap_or(Err(HttpError::Timeout))
    }
}

/// What a call lends to its instance.
pub(crate) struct Loan {
    pub(crate) reach: Arc<Reach>,
    pub(crate) action: String,
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) effect: EffectKind,
    pub(crate) mode: Mode,
    /// The instant of the engine's clock at `began`.
    pub(crate) now: Timestamp,
    pub(crate) began: Instant,
    pub(crate) deadline: Instant,
    /// The connection the action says it uses.
    pub(crate) connection: Option<Place>,
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) lines_left: u32,
    pub(crate) lines_dropped: u32,
    /// The last request that was refused.
    pub(crate) refused: Option<Refusal>,
    /// Whether it wanted to change something while it simulated.
    pub(crate) wrote_in_simulation: bool,
}

impl Loan {
    fn refuse(&mut self, refusal: Refusal) -> HttpError {
        tracing::warn!(
            run = %self.run, step = %self.step, action = %self.action,
            code = refusal.code.as_str(), reason = %refusal.message,
            "refused a request of a plugin"
        );
        let text = format!("{} ({})", refusal.message, refusal.code);
        self.refused = Some(refusal);
        HttpError::Denied(text)
    }

    /// The request as it may leave.
    pub(crate) fn allow(&mut self, parsed: Parsed) -> Result<Request, HttpError> {
        let method = parsed.request.method;
        self.wrote_in_simulation |= self.mode == Mode::Simulate && !is_safe(method);
        let errand = Errand {
            place: &parsed.place,
            method,
            path: &parsed.request.path,
            effect: self.effect,
            mode: self.mode,
        };
        self.reach
            .check(&errand)
            .and_then(|()| self.own_connection(&parsed.place))
            .map_err(|refusal| self.refuse(refusal))?;
        Ok(self.reach.bind(parsed)?.request)
    }

    /// The line to whoever may send, for a request that may take `asked`.
    pub(crate) fn line(&self, asked: Option<Duration>) -> Line {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Line {
            asks: self.asks.clone(),
            limit: asked.map_or(left, |asked| asked.min(left)),
        }
    }

    /// A connection is used by the actions that say so.
    fn own_connection(&self, place: &Place) -> Result<(), Refusal> {
        let is_connection = !matches!(place, Place::Host(_));
        if !is_connection || self.connection.as_ref() == Some(place) {
            return Ok(());
        }
        Err(Refusal {
            code: code::PL0205,
            message: format!(
                "`{}` does not say that it uses {place}; `connection` of its description would \
                 allow it",
                self.action
            ),
        })
    }
}

/// The data of a store: limits, and the loan while a call is served.
pub(crate) struct Guest {
    memory_left: usize,
    table_elements_left: usize,
    ticks_left: u64,
    pub(crate) loan: Option<Loan>,
}

impl Guest {
    /// A store with every limit set. Without a loan each import traps.
    pub(crate) fn store(
        engine: &wasmtime::Engine,
        limits: &HostConfig,
        loan: Option<Loan>,
    ) -> Store<Self> {
        let period = ticker::PERIOD.as_millis();
        let ticks = u128::from(limits.cpu_ms_max).div_ceil(period);
        let guest = Self {
            memory_left: limits.memory_bytes_max,
            table_elements_left: 20_000,
            ticks_left: u64::try_from(ticks).unwrap_or(u64::MAX),
            loan,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| guest);
        // What a guest hands over is copied; without a cap, four calls would take half a gigabyte.
        store.set_hostcall_fuel(limits.output_bytes_max.saturating_add(64 << 10));
        store.set_epoch_deadline(1);
        // The deadline moves while the guest computes and not while it waits, so that one interval
        // of computing costs one tick, however long the guest waited before.
        store.epoch_deadline_callback(|mut cx| {
            let guest = cx.data_mut();
            guest.ticks_left = guest.ticks_left.checked_sub(1).ok_or(Stop::Cpu)?;
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(tokio::task::yield_now()),
            ))
        });
        store
    }

    fn loan(&mut self) -> wasmtime::Result<&mut Loan> {
        self.loan.as_mut().ok_or_else(|| Stop::Peeked.into())
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // All memories of the component together; a failure that the guest could ignore would let
        // it try for ever.
        let more = desired.saturating_sub(current);
        self.memory_left = self.memory_left.checked_sub(more).ok_or(Stop::Memory)?;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        self.table_elements_left = self
            .table_elements_left
            .checked_sub(more)
            .ok_or(Stop::Memory)?;
        Ok(true)
    }
}

impl words::Host for Guest {}

impl wit::Host for Guest {
    async fn send(
        &mut self,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Response, HttpError>> {
        let loan = self.loan()?;
        let asked = request
            .timeout_ms
            .map(|ms| Duration::from_millis(u64::from(ms)));
        let allowed = http::parse(request, &loan.action).and_then(|parsed| loan.allow(parsed));
        Ok(match allowed {
            Ok(request) => loan.line(asked).send(request).await,
            Err(error) => Err(error),
        })
    }
}

impl log::Host for Guest {
    async fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Option<String>,
    ) -> wasmtime::Result<()> {
        let loan = self.loan()?;
        let Some(left) = loan.lines_left.checked_sub(1) else {
            loan.lines_dropped = loan.lines_dropped.saturating_add(1);
            return Ok(());
        };
        loan.lines_left = left;
        let said = brief(&message);
        let fields = fields.as_deref().map(brief).unwrap_or_default();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    run = %loan.run, step = %loan.step, action = %loan.action,
                    said, fields, "a plugin wrote a line"
                )
            };
        }
        match level {
            log::Level::Trace => line!(trace),
            log::Level::Debug => line!(debug),
            log::Level::Info => line!(info),
            log::Level::Warn => line!(warn),
            log::Level::Error => line!(error),
        }
        Ok(())
    }
}

impl clock::Host for Guest {
    async fn now_ms(&mut self) -> wasmtime::Result<f64> {
        let loan = self.loan()?;
        // The engine's instant plus what has passed since, so that a run in virtual time stays in
        // virtual time.
        let passed = i64::try_from(loan.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = loan.now.as_ms().saturating_add(passed);
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds stay far below 2^53"
        )]
        Ok(now as f64)
    }

    async fn sleep_ms(&mut self, duration: u32) -> wasmtime::Result<()> {
        let until = Instant::now() + Duration::from_millis(u64::from(duration));
        let deadline = self.loan()?.deadline;
        tokio::time::sleep_until(until.min(deadline)).await;
        Ok(())
    }
}
