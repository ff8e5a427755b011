//! The devices of a tenant, made up from its seed.

use serde_json::{Value, json};

use super::machine::{Machine, Role, User};
use crate::seed::Seed;
use crate::wire;

const DOMAINS: [&str; 6] = [
    "adatum",
    "fabrikam",
    "litware",
    "northwind",
    "tailspin",
    "wingtip",
];
const DEPARTMENTS: [&str; 6] = ["fin", "hr", "law", "mkt", "ops", "rnd"];
const SERVICES: [&str; 5] = ["sql", "web", "file", "sap", "build"];
const GIVEN: [&str; 8] = [
    "amara", "bjorn", "chiyo", "diego", "elif", "farah", "goran", "hana",
];
const FAMILY: [&str; 8] = [
    "adeyemi", "berg", "costa", "dahl", "endo", "fischer", "garcia", "horvat",
];
const DAY_MS: i64 = 86_400_000;

/// The DNS domain of a tenant.
pub(super) fn domain(seed: &Seed) -> String {
    format!("{}.example", seed.pick("domain", 0, &DOMAINS))
}

/// `count` devices: of every twelve one is a domain controller, three are servers and the others
/// workstations, which come first.
pub(super) fn machines(seed: &Seed, domain: &str, count: usize, now_ms: i64) -> Vec<Machine> {
    (0_u64..)
        .take(count)
        .map(|number| {
            let role = match number % 12 {
                11 => Role::DomainController,
                3 | 6 | 9 => Role::Server,
                _ => Role::Workstation,
            };
            Draft {
                seed,
                domain,
                number,
                role,
                now_ms,
            }
            .machine()
        })
        .collect()
}

/// A device on its way to become one.
struct Draft<'a> {
    seed: &'a Seed,
    domain: &'a str,
    number: u64,
    role: Role,
    now_ms: i64,
}

impl Draft<'_> {
    fn pick(&self, label: &str, choices: &[&'static str]) -> &'static str {
        self.seed.pick::<&str>(label, self.number, choices)
    }

    fn below(&self, label: &str, end: u64) -> u64 {
        self.seed.below(label, self.number, end)
    }

    fn machine(&self) -> Machine {
        let id = self.seed.hex("machine", self.number, 40);
        let name = format!("{}.{}", self.host(), self.domain);
        let user = self.user();
        let document = self.document(&id, &name);
        Machine {
            id,
            name,
            role: self.role,
            user,
            document,
            actions: Vec::new(),
            newest: std::collections::HashMap::new(),
        }
    }

    /// A host name; the number in it makes it unique.
    fn host(&self) -> String {
        match self.role {
            Role::DomainController => format!("dc{:02}", self.number / 12 + 1),
            Role::Server => {
                format!(
                    "srv-{}-{:02}",
                    self.pick("service", &SERVICES),
                    self.number / 3
                )
            }
            Role::Workstation => {
                let offset = self.seed.below("workstation", 0, 700);
                format!("ws-{}-{:03}", self.department(), 100 + offset + self.number)
            }
        }
    }

    fn department(&self) -> &'static str {
        self.pick("department", &DEPARTMENTS)
    }

    fn user(&self) -> User {
        let short = self.domain.split('.').next().unwrap_or_default();
        let account = match self.role {
            Role::Workstation => {
                format!(
                    "{}.{}",
                    self.pick("given", &GIVEN),
                    self.pick("family", &FAMILY)
                )
            }
            _ => format!("svc-{}", self.number),
        };
        let number = |label: &str| 1_000_000_000 + self.seed.below(label, 0, 2_000_000_000);
        User {
            principal: format!("{account}@{}", self.domain),
            sid: format!(
                "S-1-5-21-{}-{}-{}-{}",
                number("sid a"),
                number("sid b"),
                number("sid c"),
                1100 + self.number
            ),
            object_id: self.seed.guid("user", self.number),
            domain: short.to_uppercase(),
            account,
        }
    }

    /// Platform, version, build and architecture.
    fn system(&self) -> (&'static str, &'static str, Option<u32>) {
        let systems: &[(&str, &str, Option<u32>)] = match self.role {
            Role::Workstation => &[
                ("Windows11", "23H2", Some(22_631)),
                ("Windows11", "24H2", Some(26_100)),
                ("Windows10", "22H2", Some(19_045)),
            ],
            Role::Server => &[
                ("WindowsServer2022", "21H2", Some(20_348)),
                ("WindowsServer2019", "1809", Some(17_763)),
                ("Ubuntu", "22.4", None),
            ],
            Role::DomainController => &[("WindowsServer2022", "21H2", Some(20_348))],
        };
        *self.seed.pick("system", self.number, systems)
    }

    fn document(&self, id: &str, name: &str) -> Value {
        let (platform, version, build) = self.system();
        let (group_id, group, value) = match self.role {
            Role::Workstation => (140, "Workstations", "Normal"),
            Role::Server => (141, "Servers", "Normal"),
            Role::DomainController => (142, "Domain Controllers", "High"),
        };
        let tags: Vec<&str> = match self.role {
            Role::Workstation => vec!["workstation", self.department()],
            Role::Server => vec!["server"],
            Role::DomainController => vec!["dc", "tier-0"],
        };
        let ago = |label: &str, end: u64| i64::try_from(self.below(label, end)).unwrap_or(0);
        let first = self.now_ms - 40 * DAY_MS - ago("first seen", 300) * DAY_MS;
        let last = self.now_ms - ago("last seen", 50) * 60_000;
        let ip = format!(
            "10.{}.{}.{}",
            group_id - 120,
            self.number / 250,
            self.number % 250 + 4
        );
        let mac = self.seed.hex("mac", self.number, 10).to_uppercase();
        json!({
            "id": id,
            "computerDnsName": name,
            "firstSeen": wire::vendor_time(first),
            "lastSeen": wire::vendor_time(last),
            "osPlatform": platform,
            "osProcessor": "x64",
            "osArchitecture": "64-bit",
            "version": version,
            "osBuild": build,
            "onboardingStatus": "Onboarded",
            "lastIpAddress": ip,
            "lastExternalIpAddress": format!("203.0.113.{}", self.below("external", 250) + 1),
            "healthStatus": "Active",
            "rbacGroupId": group_id,
            "rbacGroupName": group,
            "riskScore": *self.seed.pick("risk", self.number, &["None", "Low", "Medium"]),
            "exposureLevel": *self.seed.pick("exposure", self.number, &["Low", "Medium"]),
            "deviceValue": value,
            "isAadJoined": self.role == Role::Workstation,
            "aadDeviceId": self.seed.guid("device", self.number),
            "machineTags": tags,
            "ipAddresses": [{
                "ipAddress": ip,
                "macAddress": format!("02{mac}"),
                "type": "Ethernet",
                "operationalStatus": "Up",
            }],
        })
    }
}
