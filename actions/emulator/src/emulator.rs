//! The emulator and what it offers to the program it lives in.

mod additions;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actions_contract::{Api, Endpoint};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::clock::{Clock, SystemClock};
use crate::echo::{self, Coverage};
use crate::fault::{FaultRule, FaultState, Faults, Work};
use crate::listen::Listening;
use crate::log::{Counts, Log, LogEntry, LogFilter};
use crate::options::Options;
use crate::route::Routes;
use crate::seed::Seed;
use crate::state::{self, State};
use crate::token::{self, Issuer};
use crate::world::World;
use crate::{behaviour, control};

/// Why a value is not taken as an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    /// Alerts are objects.
    #[error("an alert is a JSON object")]
    NotAnObject,
    /// The text of an id is needed.
    #[error("an alert has a text at `id`")]
    NoId,
    /// There is no such tenant.
    #[error("the emulator has no such tenant")]
    UnknownTenant,
}

struct Inner {
    options: Options,
    clock: Box<dyn Clock>,
    /// How far the clock was moved by hand.
    moved_ms: AtomicI64,
    seed: Seed,
    endpoints: Vec<Endpoint>,
    routes: Routes,
    issuer: Issuer,
    worlds: HashMap<String, Mutex<World>>,
    log: Log,
    faults: Faults,
    base_url: Mutex<String>,
}

/// A Defender that answers from memory. Clones share one world.
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

impl Emulator {
    /// An emulator that goes by the clock of the machine.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::with_clock(options, SystemClock)
    }

    /// An emulator that goes by `clock`.
    #[must_use]
    pub fn with_clock(options: Options, clock: impl Clock + 'static) -> Self {
        let mut endpoints = actions_catalog::endpoints();
        endpoints.extend(behaviour::followed(&endpoints));
        let seed = Seed::new(options.seed);
        let now_ms = clock.now_ms();
        let worlds = options.tenants.iter().map(|tenant| {
            (
                tenant.id.clone(),
                Mutex::new(World::new(&options, tenant, now_ms)),
            )
        });
        let emulator = Self(Arc::new(Inner {
            clock: Box::new(clock),
            moved_ms: AtomicI64::new(0),
            seed,
            routes: Routes::new(&endpoints),
            issuer: Issuer::new(&seed, options.token_lifetime, &endpoints),
            worlds: worlds.collect(),
            log: Log::new(options.log_entries_max),
            faults: Faults::default(),
            base_url: Mutex::new("http://127.0.0.1".to_owned()),
            endpoints,
            options,
        }));
        emulator.order_first_faults();
        emulator
    }

    fn order_first_faults(&self) {
        for rule in &self.0.options.faults {
            self.0.faults.add(rule.clone());
        }
    }

    /// The HTTP service. A response marked [`Cut`](crate::Cut) must not be sent; [`Listening`]
    /// closes its connection instead.
    pub fn router(&self) -> axum::Router {
        control::router(self)
    }

    /// Takes a socket; the result knows its address and serves it.
    ///
    /// # Errors
    ///
    /// When the socket cannot tell its address.
    pub fn listen(&self, listener: TcpListener) -> io::Result<Listening> {
        Listening::new(self.clone(), listener)
    }

    /// Serves a socket until `shutdown` completes.
    ///
    /// # Errors
    ///
    /// When the socket cannot tell its address.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        self.listen(listener)?.run(shutdown).await;
        Ok(())
    }

    /// What it was made of.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Where it can be reached, once it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.0
            .base_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Its time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.0
            .clock
            .now_ms()
            .saturating_add(self.0.moved_ms.load(Ordering::SeqCst))
    }

    /// Moves its time forward, whatever clock it goes by.
    pub fn advance(&self, ms: i64) {
        self.0.moved_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The alert that the world begins with, in the vendor's shape with its evidence: on a
    /// workstation of the first tenant.
    #[must_use]
    pub fn demo_alert(&self) -> Value {
        let tenant = self
            .0
            .options
            .tenants
            .first()
            .map_or("", |tenant| tenant.id.as_str());
        self.world(tenant)
            .and_then(|world| world.alert(&world.demo_alert_id).cloned())
            .unwrap_or(Value::Null)
    }

    /// Orders a fault and gives back its number.
    pub fn order_fault(&self, rule: FaultRule) -> u64 {
        self.0.faults.add(rule)
    }

    /// The faults that still have something to do.
    #[must_use]
    pub fn faults_left(&self) -> Vec<FaultState> {
        self.0.faults.states()
    }

    /// How many requests are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.faults.held()
    }

    /// Lets go what one fault holds, or all of them, and gives back how many requests that were.
    /// What was held before its effect has its effect now.
    pub fn release(&self, fault: Option<u64>) -> usize {
        let parked = self.0.faults.release(fault);
        let count = parked.len();
        for parked in parked {
            let reply = match parked.work {
                Work::Answer(reply) => reply,
                Work::Perform(incoming) => self.perform(&incoming),
            };
            // A caller that has gone does not get its answer; the effect stays.
            let _ = parked.waiter.send(reply);
        }
        count
    }

    /// Forgets all faults; the connections of held requests are cut.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// The requests that arrived, oldest first.
    #[must_use]
    pub fn log(&self, filter: &LogFilter) -> Vec<LogEntry> {
        self.0.log.entries(filter)
    }

    /// How many requests arrived.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.log.counts()
    }

    /// What became of the machines.
    #[must_use]
    pub fn state(&self) -> State {
        let now_ms = self.now_ms();
        let tenants = self.0.options.tenants.iter();
        State {
            tenants: tenants
                .filter_map(|tenant| self.world(&tenant.id))
                .map(|world| state::of(&world, now_ms))
                .collect(),
        }
    }

    /// Which operations are answered.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let ids = self.0.endpoints.iter().map(|endpoint| endpoint.id);
        let ids = ids.filter(|id| *id != behaviour::FOLLOWED);
        let (served, rest): (Vec<_>, Vec<_>) = ids.partition(|id| behaviour::of(id).is_some());
        let echoes = |id: &&str| echo::answer(id, &[], "").is_some();
        let (echoed, unserved) = rest.into_iter().partition(echoes);
        Coverage {
            served,
            echoed,
            unserved,
        }
    }

    /// Makes the world anew, empties the log and orders the faults of the options again.
    pub fn reset(&self) {
        self.0.faults.clear();
        let now_ms = self.now_ms();
        for tenant in &self.0.options.tenants {
            if let Some(mut world) = self.world(&tenant.id) {
                *world = World::new(&self.0.options, tenant, now_ms);
            }
        }
        self.0.log.clear();
        self.order_first_faults();
    }

    /// What a person needs to try it: address, credentials and lines for the shell.
    #[must_use]
    pub fn describe(&self) -> String {
        let url = self.base_url();
        let mut text = format!("Defender emulator at {url}\n");
        for tenant in &self.0.options.tenants {
            let _ = write!(
                text,
                "\n  tenant  {}\n  client  {}\n  secret  {}\n",
                tenant.id, tenant.client_id, tenant.client_secret
            );
        }
        if let Some(tenant) = self.0.options.tenants.first() {
            let _ = write!(
                text,
                "\n  TOKEN=$(curl -s {url}/{}/oauth2/v2.0/token \
                 -d grant_type=client_credentials -d client_id={} -d client_secret={} \
                 -d scope={}/.default | jq -r .access_token)\n  \
                 curl -s -H \"Authorization: Bearer $TOKEN\" {url}/api/machines\n",
                tenant.id,
                tenant.client_id,
                tenant.client_secret,
                token::audience(Api::Mde),
            );
        }
        let _ = write!(
            text,
            "\n  {url}/emulator/log     what arrived\n  {url}/emulator/state   what became of the \
             machines\n  {url}/emulator/faults  what goes wrong\n  \
             curl {url}/emulator/faults --json \
             '{{\"match\": {{\"operation\": \"{}\"}}, \"fault\": {{\"kind\": \"cut_after\"}}}}'\n",
            behaviour::ISOLATE
        );
        text
    }

    pub(crate) fn reached_at(&self, base_url: &str) {
        base_url.clone_into(
            &mut self
                .0
                .base_url
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.0.routes
    }

    pub(crate) fn endpoint(&self, index: usize) -> &Endpoint {
        &self.0.endpoints[index]
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn log_book(&self) -> &Log {
        &self.0.log
    }

    /// The id that a refusal of request `seq` is quoted by.
    pub(crate) fn correlation(&self, seq: u64) -> String {
        self.0.seed.guid("correlation", seq)
    }

    /// The world of a tenant; others wait while it is looked at.
    pub(crate) fn world(&self, tenant: &str) -> Option<MutexGuard<'_, World>> {
        let world = self.0.worlds.get(tenant)?;
        Some(world.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
