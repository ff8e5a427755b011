//! Tokens of other identity services: read when they are sent, never kept.

use std::path::Path;

use serde_json::json;

use crate::machine::{JOB_TOKEN, Machine};
use crate::stage::{Stage, refusal};

/// A stage whose connection speaks with the token in `path`.
async fn stage(path: &Path) -> Stage {
    Stage::with_credential(json!({ "type": "federated", "source": "file", "path": path })).await
}

#[tokio::test]
async fn a_token_file_is_read_again_for_every_request() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let stage = stage(&path).await;
    stage.get("/a").await.unwrap();
    std::fs::write(&path, "second\n").unwrap();
    stage.get("/a").await.unwrap();
    assert_eq!(
        stage.world.token_count(),
        1,
        "the access token goes on serving"
    );
    stage.clock.pass_secs(7200);
    stage.get("/a").await.unwrap();
    assert_eq!(stage.world.sent("client_assertion"), ["first", "second"]);
    assert_eq!(stage.world.sent("client_secret"), Vec::<String>::new());
}

#[tokio::test]
async fn the_orchestrator_says_where_the_file_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "from-the-cluster").unwrap();
    let credential = json!({ "type": "federated", "source": "workload_identity" });
    let stage = Stage::with_credential(credential).await;
    assert_eq!(stage.code().await, "BR0106");
    stage.clock.pass_secs(60);
    stage.set_env("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap());
    stage.get("/a").await.unwrap();
    assert_eq!(stage.world.sent("client_assertion"), ["from-the-cluster"]);
}

#[tokio::test]
async fn a_missing_or_empty_token_file_is_told_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let stage = stage(&path).await;
    for (content, wanted) in [(None, "cannot be read"), (Some(" \n"), "is empty")] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = stage.get("/a").await.unwrap_err().error;
        assert_eq!(error.code, "BR0106");
        assert!(error.message.contains(wanted), "{error}");
        assert!(error.message.contains(path.to_str().unwrap()), "{error}");
        stage.clock.pass_secs(600);
    }
    assert_eq!(stage.world.token_count(), 0);
    std::fs::write(&path, "there").unwrap();
    stage.get("/a").await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_out_of_time_is_read_again_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "stale").unwrap();
    let stage = stage(&path).await;
    for _ in 0..3 {
        stage
            .world
            .next_token_reply(refusal(401, "invalid_client", 700_024));
    }
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!(
        (error.code.as_ref(), stage.world.token_count()),
        ("BR0102", 2)
    );
    assert!(
        error.message.contains("a token file may be too old"),
        "{error}"
    );
    std::fs::write(&path, "new").unwrap();
    stage.clock.pass_secs(60);
    stage.get("/a").await.unwrap();
    assert_eq!(
        stage.world.sent("client_assertion"),
        ["stale", "stale", "new", "new"]
    );
}

#[tokio::test]
async fn a_trust_that_is_missing_counts_as_young_for_ten_minutes_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "token").unwrap();
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["credential"] =
            json!({ "type": "federated", "source": "file", "path": path });
    })
    .await;
    let unknown = || refusal(400, "invalid_request", 700_213);
    stage.world.next_token_reply(unknown());
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!((error.code.as_ref(), error.retryable), ("BR0101", true));
    stage.clock.pass_secs(600);
    stage.world.next_token_reply(unknown());
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!((error.code.as_ref(), error.retryable), ("BR0102", false));
    assert!(error.message.contains("case counts"), "{error}");
}

#[tokio::test]
async fn a_github_job_asks_for_a_token_of_its_own_for_every_request() {
    let running = Machine::start().await;
    let credential = json!({ "type": "federated", "source": "github_actions" });
    let stage = Stage::with_credential(credential).await;
    assert_eq!(stage.code().await, "BR0106");
    stage.clock.pass_secs(60);
    let url = format!("{}/job?api-version=2.0", running.origin);
    stage.set_env("ACTIONS_ID_TOKEN_REQUEST_URL", &url);
    stage.set_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_TOKEN);
    for _ in 0..2 {
        stage.get("/a").await.unwrap();
        stage.clock.pass_secs(7200);
    }
    assert_eq!(
        stage.world.sent("client_assertion"),
        [1, 2].map(|i| format!("job-api://AzureADTokenExchange-{i}"))
    );
    stage.set_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another");
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!(error.code, "BR0106");
    assert!(!error.message.contains("another"), "{error}");
    stage.set_env("ACTIONS_ID_TOKEN_REQUEST_URL", "http://github.example/job");
    stage.clock.pass_secs(600);
    assert_eq!(stage.code().await, "BR0106");
}

#[tokio::test]
async fn an_identity_of_the_machine_can_stand_for_an_application() {
    let running = Machine::start().await;
    let credential = json!({ "type": "federated", "source": "managed_identity" });
    let stage = Stage::with_credential(credential).await;
    stage.set_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &running.origin);
    stage.get("/a").await.unwrap();
    let asked = running.machine.asked.lock().unwrap()[0].clone();
    assert_eq!(asked["resource"], "api://AzureADTokenExchange");
    assert!(stage.world.sent("client_assertion")[0].starts_with("ey"));
}
