//! The database: whose it is, what state it is in, who may look.

use std::sync::Arc;
use std::time::Duration;

use engine_driver::conformance::{Answer, Scene, Stand as _};
use engine_driver::{Engine as _, ManualStart, Receipt, RunDocument, RunFilter};
use engine_embedded::{Archive, Embedded};
use engine_model::{Alert, Millis, RunId, code};
use engine_run::{Event, RunStatus};
use serde_json::{Map, json};

use crate::home::Home;

const WORK: &str = "name: work\nsteps: [{id: contain, uses: suite.contain}]\n";

fn by_hand(key: &str) -> ManualStart {
    ManualStart {
        playbook: "work".parse().unwrap(),
        tenant: "default".parse().unwrap(),
        inputs: Map::new(),
        alert: None,
        by: "mona".to_owned(),
        roles: None,
        key: key.to_owned(),
        dry_run: false,
    }
}

async fn ended(engine: &Embedded, run: &RunId) -> RunStatus {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let filter = RunFilter {
            limit: 100,
            ..RunFilter::default()
        };
        let runs = engine.runs(&filter).await.unwrap().items;
        let status = runs.iter().find(|other| other.id == *run).unwrap().status;
        if status != RunStatus::Running {
            return status;
        }
        assert!(tokio::time::Instant::now() < deadline, "the run never ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_alert_that_started_a_run_is_in_its_journal_and_stored_once() {
    let on_alert = "name: work\ntriggers:\n\
                    - {id: any, alert: {source: api, match: {severity: high}}}\n\
                    steps: [{id: contain, uses: suite.contain}]\n";
    let alert: Alert = serde_json::from_value(json!({
        "id": "a1",
        "tenant": "contoso",
        "source": "api",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "title": "A title like no other",
        "severity": "high",
    }))
    .unwrap();
    let home = Home::new();
    let engine = Scene::new(&home, &[on_alert]).open().await;
    let Receipt::Created { runs } = engine.intake(alert.clone()).await.unwrap() else {
        panic!("the alert is new")
    };
    assert_eq!(ended(&engine, &runs[0]).await, RunStatus::Succeeded);
    let document = engine.run(&runs[0]).await.unwrap();
    let Event::Started(started) = &document.events[0] else {
        panic!("{document:?}")
    };
    let told = started.alert.as_deref().unwrap();
    assert_eq!(*told, serde_json::to_value(&alert).unwrap());
    engine.stop().await;
    let count = "SELECT (SELECT count(*) FROM alerts WHERE body LIKE '%like no other%')
                      + (SELECT count(*) FROM events WHERE body LIKE '%like no other%')";
    let count: u32 = home
        .connection()
        .query_row(count, [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_second_engine_on_the_same_folder_is_refused() {
    let home = Home::new();
    let scene = Scene::new(&home, &[WORK]);
    let engine = scene.open().await;
    let refused = home.try_open(scene.parts()).await.err().unwrap();
    assert_eq!(refused.code, code::ST0102);
    assert!(refused.message.contains("another engine"), "{refused}");
    // The one that has it is not disturbed.
    let run = engine.start(by_hand("k1")).await.unwrap();
    assert_eq!(ended(&engine, &run).await, RunStatus::Succeeded);
    engine.stop().await;
    scene.open().await.stop().await;
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let scene = Scene::new(&home, &[]);
    scene.open().await.stop().await;
    home.connection()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let before = std::fs::read(home.database()).unwrap();
    let refused = home.try_open(scene.parts()).await.err().unwrap();
    assert_eq!(refused.code, code::ST0101);
    let refused = Archive::open(home.folder(), scene.loaded()).err().unwrap();
    assert_eq!(refused.code, code::ST0101);
    assert_eq!(std::fs::read(home.database()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let home = Home::new();
    let scene = Scene::new(&home, &[]);
    std::fs::write(
        home.database(),
        "this is no database, it is a letter".repeat(100),
    )
    .unwrap();
    let refused = home.try_open(scene.parts()).await.err().unwrap();
    assert_eq!(refused.code, code::ST0103);
    let refused = Archive::open(home.folder(), scene.loaded()).err().unwrap();
    assert_eq!(refused.code, code::ST0103);
}

#[tokio::test]
async fn a_folder_without_a_database_is_not_made_by_looking() {
    let home = Home::new();
    let scene = Scene::new(&home, &[]);
    let refused = Archive::open(home.folder(), scene.loaded()).err().unwrap();
    assert_eq!(refused.code, code::ST0102);
    assert!(!home.database().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_locked_nothing_is_acknowledged_and_then_everything_goes_on() {
    let home = Home::new();
    let scene = Scene::new(&home, &[WORK]);
    let engine = Arc::new(scene.open().await);
    scene
        .script
        .says("suite.contain", [Answer::pending(Millis::from_ms(250))]);
    let waiting = engine.start(by_hand("k1")).await.unwrap();
    // Locked once the wait is durable, so that the timer fires into the lock.
    while engine.run(&waiting).await.unwrap().events.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lock = home.connection();
    lock.busy_timeout(Duration::from_secs(5)).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut asked = tokio::task::JoinSet::new();
    let asking = Arc::clone(&engine);
    asked.spawn(async move { asking.start(by_hand("k2")).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(asked.try_join_next().is_none(), "acknowledged, not durable");
    assert_eq!(scene.script.calls().len(), 1, "done before it is durable");
    lock.execute_batch("ROLLBACK").unwrap();
    let asked = asked.join_next().await.unwrap().unwrap().unwrap();
    for run in [waiting, asked] {
        assert_eq!(ended(&engine, &run).await, RunStatus::Succeeded);
    }
    Arc::into_inner(engine).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_shows_what_an_engine_left_and_changes_nothing() {
    let home = Home::new();
    let scene = Scene::new(&home, &[WORK]);
    let engine = scene.open().await;
    let run = engine.start(by_hand("k1")).await.unwrap();
    ended(&engine, &run).await;
    let seen: RunDocument = engine.run(&run).await.unwrap();
    // Beside the engine, and after it; without the playbooks, which the database keeps.
    let nothing = Scene::new(&home, &[]);
    let beside = Archive::open(home.folder(), nothing.loaded()).unwrap();
    assert_eq!(beside.run(&run).await.unwrap(), seen);
    engine.stop().await;
    let after = Archive::open(home.folder(), nothing.loaded()).unwrap();
    assert_eq!(after.run(&run).await.unwrap(), seen);
    let filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    assert_eq!(after.runs(&filter).await.unwrap().items, [seen.summary]);
    // Whoever looks does not keep an engine from starting.
    home.open(scene.parts()).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_journal_is_damaged_is_given_up_and_the_others_go_on() {
    let home = Home::new();
    let mut scene = Scene::new(&home, &[WORK]);
    let soon = Answer::pending(Millis::from_ms(200));
    scene
        .script
        .says("suite.contain", [soon.clone(), soon.clone(), soon]);
    let engine = scene.open().await;
    let mut runs = Vec::new();
    for key in ["k1", "k2"] {
        runs.push(engine.start(by_hand(key)).await.unwrap());
    }
    scene.script.called(2).await;
    engine.stop().await;
    // A third one, of a playbook that the last engine does not know and the database has lost.
    let other = "name: work\nsteps: [{id: other, uses: suite.contain}]\n";
    scene.set_playbooks(&[other]);
    let engine = scene.open().await;
    runs.push(engine.start(by_hand("k3")).await.unwrap());
    scene.script.called(3).await;
    engine.stop().await;
    let damage = "UPDATE events SET body = '{' WHERE run = 1 AND seq = 1;
                  DELETE FROM playbooks WHERE text LIKE '%other%';";
    home.connection().execute_batch(damage).unwrap();
    scene.set_playbooks(&[WORK]);
    let engine = scene.open().await;
    let mut ends = Vec::new();
    for run in &runs {
        ends.push(ended(&engine, run).await);
    }
    let [failed, succeeded] = [RunStatus::Failed, RunStatus::Succeeded];
    assert_eq!(ends, [failed, succeeded, failed]);
    let unreadable = engine.run(&runs[0]).await.unwrap_err();
    assert_eq!(unreadable.code, code::ST0103);
    engine.stop().await;
}
