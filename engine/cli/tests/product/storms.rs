//! Many alerts: while the engine is killed, and while its playbooks change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actions_emulator::Options;
use engine_broker::ControlClient;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{self, Home};

const CALM: &str = "
version: 1
name: calm
triggers: [{id: any, alert: {source: api, match: {severity: high}}}]
steps: [{id: end, stop: {status: succeeded}}]
";

const GROUPED: &str = "
version: 1
name: grouped
triggers:
  - id: five
    alert:
      source: api
      match: {severity: high}
      accumulate: {group_by: [device.id], within: 1d, count: {gte: 5}}
steps: [{id: end, stop: {status: succeeded}}]
";

fn alert(number: usize) -> Value {
    json!({
        "id": format!("alert-{number}"),
        "source": "api",
        "created_at": "2026-11-21T18:05:00Z",
        "updated_at": "2026-11-21T18:05:00Z",
        "title": "An alert",
        // Every fourth matches nothing.
        "severity": if number % 4 == 3 { "low" } else { "high" },
        "device": {"id": format!("device-{}", number / 4 % 97)},
    })
}

/// How much is tried.
struct Scale {
    alerts: usize,
    clients: usize,
    kills: usize,
}

/// Hands in alerts until there are none left; what is not acknowledged is handed in again.
async fn client(client: ControlClient, next: Arc<Mutex<Vec<usize>>>, taken: Arc<AtomicUsize>) {
    loop {
        let Some(number) = next.lock().unwrap().pop() else {
            return;
        };
        let answer = client.post("/v1/alerts/api", &alert(number)).await;
        match answer {
            Ok(answer) if matches!(answer.status, 200 | 202) => {
                taken.fetch_add(1, Ordering::Relaxed);
            }
            // Refused for the moment, or killed before it could answer.
            _ => {
                next.lock().unwrap().push(number);
                tokio::time::sleep(Duration::from_millis(2)).await;
                if answer.is_err() {
                    return;
                }
            }
        }
    }
}

async fn storm(scale: Scale) {
    let emulator = support::emulator(Options::seeded(5)).await;
    let home = Home::new(&emulator, &emulator.base_url(), &json!({}))
        .playbook("calm.yaml", CALM)
        .playbook("grouped.yaml", GROUPED);
    let next = Arc::new(Mutex::new((0..scale.alerts).rev().collect::<Vec<usize>>()));
    let taken = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    for kill in 0..=scale.kills {
        let served = home.serve();
        let mut clients = JoinSet::new();
        for _ in 0..scale.clients {
            clients.spawn(client(
                served.client(),
                Arc::clone(&next),
                Arc::clone(&taken),
            ));
        }
        let goal = scale.alerts * (kill + 1) / (scale.kills + 1);
        while taken.load(Ordering::Relaxed) < goal && !clients.is_empty() {
            tokio::select! {
                _ = clients.join_next() => {}
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        if kill < scale.kills {
            served.kill();
            clients.join_all().await;
        } else {
            clients.join_all().await;
            settled(&home, &served).await;
            served.kill();
        }
    }
    let took = began.elapsed();
    let counted = counted(&home);
    println!(
        "{} alerts by {} clients, {} kills: {} acknowledged, {counted:?}, {took:?} in all",
        scale.alerts,
        scale.clients,
        scale.kills,
        taken.load(Ordering::Relaxed),
    );
    let matching = (0..scale.alerts).filter(|number| number % 4 != 3).count();
    assert_eq!(
        counted.alerts, scale.alerts,
        "every acknowledged alert is there, once"
    );
    assert_eq!(
        counted.runs["calm"], matching,
        "each that matches started one run"
    );
    assert_eq!(counted.twice, 0, "no alert started two runs of one trigger");
    // The same starts as without a kill: five alerts each, whatever their order.
    let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
    for number in (0..scale.alerts).filter(|number| number % 4 != 3) {
        *groups.entry(number / 4 % 97).or_default() += 1;
    }
    let expected: usize = groups.values().map(|count| count / 5).sum();
    assert_eq!(counted.runs["grouped"], expected);
}

/// Waits until no run is under way.
async fn settled(home: &Home, served: &support::Served) {
    let _ = served;
    support::until("every run has ended", Duration::from_secs(60), async || {
        let database = Connection::open(home.database()).unwrap();
        let running: usize = database
            .query_row(
                "SELECT count(*) FROM runs WHERE status = 'running'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        running == 0
    })
    .await;
}

#[derive(Debug)]
struct Counted {
    alerts: usize,
    runs: BTreeMap<String, usize>,
    twice: usize,
}

fn counted(home: &Home) -> Counted {
    let database = Connection::open(home.database()).unwrap();
    let one = |sql: &str| -> usize { database.query_row(sql, [], |row| row.get(0)).unwrap() };
    let mut select = database
        .prepare("SELECT playbook, count(*) FROM runs GROUP BY playbook")
        .unwrap();
    let runs = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    Counted {
        alerts: one("SELECT count(*) FROM (SELECT DISTINCT id FROM alerts)"),
        runs: runs.map(Result::unwrap).collect(),
        twice: one(
            "SELECT count(*) FROM (SELECT 1 FROM runs WHERE playbook = 'calm'
             GROUP BY cause HAVING count(*) > 1)",
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_that_is_killed_starts_what_it_would_have_started() {
    let scale = Scale {
        alerts: 400,
        clients: 8,
        kills: 2,
    };
    storm(scale).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: 50,000 alerts by 32 clients, 20 kills"]
async fn campaign_a_storm_of_alerts_is_killed_twenty_times() {
    let scale = Scale {
        alerts: 50_000,
        clients: 32,
        kills: 20,
    };
    storm(scale).await;
}

fn version(number: usize) -> String {
    CALM.replace(
        "name: calm\n",
        &format!("name: calm\ntitle: Version {number}\n"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_is_matched_by_one_version_while_playbooks_are_read_again() {
    const ALERTS: usize = 240;
    let emulator = support::emulator(Options::seeded(5)).await;
    let home = Home::new(&emulator, &emulator.base_url(), &json!({}));
    let home = home.playbook("calm.yaml", &version(0));
    let served = home.serve();
    let hang_up = || {
        let told = std::process::Command::new("kill")
            .args(["-HUP", &served.pid().to_string()])
            .status();
        assert!(told.unwrap().success());
    };
    let next = Arc::new(Mutex::new(
        (0..ALERTS).map(|number| number * 4).collect::<Vec<_>>(),
    ));
    let taken = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(client(
            served.client(),
            Arc::clone(&next),
            Arc::clone(&taken),
        ));
    }
    let file = home
        .file("x", "")
        .with_file_name("playbooks")
        .join("calm.yaml");
    for number in 1..=6 {
        // The last one has a mistake: the version before goes on.
        let text = if number == 6 {
            "version: 1\nname: calm\n".to_owned()
        } else {
            version(number)
        };
        std::fs::write(&file, text).unwrap();
        hang_up();
        let goal = ALERTS * number / 7;
        support::until("alerts were taken", Duration::from_secs(60), async || {
            taken.load(Ordering::Relaxed) >= goal
        })
        .await;
    }
    clients.join_all().await;
    settled(&home, &served).await;
    served.kill();
    let counted = counted(&home);
    assert_eq!(
        (counted.alerts, counted.runs["calm"], counted.twice),
        (ALERTS, ALERTS, 0)
    );
    let digests = digests(&home);
    assert!(
        digests.len() >= 2,
        "no other version was ever loaded: {digests:?}"
    );
}

/// The versions of playbooks that ran.
fn digests(home: &Home) -> BTreeSet<String> {
    let database = Connection::open(home.database()).unwrap();
    let mut select = database
        .prepare("SELECT DISTINCT digest FROM runs")
        .unwrap();
    let digests = select.query_map([], |row| row.get(0)).unwrap();
    digests.map(Result::unwrap).collect()
}

#[test]
fn the_playbooks_of_the_page_on_storm_control_have_no_mistakes() {
    let page = include_str!("../../../../docs/storm-control.md");
    let blocks = page.split("```yaml\n").skip(1);
    let playbooks: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(playbooks.len() >= 4);
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in playbooks.iter().enumerate() {
        std::fs::write(folder.path().join(format!("p{number}.yaml")), text).unwrap();
    }
    let linted = support::quell()
        .arg("lint")
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(linted.status.success(), "{linted:?}");
}
