//! Sigma rule files that a playbook refers to.
//!
//! What a run is pinned to must hold everything that decided about it, so the text of a rule
//! becomes part of the text of the playbook: comments at its end, which change nothing else. The
//! digest covers them, and the text can be compiled again when the file is gone.

use std::collections::BTreeMap;

use crate::yaml::{self, Document, NodeId};

/// Begins the comment with the name of a rule file.
const RULE: &str = "# sigma rule ";
/// Begins the comment with the name of a rule file that could not be read.
const UNREADABLE: &str = "# unreadable sigma rule ";
/// Begins each line that belongs to the rule named before.
const LINE: &str = "#|";

/// The largest rule file.
pub const RULE_BYTES_MAX: usize = 256 << 10;

/// Completes the text of a playbook with the rule files it refers to, each read by `read`, which
/// gives the text or says why there is none.
#[must_use]
pub fn with_rules(text: String, mut read: impl FnMut(&str) -> Result<String, String>) -> String {
    // Most playbooks refer to no rule, and reading them twice would be felt.
    if !text.contains("sigma") {
        return text;
    }
    let mut whole = text;
    for name in references(&whole) {
        let (mark, rule) = match read(&name) {
            Ok(rule) if rule.len() > RULE_BYTES_MAX => {
                let limit = RULE_BYTES_MAX >> 10;
                (UNREADABLE, format!("it is larger than {limit} KiB"))
            }
            Ok(rule) => (RULE, rule),
            Err(reason) => (UNREADABLE, reason),
        };
        if !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(mark);
        whole.push_str(&name);
        whole.push('\n');
        for line in rule.lines() {
            whole.push_str(LINE);
            whole.push_str(line);
            whole.push('\n');
        }
    }
    whole
}

/// Whether a YAML text is a Sigma rule and not a playbook.
#[must_use]
pub fn is_rule(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("detection:") && !has("steps:") && !has("version:")
}

/// The rules in the text of a playbook; the text of each, or why there is none.
pub(crate) fn rules(text: &str) -> BTreeMap<String, Result<String, String>> {
    let mut rules = BTreeMap::new();
    let mut current: Option<(String, Result<String, String>)> = None;
    for line in text.lines() {
        if let (Some(content), Some((_, rule))) = (line.strip_prefix(LINE), &mut current) {
            let (Ok(rule) | Err(rule)) = rule;
            rule.push_str(content);
            rule.push('\n');
            continue;
        }
        rules.extend(current.take());
        let named = |mark| line.strip_prefix(mark).map(str::to_owned);
        current = match (named(RULE), named(UNREADABLE)) {
            (Some(name), _) => Some((name, Ok(String::new()))),
            (_, Some(name)) => Some((name, Err(String::new()))),
            _ => None,
        };
    }
    rules.extend(current);
    rules
}

/// The rule files that the triggers of a playbook name.
fn references(text: &str) -> Vec<String> {
    let (Some(document), _) = yaml::read(text) else {
        return Vec::new();
    };
    let triggers = document.get(document.root(), "triggers");
    let triggers = triggers.map_or(&[][..], |id| document.children(id));
    let mut names: Vec<String> = Vec::new();
    for trigger in triggers {
        let steps = ["alert", "match", "sigma"];
        let sigma = steps
            .iter()
            .try_fold(*trigger, |id, key| document.get(id, key));
        let name = sigma.and_then(|id| file_name(&document, id));
        // A name of several lines could pass for something else in a comment.
        let name = name.filter(|name| !name.contains(char::is_control));
        names.extend(
            name.filter(|name| !names.iter().any(|known| known == name))
                .map(str::to_owned),
        );
    }
    names
}

/// The file that a `sigma` value names.
pub(crate) fn file_name(document: &Document, id: NodeId) -> Option<&str> {
    let named = || document.text(document.get(id, "file")?);
    document.text(id).or_else(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAYBOOK: &str = "name: x\ntriggers:\n  - alert:\n      match: {sigma: rules/a.yml}\n  \
        - alert: {match: {sigma: {file: b.yml}}}\n  - alert: {match: {sigma: b.yml}}";

    #[test]
    fn the_rules_of_a_playbook_become_comments_at_its_end_and_come_out_again() {
        let text = with_rules(PLAYBOOK.to_owned(), |name| match name {
            "rules/a.yml" => Ok("title: A\ndetection:\n  x: '# no'\n".to_owned()),
            other => Err(format!("no file {other}")),
        });
        assert!(text.starts_with(PLAYBOOK));
        let rules = rules(&text);
        assert_eq!(rules.len(), 2);
        assert_eq!(
            rules["rules/a.yml"],
            Ok("title: A\ndetection:\n  x: '# no'\n".to_owned())
        );
        assert_eq!(rules["b.yml"], Err("no file b.yml\n".to_owned()));
        let (before, after) = (yaml::read(PLAYBOOK).0, yaml::read(&text).0);
        let value = |document: Option<Document>| document.map(|d| d.value(d.root()));
        assert_eq!(value(before), value(after));
    }

    #[test]
    fn a_playbook_without_rules_stays_as_it_is() {
        let text = "name: x\ntriggers:\n  - alert: {match: {title: sigma}}\n";
        let same = with_rules(text.to_owned(), |_| Err("never asked".to_owned()));
        assert_eq!(same, text);
    }

    #[test]
    fn a_rule_file_is_told_from_a_playbook() {
        assert!(is_rule("title: x\nlogsource: {}\ndetection:\n  a: b\n"));
        assert!(!is_rule("version: 1\ntriggers: []\nsteps: []\n"));
    }
}
