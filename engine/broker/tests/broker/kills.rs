//! A process killed between the answer of the token service and the use of its token: the old or
//! the new refresh token is on disk, never none.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine_broker::Account;
use serde_json::{Value, json};

use crate::people_stage::{PeopleStage, broker_of, get};
use crate::stage::Reply;

const CONFIG: &str = "QUELL_KILLED_CONFIG";

/// This test program again, as a process that goes on with the kept session once.
fn other_process(config: &Value) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "kills::the_process_that_is_killed_goes_on_with_the_session",
            "--exact",
        ])
        .env(CONFIG, config.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless it is started by the tests below.
#[tokio::test]
async fn the_process_that_is_killed_goes_on_with_the_session() {
    if let Ok(config) = std::env::var(CONFIG) {
        get(&broker_of(&serde_json::from_str(&config).unwrap()))
            .await
            .unwrap();
        // Stays until it is killed, so that no moment comes too late.
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

async fn kill_at(moments: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kept.rt");
    let stage = PeopleStage::new(json!({
        "sign_in": {
            "type": "ropc", "username": crate::people_stage::NAME,
            "password": "env:PERSON_PASSWORD", "accept_ropc_risk": true,
        },
        "persist_refresh_token": { "path": path, "key": "env:RT_KEY" },
    }))
    .await;
    let signed: Account = stage.broker.sign_in("analyst", &|_| {}).await.unwrap();
    assert_eq!(signed.name.as_deref(), Some(crate::people_stage::NAME));
    let (mut old, mut new) = (0, 0);
    for moment in 0..moments {
        let current = || stage.directory.current.lock().unwrap().clone().unwrap();
        let before = current();
        let mut process = other_process(&stage.config);
        while current() == before {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        // The service has answered from here on; two milliseconds later the file is long written.
        let answered = Instant::now();
        while answered.elapsed() < Duration::from_micros(moment * 2000 / moments) {
            std::hint::spin_loop();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let after = current();
        // What is on disk, as the next process shows it; the refusal leaves everything as it is.
        stage.directory.next_reply(Reply::new(503, ""));
        get(&stage.another()).await.unwrap_err();
        let shown = stage.directory.last()["refresh_token"].clone();
        assert!(
            shown == before || shown == after,
            "moment {moment}: {shown}"
        );
        if shown == after {
            new += 1
        } else {
            old += 1
        }
        *stage.directory.current.lock().unwrap() = Some(shown);
        stage.directory.spent.lock().unwrap().clear();
    }
    println!("{moments} kills: {old} left the old refresh token, {new} the new one, 0 none");
    assert_eq!(old + new, moments);
}

#[tokio::test]
async fn a_process_killed_after_the_answer_leaves_the_old_or_the_new_refresh_token() {
    kill_at(4).await;
}

#[tokio::test]
#[ignore = "long: 100 kills between the answer and the use of the token, about ten seconds"]
async fn campaign_of_kills_after_the_answer() {
    kill_at(100).await;
}
