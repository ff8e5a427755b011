//! The devices of a tenant, and what was done to them.

use serde_json::{Value, json};

use crate::chance::Chance;

/// A device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) tags: Vec<String>,
    /// Until when it does not report.
    pub(crate) silent_until: i64,
    /// Since when nothing may be done to it.
    pub(crate) protected_since: Option<i64>,
}

impl Device {
    fn new(number: usize, name: &str, tags: &[&str]) -> Self {
        Self {
            id: format!("{:040x}", 0xa0 + number),
            name: format!("{name}.corp.example"),
            address: format!("10.0.0.{number}"),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            silent_until: 0,
            protected_since: None,
        }
    }

    /// Looks again whether it is protected.
    pub(crate) fn judge(&mut self, now: i64) {
        let protected = self.name.starts_with("dc") || self.tags.iter().any(|tag| tag == "crown");
        self.protected_since = match (protected, self.protected_since) {
            (true, None) => Some(now),
            (true, since) => since,
            (false, _) => None,
        };
    }

    /// What the service says about it.
    pub(crate) fn shown(&self, now: i64) -> Value {
        let silent = now < self.silent_until;
        json!({
            "id": self.id,
            "computerDnsName": self.name,
            "lastIpAddress": self.address,
            "healthStatus": if silent { "Inactive" } else { "Active" },
            "osPlatform": "Windows11",
            "onboardingStatus": "Onboarded",
            "machineTags": self.tags,
            "ipAddresses": [],
        })
    }

    /// One of the texts by which people name it.
    pub(crate) fn named(&self, chance: &mut Chance) -> String {
        let first = self.name.split('.').next().unwrap();
        chance
            .pick(&[&self.id, &self.name, first, &self.address])
            .to_string()
    }
}

/// Workstations whose names begin alike, a server that people are asked about, a domain controller.
pub(crate) fn fleet() -> Vec<Device> {
    let names = ["pc1", "pc10", "pc1-old", "pc2", "pc3"];
    let plain = names
        .iter()
        .enumerate()
        .map(|(number, name)| Device::new(number, name, &[]));
    let mut fleet: Vec<Device> = plain.collect();
    fleet.push(Device::new(5, "web1", &["server"]));
    fleet.push(Device::new(6, "dc1", &[]));
    fleet.push(Device::new(7, "boss", &["crown"]));
    for device in &mut fleet {
        device.judge(0);
    }
    fleet
}

/// What can be done to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Isolate,
    Unisolate,
    Restrict,
    Unrestrict,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Isolate,
        Self::Unisolate,
        Self::Restrict,
        Self::Unrestrict,
    ];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Unisolate => "unisolate",
            Self::Restrict => "restrictCodeExecution",
            Self::Unrestrict => "unrestrictCodeExecution",
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Isolate => "Isolate",
            Self::Unisolate => "Unisolate",
            Self::Restrict => "RestrictCodeExecution",
            Self::Unrestrict => "UnrestrictCodeExecution",
        }
    }

    pub(crate) const fn contains(self) -> bool {
        matches!(self, Self::Isolate | Self::Restrict)
    }

    /// Whether both are about the same containment.
    pub(crate) fn same(self, other: Self) -> bool {
        let isolates = |kind| matches!(kind, Self::Isolate | Self::Unisolate);
        isolates(self) == isolates(other)
    }
}

/// What a device was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) device: String,
    pub(crate) comment: String,
    pub(crate) idem: String,
    pub(crate) at: i64,
    /// From when on it is found.
    pub(crate) shown_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) fails: bool,
}

impl Deed {
    pub(crate) fn is_open(&self, now: i64) -> bool {
        now < self.ends_at
    }

    pub(crate) fn shown(&self, now: i64) -> Value {
        let at = |ms: i64| engine_model::Timestamp::from_ms(ms).to_string();
        let status = match (self.is_open(now), self.fails) {
            (true, _) if now < self.at + 2000 => "Pending",
            (true, _) => "InProgress",
            (false, true) => "Failed",
            (false, false) => "Succeeded",
        };
        json!({
            "id": self.id,
            "type": self.kind.word(),
            "scope": "Full",
            "requestor": "quell",
            "requestorComment": self.comment,
            "status": status,
            "machineId": self.device,
            "computerDnsName": null,
            "creationDateTimeUtc": at(self.at),
            "lastUpdateDateTimeUtc": at(self.at),
            "relatedFileInfo": null,
        })
    }
}

/// The deed of `kind`'s sort that a device is held by: under way, or done and not taken back.
pub(crate) fn holding<'a>(
    deeds: &'a [Deed],
    device: &str,
    kind: Kind,
    now: i64,
) -> Option<&'a Deed> {
    let mut holds = None;
    let of_device = deeds
        .iter()
        .filter(|deed| deed.device == device && deed.kind.same(kind));
    for deed in of_device.filter(|deed| !deed.fails || deed.is_open(now)) {
        if deed.kind.contains() {
            holds = Some(deed);
        } else if !deed.fails {
            holds = None;
        }
    }
    holds
}
