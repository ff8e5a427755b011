//! Kills at three forced moments of an attempt.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actions_emulator::{Emulator, Fault, FaultMatch, FaultRule, Options};
use engine_model::Millis;
use serde_json::{Value, json};

use super::proxy::{self, Gate};
use super::{PLAYBOOK, Scale};
use crate::support::{self, Home, Served, until};

/// When the process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    IntentDurable,
    RequestSent,
    AnswerUnrecorded,
}

const LIMIT: Duration = Duration::from_secs(60);

/// Each moment on a world of its own, all at the same time.
pub(crate) async fn all_moments(scale: Scale) {
    let (intent, sent, unrecorded) = tokio::join!(
        one_moment(Moment::IntentDurable, scale),
        one_moment(Moment::RequestSent, scale),
        one_moment(Moment::AnswerUnrecorded, scale),
    );
    println!("kill -9 at        kills  isolate requests per device  runs succeeded");
    for tally in [intent, sent, unrecorded] {
        let moment = format!("{:?}", tally.moment);
        println!(
            "{moment:<17} {:>5}  exactly 1                    {}",
            tally.kills, tally.succeeded
        );
        assert_eq!(tally.succeeded, scale.kills);
    }
}

struct Tally {
    moment: Moment,
    kills: usize,
    succeeded: usize,
}

async fn one_moment(moment: Moment, scale: Scale) -> Tally {
    let mut options = Options::seeded(moment as u64 + 1);
    options.machines = scale.kills;
    options.visibility_delay = Millis::from_ms(scale.visibility_ms);
    options.action_pending = Millis::from_ms(50);
    options.action_running = Millis::from_ms(50);
    let emulator = support::emulator(options).await;
    let gate = Arc::new(Gate::default());
    let url = proxy::start(emulator.base_url(), Arc::clone(&gate)).await;
    let engine = json!({
        "reconcile_window": format!("{}ms", scale.window_ms),
        "follow_first": "50ms",
        "follow_max": "200ms",
    });
    let home = Home::new(&emulator, &url, &engine).playbook("contain.yaml", PLAYBOOK);
    let mut tally = Tally {
        moment,
        kills: 0,
        succeeded: 0,
    };
    for (round, machine) in support::machines(&emulator).iter().enumerate() {
        let run = kill_once(moment, &emulator, &home, &gate, (machine, round)).await;
        tally.kills += 1;
        assert_eq!(
            emulator.counts().isolate_posts(machine),
            1,
            "{moment:?}, round {round}, {machine}: {run:#}"
        );
        tally.succeeded += usize::from(run["status"] == "succeeded");
    }
    tally
}

/// One alert, one kill in the middle of its isolation, one restart; how its run ended.
async fn kill_once(
    moment: Moment,
    emulator: &Emulator,
    home: &Home,
    gate: &Gate,
    (machine, round): (&str, usize),
) -> Value {
    gate.closed
        .store(moment == Moment::IntentDurable, Ordering::SeqCst);
    gate.swallowed.store(0, Ordering::SeqCst);
    if moment != Moment::IntentDurable {
        emulator.order_fault(FaultRule {
            on: FaultMatch::operation("defender.isolate-machine"),
            times: 1,
            fault: Fault::Hold,
        });
    }
    let served = home.serve();
    let alert = support::alert_for(emulator, machine, &format!("alert-{round}"));
    let answer = served
        .client()
        .post("/v1/alerts/mde", &alert)
        .await
        .unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
    let run = answer.body["runs"][0].as_str().unwrap().to_owned();
    until("the isolation is under way", LIMIT, async || match moment {
        Moment::IntentDurable => gate.swallowed.load(Ordering::SeqCst) == 1,
        Moment::RequestSent | Moment::AnswerUnrecorded => emulator.held() == 1,
    })
    .await;
    if moment == Moment::AnswerUnrecorded {
        let lock = rusqlite::Connection::open(home.database()).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        emulator.release(None);
        tokio::time::sleep(Duration::from_millis(60)).await;
        served.kill();
    } else {
        served.kill();
        emulator.release(None);
    }
    gate.closed.store(false, Ordering::SeqCst);
    ended(&home.serve(), &run).await
}

async fn ended(served: &Served, run: &str) -> Value {
    let client = served.client();
    let path = format!("/v1/runs/{run}");
    let mut document = Value::Null;
    until("the run has ended", LIMIT, async || {
        document = client.get(&path).await.unwrap().body;
        document["status"] != "running"
    })
    .await;
    document
}
