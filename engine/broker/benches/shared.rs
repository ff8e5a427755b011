//! What all runs share: the cache of tokens and the limits.
//!
//! Run with `cargo bench -p engine-broker`. Goals: a fresh token in under 200 ns, a decision of a
//! limit in under 1 µs, and memory that grows with what is held only. The sizes that divan prints
//! for `ten_thousand_*`, divided by ten thousand, are the bytes of an entry.

use std::sync::atomic::{AtomicUsize, Ordering};

use actions_contract::Api;
use divan::{AllocProfiler, Bencher, black_box};
use engine_broker::measured::TokenShelf;
use engine_broker::{Bucket, Lane, MemoryQuotas, QuotaChange, QuotaFigures, QuotaState};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const TENANTS: usize = 10_000;

fn main() {
    divan::main();
}

fn shelf(tenants: usize) -> TokenShelf {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(TokenShelf::filled(tenants))
}

#[divan::bench(threads = [1, 16], sample_count = 500, sample_size = 1000)]
fn get_of_a_fresh_token(bencher: Bencher) {
    let shelf = shelf(100);
    let next = AtomicUsize::new(0);
    bencher.bench(|| shelf.get(black_box(next.fetch_add(1, Ordering::Relaxed) % 100)));
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn ten_thousand_tokens(bencher: Bencher) {
    bencher.bench(|| shelf(TENANTS));
}

const FIGURES: QuotaFigures = QuotaFigures {
    per_minute: Some(80),
    per_hour: Some(1200),
    concurrent: None,
};

fn take(over_at_ms: i64) -> QuotaChange {
    QuotaChange::Take {
        figures: FIGURES,
        lane: Lane::Reading,
        over_at_ms,
    }
}

fn bucket(tenant: usize) -> Bucket {
    Bucket {
        authority: "https://login.microsoftonline.com/".to_owned(),
        tenant: format!("{tenant:08}-1111-1111-1111-111111111111"),
        client_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        api: Api::Mde,
        class: "usual".to_owned(),
    }
}

/// A call every three seconds: every decision finds a full hour behind it.
#[divan::bench(sample_count = 500, sample_size = 10)]
fn decision_of_a_state(bencher: Bencher) {
    bencher
        .with_inputs(|| {
            let mut state = QuotaState::default();
            for call in 0..1200 {
                state.apply(take(0), call * 3000);
            }
            state
        })
        .bench_refs(|state| state.apply(black_box(take(0)), 1200 * 3000));
}

#[divan::bench(threads = [1, 16], sample_count = 500, sample_size = 1000)]
fn decision_of_a_bucket(bencher: Bencher) {
    let quotas = MemoryQuotas::default();
    let buckets: Vec<Bucket> = (0..100).map(bucket).collect();
    let next = AtomicUsize::new(0);
    bencher.bench(|| {
        let call = next.fetch_add(1, Ordering::Relaxed);
        let now_ms = i64::try_from(call).unwrap_or(i64::MAX) * 30;
        quotas.apply_now(&buckets[call % 100], black_box(take(0)), now_ms)
    });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn ten_thousand_buckets(bencher: Bencher) {
    bencher.bench(|| {
        let quotas = MemoryQuotas::default();
        for tenant in 0..TENANTS {
            quotas.apply_now(&bucket(tenant), take(0), 0);
        }
        quotas
    });
}
