//! Playbooks are read again when the program gets a SIGHUP, without a break: each alert is matched
//! by the set before or by the set after.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use engine_driver::{PlaybookText, Playbooks, Refused};
use engine_embedded::Embedded;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::wire;

/// What reads playbooks again.
pub(super) struct Reload {
    paths: Vec<PathBuf>,
    playbooks: Arc<Playbooks>,
    engine: Arc<Embedded>,
    /// The last text of each file that was valid.
    valid: HashMap<String, String>,
    asked: Signal,
}

impl Reload {
    /// Begins to listen; `files` are loaded already.
    pub(super) fn new(
        paths: Vec<PathBuf>,
        files: Vec<PlaybookText>,
        playbooks: Arc<Playbooks>,
        engine: Arc<Embedded>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            paths,
            playbooks,
            engine,
            valid: files
                .into_iter()
                .map(|file| (file.path, file.text))
                .collect(),
            asked: signal(SignalKind::hangup())?,
        })
    }

    /// Reads again whenever it is asked for, for ever.
    pub(super) async fn watch(mut self) {
        while self.asked.recv().await.is_some() {
            match wire::playbook_files(&self.paths) {
                Ok(files) => self.load(files).await,
                Err(fault) => tracing::error!(?fault, "the playbooks stay as they were"),
            }
        }
    }

    /// Of a file with mistakes the version before goes on; one that is gone fires no more.
    async fn load(&mut self, files: Vec<PlaybookText>) {
        let mut valid = HashMap::new();
        let mut good = Vec::new();
        let mut refused = Vec::new();
        for file in files {
            let (plan, diagnostics) = self.playbooks.check(&file.text);
            if plan.is_some() {
                valid.insert(file.path.clone(), file.text.clone());
                good.push(file);
                continue;
            }
            if let Some(before) = self.valid.get(&file.path) {
                valid.insert(file.path.clone(), before.clone());
                good.push(PlaybookText {
                    path: file.path.clone(),
                    text: before.clone(),
                });
            }
            refused.push(Refused { file, diagnostics });
        }
        let count = good.len();
        refused.extend(self.playbooks.load(good));
        wire::report(&refused);
        self.valid = valid;
        if let Err(error) = self.engine.playbooks_changed().await {
            tracing::error!(%error, "the playbooks could not be kept; runs keep them one by one");
        }
        tracing::info!(count, refused = refused.len(), "playbooks were read again");
    }
}
