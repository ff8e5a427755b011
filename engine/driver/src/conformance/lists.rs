//! What is kept is found again.

use engine_model::{RunId, Timestamp, code};
use engine_run::RunStatus;

use super::scene::{alert, by_hand, ended, one, started, taken};
use super::{Answer, Scene, Stand};
use crate::{Engine, Receipt, RunFilter};

const QUICK: &str = "name: quick\nsteps: [{id: set, set: {done: true}}]\n";
const SLOW: &str = "name: slow\nsteps: [{id: look, uses: suite.look}]\n";

/// A poller that restarts asks again from where it had come to.
pub async fn a_watermark_never_moves_back_and_outlives_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[]);
    let engine = scene.open().await;
    let at = Timestamp::from_ms;
    assert_eq!(engine.watermark("mde").await.expect("it can be read"), None);
    for ms in [5000, 3000, 4000] {
        engine
            .set_watermark("mde", at(ms))
            .await
            .expect("it can be set");
        assert_eq!(
            engine.watermark("mde").await.expect("it can be read"),
            Some(at(5000))
        );
    }
    engine
        .set_watermark("xdr", at(1))
        .await
        .expect("it can be set");
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert_eq!(
        engine.watermark("mde").await.expect("it can be read"),
        Some(at(5000))
    );
    assert_eq!(
        engine.watermark("xdr").await.expect("it can be read"),
        Some(at(1))
    );
}

/// Every run is on one page, whatever the size of the pages.
pub async fn runs_are_listed_newest_first_page_by_page<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[QUICK, SLOW]);
    scene
        .script
        .says("suite.look", (0..4).map(|_| Answer::Hangs));
    let engine = scene.open().await;
    let mut quick = Vec::new();
    let mut slow = Vec::new();
    for key in 0..4 {
        quick.insert(
            0,
            started(&engine, by_hand("quick", &format!("k{key}"))).await,
        );
        slow.insert(
            0,
            started(&engine, by_hand("slow", &format!("k{key}"))).await,
        );
    }
    let both: Vec<RunId> = slow
        .iter()
        .zip(&quick)
        .flat_map(|(slow, quick)| [slow.clone(), quick.clone()])
        .collect();
    for run in &quick {
        ended(&engine, run).await;
    }
    let all = RunFilter::default();
    let of_slow = RunFilter {
        playbook: Some("slow".parse().expect("it is a name")),
        ..RunFilter::default()
    };
    let over = RunFilter {
        status: Some(RunStatus::Succeeded),
        ..RunFilter::default()
    };
    let neither = RunFilter {
        status: Some(RunStatus::Failed),
        ..RunFilter::default()
    };
    for limit in [1, 2, 3, 4, 8, 100] {
        assert_eq!(pages(&engine, &all, limit).await, both, "pages of {limit}");
        assert_eq!(
            pages(&engine, &of_slow, limit).await,
            slow,
            "pages of {limit}"
        );
        assert_eq!(
            pages(&engine, &over, limit).await,
            quick,
            "pages of {limit}"
        );
        assert_eq!(pages(&engine, &neither, limit).await, []);
    }
}

async fn pages(engine: &impl Engine, filter: &RunFilter, limit: usize) -> Vec<RunId> {
    let mut filter = RunFilter {
        limit,
        ..filter.clone()
    };
    let mut found = Vec::new();
    loop {
        let page = engine.runs(&filter).await.expect("runs can be listed");
        assert!(page.items.len() <= limit);
        found.extend(page.items.into_iter().map(|run| run.id));
        let Some(next) = page.next else { return found };
        assert_eq!(
            found.len() % limit,
            0,
            "a page that is not the last is full"
        );
        filter.before = Some(next);
    }
}

/// The newest revision stands for the alert, with every run that any revision started.
pub async fn alerts_are_listed_once_with_the_runs_of_all_revisions<S: Stand>(stand: &S) {
    let both = r"
name: both
triggers: [{id: any, alert: {source: api, on: [created, updated], match: {severity: high}}}]
steps: [{id: look, uses: suite.look}]
";
    let scene = Scene::new(stand, &[both]);
    let engine = scene.open().await;
    let mut runs = Vec::new();
    for (id, title) in [
        ("a1", "x"),
        ("a2", "x"),
        ("a3", "x"),
        ("a1", "y"),
        ("a1", "z"),
    ] {
        match taken(&engine, alert(id, title)).await {
            Receipt::Created { runs: began } | Receipt::Updated { runs: began, .. } => {
                runs.push((id, one(&began)));
            }
            same @ Receipt::Same { .. } => panic!("{same:?}"),
        }
    }
    for limit in [1, 2, 3, 10] {
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = engine
                .alerts(before, limit)
                .await
                .expect("alerts can be listed");
            seen.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let ids: Vec<_> = seen
            .iter()
            .map(|a| (a.key.id.as_str(), a.revision))
            .collect();
        assert_eq!(ids, [("a1", 3), ("a3", 1), ("a2", 1)], "pages of {limit}");
        for alert in &seen {
            let of_it = runs.iter().filter(|(id, _)| *id == alert.key.id);
            let of_it: Vec<RunId> = of_it.map(|(_, run)| run.clone()).collect();
            assert_eq!(alert.runs, of_it);
        }
    }
    let newest = engine.alert("a1").await.expect("the alert is kept");
    assert_eq!(newest.alert.title, "z");
    assert_eq!(newest.summary.runs.len(), 3);
}

/// Nothing is made up for an id that nobody knows.
pub async fn what_does_not_exist_is_said_to_be_missing<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[]);
    let engine = scene.open().await;
    let id: RunId = format!("run_{}", "a".repeat(26))
        .parse()
        .expect("it is an id");
    let missing = [
        engine.run(&id).await.map(drop),
        engine.cancel(&id, "mona").await.map(drop),
        engine.alert("nobody").await.map(drop),
        engine.start(by_hand("nobody", "k")).await.map(drop),
    ];
    for answer in missing {
        assert_eq!(answer.expect_err("it does not exist").code, code::SV0104);
    }
    let page = engine
        .runs(&RunFilter::default())
        .await
        .expect("runs can be listed");
    assert_eq!((page.items.len(), page.next), (0, None));
}
