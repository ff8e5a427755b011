//! One application in the tenants of three customers, and what becomes of each.

use std::process::Output;

use actions_emulator::{Fault, FaultMatch, FaultRule, LogFilter, Options, RetryIn, Tenant};
use serde_json::{Value, json};

use crate::support::{self, Home};

const PENDING: &str = "dddddddd-dddd-dddd-dddd-dddddddddddd";
const STRANGER: &str = "cccccccc-cccc-cccc-cccc-cccccccccccc";

/// A look at one customer; a failure of one is no failure of the others.
fn step(id: &str, tenant: &str) -> String {
    format!(
        "
  - id: {id}
    uses: defender.list-machines
    connection: {{name: mssp, tenant: {tenant}}}
    timeout: 3s
    on_error: continue"
    )
}

/// Three customers: all is well, nobody consented, the token service asks to slow down.
struct Customers {
    options: Options,
    fine: Tenant,
    unconsented: Tenant,
    throttled: Tenant,
}

impl Customers {
    fn new() -> Self {
        let mut options = Options::seeded(5);
        let fine = options.tenants[0].clone();
        let tenant = |number| Tenant {
            client_secret: fine.client_secret.clone(),
            ..Tenant::seeded(5, number)
        };
        // The application is unknown where nobody has consented.
        let unconsented = tenant(1);
        let throttled = Tenant {
            client_id: fine.client_id.clone(),
            ..tenant(2)
        };
        let more = [unconsented.clone(), throttled.clone()];
        options.tenants.extend(more);
        options.faults.push(FaultRule {
            on: FaultMatch {
                operation: Some("token".to_owned()),
                path_prefix: Some(format!("/{}/", throttled.id)),
                ..FaultMatch::default()
            },
            fault: Fault::Status {
                status: 429,
                retry_after_s: Some(600),
                retry_in: RetryIn::Header,
            },
            times: 1000,
        });
        Self {
            options,
            fine,
            unconsented,
            throttled,
        }
    }

    fn playbook(&self) -> String {
        let head = "version: 1\nname: sweep\ntriggers:\n  - {id: by_hand, manual: {}}\nsteps:";
        [
            head.to_owned(),
            step("throttled", &self.throttled.id),
            step("unconsented", &self.unconsented.id),
            step("stranger", STRANGER),
            step("fine", &self.fine.id),
        ]
        .concat()
    }

    fn connections(&self, url: &str) -> Value {
        let active = |tenant: &Tenant| json!({ "id": tenant.id, "status": "active" });
        json!({ "mssp": {
            "context": "partner", "client_id": self.fine.client_id, "authority": url,
            "apis": ["mde", "xdr", "graph"],
            "base_urls": { "mde": url, "xdr": url, "graph": url },
            "credential": { "type": "secret", "secret": "env:TEST_SECRET" },
            "consent": { "redirect_uri": "https://soc.example/consent" },
            "tenants": {
                "fine": active(&self.fine), "throttled": active(&self.throttled),
                "unconsented": active(&self.unconsented), "pending": { "id": PENDING },
            },
        }})
    }
}

/// What was printed, line by line.
fn events(output: &Output) -> Vec<Value> {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let read = |line| serde_json::from_str(line).unwrap();
    lines.lines().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_customer_has_its_own_result_and_a_stranger_gets_no_packet() {
    let customers = Customers::new();
    let emulator = support::emulator(customers.options.clone()).await;
    let url = emulator.base_url();
    let home = Home::new(&emulator, &url, &json!({}))
        .playbook("sweep.yaml", &customers.playbook())
        .with("connections", &customers.connections(&url));
    let mut command = home.quell();
    let output = command.args(["run", "playbooks/sweep.yaml", "--format", "json"]);
    let output = output.output().unwrap();
    let events = events(&output);
    let of = |step: &str| {
        let of_step = events.iter().filter(|event| event["step"] == step);
        of_step
            .map(|event| format!("{event}\n"))
            .collect::<String>()
    };
    assert!(of("throttled").contains("BR0101"), "{output:?}");
    let said = of("unconsented");
    let link = format!("/{}/v2.0/adminconsent", customers.unconsented.id);
    assert!(said.contains("BR0111") && said.contains(&link), "{said}");
    assert!(of("stranger").contains("BR0104"), "{}", of("stranger"));
    assert!(of("fine").contains("succeeded"), "{}", of("fine"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let log = emulator.log(&LogFilter::default());
    assert!(log.iter().all(|entry| !entry.path.contains(STRANGER)));
    let calls = emulator.log(&LogFilter {
        operation: Some("defender.list-machines".to_owned()),
        ..LogFilter::default()
    });
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_sweep_asks_every_active_customer_and_tells_what_came_of_each() {
    let customers = Customers::new();
    let emulator = support::emulator(customers.options.clone()).await;
    let url = emulator.base_url();
    let path = support::root().join("workflows/sweep-tenants.yaml");
    let playbook = std::fs::read_to_string(path).unwrap();
    let home = Home::new(&emulator, &url, &json!({}))
        .playbook("sweep-tenants.yaml", &playbook)
        .with("connections", &customers.connections(&url));
    let mut command = home.quell();
    let output = command.args(["run", "playbooks/sweep-tenants.yaml", "--format", "json"]);
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let summary = events(&output).pop().unwrap();
    let outputs = &summary["outputs"];
    assert_eq!(outputs["asked"].as_array().unwrap().len(), 1, "{summary:#}");
    assert_eq!(outputs["asked"][0]["tenant"], customers.fine.id.as_str());
    let failed = outputs["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{summary:#}");
    let of = |tenant: &Tenant| {
        let found = failed
            .iter()
            .find(|one| one["tenant"] == tenant.id.as_str());
        let found = found.unwrap_or_else(|| panic!("{summary:#}"));
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        (text("code"), text("reason"))
    };
    assert_eq!(of(&customers.throttled).0, "BR0101");
    let (code, reason) = of(&customers.unconsented);
    let link = format!("/{}/v2.0/adminconsent", customers.unconsented.id);
    assert_eq!(code, "BR0111");
    assert!(reason.contains(&link), "{reason}");
    let log = emulator.log(&LogFilter::default());
    assert!(log.iter().all(|entry| !entry.path.contains(PENDING)));
}

/// Isolates in the tenant that the alert's text names: the text is anybody's.
const CONFUSED: &str = "
version: 1
name: confused
triggers:
  - id: any
    alert:
      source: mde
      match:
        device.id|exists: true
steps:
  - id: isolate
    uses: defender.isolate-machine
    connection: {name: mssp, tenant: '${{ alert.raw.description }}'}
    with:
      machine_id: ${{ alert.device.id }}
      isolation_type: Full
      comment: Alert ${{ alert.id }}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_the_text_of_an_alert_names_is_checked_against_the_list() {
    let customers = Customers::new();
    let emulator = support::emulator(customers.options.clone()).await;
    let url = emulator.base_url();
    let home = Home::new(&emulator, &url, &json!({}))
        .playbook("confused.yaml", CONFUSED)
        .with("connections", &customers.connections(&url));
    let strange = format!("{}/../{STRANGER}", customers.fine.id);
    let refusals = [
        (STRANGER, "may not act for tenant `cccccccc-"),
        (PENDING, "is marked as `pending`"),
        (strange.as_str(), ""),
    ];
    for (tenant, reason) in refusals {
        let mut alert = emulator.demo_alert();
        alert["description"] = json!(tenant);
        alert["id"] = json!(format!("da-{}", tenant.len() + reason.len()));
        let alert = home.file("alert.json", &alert.to_string());
        let mut command = home.quell();
        command.args([
            "run",
            "playbooks/confused.yaml",
            "--format",
            "json",
            "--alert",
        ]);
        let output = command.arg(alert).output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{output:?}");
        let summary = events(&output).pop().unwrap();
        assert_ne!(summary["status"], "succeeded", "{summary:#}");
        let message = summary["error"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{tenant}: {summary:#}");
    }
    assert_eq!(emulator.counts().requests, 0, "something was sent");
}
