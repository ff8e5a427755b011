//! What has to hold whatever went wrong.

use std::collections::{BTreeMap, BTreeSet};

use engine_driver::guard::{AuditKind, EffectFilter, EffectRow, EffectState};
use engine_driver::{Engine as _, Receipt, RunSummary};
use engine_embedded::{Archive, Embedded};
use engine_model::{Millis, RunId};
use engine_run::RunStatus;
use serde_json::{Value, json};

use crate::books::{BOOKS, LIMIT_MAX, LIMIT_PER};
use crate::devices::{Kind, holding};
use crate::story::Story;

/// The time that one thing after another may take to clean up.
const CLEAN_UP: Millis = Millis::from_secs(1200);
/// The time that a run may take to see that its deadline has passed.
const SLACK: Millis = Millis::from_secs(120);
/// How much later than it was counted a request may arrive.
const LATE_MS: i64 = 120_000;

/// Checks everything; the documents of all runs, for the next engine to be compared with.
pub(crate) async fn everything(story: &Story, engine: &Embedded) -> Vec<Value> {
    let runs = story.cast.runs(engine).await;
    nothing_is_lost(story, engine, &runs).await;
    nothing_starts_twice(story, &runs);
    deadlines(story, &runs);
    let filter = EffectFilter {
        all: true,
        limit: 10_000,
        ..EffectFilter::default()
    };
    let effects = engine.effects(&filter).await.unwrap();
    owners(story, &effects);
    limits(story);
    approvals(story, engine).await;
    let playbooks = crate::books::playbooks(true);
    let archive = Archive::open(story.folder(), playbooks).unwrap();
    let report = archive.verify().await.unwrap();
    if let Some((entry, why)) = report.broken {
        story.sim.breaks(format!("audit: entry {entry}: {why}"));
    }
    documents(story, engine).await
}

/// Every run as it stands, and every effect.
pub(crate) async fn documents(story: &Story, engine: &Embedded) -> Vec<Value> {
    let mut documents = Vec::new();
    for summary in story.cast.runs(engine).await {
        let document = match engine.run(&summary.id).await {
            Ok(document) => document,
            Err(error) => {
                story
                    .sim
                    .breaks(format!("replay: {} is unreadable: {error}", summary.id));
                continue;
            }
        };
        if document.view.status != document.summary.status {
            story.sim.breaks(format!(
                "replay: {} is {:?} in the list and {:?} by its journal",
                summary.id, document.summary.status, document.view.status
            ));
        }
        documents.push(json!(document));
    }
    documents
}

async fn nothing_is_lost(story: &Story, engine: &Embedded, runs: &[RunSummary]) {
    let known: BTreeSet<&RunId> = runs.iter().map(|run| &run.id).collect();
    let (alerts, starts) = {
        let notes = story.cast.notes();
        (notes.alerts.clone(), notes.starts.clone())
    };
    for (alert, receipt) in &alerts {
        let (revision, begun) = match receipt {
            Receipt::Created { runs } => (1, runs),
            Receipt::Updated { revision, runs } | Receipt::Same { revision, runs } => {
                (*revision, runs)
            }
        };
        let found = engine.alert(&alert.id).await;
        if !found.is_ok_and(|found| found.summary.revision >= revision) {
            story
                .sim
                .breaks(format!("lost: {} of revision {revision}", alert.id));
        }
        for run in begun.iter().filter(|run| !known.contains(run)) {
            story
                .sim
                .breaks(format!("lost: {run}, which {} started", alert.id));
        }
    }
    for (key, run) in starts.iter().filter(|(_, run)| !known.contains(run)) {
        story
            .sim
            .breaks(format!("lost: {run}, which was started as {key}"));
    }
}

fn nothing_starts_twice(story: &Story, runs: &[RunSummary]) {
    let mut causes = BTreeMap::new();
    for run in runs {
        // The same alert may change more than once.
        if run.cause.ends_with(" updated") {
            continue;
        }
        let cause = (&run.playbook, &run.trigger, &run.cause);
        if let Some(other) = causes.insert(cause, &run.id) {
            let cause = &run.cause;
            story
                .sim
                .breaks(format!("started twice: {other} and {} by {cause}", run.id));
        }
    }
}

fn deadlines(story: &Story, runs: &[RunSummary]) {
    for run in runs {
        let book = BOOKS
            .iter()
            .find(|book| book.name == run.playbook.as_str())
            .unwrap();
        let clean_up = if book.cleans_up {
            CLEAN_UP
        } else {
            Millis::ZERO
        };
        let spans = [book.timeout, clean_up, SLACK, story.away];
        let until = spans.iter().fold(run.started_at, |at, span| at.plus(*span));
        let at = match (run.status, run.ended_at) {
            (RunStatus::Running, _) | (_, None) => None,
            (_, at) => at,
        };
        if at.is_none_or(|at| at > until) {
            story.sim.breaks(format!(
                "deadline: {} of {} began {} and ended {at:?}, not until {until}",
                run.id, run.playbook, run.started_at
            ));
        }
    }
}

/// Every device that is contained has an owner, and is given back.
fn owners(story: &Story, effects: &[EffectRow]) {
    let inside = story.world.inside();
    let now = story.sim.now();
    for device in &inside.devices {
        for kind in [Kind::Isolate, Kind::Restrict] {
            let Some(deed) = holding(&inside.deeds, &device.id, kind, now) else {
                continue;
            };
            let (name, idem) = (&device.name, &deed.idem);
            let Some(row) = effects.iter().find(|row| row.idem == *idem) else {
                story
                    .sim
                    .breaks(format!("owner: nobody knows why {name} is held by {idem}"));
                continue;
            };
            let holds = matches!(
                row.state,
                EffectState::Begun
                    | EffectState::Pending
                    | EffectState::Done
                    | EffectState::InDoubt
            );
            if !holds {
                let state = row.state.as_str();
                story
                    .sim
                    .breaks(format!("owner: {name} is held by {idem}, which is {state}"));
            }
            match row.release.as_deref() {
                // People were called.
                Some("failed") => {}
                stage => story.sim.breaks(format!(
                    "release: {name} is held by {idem}, and its release is {stage:?}"
                )),
            }
        }
    }
}

/// Targets within a span of time, where a policy limits them.
fn limits(story: &Story) {
    if !story.rules.limits() || story.changes {
        return;
    }
    let inside = story.world.inside();
    let span = i64::try_from(LIMIT_PER.as_ms()).unwrap() - LATE_MS;
    // What a device did not do does not count; the engine has seen that it failed.
    let taken = inside
        .deeds
        .iter()
        .filter(|deed| deed.kind.contains() && !deed.fails);
    for last in taken.clone() {
        let within = taken.clone();
        let within = within.filter(|one| one.at <= last.at && one.at > last.at - span);
        let devices: BTreeSet<&str> = within.map(|one| one.device.as_str()).collect();
        if devices.len() > LIMIT_MAX {
            let count = devices.len();
            story
                .sim
                .breaks(format!("limit: {} is one of {count} in a span", last.idem));
            return;
        }
    }
}

/// Where people have to agree, they agreed to what was done, on the device it was done to.
async fn approvals(story: &Story, engine: &Embedded) {
    if !story.rules.asks() || story.changes {
        return;
    }
    let log = engine.audit(0, 100_000).await.unwrap();
    let held = log.iter().filter(|row| row.entry.kind == AuditKind::Held);
    let mut agreed = BTreeSet::new();
    for row in held {
        let what = &row.entry.what;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let run = row.entry.run.clone().unwrap_or_default();
        let (digest, step) = (text(&what["digest"]), text(&what["step"]));
        let idem = format!("{run}/{step}");
        if story.cast.notes().agreed.contains(&(run, digest)) {
            agreed.insert((idem, text(&what["target"]["id"])));
        }
    }
    let inside = story.world.inside();
    for taken in &inside.taken {
        // Where the name means another device by now, about which nobody has to be asked, nobody
        // has to agree.
        let device = inside
            .devices
            .iter()
            .find(|device| device.id == taken.device);
        let server = device.is_some_and(|device| device.tags.iter().any(|tag| tag == "server"));
        let agreed = agreed.contains(&(taken.idem.clone(), taken.device.clone()));
        if server && !agreed {
            let (idem, device) = (&taken.idem, &taken.device);
            story
                .sim
                .breaks(format!("approval: nobody agreed to {idem} on {device}"));
        }
    }
}
