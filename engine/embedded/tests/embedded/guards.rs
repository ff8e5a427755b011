//! Guard rails on SQLite: what is counted, held back, taken back and written down.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine_driver::guard::EffectFilter;
use engine_driver::{AskedFilter, Engine as _, Playbooks, Reply, Through};
use engine_embedded::{Archive, Embedded};
use engine_model::{Digest, RunId};
use engine_run::{Decision, RunStatus};
use futures_util::future::join_all;
use rusqlite::params;
use serde_json::{Value, json};

use crate::home::Home;
use crate::world::{World, ended, open, run, start, verdict};

/// A playbook that does one thing to the device it is given.
fn one(name: &str, action: &str) -> String {
    format!(
        "name: {name}\ninputs: {{id: {{type: string}}}}\n\
         steps: [{{id: act, uses: {action}, with: {{id: \"${{{{ inputs.id }}}}\"}}}}]\n"
    )
}

const PROTECTED: &str = "
roles: {domain_controller: [{tag: dc}]}
never: [{device: {role: domain_controller}}]
";

async fn effects(engine: &Embedded) -> Vec<(String, &'static str)> {
    let filter = EffectFilter {
        all: true,
        limit: 1000,
        ..EffectFilter::default()
    };
    let rows = engine.effects(&filter).await.unwrap();
    rows.iter()
        .map(|row| (row.target.clone(), row.state.as_str()))
        .collect()
}

/// The entries of the audit log of this kind.
async fn audited(engine: &Embedded, kind: &str) -> Vec<Value> {
    let rows = engine.audit(0, 5000).await.unwrap();
    let rows = rows.iter().map(|row| json!(row.entry));
    rows.filter(|entry| entry["kind"] == kind).collect()
}

fn archive(home: &Home) -> Archive {
    let playbooks = std::sync::Arc::new(Playbooks::new(Vec::new()));
    Archive::open(home.folder(), playbooks).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_of_ten_contains_ten_of_five_hundred_devices_by_two_playbooks_across_a_restart() {
    let (home, world) = (Home::new(), World::new(500));
    let cap = "limits: [{effect: contain, max: 10, per: 1h, scope: tenant}]";
    let (a, b) = (one("a", "world.contain"), one("b", "world.restrict"));
    let books = [a.as_str(), b.as_str()];
    let mut refused = 0;
    for half in 0..2 {
        let engine = open(&home, &world, cap, &books).await;
        let mut runs = Vec::new();
        for number in half * 250..half * 250 + 250 {
            let playbook = if number % 2 == 0 { "a" } else { "b" };
            runs.push(start(
                &engine,
                playbook,
                json!(format!("pc{number}")),
                false,
            ));
        }
        for id in join_all(runs).await {
            match verdict(&ended(&engine, &id).await) {
                (RunStatus::Succeeded, _) => {}
                (RunStatus::Refused, code) if code == "GR0106" => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        let refusals = audited(&engine, "refused").await;
        assert_eq!(refusals.len(), refused, "every refusal is in the log");
        engine.stop().await;
    }
    assert_eq!(refused, 490);
    let posts = world.posts.lock().unwrap();
    let devices: BTreeSet<&String> = posts.iter().map(|(_, device)| device).collect();
    assert_eq!((posts.len(), devices.len()), (10, 10));
}

#[tokio::test]
async fn a_limit_counts_a_target_once_and_only_within_its_scope_and_time() {
    let (home, world) = (Home::new(), World::new(5));
    let limits = "dedup_effects: 0s\nlimits: [{effect: contain, max: 1, per: 1s, scope: playbook}]";
    let (a, b) = (one("a", "world.contain"), one("b", "world.restrict"));
    let engine = open(&home, &world, limits, &[&a, &b]).await;
    let refused = (RunStatus::Refused, "GR0106".to_owned());
    let done = (RunStatus::Succeeded, String::new());
    assert_eq!(run(&engine, "a", json!("pc1")).await, done);
    assert_eq!(
        run(&engine, "a", json!("pc1")).await,
        done,
        "the same again"
    );
    assert_eq!(run(&engine, "a", json!("pc2")).await, refused);
    assert_eq!(
        run(&engine, "b", json!("pc2")).await,
        done,
        "another playbook"
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(run(&engine, "a", json!("pc2")).await, done, "later");
    engine.stop().await;
}

#[tokio::test]
async fn one_device_under_three_names_in_one_run_is_contained_once() {
    let (home, world) = (Home::new(), World::new(3));
    let each = "name: each\ninputs: {id: {type: string}}\nsteps:\n\
                - id: each\n  \
                for_each: {in: '${{ [\"pc1\", \"10.0.0.1\", inputs.id] }}', \
                as: n, concurrency: 3}\n  \
                uses: world.contain\n  with: {id: '${{ n }}'}\n";
    let engine = open(&home, &world, "", &[each]).await;
    world.open.send_replace(false);
    let id = start(&engine, "each", json!("id1"), false).await;
    let mut leaving = world.leaving.subscribe();
    leaving.wait_for(|leaving| *leaving > 0).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(*world.leaving.borrow(), 1, "the others wait");
    world.open.send_replace(true);
    let (status, _) = verdict(&ended(&engine, &id).await);
    assert_eq!(status, RunStatus::Succeeded);
    assert_eq!(world.posts_of("world.contain"), ["id1"]);
    engine.stop().await;
}

#[tokio::test]
async fn one_run_has_as_many_targets_as_it_may_and_a_destruction_none_where_the_limit_says_so() {
    let (home, world) = (Home::new(), World::new(5));
    let three = "name: three\ninputs: {id: {type: string}}\nguard: {max_targets: 2}\nsteps:\n\
                 - {uses: world.contain, with: {id: pc1}}\n\
                 - {uses: world.contain, with: {id: pc2}}\n\
                 - {uses: world.contain, with: {id: pc3}}\n";
    let wipe = one("wipe", "world.wipe");
    let none = "limits: [{effect: destroy, max: 0, per: 1d, scope: tenant}]";
    let engine = open(&home, &world, none, &[three, &wipe]).await;
    let (status, code) = run(&engine, "three", json!("x")).await;
    assert_eq!((status, code.as_str()), (RunStatus::Refused, "GR0107"));
    let (status, code) = run(&engine, "wipe", json!("pc4")).await;
    assert_eq!((status, code.as_str()), (RunStatus::Refused, "GR0106"));
    assert_eq!(world.posts_of("world.contain"), ["id1", "id2"]);
    assert!(world.posts_of("world.wipe").is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn a_protected_device_is_contained_under_none_of_its_names() {
    let (home, world) = (Home::new(), World::new(5));
    world.change("id0", |facts| {
        facts.name = Some("dc01.corp.example".to_owned());
        facts.tags.push("DC".to_owned());
    });
    world.change("id3", |facts| {
        facts.name = Some("twin.corp.example".to_owned())
    });
    world.change("id4", |facts| {
        facts.name = Some("twin.other.example".to_owned())
    });
    let late = "name: late\ninputs: {id: {type: string}}\nsteps:\n\
                - {uses: world.find, with: {id: \"${{ inputs.id }}\"}}\n\
                - {uses: world.tag, with: {id: \"${{ inputs.id }}\"}}\n\
                - {uses: world.contain, with: {id: \"${{ inputs.id }}\"}}\n";
    let (book, blind) = (one("a", "world.contain"), one("blind", "blind.contain"));
    let engine = open(&home, &world, PROTECTED, &[&book, &blind, late]).await;
    for (playbook, given, wanted) in [
        ("a", json!("id0"), "GR0102"),
        ("a", json!("DC01"), "GR0102"),
        ("a", json!("dc01.corp.example"), "GR0102"),
        ("a", json!("10.0.0.0"), "GR0102"),
        ("late", json!("id1"), "GR0102"),
        ("a", json!("twin"), "GR0105"),
        ("a", json!("nobody"), "GR0103"),
        ("a", json!(""), "GR0103"),
        ("blind", json!("id2"), "GR0103"),
    ] {
        let (status, code) = run(&engine, playbook, given.clone()).await;
        assert_eq!(
            (status, code.as_str()),
            (RunStatus::Refused, wanted),
            "{playbook} {given}"
        );
    }
    world.down.store(true, Ordering::SeqCst);
    let (status, code) = run(&engine, "a", json!("id0")).await;
    assert_eq!((status, code.as_str()), (RunStatus::Refused, "GR0104"));
    assert!(world.posts.lock().unwrap().is_empty());
    let refusals = audited(&engine, "refused").await;
    assert_eq!(refusals.len(), 10);
    world.down.store(false, Ordering::SeqCst);
    let (status, _) = run(&engine, "a", json!("PC2")).await;
    assert_eq!(status, RunStatus::Succeeded);
    assert_eq!(
        world.posts_of("world.contain"),
        ["id2"],
        "by id, not by name"
    );
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_halt_with_two_hundred_runs_in_flight_nothing_contains_and_releases_still_run() {
    let (home, world) = (Home::new(), World::new(250));
    let (contain, release) = (one("a", "world.contain"), one("r", "world.release"));
    let books = [contain.as_str(), release.as_str()];
    let engine = open(&home, &world, "", &books).await;
    assert_eq!(
        run(&engine, "a", json!("pc249")).await.0,
        RunStatus::Succeeded
    );
    world.open.send_replace(false);
    let starts = (0..200).map(|n| start(&engine, "a", json!(format!("pc{n}")), false));
    let runs = join_all(starts).await;
    let mut leaving = world.leaving.subscribe();
    leaving.wait_for(|leaving| *leaving >= 201).await.unwrap();
    let halt = engine.halt("mona", Some("wrong subnet")).await.unwrap();
    assert_eq!(halt.by, "mona");
    world.open.send_replace(true);
    for id in runs {
        let (status, code) = verdict(&ended(&engine, &id).await);
        assert_eq!((status, code.as_str()), (RunStatus::Refused, "GR0101"));
    }
    assert_eq!(
        world.posts_of("world.contain"),
        ["id249"],
        "none after the halt"
    );
    assert_eq!(
        run(&engine, "r", json!("pc249")).await.0,
        RunStatus::Succeeded
    );
    assert_eq!(world.posts_of("world.release"), ["id249"]);
    engine.stop().await;

    let engine = open(&home, &world, "", &books).await;
    assert_eq!(engine.halted().map(|halt| halt.by).as_deref(), Some("mona"));
    let (status, code) = run(&engine, "a", json!("pc1")).await;
    assert_eq!((status, code.as_str()), (RunStatus::Refused, "GR0101"));
    assert!(engine.resume("mona").await.unwrap());
    assert_eq!(
        run(&engine, "a", json!("pc1")).await.0,
        RunStatus::Succeeded
    );
    assert_eq!(audited(&engine, "switch").await.len(), 2);
    engine.stop().await;
}

#[tokio::test]
async fn the_same_effect_again_is_answered_with_the_earlier_result_until_it_was_taken_back() {
    let (home, world) = (Home::new(), World::new(2));
    let (contain, release) = (one("a", "world.contain"), one("r", "world.release"));
    let again = one("b", "world.contain");
    let engine = open(&home, &world, "", &[&contain, &release, &again]).await;
    let first = start(&engine, "a", json!("pc1"), false).await;
    let first = ended(&engine, &first).await;
    let second = start(&engine, "b", json!("id1"), false).await;
    let second = ended(&engine, &second).await;
    assert_eq!(first.view.steps[0].output, second.view.steps[0].output);
    assert_eq!(world.posts_of("world.contain"), ["id1"]);
    assert_eq!(audited(&engine, "same").await.len(), 1);
    run(&engine, "r", json!("pc1")).await;
    assert_eq!(
        effects(&engine).await,
        [("id1".to_owned(), "done"), ("id1".to_owned(), "released")]
    );
    run(&engine, "b", json!("pc1")).await;
    assert_eq!(world.posts_of("world.contain"), ["id1", "id1"]);
    engine.stop().await;
}

#[tokio::test]
async fn two_playbooks_change_the_same_device_one_after_the_other() {
    let (home, world) = (Home::new(), World::new(2));
    let (contain, restrict) = (one("a", "world.contain"), one("b", "world.restrict"));
    let engine = open(&home, &world, "", &[&contain, &restrict]).await;
    world.open.send_replace(false);
    let first = start(&engine, "a", json!("pc1"), false).await;
    let mut leaving = world.leaving.subscribe();
    leaving.wait_for(|leaving| *leaving == 1).await.unwrap();
    let second = start(&engine, "b", json!("pc1"), false).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(*world.leaving.borrow(), 1, "the second waits");
    world.open.send_replace(true);
    assert_eq!(
        ended(&engine, &first).await.summary.status,
        RunStatus::Succeeded
    );
    assert_eq!(
        ended(&engine, &second).await.summary.status,
        RunStatus::Succeeded
    );
    assert_eq!(world.posts.lock().unwrap().len(), 2);
    engine.stop().await;
}

#[tokio::test]
async fn a_dry_run_is_judged_counted_and_written_down_and_changes_nothing() {
    let (home, world) = (Home::new(), World::new(5));
    world.change("id0", |facts| facts.tags.push("dc".to_owned()));
    let policy =
        format!("{PROTECTED}limits: [{{effect: contain, max: 1, per: 1h, scope: tenant}}]");
    let book = one("a", "world.contain");
    let engine = open(&home, &world, &policy, &[&book]).await;
    for (given, wanted) in [("pc0", "GR0102"), ("pc1", ""), ("pc2", "GR0106")] {
        let id = start(&engine, "a", json!(given), true).await;
        assert_eq!(verdict(&ended(&engine, &id).await).1, wanted, "{given}");
    }
    assert!(world.posts.lock().unwrap().is_empty());
    assert_eq!(audited(&engine, "simulated").await.len(), 1);
    assert_eq!(audited(&engine, "refused").await.len(), 2);
    assert!(effects(&engine).await.is_empty(), "nothing is in effect");
    assert_eq!(
        run(&engine, "a", json!("pc3")).await.0,
        RunStatus::Succeeded
    );
    engine.stop().await;
}

/// Owes a release for whatever is in effect, due now.
fn owe(home: &Home, condition: Option<&str>) {
    let owed = json!({ "after": "1ms", "condition": condition, "names": {} });
    let connection = home.connection();
    let sql = "INSERT INTO releases (idem, due_at, stage, owed, failures)
               SELECT idem, 0, 'owed', ?1, 0 FROM effects WHERE effect = 'contain'";
    connection.execute(sql, params![owed.to_string()]).unwrap();
}

async fn until<F: AsyncFnMut() -> bool>(mut done: F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_release_that_is_owed_is_done_without_the_run_the_playbook_and_the_engine_that_owed_it() {
    let (home, world) = (Home::new(), World::new(2));
    let book = one("a", "world.contain");
    let engine = open(&home, &world, "", &[&book]).await;
    run(&engine, "a", json!("pc1")).await;
    engine.stop().await;
    owe(&home, None);
    // Not even the stop switch and a protected target hold it back.
    world.change("id1", |facts| facts.tags.push("dc".to_owned()));
    let engine = open(&home, &world, PROTECTED, &[]).await;
    engine.halt("mona", None).await.unwrap();
    until(async || world.posts_of("world.release") == ["id1"]).await;
    until(async || audited(&engine, "release").await.len() == 1).await;
    engine.stop().await;
    let engine = open(&home, &world, PROTECTED, &[]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.posts_of("world.release"), ["id1"], "once");
    engine.stop().await;
}

#[tokio::test]
async fn a_release_looks_at_its_condition_afresh_and_one_that_fails_calls_a_person() {
    let (home, world) = (Home::new(), World::new(2));
    let book = one("a", "world.contain");
    let engine = open(&home, &world, "", &[&book]).await;
    run(&engine, "a", json!("pc0")).await;
    run(&engine, "a", json!("pc1")).await;
    engine.stop().await;
    owe(&home, Some("'keep' not in target.tags"));
    let set = "UPDATE releases SET owed = replace(owed, 'not in', 'nor')
               WHERE idem = (SELECT idem FROM effects WHERE target = 'id1')";
    home.connection().execute(set, []).unwrap();
    world.change("id0", |facts| facts.tags.push("keep".to_owned()));
    let engine = open(&home, &world, "", &[]).await;
    until(async || audited(&engine, "release").await.len() == 2).await;
    assert!(world.posts_of("world.release").is_empty());
    let failed = EffectFilter {
        all: true,
        failed: true,
        limit: 10,
        ..EffectFilter::default()
    };
    let failed = engine.effects(&failed).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].target, "id1");
    assert!(
        failed[0]
            .error
            .as_deref()
            .unwrap()
            .contains("cannot be told")
    );
    let told = audited(&engine, "release").await;
    let code = told
        .iter()
        .find(|entry| entry["what"]["release"] == "failed");
    assert_eq!(code.unwrap()["what"]["code"], "GR0110");
    engine.stop().await;
}

#[tokio::test]
async fn the_audit_log_names_the_first_entry_that_was_changed_removed_or_cut_off() {
    let (home, world) = (Home::new(), World::new(5));
    let book = one("a", "world.contain");
    let engine = open(&home, &world, PROTECTED, &[&book]).await;
    for number in 0..5 {
        run(&engine, "a", json!(format!("pc{number}"))).await;
    }
    engine.stop().await;
    let report = archive(&home).verify().await.unwrap();
    assert_eq!((report.broken, report.entries), (None, 16));
    for (damage, entry) in [
        (
            "UPDATE audit SET text = replace(text, 'id1', 'id2') WHERE seq = 6",
            6,
        ),
        (
            "UPDATE audit SET text = CAST(text AS BLOB) || x'00' WHERE seq = 9",
            9,
        ),
        (
            "UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 3",
            3,
        ),
        ("DELETE FROM audit WHERE seq = 8", 8),
        ("DELETE FROM audit WHERE seq > 12", 13),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join("quell.db");
        archive(&home).backup(&file).await.unwrap();
        let connection = rusqlite::Connection::open(&file).unwrap();
        assert!(connection.execute(damage, []).unwrap() > 0, "{damage}");
        drop(connection);
        let playbooks = std::sync::Arc::new(Playbooks::new(Vec::new()));
        let damaged = Archive::open(copy.path(), playbooks).unwrap();
        let report = damaged.verify().await.unwrap();
        assert_eq!(report.broken.map(|(seq, _)| seq), Some(entry), "{damage}");
    }
}

#[tokio::test]
async fn retention_removes_what_is_over_and_never_breaks_the_log() {
    let (home, world) = (Home::new(), World::new(3));
    let (contain, release) = (one("a", "world.contain"), one("r", "world.release"));
    let engine = open(&home, &world, "", &[&contain, &release]).await;
    run(&engine, "a", json!("pc0")).await;
    run(&engine, "a", json!("pc1")).await;
    run(&engine, "r", json!("pc1")).await;
    engine.stop().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let short = "retention: {alerts: 1ms, runs: 1ms, effects: 1ms}";
    let engine = open(&home, &world, short, &[]).await;
    until(async || !audited(&engine, "retention").await.is_empty()).await;
    assert_eq!(effects(&engine).await, [("id0".to_owned(), "done")]);
    engine.stop().await;
    let count = |sql: &str| -> u32 {
        let connection = home.connection();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM runs"), 0);
    assert_eq!(count("SELECT count(*) FROM events"), 0);
    let report = archive(&home).verify().await.unwrap();
    assert_eq!(report.broken, None);
    let file = home.folder().join("quell.db");
    assert!(
        archive(&home).backup(&file).await.is_err(),
        "it is there already"
    );
}

/// A lead agrees: the code of the refusal, or that it counts.
async fn agree(engine: &Embedded, (run, digest): (&RunId, &Digest), by: &str) -> &'static str {
    let reply = Reply {
        by: by.to_owned(),
        roles: vec!["soc-lead".to_owned()],
        through: Through::Key,
        decision: Decision::Approve,
        comment: None,
        form: None,
    };
    let answered = engine.answer(run, digest, reply).await;
    answered.map_or_else(|error| error.code.as_str(), |_| "counts")
}

#[tokio::test]
async fn people_agree_to_one_thing_and_it_is_done_once_enough_of_them_did() {
    let (home, world) = (Home::new(), World::new(3));
    world.change("id1", |facts| {
        facts.os = Some("WindowsServer2022".to_owned())
    });
    let policy = "
roles: {server: [{os_prefix: WindowsServer}]}
approval:
  - {effect: contain, when: \"'server' in target.roles\", quorum: 2, roles: [soc-lead]}
";
    let book = one("a", "world.contain");
    let engine = open(&home, &world, policy, &[&book]).await;
    assert_eq!(
        run(&engine, "a", json!("pc2")).await.0,
        RunStatus::Succeeded
    );
    let held = start(&engine, "a", json!("pc1"), false).await;
    until(async || audited(&engine, "held").await.len() == 1).await;
    until(async || audited(&engine, "asked").await.len() == 1).await;
    let asked = audited(&engine, "asked").await;
    assert_eq!(
        asked[0]["what"]["shown"]["target"]["id"], "id1",
        "as it was found"
    );
    let filter = AskedFilter {
        limit: 10,
        ..AskedFilter::default()
    };
    let open_now = engine.approvals(&filter).await.unwrap().items;
    let digest = open_now[0].question.digest.clone();
    let answer = async |by: &str, digest: &Digest| agree(&engine, (&held, digest), by).await;
    let other = Digest::of(b"another question");
    for (by, digest, wanted) in [
        ("lea", &other, "SV0201"),
        ("mona", &digest, "SV0202"),
        ("lea", &digest, "counts"),
        ("lea", &digest, "SV0202"),
    ] {
        assert_eq!(answer(by, digest).await, wanted, "{by}");
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        world.posts_of("world.contain"),
        ["id2"],
        "one person is not two"
    );
    assert_eq!(answer("max", &digest).await, "counts");
    assert_eq!(
        ended(&engine, &held).await.summary.status,
        RunStatus::Succeeded
    );
    assert_eq!(world.posts_of("world.contain"), ["id2", "id1"]);
    let answered = audited(&engine, "answered").await;
    let by = answered
        .iter()
        .map(|entry| entry["what"]["by"].as_str().unwrap());
    assert_eq!(by.collect::<Vec<_>>(), ["mona", "lea", "lea", "max"]);
    let effects = audited(&engine, "effect").await;
    assert_eq!(effects[1]["what"]["approved"][0][1], json!(["lea", "max"]));
    engine.stop().await;
}

#[tokio::test]
async fn a_name_that_means_another_device_by_now_is_asked_for_anew() {
    let (home, world) = (Home::new(), World::new(3));
    let policy = "approval: [{effect: contain, quorum: 1, roles: [soc-lead]}]";
    let engine = open(&home, &world, policy, &[&one("a", "world.contain")]).await;
    let held = start(&engine, "a", json!("pc1"), false).await;
    until(async || audited(&engine, "asked").await.len() == 1).await;
    let filter = AskedFilter {
        limit: 10,
        ..AskedFilter::default()
    };
    let first = engine.approvals(&filter).await.unwrap().items.remove(0);
    assert_eq!(first.question.shown["target"]["id"], "id1");
    let rename = |id: &str, name: &str| {
        let name = Some(format!("{name}.corp.example"));
        world.change(id, |facts| facts.name = name);
    };
    rename("id1", "old1");
    rename("id2", "pc1");
    let digest = &first.question.digest;
    assert_eq!(agree(&engine, (&held, digest), "lea").await, "counts");
    until(async || audited(&engine, "asked").await.len() == 2).await;
    assert!(world.posts_of("world.contain").is_empty());
    let second = engine.approvals(&filter).await.unwrap().items.remove(0);
    assert_eq!(second.question.shown["target"]["id"], "id2");
    assert_eq!(agree(&engine, (&held, digest), "max").await, "SV0201");
    let digest = &second.question.digest;
    assert_eq!(agree(&engine, (&held, digest), "lea").await, "counts");
    let ended = ended(&engine, &held).await;
    assert_eq!(ended.summary.status, RunStatus::Succeeded);
    assert_eq!(world.posts_of("world.contain"), ["id2"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_step_that_says_when_is_taken_back_then_although_run_and_playbook_are_gone() {
    let (home, world) = (Home::new(), World::new(2));
    let book = one("a", "world.contain").replace(
        "with: {id: \"${{ inputs.id }}\"}",
        "with: {id: \"${{ inputs.id }}\"}, release: {after: 2s}",
    );
    let engine = open(&home, &world, "", &[&book]).await;
    let run = run(&engine, "a", json!("pc1")).await;
    assert_eq!(run.0, RunStatus::Succeeded);
    assert_eq!(effects(&engine).await, [("id1".to_owned(), "done")]);
    engine.stop().await;
    let engine = open(&home, &world, "", &[]).await;
    until(async || world.posts_of("world.release") == ["id1"]).await;
    until(async || {
        effects(&engine)
            .await
            .iter()
            .any(|(_, state)| *state == "released")
    })
    .await;
    engine.stop().await;
}

#[tokio::test]
async fn whoever_had_a_hand_in_the_start_does_not_agree_to_it_in_a_called_or_repeated_run() {
    let (home, world) = (Home::new(), World::new(2));
    let asks = "name: asks\nsteps:\n- id: ask\n  approve: {message: go?, \
                approvers: {roles: [soc-lead]}, timeout: 1h}\n";
    let calls = "name: calls\ninputs: {id: {type: string}}\nsteps: [{id: other, playbook: asks}]\n";
    let engine = open(&home, &world, "", &[asks, calls]).await;
    let parent = start(&engine, "calls", json!("x"), false).await;
    let open_one = async || {
        until(async || engine.approvals(&ten()).await.unwrap().items.len() == 1).await;
        engine.approvals(&ten()).await.unwrap().items.remove(0)
    };
    let first = open_one().await;
    assert_eq!(first.question.started_by, ["mona"]);
    let digest = &first.question.digest;
    assert_eq!(agree(&engine, (&first.run, digest), "mona").await, "SV0202");
    engine.cancel(&parent, "lea").await.unwrap();
    ended(&engine, &parent).await;
    engine.retry(&parent, "otto").await.unwrap();
    let second = open_one().await;
    assert_eq!(second.question.started_by, ["mona", "otto"]);
    let digest = &second.question.digest;
    for (by, wanted) in [("mona", "SV0202"), ("otto", "SV0202"), ("lea", "counts")] {
        assert_eq!(
            agree(&engine, (&second.run, digest), by).await,
            wanted,
            "{by}"
        );
    }
    engine.stop().await;
}

fn ten() -> AskedFilter {
    AskedFilter {
        limit: 10,
        ..AskedFilter::default()
    }
}
