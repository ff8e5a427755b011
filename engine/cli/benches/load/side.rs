//! The two programs that are measured, each a process of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use actions_contract::Api;
use actions_emulator::Emulator;
use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::baseline;
use crate::connection::Connection;
use crate::playbooks;
use crate::readings;
use crate::support::{Home, Served};
use crate::tap::Tap;

/// A program that takes alerts and isolates devices.
pub(crate) struct Side {
    pub(crate) served: Served,
    /// Where an alert is posted that starts nothing; the baseline has to be told so.
    pub(crate) quiet_path: &'static str,
    database: PathBuf,
    /// Kept for as long as the program runs.
    _folder: Folder,
}

/// Where an alert is posted that starts a run.
pub(crate) const ALERTS: &str = "/v1/alerts/mde";

#[expect(dead_code, reason = "kept for its `Drop`, which removes the folder")]
enum Folder {
    Engine(Home),
    Baseline(tempfile::TempDir),
}

/// How many runs there are in a database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) succeeded: u64,
    pub(crate) entries: u64,
}

impl Side {
    /// The release binary, on a new database, with so many playbooks.
    pub(crate) fn engine(emulator: &Emulator, tap: &Tap, playbooks: usize) -> Self {
        let engine = json!({ "follow_first": "1ms", "follow_max": "1s" });
        let mut home = Home::new(emulator, &tap.url, &engine);
        if playbooks == 1 {
            home = home.playbook("contain.yaml", &playbooks::one());
        } else {
            for number in 0..playbooks {
                let name = format!("contain-{number}.yaml");
                home = home.playbook(&name, &playbooks::of_many(number));
            }
        }
        Self {
            served: home.serve(),
            quiet_path: ALERTS,
            database: home.database(),
            _folder: Folder::Engine(home),
        }
    }

    /// The baseline, on a new database.
    pub(crate) fn baseline(emulator: &Emulator, tap: &Tap) -> anyhow::Result<Self> {
        let tenant = emulator
            .options()
            .tenants
            .first()
            .context("the emulator has a tenant")?;
        let token = emulator
            .issue_token(&tenant.id, Api::Mde)
            .context("the tenant is known")?;
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("baseline.db");
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([baseline::COMMAND, &tap.url, &token])
            .arg(&database)
            .stdin(Stdio::null());
        Ok(Self {
            served: Served::start(command, "QUELL_READY "),
            quiet_path: baseline::KEEP,
            database,
            _folder: Folder::Baseline(folder),
        })
    }

    /// Waits until no run is going on.
    pub(crate) async fn drained(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(&self.served.url).await?;
        let waiting = async {
            while connection.is_busy().await? {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .context("runs are still going on after a minute")?
    }

    /// The memory in use, in megabytes of 1,000,000 bytes.
    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        Ok(readings::resident_bytes(self.served.pid())? as f64 / 1e6)
    }

    /// The transactions committed so far.
    pub(crate) fn commits(&self) -> anyhow::Result<u32> {
        readings::commits(&self.database)
    }

    /// What is in the database; fails unless every run succeeded.
    pub(crate) fn tally(&self) -> anyhow::Result<Tally> {
        let tally = rusqlite::Connection::open(&self.database)?.query_row(
            "SELECT (SELECT count(*) FROM runs),
                    (SELECT count(*) FROM runs WHERE status = 'succeeded'),
                    (SELECT count(*) FROM events)",
            [],
            |row| {
                Ok(Tally {
                    runs: row.get(0)?,
                    succeeded: row.get(1)?,
                    entries: row.get(2)?,
                })
            },
        )?;
        ensure!(
            tally.succeeded == tally.runs,
            "not every run succeeded: {tally:?}"
        );
        Ok(tally)
    }
}
