//! What durability costs: runs that begin and end in one event of about 300 bytes, each
//! acknowledged when it is on disk, beside the bare rate at which this folder's disk syncs.
//!
//! Set `TMPDIR` to measure another disk. The column that counts is `items/s`: events per second.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark tells what it measured, and stops where it cannot go on"
)]

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use divan::Bencher;
use divan::counter::ItemsCount;
use engine_driver::conformance::{NoEgress, Script, Scripted};
use engine_driver::{Attempts, Engine as _, ManualStart, PlaybookText, Playbooks, SystemClock};
use engine_embedded::{Embedded, Options};
use serde_json::Map;
use tokio::runtime::Runtime;

/// The size of an event.
const EVENT_BYTES: usize = 300;

/// Events of one producer in one sample.
const EVENTS: usize = 50;

/// A run that is over at once: its journal is its first event.
const PLAYBOOK: &str = "version: 1\nname: p\nsteps: [{set: {a: 1}}]\n";

/// How well events shared a transaction, told below the table.
static BATCHES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() {
    divan::main();
    for line in &*BATCHES.lock().unwrap() {
        println!("{line}");
    }
}

/// One write and one `fdatasync` after another: what a journal without batching cannot exceed.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn raw_fdatasync(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("raw")).unwrap();
    let event = [b'e'; EVENT_BYTES];
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            file.write_all(&event).unwrap();
            file.sync_data().unwrap();
        }
    });
}

/// So many producers, each of which waits until its event is durable before it makes the next one.
#[divan::bench(args = [1, 64, 256], sample_count = 20, sample_size = 1)]
fn durable_events(bencher: Bencher<'_, '_>, producers: usize) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let engine = Arc::new(runtime.block_on(open(folder.path())));
    let next = AtomicU64::new(0);
    bencher
        .counter(ItemsCount::new(EVENTS * producers))
        .bench_local(|| {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..producers {
                let engine = Arc::clone(&engine);
                let first = next.fetch_add(EVENTS as u64, Ordering::Relaxed);
                let append = async move {
                    for key in first..first + EVENTS as u64 {
                        engine.start(event(key)).await.unwrap();
                    }
                };
                tasks.spawn_on(append, runtime.handle());
            }
            runtime.block_on(tasks.join_all());
        });
    let events = next.into_inner();
    let batches = format!(
        "{producers} producers: {events} events in {} transactions",
        engine.commits(),
    );
    BATCHES.lock().unwrap().push(batches);
    runtime.block_on(Arc::into_inner(engine).unwrap().stop());
}

async fn open(folder: &std::path::Path) -> Embedded {
    let script = Arc::new(Script::default());
    let clock = Arc::new(SystemClock);
    let playbooks = Playbooks::new(Vec::new());
    let text = PlaybookText {
        path: "p.yaml".to_owned(),
        text: PLAYBOOK.to_owned(),
    };
    assert!(playbooks.load(vec![text]).is_empty());
    let actions = Scripted::all(&script);
    let options = Options {
        data_dir: folder.to_owned(),
        playbooks: Arc::new(playbooks),
        attempts: Attempts::new(
            actions,
            Arc::new(NoEgress),
            clock.clone(),
            actions_contract::Follow::default(),
            64,
        ),
        clock,
        guards: None,
        settings: engine_run::Settings::default(),
        tenant: "default".parse().unwrap(),
        schedules_since: None,
    };
    Embedded::open(options).await.unwrap()
}

fn event(key: u64) -> ManualStart {
    ManualStart {
        playbook: "p".parse().unwrap(),
        tenant: "default".parse().unwrap(),
        inputs: Map::new(),
        alert: None,
        by: "bench".to_owned(),
        roles: None,
        key: key.to_string(),
        dry_run: false,
    }
}
