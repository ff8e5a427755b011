//! The driver on SQLite behaves as every driver does.

use crate::home::Home;

engine_driver::conformance_tests!(Home::new());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: 1,500 runs that wait at the same time"]
async fn campaign_of_many_runs_that_wait_at_the_same_time() {
    engine_driver::conformance::runs::many_runs_wait(&Home::new(), 1500).await;
}
