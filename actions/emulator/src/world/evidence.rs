//! The evidence of an alert: entries of one flat shape, most fields empty.

use serde_json::{Value, json};

use super::Scenario;
use super::machine::User;
use crate::wire;

/// An evidence entry with only `fields` filled in.
fn entry(kind: &str, at_ms: i64, fields: &Value) -> Value {
    let mut entry = json!({
        "entityType": kind,
        "evidenceCreationTime": wire::vendor_time(at_ms),
        "sha1": null,
        "sha256": null,
        "fileName": null,
        "filePath": null,
        "processId": null,
        "processCommandLine": null,
        "processCreationTime": null,
        "parentProcessId": null,
        "parentProcessCreationTime": null,
        "parentProcessFileName": null,
        "parentProcessFilePath": null,
        "ipAddress": null,
        "url": null,
        "registryKey": null,
        "registryHive": null,
        "registryValueType": null,
        "registryValue": null,
        "accountName": null,
        "domainName": null,
        "userSid": null,
        "aadUserId": null,
        "userPrincipalName": null,
        "detectionStatus": null,
    });
    if let (Some(entry), Some(fields)) = (entry.as_object_mut(), fields.as_object()) {
        for (name, value) in fields {
            entry.insert(name.clone(), value.clone());
        }
    }
    entry
}

/// What the scenario left behind on the machine where it ran.
pub(super) fn of(scenario: &Scenario, user: &User) -> Vec<Value> {
    let at = scenario.at_ms + 60_000;
    vec![
        entry(
            "User",
            at,
            &json!({
                "accountName": user.account,
                "domainName": user.domain,
                "userSid": user.sid,
                "aadUserId": user.object_id,
                "userPrincipalName": user.principal,
            }),
        ),
        entry(
            "Process",
            at,
            &json!({
                "fileName": "powershell.exe",
                "filePath": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
                "processId": scenario.parent_pid + 4,
                "processCommandLine": scenario.fetch_line,
                "processCreationTime": wire::vendor_time(scenario.at_ms - 60_000),
                "parentProcessFileName": "explorer.exe",
                "parentProcessFilePath": "C:\\Windows",
                "detectionStatus": "Detected",
            }),
        ),
        entry(
            "Process",
            at,
            &json!({
                "sha1": scenario.loader_sha1,
                "sha256": scenario.loader_sha256,
                "fileName": "rundll32.exe",
                "filePath": "C:\\Windows\\System32",
                "processId": scenario.pid,
                "processCommandLine": scenario.command_line,
                "processCreationTime": wire::vendor_time(scenario.at_ms),
                "parentProcessId": scenario.parent_pid,
                "parentProcessCreationTime": wire::vendor_time(scenario.at_ms - 90_000),
                "parentProcessFileName": "explorer.exe",
                "parentProcessFilePath": "C:\\Windows",
                "detectionStatus": "Detected",
            }),
        ),
        entry(
            "File",
            at,
            &json!({
                "sha1": scenario.sha1,
                "sha256": scenario.sha256,
                "fileName": scenario.file,
                "filePath": scenario.folder,
                "detectionStatus": "Detected",
            }),
        ),
        entry("Ip", at, &json!({ "ipAddress": scenario.far_ip })),
    ]
}
