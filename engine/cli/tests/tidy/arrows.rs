//! The layers: who may know whom, as the manifests say.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tree::{METADATA, Package, file, relative};

/// The binary, the one package not named after its path and the one with features.
const BINARY: &str = "quell";
const FEATURES_MAX: usize = 2;

/// Dependencies, those of tests and build scripts included, that do not point downwards.
pub(crate) fn upward() -> Vec<Finding> {
    let layers: BTreeMap<&str, u64> = METADATA
        .packages
        .iter()
        .filter_map(|package| Some((package.name.as_str(), layer(package)?)))
        .collect();
    let mut findings = Vec::new();
    for package in &METADATA.packages {
        let Some(own) = layer(package) else { continue };
        for dependency in package
            .dependencies
            .iter()
            .filter(|known| known.path.is_some())
        {
            let name = dependency.name.as_str();
            match layers.get(name) {
                Some(other) if *other < own => {}
                Some(other) => findings.push(in_manifest(
                    package,
                    name,
                    format!("layer {own} may not know `{name}` of layer {other}"),
                )),
                None => findings.push(in_manifest(package, name, format!("`{name}` has no layer"))),
            }
        }
    }
    findings
}

/// Packages that leave out what every package says.
pub(crate) fn manifests() -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &METADATA.packages {
        let path = manifest(package);
        let text = file(&path).map_or("", |file| file.text.as_str());
        if layer(package).is_none() {
            let message = "states no layer: `[package.metadata]` `layer = N`".to_owned();
            findings.push(Finding::file(&path, "layer", message));
        }
        let mut sections = text.split("\n[");
        if !sections.any(|section| section.starts_with("lints]\nworkspace = true")) {
            let message = "takes no workspace lints: `[lints]` `workspace = true`".to_owned();
            findings.push(Finding::file(&path, "lints", message));
        }
        let expected = path.trim_end_matches("/Cargo.toml").replace('/', "-");
        if package.name.as_str() != expected && package.name.as_str() != BINARY {
            let message = format!("is named `{}`; its path says `{expected}`", package.name);
            findings.push(Finding::file(&path, "name", message));
        }
    }
    findings
}

/// Cargo features where run-time configuration belongs.
pub(crate) fn features() -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &METADATA.packages {
        let mut names: Vec<&str> = package.features.keys().map(String::as_str).collect();
        names.retain(|name| *name != "default");
        let allowed = if package.name.as_str() == BINARY {
            FEATURES_MAX
        } else {
            0
        };
        if names.len() > allowed {
            let message = format!("has features {}; {allowed} at most", names.join(", "));
            findings.push(in_manifest(package, "features", message));
        }
    }
    findings
}

/// The manifest's path, relative to the root.
pub(crate) fn manifest(package: &Package) -> String {
    relative(&package.manifest_path)
}

fn layer(package: &Package) -> Option<u64> {
    package.metadata.get("layer")?.as_u64()
}

fn in_manifest(package: &Package, subject: &str, message: String) -> Finding {
    let path = manifest(package);
    let text = file(&path).map_or("", |file| file.text.as_str());
    match text
        .lines()
        .position(|line| line.split([' ', '.', '=']).next() == Some(subject))
    {
        Some(index) => Finding::at(&path, index + 1, subject, message),
        None => Finding::file(&path, subject, message),
    }
}
