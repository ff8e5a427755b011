//! Connections that read, beside the one that writes.

use std::sync::{Arc, Mutex, PoisonError};

use engine_model::code;
use rusqlite::Connection;

use crate::schema::{Folder, StoreError};
use crate::stage::Stage;

/// Readers kept open; more are opened while these are busy.
const KEPT_MAX: usize = 4;

/// A small pool of reading connections.
#[derive(Debug)]
pub(crate) struct Readers {
    folder: Arc<Folder>,
    stage: Option<Arc<dyn Stage>>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) const fn new(folder: Arc<Folder>, stage: Option<Arc<dyn Stage>>) -> Self {
        Self {
            folder,
            stage,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `work` on a reading connection, off the threads that serve requests.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(stage) = &self.stage {
            stage.reads().await;
            return self.read_now(work);
        }
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || readers.read_now(work))
            .await
            .map_err(|_| StoreError::new(code::ST0102, "the reader stopped"))?
    }

    /// Runs `work` on a reading connection, here; for single rows by key.
    pub(crate) fn read_now<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.folder.reader()?,
        };
        let result = work(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_MAX {
            idle.push(connection);
        }
        Ok(result?)
    }
}
