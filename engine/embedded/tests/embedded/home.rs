//! A folder that engines are opened on, one after another.

use std::path::{Path, PathBuf};

use engine_driver::conformance::{Parts, Stand};
use engine_embedded::{Embedded, Options, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder of a database.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("quell.db")
    }

    /// A connection beside the engine's own.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }

    pub(crate) async fn try_open(&self, parts: Parts) -> Result<Embedded, StoreError> {
        Embedded::open(Options {
            data_dir: self.folder().to_owned(),
            playbooks: parts.playbooks,
            attempts: parts.attempts,
            clock: parts.clock,
            guards: None,
            settings: parts.settings,
            tenant: parts.tenant,
            schedules_since: parts.schedules_since,
        })
        .await
    }
}

impl Stand for Home {
    type Engine = Embedded;

    async fn open(&self, parts: Parts) -> Embedded {
        self.try_open(parts).await.unwrap()
    }

    async fn stop(&self, engine: Embedded) {
        engine.stop().await;
    }
}
