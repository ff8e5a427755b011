//! Where an alert has what Sigma rules call otherwise.

use engine_playbook::plan::RuleFile;

use crate::compile::read_path;
use crate::path::{Field, FieldPath};
use crate::view::FIELDS;

/// Begins a path at which folder and name of a file make one text.
const FILE: char = '@';

/// Names of Sigma rules, sorted, and where an alert of ours may have the same. A vendor's own name
/// for it, where there is one, stands behind.
const KNOWN: &[(&str, &[&str])] = &[
    ("AccountName", &["user.name", "entities.user.name"]),
    (
        "CommandLine",
        &["entities.command_line", "raw.ProcessCommandLine"],
    ),
    ("Computer", &["device.name", "entities.device.name"]),
    ("ComputerName", &["device.name", "entities.device.name"]),
    ("DestinationHostname", &["entities.url", "raw.RemoteUrl"]),
    ("DestinationIp", &["entities.ip.address", "raw.RemoteIP"]),
    ("DestinationPort", &["raw.RemotePort"]),
    ("Domain", &["user.domain", "entities.user.domain"]),
    (
        "Hashes",
        &[
            "file.sha1",
            "file.sha256_list",
            "entities.file.sha1",
            "entities.file.sha256",
        ],
    ),
    ("Hostname", &["device.name", "entities.device.name"]),
    ("Image", &["@file", "@entities.file"]),
    ("IpAddress", &["entities.ip.address"]),
    (
        "OriginalFileName",
        &["raw.ProcessVersionInfoOriginalFileName"],
    ),
    ("ParentCommandLine", &["raw.InitiatingProcessCommandLine"]),
    ("ParentImage", &["@entities.parent"]),
    ("QueryName", &["entities.url"]),
    ("SourceIp", &["entities.ip.address", "raw.LocalIP"]),
    ("SubjectUserName", &["user.name", "entities.user.name"]),
    ("TargetFilename", &["@file", "@entities.file"]),
    ("TargetUserName", &["user.name", "entities.user.name"]),
    ("User", &["user.name", "entities.user.name"]),
    ("UserName", &["user.name", "entities.user.name"]),
    ("c-uri", &["entities.url"]),
    ("cs-host", &["entities.url"]),
    ("dst_ip", &["entities.ip.address"]),
    ("md5", &[]),
    ("sha1", &["file.sha1", "entities.file.sha1"]),
    ("sha256", &["file.sha256_list", "entities.file.sha256"]),
    ("src_ip", &["entities.ip.address"]),
    ("userPrincipalName", &["user.upn", "entities.user.upn"]),
];

/// Where the alert has the field that a rule calls `name`.
pub(crate) fn of_rule(name: &str, rule: &RuleFile) -> Option<Field> {
    if let Some(path) = rule.fields.get(name) {
        return read(path);
    }
    if is_alerts(name) {
        return read_path(name).map(Field::Path);
    }
    let known = KNOWN.binary_search_by_key(&name, |(known, _)| known);
    let known = known.map_or(&[][..], |index| KNOWN[index].1);
    // The vendor's JSON may be the log entry itself, a list of evidence, or a streamed record.
    let raw = ["raw", "raw.evidence", "raw.properties"]
        .iter()
        .map(|above| format!("{above}.{name}"));
    let paths = known.iter().map(|path| (*path).to_owned()).chain(raw);
    paths
        .map(|path| read(&path))
        .collect::<Option<_>>()
        .map(Field::AnyOf)
}

/// Whether `name` is a field of our alerts, so that it needs no translation.
fn is_alerts(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    first == "raw" || FIELDS.contains(&first)
}

/// Whether the rule's field is looked for in the vendor's JSON only.
pub(crate) fn is_raw_only(name: &str, rule: &RuleFile) -> bool {
    let known = KNOWN
        .iter()
        .any(|(known, paths)| *known == name && !paths.is_empty());
    !known && !is_alerts(name) && !rule.fields.contains_key(name)
}

fn read(path: &str) -> Option<Field> {
    match path.strip_prefix(FILE) {
        Some(path) => FieldPath::read(path).map(Field::File),
        None => read_path(path).map(Field::Path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert_shape::Shape;

    #[test]
    fn the_known_names_are_sorted_and_lead_into_the_alert() {
        assert!(KNOWN.is_sorted());
        let shape = Shape::of_alert();
        for path in KNOWN.iter().flat_map(|(_, paths)| *paths) {
            let path = FieldPath::read(path.trim_start_matches(FILE)).unwrap();
            assert!(shape.has(&path), "{path:?}");
        }
    }
}
