//! An inbox: a folder into which other programs move files of alerts, one JSON object per line.

#![expect(
    clippy::disallowed_methods,
    reason = "an inbox is a folder of files, and this is where they are read"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_driver::{Engine, EngineError};
use engine_model::{Alert, AlertSource, Millis, TenantId};
use futures_util::StreamExt as _;

use crate::body::ALERT_BYTES_MAX;
use crate::intake::{Sources, read_alert};

/// How the name of a file ends that waits.
const WAITS: &str = "ndjson";
/// Lines that are in memory at the same time.
const LINES_MAX: usize = 256;
/// Alerts that are made durable at the same time.
const AT_ONCE: usize = 64;

/// Reads one folder for ever.
///
/// A file `x.ndjson` is read from its beginning, and called `x.ndjson.done` once every alert in it
/// is durable. A stop in between repeats the file, which starts nothing twice. Lines that are no
/// alerts stand in `x.ndjson.refused` then, each behind its number and the reason.
pub struct Inbox {
    /// The folder.
    pub folder: PathBuf,
    /// Whose alerts they are.
    pub source: AlertSource,
    /// How often it is looked at.
    pub every: Millis,
    /// Where alerts go.
    pub engine: Arc<dyn Engine>,
    /// The adapters of sources.
    pub sources: Sources,
    /// The tenant of alerts that do not say theirs.
    pub tenant: TenantId,
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The folder, or a file in it, cannot be read or written.
    #[error("the file cannot be read or renamed: {0}")]
    File(#[from] std::io::Error),
    /// The engine took no more.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a line holds: an alert, or why it is none.
type Line = (usize, Result<Alert, String>);

impl Inbox {
    /// Reads until the task is dropped; a file that fails is logged and tried again.
    pub async fn run(self) {
        loop {
            match self.read().await {
                Ok(0) => {}
                Ok(taken) => tracing::info!(taken, "an inbox was read"),
                Err(error) => tracing::warn!(%error, "an inbox is tried again"),
            }
            tokio::time::sleep(self.every.max(Millis::from_secs(1)).to_std()).await;
        }
    }

    /// Reads every file that waits, by name; the number of alerts handed to the engine.
    ///
    /// # Errors
    ///
    /// At the first file that cannot be read to its end; it and those after it wait.
    pub async fn read(&self) -> Result<usize, InboxError> {
        let entries = std::fs::read_dir(&self.folder)?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        let mut paths = paths.collect::<std::io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| path.extension().is_some_and(|end| end == WAITS));
        paths.sort();
        let mut taken = 0;
        for path in paths {
            taken += self.read_file(&path).await?;
        }
        Ok(taken)
    }

    async fn read_file(&self, path: &Path) -> Result<usize, InboxError> {
        let mut reader = BufReader::new(File::open(path)?);
        let mut refused = String::new();
        let (mut number, mut taken) = (0, 0);
        loop {
            let lines = self.lines(&mut reader, &mut number)?;
            if lines.is_empty() {
                break;
            }
            let results: Vec<Result<bool, EngineError>> = futures_util::stream::iter(lines)
                .map(|(number, alert)| self.take(number, alert, path))
                .buffered(AT_ONCE)
                .map(|result| {
                    let (taken, said) = result?;
                    refused.extend(said);
                    Ok(taken)
                })
                .collect()
                .await;
            for result in results {
                taken += usize::from(result?);
            }
        }
        if !refused.is_empty() {
            File::create(beside(path, "refused"))?.write_all(refused.as_bytes())?;
        }
        std::fs::rename(path, beside(path, "done"))?;
        Ok(taken)
    }

    /// Whether the alert was taken, or else what is said about its line.
    async fn take(
        &self,
        number: usize,
        alert: Result<Alert, String>,
        path: &Path,
    ) -> Result<(bool, Option<String>), EngineError> {
        match alert {
            Ok(alert) => {
                self.engine.intake(alert).await?;
                Ok((true, None))
            }
            Err(reason) => {
                let file = path.display();
                tracing::error!(%file, line = number, error = reason, "a line is left out");
                Ok((false, Some(format!("{number}: {reason}\n"))))
            }
        }
    }

    /// The next lines that are not blank.
    fn lines(&self, reader: &mut impl BufRead, number: &mut usize) -> std::io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        while lines.len() < LINES_MAX {
            let mut line = Vec::new();
            let limit = ALERT_BYTES_MAX as u64 + 1;
            if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            *number += 1;
            let whole = line.ends_with(b"\n") || line.len() <= ALERT_BYTES_MAX;
            if !whole {
                reader.skip_until(b'\n')?;
                lines.push((*number, Err("an alert has at most 1 MiB".to_owned())));
            } else if !line.trim_ascii().is_empty() {
                lines.push((*number, self.alert(&line)));
            }
        }
        Ok(lines)
    }

    fn alert(&self, line: &[u8]) -> Result<Alert, String> {
        let value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        read_alert(&self.sources, Some(self.source), value, &self.tenant)
            .map_err(|error| error.to_string())
    }
}

/// `x.ndjson` as `x.ndjson.done`.
fn beside(path: &Path, end: &str) -> PathBuf {
    path.with_extension(format!("{WAITS}.{end}"))
}
