use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actions_contract::Api;
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use super::*;
use crate::key::{KeyFacts, Principal, Sealer};
use crate::token::Issued;

/// A clock that tests move by hand, together with Tokio's.
#[derive(Default)]
struct HandClock(Mutex<Moment>);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
}

struct Bench {
    cache: Arc<Cache>,
    clock: Arc<HandClock>,
    sealer: Sealer,
    fetches: Arc<AtomicUsize>,
    events: Arc<Mutex<Vec<TokenEventKind>>>,
}

/// What a fetch of a test does.
#[derive(Clone)]
enum Does {
    Give { after: Duration },
    Fail(AuthError),
    Panic,
}

const AT_ONCE: Does = Does::Give {
    after: Duration::ZERO,
};

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(HandClock::default());
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&events);
        let telemetry = Telemetry::new(Some(Arc::new(move |event| {
            log.lock().unwrap().push(event.kind)
        })));
        let time: Arc<dyn Clock> = Arc::clone(&clock) as _;
        Self {
            cache: Arc::new(Cache::new(time, Arc::new(|| 1.0), telemetry)),
            clock,
            sealer: Sealer::new(),
            fetches: Arc::default(),
            events,
        }
    }

    fn key(&self, tenant: &str, scope: &str) -> TokenKey {
        self.facts(tenant, scope, "secret").into()
    }

    fn facts(&self, tenant: &str, scope: &str, secret: &str) -> KeyFacts {
        KeyFacts {
            authority: "https://login.example".to_owned(),
            tenant: tenant.to_owned(),
            client_id: "app".to_owned(),
            principal: Principal::App,
            scope: scope.to_owned(),
            credential: self.sealer.fingerprint(secret),
        }
    }

    fn pass_time(&self, secs: u64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.plus(secs * 1000);
    }

    fn move_clocks(&self, wall_ms: i64, steady_ms: u64) {
        let mut now = self.clock.0.lock().unwrap();
        now.wall_ms += wall_ms;
        now.steady_ms += steady_ms;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn count(&self, kind: TokenEventKind) -> usize {
        self.events
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| **seen == kind)
            .count()
    }

    fn get(
        &self,
        key: &TokenKey,
        does: &Does,
    ) -> impl Future<Output = Result<Grasp, AuthError>> + Send + 'static {
        let cache = Arc::clone(&self.cache);
        let (fetches, clock) = (Arc::clone(&self.fetches), Arc::clone(&self.clock));
        let (key, does) = (key.clone(), does.clone());
        async move {
            let fetch = |_: Option<&Challenge>| -> Fetch {
                let (fetches, clock, does) = (fetches.clone(), clock.clone(), does.clone());
                Box::new(move || Box::pin(fetch(fetches, clock, does)))
            };
            cache.get(&key, &subject(), fetch).await
        }
    }

    /// Lets the flights under way land.
    async fn settle(&self) {
        sleep(Duration::from_secs(60)).await;
    }
}

async fn fetch(
    fetches: Arc<AtomicUsize>,
    clock: Arc<HandClock>,
    does: Does,
) -> Result<Issued, AuthError> {
    let number = fetches.fetch_add(1, Ordering::SeqCst);
    match does {
        Does::Give { after } => {
            sleep(after).await;
            Ok(Issued {
                secret: SecretString::from("t"),
                expires_in: Some(3600),
                refresh_in: None,
                name: format!("token {number}"),
                sent: clock.now(),
            })
        }
        Does::Fail(error) => Err(error),
        Does::Panic => panic!("a fetch that panics"),
    }
}

fn subject() -> TokenSubject {
    TokenSubject {
        connection: "prod".to_owned(),
        tenant: "t".to_owned(),
        client_id: "app".to_owned(),
        api: Api::Mde,
        run: None,
        step: None,
        attempt: None,
    }
}

fn failure(kind: AuthKind) -> Does {
    Does::Fail(AuthError::new(kind, "as the test wants it"))
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_make_one_fetch() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let slow = Does::Give {
        after: Duration::from_secs(2),
    };
    let mut callers = JoinSet::new();
    for _ in 0..200 {
        callers.spawn(bench.get(&key, &slow));
    }
    let grasps = callers.join_all().await;
    assert!(grasps.iter().all(Result::is_ok));
    assert_eq!(bench.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_its_flight_to_land() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let slow = Does::Give {
        after: Duration::from_secs(2),
    };
    let mut callers = JoinSet::new();
    callers.spawn(bench.get(&key, &slow));
    sleep(Duration::from_secs(1)).await;
    callers.shutdown().await;
    bench.settle().await;
    let grasp = bench.get(&key, &slow).await.unwrap();
    assert_eq!((grasp.source, bench.fetches()), (TokenSource::Cache, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_tenant_delays_neither_another_tenant_nor_its_own_cached_token() {
    let bench = Bench::new();
    bench
        .get(&bench.key("slow", "cached"), &AT_ONCE)
        .await
        .unwrap();
    let slow = Does::Give {
        after: Duration::from_secs(20),
    };
    let mut callers = JoinSet::new();
    for scope in 0..20 {
        callers.spawn(bench.get(&bench.key("slow", &scope.to_string()), &slow));
    }
    sleep(Duration::from_millis(1)).await;
    let begun = Instant::now();
    bench
        .get(&bench.key("quick", "mde"), &AT_ONCE)
        .await
        .unwrap();
    bench
        .get(&bench.key("slow", "cached"), &slow)
        .await
        .unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_aging_token_serves_while_one_flight_fetches_the_next() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    bench.get(&key, &AT_ONCE).await.unwrap();
    bench.pass_time(3100);
    let slow = Does::Give {
        after: Duration::from_secs(5),
    };
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(bench.get(&key, &slow).await.unwrap().token.name, "token 0");
    }
    assert!(begun.elapsed() < Duration::from_millis(1));
    bench.settle().await;
    assert_eq!(bench.get(&key, &slow).await.unwrap().token.name, "token 1");
    assert_eq!(
        (bench.fetches(), bench.count(TokenEventKind::RefreshStarted)),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_is_down_is_noticed_only_when_the_token_dies() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    bench.get(&key, &AT_ONCE).await.unwrap();
    let down = failure(AuthKind::Network);
    for _ in 0..5 {
        bench.pass_time(bench_age(&bench));
        assert!(bench.get(&key, &down).await.is_ok());
        bench.settle().await;
        assert!(bench.get(&key, &down).await.is_ok());
    }
    assert_eq!(bench.count(TokenEventKind::Failed), 0);
    assert!(bench.count(TokenEventKind::RefreshFailedServingOld) >= 2);
    bench.pass_time(3600);
    let error = bench.get(&key, &down).await.unwrap_err();
    assert_eq!(error.kind, AuthKind::Network);
    assert_eq!(bench.count(TokenEventKind::Failed), 1);
}

/// Up to the refresh first, then in steps longer than any back-off.
fn bench_age(bench: &Bench) -> u64 {
    if bench.clock.now().steady_ms == 0 {
        3000
    } else {
        61
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_application_asks_again_only_after_the_wait() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let mut error = AuthError::new(AuthKind::Throttled, "slow down");
    error.retry_after = Some(Millis::from_secs(7));
    let throttled = Does::Fail(error);
    for _ in 0..100 {
        let error = bench.get(&key, &throttled).await.unwrap_err();
        assert_eq!(error.retry_after, Some(Millis::from_secs(7)));
    }
    let other_scope = bench.key("t", "graph");
    assert!(
        bench.get(&other_scope, &AT_ONCE).await.is_err(),
        "throttled is the application"
    );
    assert!(
        bench.get(&bench.key("u", "mde"), &AT_ONCE).await.is_ok(),
        "not another tenant's"
    );
    assert_eq!(bench.fetches(), 2);
    bench.pass_time(6);
    assert_eq!(
        bench.get(&key, &AT_ONCE).await.unwrap_err().retry_after,
        Some(Millis::from_secs(1))
    );
    bench.pass_time(1);
    assert!(bench.get(&key, &AT_ONCE).await.is_ok());
    assert!(bench.get(&other_scope, &AT_ONCE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_flights_stops_at_the_first_throttling() {
    let bench = Bench::new();
    let mut error = AuthError::new(AuthKind::Throttled, "slow down");
    error.retry_after = Some(Millis::from_secs(7));
    let mut callers = JoinSet::new();
    for scope in 0..20 {
        let key = bench.key("t", &scope.to_string());
        callers.spawn(bench.get(&key, &Does::Fail(error.clone())));
    }
    assert!(callers.join_all().await.iter().all(Result::is_err));
    assert!(
        bench.fetches() <= FLIGHTS_PER_TENANT_MAX,
        "{}",
        bench.fetches()
    );
}

#[tokio::test(start_paused = true)]
async fn transient_failures_back_off_up_to_a_minute() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let mut waits = Vec::new();
    for _ in 0..8 {
        let down = failure(AuthKind::Server);
        bench.get(&key, &down).await.unwrap_err();
        let wait = bench
            .get(&key, &down)
            .await
            .unwrap_err()
            .retry_after
            .unwrap();
        waits.push(wait.as_ms() / 1000);
        bench.pass_time(wait.as_ms() / 1000);
    }
    assert_eq!(
        (waits, bench.fetches()),
        (vec![1, 2, 4, 8, 16, 32, 60, 60], 8)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_tried_again_after_one_minute_then_five() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let wrong = failure(AuthKind::Credential);
    for (wait, fetches) in [(0, 1), (59, 1), (1, 2), (299, 2), (1, 3), (299, 3)] {
        bench.pass_time(wait);
        let error = bench.get(&key, &wrong).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retry_after),
            (AuthKind::Credential, None)
        );
        assert_eq!(bench.fetches(), fetches);
    }
    let rotated = bench.facts("t", "mde", "new secret").into();
    assert!(
        bench.get(&rotated, &AT_ONCE).await.is_ok(),
        "another credential is another slot"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_or_hangs_ends_as_an_error_and_the_slot_goes_on() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let error = bench.get(&key, &Does::Panic).await.unwrap_err();
    assert_eq!(error.kind, AuthKind::Internal);
    bench.pass_time(60);
    let hangs = Does::Give {
        after: Duration::from_secs(3600),
    };
    let error = bench.get(&key, &hangs).await.unwrap_err();
    assert_eq!(error.kind, AuthKind::Timeout);
    bench.pass_time(60);
    assert!(bench.get(&key, &AT_ONCE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn fifty_rejections_of_one_token_cause_one_fetch() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let old = bench.get(&key, &AT_ONCE).await.unwrap().token;
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        assert_ne!(
            bench.cache.reject(&key, &subject(), &old),
            Rejection::TooSoon
        );
        callers.spawn(bench.get(
            &key,
            &Does::Give {
                after: Duration::from_secs(1),
            },
        ));
    }
    for grasp in callers.join_all().await {
        assert_eq!(grasp.unwrap().token.name, "token 1");
    }
    assert_eq!(
        (bench.fetches(), bench.count(TokenEventKind::Invalidated)),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_forced_refresh_has_to_wait_half_a_minute() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let reject = |token: &Token| bench.cache.reject(&key, &subject(), token);
    let first = bench.get(&key, &AT_ONCE).await.unwrap().token;
    assert_eq!(reject(&first), Rejection::Dropped);
    let second = bench.get(&key, &AT_ONCE).await.unwrap().token;
    assert_eq!(reject(&first), Rejection::Replaced);
    assert_eq!(reject(&second), Rejection::TooSoon);
    bench.pass_time(30);
    assert_eq!(reject(&second), Rejection::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_begun_before_a_rejection_does_not_satisfy_it() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let old = bench.get(&key, &AT_ONCE).await.unwrap().token;
    bench.pass_time(3100);
    let slow = Does::Give {
        after: Duration::from_secs(5),
    };
    bench.get(&key, &slow).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        bench.cache.reject(&key, &subject(), &old),
        Rejection::Dropped
    );
    assert_eq!(
        bench.get(&key, &AT_ONCE).await.unwrap().token.name,
        "token 2"
    );
    assert_eq!(bench.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_credential_leaves_no_token_behind() {
    let bench = Bench::new();
    let key = bench.key("t", "mde");
    let token = bench.get(&key, &AT_ONCE).await.unwrap().token;
    let held = Arc::downgrade(&token);
    drop(token);
    assert!(held.upgrade().is_some());
    bench.cache.forget(key.credential);
    assert!(held.upgrade().is_none(), "dropped, and with it overwritten");
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_and_lets_the_idle_go() {
    let bench = Bench::new();
    for tenant in 0..SLOTS_MAX + 10 {
        bench
            .get(&bench.key(&tenant.to_string(), "mde"), &AT_ONCE)
            .await
            .unwrap();
    }
    assert_eq!(bench.cache.shared.shelves.len(), SLOTS_MAX);
    bench.pass_time(2 * 3600);
    bench
        .get(&bench.key("fresh", "mde"), &AT_ONCE)
        .await
        .unwrap();
    assert_eq!(bench.cache.shared.shelves.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_token_used_least_lately_is_let_go_and_nothing_of_it_stays() {
    let mut bench = Bench::new();
    let time: Arc<dyn Clock> = Arc::clone(&bench.clock) as _;
    let cache = Cache::with_room(3, time, Arc::new(|| 1.0), Telemetry::new(None));
    bench.cache = Arc::new(cache);
    let get = async |tenant| {
        bench.pass_time(1);
        bench.get(&bench.key(tenant, "mde"), &AT_ONCE).await
    };
    let mut tokens = Vec::new();
    for tenant in ["a", "b", "c", "a"] {
        tokens.push(Arc::downgrade(&get(tenant).await.unwrap().token));
    }
    get("d").await.unwrap();
    // A token that nobody holds is dropped, and its secret overwritten by that.
    let held: Vec<bool> = tokens.iter().map(|t| t.upgrade().is_some()).collect();
    assert_eq!(held, [true, false, true, true]);
    bench.cache.forget(bench.key("a", "mde").credential);
    assert!(tokens.iter().all(|token| token.upgrade().is_none()));
}

/// What a token is worth after the clocks moved, in milliseconds.
#[track_caller]
fn check_clock(wall_ms: i64, steady_ms: u64, serves: bool) {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        bench.pass_time(86_400);
        let key = bench.key("a", "mde");
        bench.get(&key, &AT_ONCE).await.unwrap();
        bench.move_clocks(wall_ms, steady_ms);
        bench.get(&key, &AT_ONCE).await.unwrap();
    });
    assert_eq!(bench.fetches() == 1, serves, "{wall_ms} {steady_ms}");
}

#[test]
fn a_clock_that_jumps_and_a_machine_that_sleeps_end_a_token_in_time() {
    const HOUR_MS: i64 = 3_600_000;
    check_clock(60_000, 60_000, true);
    check_clock(-HOUR_MS, 0, false);
    check_clock(2 * HOUR_MS, 0, false);
    check_clock(-30_000, 1000, true);
    check_clock(0, 2 * HOUR_MS.unsigned_abs(), false);
}

/// A look at the memory of this process, as the kernel sees it. Takes its own memory beforehand, so
/// that it does not get what it is to look at.
#[cfg(target_os = "linux")]
struct Spy {
    memory: std::fs::File,
    seen: Vec<u8>,
}

#[cfg(target_os = "linux")]
impl Spy {
    fn new(length: usize) -> Self {
        Self {
            memory: std::fs::File::open("/proc/self/mem").unwrap(),
            seen: vec![0; length],
        }
    }

    /// Whether much of a text of `s` is still at the address.
    fn sees(&mut self, address: u64) -> bool {
        // A page that was given back to the system holds nothing.
        let _ = std::os::unix::fs::FileExt::read_exact_at(&self.memory, &mut self.seen, address);
        let full = |part: &[u8]| part.iter().all(|byte| *byte == b's');
        let found = self.seen.windows(64).any(full);
        self.seen.fill(0);
        found
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_a_token_that_was_let_go_holds_nothing_of_it() {
    const LENGTH: usize = 2000;
    let mut spy = Spy::new(LENGTH);
    for _ in 0..20 {
        let issued = Issued {
            secret: SecretString::from("s".repeat(LENGTH)),
            expires_in: Some(3600),
            refresh_in: None,
            name: "token".to_owned(),
            sent: Moment::default(),
        };
        let token = Arc::new(Token::new(issued, 1, 0.5));
        let address = secrecy::ExposeSecret::expose_secret(&token.secret).as_ptr() as u64;
        assert!(spy.sees(address), "it is there while it is held");
        drop(token);
        assert!(!spy.sees(address), "it is overwritten");
    }
    // The same look finds what is not overwritten, unless another thread was faster.
    let found = (0..20).any(|_| {
        let text = "s".repeat(LENGTH);
        let address = text.as_ptr() as u64;
        drop(text);
        spy.sees(address)
    });
    assert!(found, "the look finds nothing at all");
}
