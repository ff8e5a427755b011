//! The hunting tables of a tenant. Rows are made when they are read.

use serde_json::json;

use super::{Machine, Scenario, World};
use crate::kql::{Cell, Column, Kind, Row, Table};
use crate::seed::Seed;

const MINUTE_MS: i64 = 60_000;

/// The tables, and their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    File,
    Info,
    Process,
}

/// The columns that tables of events have in common.
const EVENT: [(&str, Kind); 4] = [
    ("Timestamp", Kind::Time),
    ("DeviceId", Kind::Text),
    ("DeviceName", Kind::Text),
    ("ActionType", Kind::Text),
];

impl Name {
    fn of(name: &str) -> Option<Self> {
        match name {
            "DeviceFileEvents" => Some(Self::File),
            "DeviceInfo" => Some(Self::Info),
            "DeviceProcessEvents" => Some(Self::Process),
            _ => None,
        }
    }

    fn columns(self) -> Vec<Column> {
        let own: &[(&str, Kind)] = match self {
            Self::File => &[
                ("FileName", Kind::Text),
                ("FolderPath", Kind::Text),
                ("SHA1", Kind::Text),
                ("SHA256", Kind::Text),
                ("FileSize", Kind::Number),
                ("FileOriginUrl", Kind::Text),
                ("InitiatingProcessFileName", Kind::Text),
                ("InitiatingProcessAccountName", Kind::Text),
                ("ReportId", Kind::Number),
            ],
            Self::Process => &[
                ("FileName", Kind::Text),
                ("FolderPath", Kind::Text),
                ("SHA1", Kind::Text),
                ("SHA256", Kind::Text),
                ("ProcessId", Kind::Number),
                ("ProcessCommandLine", Kind::Text),
                ("AccountDomain", Kind::Text),
                ("AccountName", Kind::Text),
                ("AccountSid", Kind::Text),
                ("InitiatingProcessFileName", Kind::Text),
                ("InitiatingProcessId", Kind::Number),
                ("ReportId", Kind::Number),
            ],
            Self::Info => &[
                ("Timestamp", Kind::Time),
                ("DeviceId", Kind::Text),
                ("DeviceName", Kind::Text),
                ("PublicIP", Kind::Text),
                ("OSPlatform", Kind::Text),
                ("OSVersion", Kind::Text),
                ("IsAzureADJoined", Kind::Bool),
                ("LoggedOnUsers", Kind::Text),
                ("MachineGroup", Kind::Text),
                ("OnboardingStatus", Kind::Text),
                ("ReportId", Kind::Number),
            ],
        };
        let event: &[(&str, Kind)] = if self == Self::Info { &[] } else { &EVENT };
        event
            .iter()
            .chain(own)
            .map(|(name, kind)| Column {
                name: (*name).to_owned(),
                kind: *kind,
            })
            .collect()
    }
}

/// The table `name` of `world`, if there is one.
pub(crate) fn table<'a>(
    world: &'a World,
    name: &str,
) -> Option<Table<impl FnOnce(Option<&str>) -> std::vec::IntoIter<Row> + use<'a>>> {
    let name = Name::of(name)?;
    Some(Table {
        columns: name.columns(),
        rows: move |device: Option<&str>| {
            let only = device.map(|id| world.machine_at(id));
            let mut rows = Vec::new();
            for (at, machine) in world.fleet().iter().enumerate() {
                if only.is_none_or(|only| only == Some(at)) {
                    Events { world, at, machine }.rows(name, &mut rows);
                }
            }
            rows.into_iter()
        },
    })
}

/// What happened on one machine.
struct Events<'a> {
    world: &'a World,
    at: usize,
    machine: &'a Machine,
}

/// A file as rows name it.
struct File<'a> {
    name: &'a str,
    folder: &'a str,
    sha1: String,
    sha256: String,
}

impl Events<'_> {
    fn rows(&self, name: Name, rows: &mut Vec<Row>) {
        match name {
            Name::Info => rows.push(self.info()),
            Name::Process => self.processes(rows),
            Name::File => self.files(rows),
        }
    }

    fn scenario(&self) -> &Scenario {
        &self.world.scenario
    }

    fn seed(&self) -> Seed {
        self.world.seed.child(&self.machine.id)
    }

    fn event(&self, at_ms: i64, action: &str) -> Row {
        let text = |text: &str| Cell::Text(text.to_owned());
        Row::from([
            ("Timestamp".to_owned(), Cell::Time(at_ms)),
            ("DeviceId".to_owned(), text(&self.machine.id)),
            ("DeviceName".to_owned(), text(&self.machine.name)),
            ("ActionType".to_owned(), text(action)),
            (
                "ReportId".to_owned(),
                Cell::Number(f64::from(self.report(at_ms))),
            ),
        ])
    }

    fn report(&self, at_ms: i64) -> u32 {
        let minutes = (self.world.born_ms - at_ms) / MINUTE_MS;
        u32::try_from(minutes).unwrap_or(0) + 1000
    }

    fn harmless(&self, name: &'static str, folder: &'static str) -> File<'static> {
        let seed = self.world.seed.child(name);
        File {
            name,
            folder,
            sha1: seed.hex("sha1", 0, 40),
            sha256: seed.hex("sha256", 0, 64),
        }
    }

    fn bad(&self) -> File<'_> {
        let scenario = self.scenario();
        File {
            name: &scenario.file,
            folder: &scenario.folder,
            sha1: scenario.sha1.clone(),
            sha256: scenario.sha256.clone(),
        }
    }

    fn info(&self) -> Row {
        let machine = self.machine;
        let mut row = self.event(self.world.born_ms - 10 * MINUTE_MS, "");
        row.remove("ActionType");
        let users =
            json!([{ "UserName": machine.user.account, "DomainName": machine.user.domain }]);
        let mut put = |name: &str, value: Cell| row.insert(name.to_owned(), value);
        put(
            "PublicIP",
            Cell::Text(machine.text("lastExternalIpAddress").to_owned()),
        );
        put(
            "OSPlatform",
            Cell::Text(machine.text("osPlatform").to_owned()),
        );
        put("OSVersion", Cell::Text(machine.text("version").to_owned()));
        put(
            "IsAzureADJoined",
            Cell::Bool(machine.document["isAadJoined"] == true),
        );
        put("LoggedOnUsers", Cell::Text(users.to_string()));
        put(
            "MachineGroup",
            Cell::Text(machine.text("rbacGroupName").to_owned()),
        );
        put("OnboardingStatus", Cell::Text("Onboarded".to_owned()));
        row
    }

    fn process(&self, minutes_ago: i64, file: &File<'_>, command_line: &str, parent: &str) -> Row {
        let at = self.world.born_ms - minutes_ago * MINUTE_MS;
        let mut row = self.event(at, "ProcessCreated");
        let seed = self.seed();
        let pid = |label: &str| {
            let number = seed.below(label, u64::try_from(minutes_ago).unwrap_or(0), 16_000);
            Cell::Number(f64::from(u32::try_from(number).unwrap_or(0) * 4 + 400))
        };
        put_file(&mut row, file);
        let user = &self.machine.user;
        let mut put = |name: &str, value: Cell| row.insert(name.to_owned(), value);
        put("ProcessId", pid("process"));
        put("ProcessCommandLine", Cell::Text(command_line.to_owned()));
        put("AccountDomain", Cell::Text(user.domain.clone()));
        put("AccountName", Cell::Text(user.account.clone()));
        put("AccountSid", Cell::Text(user.sid.clone()));
        put("InitiatingProcessFileName", Cell::Text(parent.to_owned()));
        put("InitiatingProcessId", pid("parent"));
        row
    }

    fn processes(&self, rows: &mut Vec<Row>) {
        if self.machine.is_windows() {
            let shell = self.harmless("powershell.exe", "C:\\Windows\\System32\\WindowsPowerShell");
            let script = "powershell.exe -NoProfile -File C:\\it\\inventory.ps1";
            rows.push(self.process(600, &shell, script, "svchost.exe"));
            let host = self.harmless("conhost.exe", "C:\\Windows\\System32");
            rows.push(self.process(599, &host, "conhost.exe 0xffffffff", "powershell.exe"));
        } else {
            let cron = self.harmless("bash", "/usr/bin");
            rows.push(self.process(600, &cron, "bash /opt/it/inventory.sh", "cron"));
        }
        let scenario = self.scenario();
        if self.at == scenario.victim {
            let shell = self.harmless("powershell.exe", "C:\\Windows\\System32\\WindowsPowerShell");
            rows.push(self.process(4, &shell, &scenario.fetch_line, "explorer.exe"));
            let loader = File {
                name: "rundll32.exe",
                folder: "C:\\Windows\\System32",
                sha1: scenario.loader_sha1.clone(),
                sha256: scenario.loader_sha256.clone(),
            };
            let mut row = self.process(3, &loader, &scenario.command_line, "explorer.exe");
            row.insert("Timestamp".to_owned(), Cell::Time(scenario.at_ms));
            row.insert("ProcessId".to_owned(), number(scenario.pid));
            row.insert(
                "InitiatingProcessId".to_owned(),
                number(scenario.parent_pid),
            );
            rows.push(row);
        }
    }

    fn file(&self, minutes_ago: i64, file: &File<'_>, size: f64, by: &str) -> Row {
        let at = self.world.born_ms - minutes_ago * MINUTE_MS;
        let mut row = self.event(at, "FileCreated");
        put_file(&mut row, file);
        let mut put = |name: &str, value: Cell| row.insert(name.to_owned(), value);
        put("FileSize", Cell::Number(size));
        put("FileOriginUrl", Cell::Text(String::new()));
        put("InitiatingProcessFileName", Cell::Text(by.to_owned()));
        put(
            "InitiatingProcessAccountName",
            Cell::Text(self.machine.user.account.clone()),
        );
        row
    }

    fn files(&self, rows: &mut Vec<Row>) {
        let report = self.harmless("inventory.csv", "C:\\it");
        rows.push(self.file(598, &report, 4096.0, "powershell.exe"));
        let scenario = self.scenario();
        if self.at == scenario.victim || scenario.also_on.contains(&self.at) {
            let mut row = self.file(6, &self.bad(), 218_624.0, "chrome.exe");
            let origin = format!("https://{}/{}", scenario.far_name, scenario.file);
            row.insert("FileOriginUrl".to_owned(), Cell::Text(origin));
            rows.push(row);
        }
    }
}

fn put_file(row: &mut Row, file: &File<'_>) {
    row.insert("FileName".to_owned(), Cell::Text(file.name.to_owned()));
    row.insert("FolderPath".to_owned(), Cell::Text(file.folder.to_owned()));
    row.insert("SHA1".to_owned(), Cell::Text(file.sha1.clone()));
    row.insert("SHA256".to_owned(), Cell::Text(file.sha256.clone()));
}

fn number(number: u64) -> Cell {
    Cell::Number(u32::try_from(number).map_or(0.0, f64::from))
}
