//! Behaviours of operations, whether or not the catalog has them yet.

use actions_contract::{Api, Confidence, Effect, Endpoint, Idempotency, Method};
use actions_contract::{Permissions, Rate};
use serde_json::{Value, json};

use super::*;
use crate::options::{Options, Tenant};
use crate::seed::Seed;
use crate::token::Issuer;

const NOW: i64 = 1_767_225_600_000;
const ROLES: &[&str] = &["Machine.CollectForensics", "Machine.ReadWrite.All"];

#[test]
fn the_table_is_sorted() {
    assert!(BEHAVIOURS.is_sorted_by(|(a, _), (b, _)| a < b));
}

/// One tenant, asked without HTTP.
struct Bench {
    world: World,
    caller: Caller,
    now_ms: i64,
}

impl Bench {
    fn new() -> Self {
        let tenant = Tenant {
            roles: ROLES.iter().map(|role| (*role).to_owned()).collect(),
            ..Tenant::seeded(7, 0)
        };
        let options = Options {
            tenants: vec![tenant.clone()],
            ..Options::seeded(7)
        };
        let endpoint = Endpoint {
            id: "defender.test",
            title: "",
            api: Api::Mde,
            method: Method::Get,
            path: "/",
            effect: Effect::Read,
            idempotency: Idempotency::Natural,
            permissions: Permissions {
                application: ROLES,
                delegated: &[],
            },
            rate: Rate {
                per_minute: None,
                per_hour: None,
            },
            settles: false,
            beta: false,
            confidence: Confidence::Page,
            source: "",
        };
        let issuer = Issuer::new(&Seed::new(7), options.token_lifetime, &[endpoint]);
        let token = issuer.issue(&tenant, Api::Mde, 0, NOW);
        let caller = issuer.caller(Some(&format!("Bearer {token}")), NOW);
        Self {
            world: World::new(&options, &tenant, NOW),
            caller: caller.unwrap(),
            now_ms: NOW,
        }
    }

    fn ask(&mut self, operation: &str, values: &[&str], body: &Value) -> Result<Value, String> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let mut cx = Cx {
            world: &mut self.world,
            now_ms: self.now_ms,
            values: &values,
            query: &[("tag".to_owned(), "dc".to_owned())],
            body: &body,
            caller: &self.caller,
            path: "/",
            base_url: "http://127.0.0.1:1",
        };
        let operation = format!("defender.{operation}");
        let behaviour = of(&operation).unwrap_or_else(|| panic!("{operation} is not served"));
        match behaviour(&mut cx) {
            Ok(reply) => Ok(reply.body.unwrap_or(Value::Null)),
            Err(refusal) => Err(format!("{} {}", refusal.status, refusal.code)),
        }
    }

    fn machine(&self, windows: bool) -> String {
        let mut machines = self.world.machines.iter();
        let found = machines.find(|machine| machine.is_windows() == windows);
        found.expect("the fleet is mixed").id.clone()
    }
}

#[test]
fn a_package_is_ready_once_its_collection_has_succeeded() {
    let mut bench = Bench::new();
    let machine = bench.machine(true);
    let body = json!({ "Comment": "case 1" });
    let begun = bench
        .ask("collect-investigation-package", &[&machine], &body)
        .unwrap();
    let id = begun["id"].as_str().unwrap();
    let early = bench.ask("get-investigation-package-uri", &[id], &Value::Null);
    assert_eq!(early.unwrap_err(), "404 ResourceNotFound");
    bench.now_ms += 3000;
    let link = bench
        .ask("get-investigation-package-uri", &[id], &Value::Null)
        .unwrap();
    assert_eq!(
        link["value"],
        format!("http://127.0.0.1:1/emulator/packages/{id}.zip")
    );
}

#[test]
fn a_cancelled_action_ends_and_needs_the_role_of_its_kind() {
    let mut bench = Bench::new();
    let machine = bench.machine(true);
    let comment = json!({ "Comment": "wrong device" });
    let package = bench
        .ask("collect-investigation-package", &[&machine], &comment)
        .unwrap();
    let id = package["id"].as_str().unwrap();
    let cancelled = bench.ask("cancel-machine-action", &[id], &comment).unwrap();
    assert_eq!(cancelled["status"], "Cancelled");
    assert_eq!(cancelled["cancellationComment"], "wrong device");
    let again = bench.ask("cancel-machine-action", &[id], &comment);
    assert_eq!(again.unwrap_err(), "400 BadRequest");
    let restrict = bench
        .ask("restrict-app-execution", &[&machine], &comment)
        .unwrap();
    let id = restrict["id"].as_str().unwrap();
    let foreign = bench.ask("cancel-machine-action", &[id], &comment);
    assert_eq!(foreign.unwrap_err(), "403 Forbidden");
}

/// What a submission to a machine of one platform comes to: the type of the action, or the refusal.
fn check(windows: bool, operation: &str, name: &str, value: &str, want: &str) {
    let mut bench = Bench::new();
    let machine = bench.machine(windows);
    let mut body = json!({ "Comment": "why" });
    if !name.is_empty() {
        body[name] = json!(value);
    }
    let got = bench.ask(operation, &[&machine], &body);
    let got = got.map_or_else(
        |error| error,
        |action| action["type"].as_str().unwrap().to_owned(),
    );
    assert_eq!(got, want, "{operation} {body}");
}

#[test]
fn submissions_check_their_own_parameters() {
    let sha1 = "8563f95b2f8a284fc99da44500cd51a77c1ff36c";
    let windows = |operation, name, value, want| check(true, operation, name, value, want);
    windows("run-antivirus-scan", "ScanType", "Deep", "400 InvalidInput");
    windows("run-antivirus-scan", "ScanType", "Full", "RunAntiVirusScan");
    windows(
        "stop-and-quarantine-file",
        "Sha1",
        "x",
        "400 InvalidHashValue",
    );
    windows(
        "stop-and-quarantine-file",
        "Sha1",
        sha1,
        "StopAndQuarantineFile",
    );
    windows("remove-app-restriction", "", "", "UnrestrictCodeExecution");
    windows("offboard-machine", "", "", "Offboard");
    let linux = |operation, name, value, want| check(false, operation, name, value, want);
    linux(
        "restrict-app-execution",
        "",
        "",
        "400 OsPlatformNotSupported",
    );
    linux("isolate-machine", "IsolationType", "Full", "Isolate");
    linux(
        "isolate-machine",
        "IsolationType",
        "Selective",
        "400 OsPlatformNotSupported",
    );
}

#[test]
fn tags_and_values_of_a_machine_can_be_changed() {
    let mut bench = Bench::new();
    let machine = bench.machine(true);
    let tagged = json!({ "Value": "quarantine", "Action": "Add" });
    for _ in 0..2 {
        let got = bench
            .ask("add-or-remove-machine-tag", &[&machine], &tagged)
            .unwrap();
        let tags = got["machineTags"].as_array().unwrap();
        assert_eq!(tags.iter().filter(|tag| **tag == "quarantine").count(), 1);
    }
    let untagged = json!({ "Value": "quarantine", "Action": "Remove" });
    let got = bench
        .ask("add-or-remove-machine-tag", &[&machine], &untagged)
        .unwrap();
    assert!(!got["machineTags"].to_string().contains("quarantine"));
    let valued = bench.ask(
        "set-device-value",
        &[&machine],
        &json!({ "DeviceValue": "High" }),
    );
    assert_eq!(valued.unwrap()["deviceValue"], "High");
    let both = json!({ "machineTags": ["a", "b"], "deviceValue": "Low" });
    let got = bench.ask("update-machine", &[&machine], &both).unwrap();
    assert_eq!(
        (&got["machineTags"], &got["deviceValue"]),
        (&json!(["a", "b"]), &json!("Low"))
    );
}

#[test]
fn related_objects_are_found() {
    let mut bench = Bench::new();
    let alert = bench.world.demo_alert_id.clone();
    let machine = bench
        .ask("get-alert-machine", &[&alert], &Value::Null)
        .unwrap();
    let id = machine["id"].as_str().unwrap().to_owned();
    let alerts = bench
        .ask("list-machine-alerts", &[&id], &Value::Null)
        .unwrap();
    assert_eq!(alerts["value"][0]["id"], alert);
    let users = bench
        .ask("list-machine-logon-users", &[&id], &Value::Null)
        .unwrap();
    let demo = bench.world.alert(&alert).unwrap();
    assert_eq!(
        users["value"][0]["accountName"],
        demo["relatedUser"]["userName"]
    );
    let ip = machine["lastIpAddress"].as_str().unwrap().to_owned();
    let at = ["2026-01-01T00:00:00Z", &ip];
    let by_ip = bench
        .ask("find-machines-by-internal-ip", &at, &Value::Null)
        .unwrap();
    assert_eq!(by_ip["value"][0]["id"], id);
    let none = bench.ask(
        "find-machines-by-internal-ip",
        &[at[0], "10.9.9.9"],
        &Value::Null,
    );
    assert_eq!(none.unwrap_err(), "404 ResourceNotFound");
    let tagged = bench
        .ask("find-machines-by-tag", &[], &Value::Null)
        .unwrap();
    assert_eq!(tagged["value"][0]["rbacGroupName"], "Domain Controllers");
}
