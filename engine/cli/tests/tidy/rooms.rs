//! Rooms: a third-party crate that opens a door of the house is named in one crate only.

use crate::arrows::manifest;
use crate::finding::Finding;
use crate::purity::PURE;
use crate::tree::{METADATA, RUST};

/// Which packages may name crates that begin with one of these prefixes.
struct Room {
    prefixes: &'static [&'static str],
    packages: &'static [&'static str],
    /// Whether tests of other packages may name them too.
    tests_anywhere: bool,
}

const ROOMS: &[Room] = &[
    Room {
        prefixes: &[
            "reqwest",
            "oauth2",
            "hyper-rustls",
            "hyper-tls",
            "rustls",
            "native-tls",
            "lettre",
            "ureq",
        ],
        packages: &["engine-broker"],
        tests_anywhere: false,
    },
    Room {
        prefixes: &["rusqlite", "libsqlite3-sys", "sqlx"],
        packages: &["engine-embedded"],
        tests_anywhere: false,
    },
    Room {
        prefixes: &["wasmtime"],
        packages: &["engine-plugin"],
        tests_anywhere: false,
    },
    Room {
        prefixes: &["restate"],
        packages: &["engine-distributed"],
        tests_anywhere: false,
    },
    Room {
        prefixes: &["axum"],
        packages: &["engine-server", "actions-emulator"],
        tests_anywhere: true,
    },
];

/// What brings clock, chance, threads or the network into a crate that has none.
const IMPURE: &[&str] = &[
    "async-std",
    "fastrand",
    "getrandom",
    "rand",
    "smol",
    "tokio",
    "uuid",
];

/// Calls that open a connection.
const DOORS: &[&str] = &[
    "TcpStream::connect",
    "UnixStream::connect",
    "UdpSocket",
    "lookup_host",
];

/// Direct dependencies outside their room.
pub(crate) fn strangers() -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &METADATA.packages {
        let path = manifest(package);
        let pure = PURE.contains(&path.trim_end_matches("/Cargo.toml"));
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let test = dependency.kind.as_deref() == Some("dev");
            if let Some(room) = room_of(name) {
                let at_home = room.packages.contains(&package.name.as_str());
                let visiting = test && room.tests_anywhere;
                if !at_home && !visiting {
                    let message = format!("names `{name}`, which only {:?} may", room.packages);
                    findings.push(Finding::file(&path, name, message));
                }
            }
            if pure && !test && IMPURE.contains(&name) {
                let message = format!("names `{name}`; this crate is pure");
                findings.push(Finding::file(&path, name, message));
            }
        }
    }
    findings
}

fn room_of(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| {
        let mut prefixes = room.prefixes.iter();
        prefixes.any(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    })
}

/// Connections opened past the broker, and so past its allow-lists and limits.
pub(crate) fn outbound() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST
        .iter()
        .filter(|file| !file.path.starts_with("engine/broker/"))
    {
        for door in DOORS {
            let code = file
                .find(door)
                .into_iter()
                .filter(|offset| !file.is_test_at(*offset));
            findings.extend(code.map(|offset| {
                let message = format!("`{door}`: only the broker opens connections");
                Finding::at(&file.path, file.line(offset), door, message)
            }));
        }
    }
    findings
}
