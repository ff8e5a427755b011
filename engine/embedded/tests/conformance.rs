//! The driver on SQLite behaves as every driver does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use engine_driver::conformance::{Parts, Stand};
use engine_embedded::{Embedded, Options};
use tempfile::TempDir;

/// A folder that engines are opened on.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Stand for Home {
    type Engine = Embedded;

    async fn open(&self, parts: Parts) -> Embedded {
        let options = Options {
            data_dir: self.0.path().to_owned(),
            playbooks: parts.playbooks,
            attempts: parts.attempts,
            clock: parts.clock,
            settings: parts.settings,
            tenant: parts.tenant,
            schedules_since: parts.schedules_since,
        };
        Embedded::open(options).await.unwrap()
    }

    async fn stop(&self, engine: Embedded) {
        engine.stop().await;
    }
}

engine_driver::conformance_tests!(Home::new());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: 1,500 runs that wait at the same time"]
async fn very_many_runs_wait_at_the_same_time_and_all_of_them_end() {
    engine_driver::conformance::runs::many_runs_wait(&Home::new(), 1500).await;
}
