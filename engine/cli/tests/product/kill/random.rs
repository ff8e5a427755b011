//! Kills at random moments, with many runs in flight.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actions_emulator::{Emulator, Options};
use engine_model::{Digest, Millis};
use serde_json::{Value, json};

use super::PLAYBOOK;
use crate::support::{self, Home, Served};

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) runs: usize,
    pub(crate) kills: usize,
}

const LIMIT: Duration = Duration::from_secs(420);

pub(crate) async fn kills(scale: Scale) {
    let mut options = Options::seeded(9);
    options.machines = scale.runs;
    options.visibility_delay = Millis::from_ms(500);
    options.action_pending = Millis::from_secs(5);
    options.action_running = Millis::from_secs(5);
    let emulator = support::emulator(options).await;
    let engine = json!({
        "reconcile_window": "1500ms",
        "follow_first": "500ms",
        "follow_max": "5s",
        "attempts_max": 32,
    });
    let home =
        Home::new(&emulator, &emulator.base_url(), &engine).playbook("contain.yaml", PLAYBOOK);
    let began = Instant::now();
    let machines = support::machines(&emulator);
    let mut waiting: Vec<usize> = (0..machines.len()).rev().collect();
    let mut ready = Duration::ZERO;
    for kill in 0..scale.kills {
        let served = home.serve();
        ready = ready.max(served.ready_after);
        let alive = Duration::from_millis(random(kill) % 700 + 50);
        // What is not acknowledged when the process dies is handed in again later.
        let deadline = tokio::time::sleep(alive);
        tokio::select! {
            () = deadline => {}
            () = hand_in(&served, &emulator, &machines, &mut waiting) => {
                tokio::time::sleep(alive).await;
            }
        }
        served.kill();
    }
    let served = home.serve();
    hand_in(&served, &emulator, &machines, &mut waiting).await;
    all_ended(&served).await;
    let counts = emulator.counts();
    let mut tally: BTreeMap<u64, usize> = BTreeMap::new();
    for machine in &machines {
        *tally.entry(counts.isolate_posts(machine)).or_default() += 1;
    }
    let statuses = statuses(&served).await;
    println!(
        "kill -9 at {} random moments, {} runs: isolate requests per device {tally:?}, runs \
         {statuses:?}, longest time to ready {ready:?}, {:?} in all",
        scale.kills,
        scale.runs,
        began.elapsed()
    );
    assert_eq!(tally, BTreeMap::from([(1, scale.runs)]));
    assert_eq!(
        statuses,
        BTreeMap::from([("succeeded".to_owned(), scale.runs)])
    );
}

/// Hands in what waits, several at a time; whatever is acknowledged no longer waits.
async fn hand_in(
    served: &Served,
    emulator: &Emulator,
    machines: &[String],
    waiting: &mut Vec<usize>,
) {
    let client = served.client();
    while !waiting.is_empty() {
        let first = waiting.len().saturating_sub(50);
        let alerts: Vec<Value> = waiting[first..]
            .iter()
            .map(|at| support::alert_for(emulator, &machines[*at], &format!("alert-{at}")))
            .collect();
        let Ok(answer) = client.post("/v1/alerts/mde", &Value::Array(alerts)).await else {
            return;
        };
        assert!(
            matches!(answer.status, 200 | 202),
            "{}: {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.body["refused"], json!([]), "{}", answer.body);
        waiting.truncate(first);
    }
}

async fn all_ended(served: &Served) {
    let client = served.client();
    support::until("every run has ended", LIMIT, async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let running = client.get("/v1/runs?status=running&limit=1").await.unwrap();
        running.body["items"] == json!([])
    })
    .await;
}

async fn statuses(served: &Served) -> BTreeMap<String, usize> {
    let client = served.client();
    let mut statuses = BTreeMap::new();
    let mut path = "/v1/runs?limit=500".to_owned();
    loop {
        let page = client.get(&path).await.unwrap().body;
        for run in page["items"].as_array().unwrap() {
            *statuses
                .entry(run["status"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        match page["next"].as_u64() {
            Some(next) => path = format!("/v1/runs?limit=500&before={next}"),
            None => return statuses,
        }
    }
}

/// The same moments every time, and yet anywhere.
fn random(kill: usize) -> u64 {
    let hash = Digest::of(format!("kill {kill}").as_bytes());
    u64::from_str_radix(&hash.as_str()[7..19], 16).unwrap()
}
