//! What every case works with: a stand, scripted actions, playbooks, a clock.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::Follow;
use engine_model::{Alert, AlertSource, Millis, RunId, TenantId, Timestamp};
use engine_run::{RunStatus, Settings};
use serde_json::{Map, Value, json};

use super::{NoEgress, Parts, Script, Scripted, Stand};
use crate::{
    Attempts, Clock, Engine, ManualStart, PlaybookText, Playbooks, Receipt, RunDocument,
    SystemClock,
};

/// How long a case waits for what has to happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Tries at the same time.
const TRIES_MAX: usize = 64;

/// The tenant of runs that no alert starts.
const TENANT: &str = "home";

/// A case: what stays the same while engines come and go.
pub struct Scene<'a, S> {
    stand: &'a S,
    /// What the actions answer.
    pub script: Arc<Script>,
    /// The time; the system's unless the case says otherwise.
    pub clock: Arc<dyn Clock>,
    playbooks: Vec<PlaybookText>,
}

impl<'a, S: Stand> Scene<'a, S> {
    /// A scene with these playbooks, each without `version`.
    pub fn new(stand: &'a S, playbooks: &[&str]) -> Self {
        let mut scene = Self {
            stand,
            script: Arc::default(),
            clock: Arc::new(SystemClock),
            playbooks: Vec::new(),
        };
        scene.set_playbooks(playbooks);
        scene
    }

    /// The playbooks of the engines that are opened from now on.
    pub fn set_playbooks(&mut self, playbooks: &[&str]) {
        self.playbooks = playbooks.iter().map(|text| file(text)).collect();
    }

    /// Opens an engine.
    pub async fn open(&self) -> S::Engine {
        self.stand.open(self.parts()).await
    }

    /// The playbooks, loaded.
    ///
    /// # Panics
    ///
    /// When one of them has a problem.
    #[must_use]
    pub fn loaded(&self) -> Arc<Playbooks> {
        let actions = Scripted::all(&self.script);
        let infos = actions.iter().map(|action| Arc::new(action.info().clone()));
        let playbooks = Playbooks::new(infos.collect());
        load(&playbooks, self.playbooks.clone());
        Arc::new(playbooks)
    }

    /// Opens an engine on playbooks that the case keeps.
    pub async fn open_with(&self, playbooks: &Arc<Playbooks>) -> S::Engine {
        self.stand.open(self.parts_with(playbooks)).await
    }

    /// What an engine is made of.
    #[must_use]
    pub fn parts(&self) -> Parts {
        self.parts_with(&self.loaded())
    }

    fn parts_with(&self, playbooks: &Arc<Playbooks>) -> Parts {
        let follow = Follow {
            first: Millis::from_ms(10),
            max: Millis::from_ms(50),
        };
        let attempts = Attempts::new(
            Scripted::all(&self.script),
            Arc::new(NoEgress),
            Arc::clone(&self.clock),
            follow,
            TRIES_MAX,
        );
        Parts {
            playbooks: Arc::clone(playbooks),
            attempts,
            clock: Arc::clone(&self.clock),
            settings: Settings {
                reconcile_window: Millis::from_ms(40),
                dry_run: false,
                ..Settings::default()
            },
            tenant: tenant(TENANT),
            schedules_since: None,
        }
    }

    /// Stops an engine.
    pub async fn stop(&self, engine: S::Engine) {
        self.stand.stop(engine).await;
    }
}

/// A playbook of a case as a file.
pub(super) fn file(text: &str) -> PlaybookText {
    PlaybookText {
        path: "suite.yaml".to_owned(),
        text: format!("version: 1\n{text}"),
    }
}

/// Replaces playbooks, none of which may have a problem.
pub(super) fn load(playbooks: &Playbooks, files: Vec<PlaybookText>) {
    let refused = playbooks.load(files);
    assert!(refused.is_empty(), "{refused:#?}");
}

/// An alert with this id and title.
pub(super) fn alert(id: &str, title: &str) -> Alert {
    let at = Timestamp::from_ms(1_780_000_000_000);
    Alert {
        id: id.to_owned(),
        tenant: tenant("contoso"),
        source: AlertSource::Api,
        created_at: at,
        updated_at: at,
        title: title.to_owned(),
        severity: "high".to_owned(),
        category: None,
        status: None,
        classification: None,
        device: None,
        user: None,
        file: None,
        entities: Vec::new(),
        raw: Value::Null,
    }
}

pub(super) fn tenant(name: &str) -> TenantId {
    name.parse().expect("the suite names tenants rightly")
}

/// A start by hand of the playbook of this name.
pub(super) fn by_hand(playbook: &str, key: &str) -> ManualStart {
    ManualStart {
        playbook: playbook.parse().expect("the suite names playbooks rightly"),
        tenant: tenant("default"),
        inputs: Map::new(),
        alert: None,
        by: "mona".to_owned(),
        roles: Some(vec!["soc-lead".to_owned()]),
        key: key.to_owned(),
        dry_run: false,
    }
}

/// Hands an alert in.
pub(super) async fn taken(engine: &impl Engine, alert: Alert) -> Receipt {
    let receipt = engine.intake(alert).await;
    receipt.unwrap_or_else(|error| panic!("the alert was refused: {error}"))
}

/// Starts a run by hand.
pub(super) async fn started(engine: &impl Engine, start: ManualStart) -> RunId {
    let run = engine.start(start).await;
    run.unwrap_or_else(|error| panic!("the start was refused: {error}"))
}

/// The one run that began.
pub(super) fn one(runs: &[RunId]) -> RunId {
    let [run] = runs else {
        panic!("one run was expected, not {runs:?}")
    };
    run.clone()
}

/// The run as it stands.
pub(super) async fn run(engine: &impl Engine, run: &RunId) -> RunDocument {
    let document = engine.run(run).await;
    document.unwrap_or_else(|error| panic!("the run cannot be read: {error}"))
}

/// Waits until the run is as `there` wants it.
pub(super) async fn until(
    engine: &impl Engine,
    id: &RunId,
    there: impl Fn(&RunDocument) -> bool,
) -> RunDocument {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let document = run(engine, id).await;
        if there(&document) {
            return document;
        }
        let seen = json!(document.view);
        assert!(
            tokio::time::Instant::now() < deadline,
            "nothing happens any more: {seen:#}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the run is over.
pub(super) async fn ended(engine: &impl Engine, id: &RunId) -> RunDocument {
    let document = until(engine, id, |run| run.summary.status != RunStatus::Running).await;
    assert_eq!(
        document.view.status, document.summary.status,
        "the list tells something else"
    );
    assert!(
        document.summary.ended_at.is_some(),
        "an ended run says when"
    );
    document
}

/// How the step of this id stands.
pub(super) fn step(run: &RunDocument, label: &str) -> Option<&'static str> {
    let step = run.view.steps.iter().find(|step| step.label == label)?;
    Some(step.status.as_str())
}
