//! Hunting queries over the three services.

use crate::door::{Answer, Door};
use actions_contract::Api;
use serde_json::{Value, json};

/// The values of a column, in order.
fn column<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let rows = answer.body["Results"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.body));
    rows.iter().filter_map(|row| row[name].as_str()).collect()
}

#[tokio::test]
async fn each_service_answers_in_its_own_shape() {
    let door = Door::new();
    let query = json!({ "Query": "DeviceInfo | project DeviceId, IsAzureADJoined | take 1" });
    let mde = door.post("/api/advancedqueries/run", query.clone()).await;
    assert_eq!(
        mde.body["Schema"][0],
        json!({ "Name": "DeviceId", "Type": "String" })
    );
    assert_eq!(mde.body["Results"].as_array().map(Vec::len), Some(1));
    assert_eq!(mde.body.get("Stats"), None);
    let xdr = door
        .token_for(0, Api::Xdr)
        .post("/api/advancedhunting/run", query.clone())
        .await;
    assert_eq!(xdr.body["Results"], mde.body["Results"]);
    assert_eq!(
        xdr.body["Stats"]["dataset_statistics"][0]["table_row_count"],
        1
    );
    let graph = door.token_for(0, Api::Graph);
    let graph = graph.post("/v1.0/security/runHuntingQuery", query).await;
    assert_eq!(
        graph.body["schema"][0],
        json!({ "name": "DeviceId", "type": "String" })
    );
    assert_eq!(graph.body["results"], mde.body["Results"]);
}

#[tokio::test]
async fn the_file_of_the_demo_alert_lies_on_other_devices_too() {
    let door = Door::new();
    let alert = door.emulator.demo_alert();
    let sha256 = alert
        .pointer("/evidence/3/sha256")
        .and_then(Value::as_str)
        .unwrap();
    let victim = door.victim();
    let query = format!(
        "DeviceFileEvents\n| where Timestamp > ago(1d * 7)\n\
         | where SHA256 in (dynamic([\"{sha256}\"]))\n\
         | where DeviceId != \"{victim}\"\n\
         | summarize Hits = count() by DeviceId, DeviceName"
    );
    let found = door.hunt(&query).await;
    let devices = column(&found, "DeviceId");
    assert_eq!(devices.len(), 2);
    assert!(!devices.contains(&victim.as_str()));
    assert_eq!(found.body["Results"][0]["Hits"], 1);
    let here = format!("DeviceFileEvents | where DeviceId == '{victim}' and SHA256 == '{sha256}'");
    assert_eq!(column(&door.hunt(&here).await, "DeviceId"), [victim]);
}

#[tokio::test]
async fn the_shipped_kind_of_hunt_finds_encoded_powershell() {
    let door = Door::new();
    let query = "DeviceProcessEvents\n\
         | where Timestamp > ago(26h) and FileName =~ \"powershell.exe\"\n\
         | where ProcessCommandLine has_any (\"-enc\", \"-encodedcommand\")\n\
         | project DeviceId, DeviceName, AccountName, ProcessCommandLine";
    assert_eq!(column(&door.hunt(query).await, "DeviceId"), [door.victim()]);
}

#[tokio::test]
async fn a_hostile_value_in_a_literal_finds_nothing() {
    let door = Door::new();
    let all = column(&door.hunt("DeviceFileEvents").await, "DeviceId").len();
    assert!(all > 3);
    // What the engine's encoding makes of `x") or 1==1 //`.
    let query = "DeviceFileEvents | where SHA256 in (\"x\\\") or 1==1 //\")";
    assert_eq!(
        column(&door.hunt(query).await, "DeviceId"),
        Vec::<&str>::new()
    );
    // Without the encoding it is another query, and this one is refused.
    let open = "DeviceFileEvents | where SHA256 in (\"x\") or 1==1 //\")";
    assert_eq!(door.hunt(open).await.code(), (400, "BadRequest"));
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused_by_name() {
    let door = Door::new();
    let refused = door
        .hunt("DeviceInfo | make-series count() on Timestamp")
        .await;
    assert_eq!(refused.code(), (400, "BadRequest"));
    let message = refused.text("/error/message");
    assert!(
        message.contains("'make-series' is not supported by the emulator"),
        "{message}"
    );
    let graph = door.token_for(0, Api::Graph);
    let refused = graph
        .post("/security/runHuntingQuery", json!({ "Query": "Nope" }))
        .await;
    assert_eq!(refused.code(), (400, "BadRequest"));
    assert_eq!(refused.text("/error/innerError/request-id").len(), 36);
}
