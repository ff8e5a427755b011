use std::sync::Arc;

use actions_contract::Api;
use tokio::task::JoinSet;

use super::*;
use crate::clock::Moment;
use crate::limit::QuotaFigures;
use crate::limit_store::MemoryQuotas;

/// Tokio's time, which passes at once when everybody waits.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Moment {
        let ms = u64::try_from(self.0.elapsed().as_millis()).unwrap();
        Moment::default().plus(1_000_000_000 + ms)
    }
}

#[derive(Clone)]
struct Bench {
    limiter: Arc<Limiter>,
    quota: Quota,
    begun: Instant,
    /// Who passed, and after how many seconds.
    passed: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Bench {
    fn new(per_minute: u32) -> Self {
        let begun = Instant::now();
        let clock = Arc::new(TokioClock(begun));
        let limiter = Limiter::new(Arc::new(MemoryQuotas::default()), clock);
        let bucket = Bucket {
            authority: "https://login.example".to_owned(),
            tenant: "t".to_owned(),
            client_id: "app".to_owned(),
            api: Api::Mde,
            class: "usual".to_owned(),
        };
        let figures = QuotaFigures {
            per_minute: Some(per_minute),
            ..QuotaFigures::default()
        };
        Self {
            limiter: Arc::new(limiter),
            quota: Quota { bucket, figures },
            begun,
            passed: Arc::default(),
        }
    }

    async fn ask(&self, lane: Lane, run: char, secs: u64) -> Result<(), Closed> {
        let run: RunId = format!("run_{}", run.to_string().repeat(26))
            .parse()
            .unwrap();
        let ask = Ask {
            quota: &self.quota,
            lane,
            run: &run,
            deadline: Instant::now() + Duration::from_secs(secs),
        };
        self.limiter.pass(ask).await.map(drop)
    }

    /// A request that tells when it passed.
    async fn send(self, name: &'static str, lane: Lane, run: char) {
        self.ask(lane, run, 300).await.unwrap();
        let secs = self.begun.elapsed().as_secs();
        self.passed.lock().unwrap().push((name, secs));
    }

    /// Uses up what reading may use.
    async fn saturate(&self) {
        while self.ask(Lane::Reading, 'z', 0).await.is_ok() {}
    }

    fn pause(&self, secs: u64) -> impl Future<Output = ()> {
        let now_ms = self.limiter.clock.now().wall_ms;
        self.limiter
            .pause(&self.quota, now_ms, Millis::from_secs(secs))
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_after_the_last_of_a_minute_waits_for_the_next() {
    let bench = Bench::new(100);
    for _ in 0..80 {
        bench.ask(Lane::Reading, 'a', 100).await.unwrap();
    }
    assert_eq!(bench.begun.elapsed(), Duration::ZERO);
    bench.ask(Lane::Reading, 'a', 100).await.unwrap();
    assert_eq!(bench.begun.elapsed().as_secs(), 61);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_too_short_is_told_at_once_when_it_could_pass() {
    let bench = Bench::new(10);
    for _ in 0..8 {
        bench.ask(Lane::Reading, 'a', 30).await.unwrap();
    }
    let closed = bench.ask(Lane::Reading, 'a', 30).await.unwrap_err();
    assert_eq!(bench.begun.elapsed(), Duration::ZERO);
    assert_eq!(
        (closed.obstacle, closed.wait),
        (Obstacle::Minute, Millis::from_secs(61))
    );
}

#[tokio::test(start_paused = true)]
async fn those_who_are_sent_away_are_told_different_times() {
    let bench = Bench::new(10);
    bench.saturate().await;
    let mut secs = Vec::new();
    for _ in 0..16 {
        let closed = bench.ask(Lane::Reading, 'a', 30).await.unwrap_err();
        secs.push(closed.wait.as_ms() / 1000);
    }
    // One was sent away by the saturation; eight fit into each minute.
    assert_eq!(secs[..7], [61; 7]);
    assert_eq!(secs[7..15], [122; 8]);
    assert_eq!(secs[15], 183);
}

#[tokio::test(start_paused = true)]
async fn containment_passes_a_saturated_line_of_reading() {
    let bench = Bench::new(10);
    bench.saturate().await;
    let mut all = JoinSet::new();
    for _ in 0..5 {
        all.spawn(bench.clone().send("read", Lane::Reading, 'a'));
    }
    tokio::task::yield_now().await;
    bench.ask(Lane::Containment, 'b', 1).await.unwrap();
    assert_eq!(bench.begun.elapsed(), Duration::ZERO);
    all.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_runs_take_turns() {
    let bench = Bench::new(5);
    bench.pause(10).await;
    let mut all = JoinSet::new();
    let wanted = [
        ("a1", Lane::Reading, 'a'),
        ("a2", Lane::Reading, 'a'),
        ("a3", Lane::Reading, 'a'),
        ("b1", Lane::Reading, 'b'),
        ("mark", Lane::Evidence, 'a'),
        ("isolate", Lane::Containment, 'c'),
    ];
    for (name, lane, run) in wanted {
        all.spawn(bench.clone().send(name, lane, run));
        tokio::task::yield_now().await;
    }
    all.join_all().await;
    let passed = bench.passed.lock().unwrap().clone();
    let order: Vec<&str> = passed.iter().map(|(name, _)| *name).collect();
    assert_eq!(order, ["isolate", "mark", "a1", "b1", "a2", "a3"]);
    assert!(passed.iter().take(4).all(|(_, secs)| *secs == 10));
    assert!(passed.iter().skip(4).all(|(_, secs)| *secs == 71));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody_of_its_bucket_and_nobody_else() {
    let bench = Bench::new(100);
    let mut other = bench.clone();
    other.quota.bucket.tenant = "other".to_owned();
    let waiting = tokio::spawn(bench.clone().send("a", Lane::Containment, 'a'));
    waiting.await.unwrap();
    bench.pause(7).await;
    other.ask(Lane::Reading, 'b', 1).await.unwrap();
    bench.ask(Lane::Containment, 'a', 60).await.unwrap();
    assert_eq!(bench.begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_outlasts_the_time_of_a_waiting_call_ends_its_wait() {
    let bench = Bench::new(5);
    bench.saturate().await;
    let waiting = bench.clone();
    let waiting = tokio::spawn(async move { waiting.ask(Lane::Reading, 'a', 90).await });
    tokio::task::yield_now().await;
    bench.pause(600).await;
    let closed = waiting.await.unwrap().unwrap_err();
    assert_eq!(
        (closed.obstacle, closed.wait),
        (Obstacle::Pause, Millis::from_secs(600))
    );
    assert_eq!(bench.begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_line() {
    let bench = Bench::new(5);
    bench.saturate().await;
    let gone = tokio::spawn(bench.clone().send("gone", Lane::Reading, 'a'));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(bench.limiter.waiting.load(Ordering::Relaxed), 0);
    bench.ask(Lane::Reading, 'b', 100).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_in_memory_and_containment_always_may() {
    let bench = Bench::new(1000);
    bench.pause(30).await;
    let mut all = JoinSet::new();
    for _ in 0..WAITING_MAX {
        all.spawn(bench.clone().send("read", Lane::Reading, 'a'));
    }
    while all.try_join_next().is_none() {
        if bench.limiter.waiting.load(Ordering::Relaxed) == WAITING_MAX {
            break;
        }
        tokio::task::yield_now().await;
    }
    let closed = bench.ask(Lane::Reading, 'b', 300).await.unwrap_err();
    assert_eq!(closed.obstacle, Obstacle::Pause);
    bench.ask(Lane::Containment, 'c', 300).await.unwrap();
    assert_eq!(bench.begun.elapsed().as_secs(), 30);
    all.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_place_under_way_is_taken_by_the_next_as_soon_as_it_is_free() {
    let mut bench = Bench::new(100);
    bench.quota.figures.concurrent = Some(1);
    let run = format!("run_{}", "a".repeat(26)).parse().unwrap();
    let ask = Ask {
        quota: &bench.quota,
        lane: Lane::Containment,
        run: &run,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let permit = bench.limiter.pass(ask).await.unwrap();
    let next = tokio::spawn(bench.clone().send("next", Lane::Containment, 'b'));
    tokio::time::sleep(Duration::from_secs(3)).await;
    permit.done().await;
    next.await.unwrap();
    assert_eq!(*bench.passed.lock().unwrap(), [("next", 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_out_of_reach_stops_nobody() {
    struct Down;

    impl QuotaStore for Down {
        fn apply<'a>(
            &'a self,
            _: &'a Bucket,
            _: QuotaChange,
            _: i64,
        ) -> actions_contract::BoxFuture<'a, Result<QuotaAnswer, crate::QuotaUnreachable>> {
            Box::pin(async { Err(crate::QuotaUnreachable("connection refused".to_owned())) })
        }
    }

    let mut bench = Bench::new(1);
    let clock = Arc::clone(&bench.limiter.clock);
    bench.limiter = Arc::new(Limiter::new(Arc::new(Down), clock));
    for _ in 0..10 {
        bench.ask(Lane::Reading, 'a', 1).await.unwrap();
    }
}
