//! Problems in the form that code hosts show beside the lines: SARIF 2.1.0.

use std::collections::BTreeMap;

use engine_model::{Code, Severity};
use engine_playbook::render::{Finding, Range};
use serde_json::{Value, json};

/// The problems of one check.
#[must_use]
pub fn sarif(findings: &[Finding], version: &str) -> Value {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for finding in findings {
        rules.entry(finding.code).or_insert_with(|| rule(finding));
    }
    let order: Vec<&str> = rules.keys().copied().collect();
    let results: Vec<Value> = findings.iter().map(|one| result(one, &order)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "quell",
                "version": version,
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(finding: &Finding) -> Value {
    let page = Code::find(finding.code).map_or("", Code::page);
    let title = page.lines().next().unwrap_or_default();
    let title = title.split_once(": ").map_or(title, |(_, title)| title);
    json!({
        "id": finding.code,
        "shortDescription": { "text": title },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(finding.severity) },
    })
}

fn result(finding: &Finding, rules: &[&str]) -> Value {
    let text = match &finding.help {
        Some(help) => format!("{} ({help})", finding.message),
        None => finding.message.clone(),
    };
    let file = json!({ "uri": finding.file.replace('\\', "/") });
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rules.iter().position(|rule| *rule == finding.code),
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": file,
            "region": region(finding.range),
        }}],
    });
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([{ "artifactChanges": [{
            "artifactLocation": file,
            "replacements": [{
                "deletedRegion": region(fix.range),
                "insertedContent": { "text": fix.replacement },
            }],
        }]}]);
    }
    result
}

fn region(range: Range) -> Value {
    json!({
        "startLine": range.line,
        "startColumn": range.column,
        "endLine": range.end_line,
        "endColumn": range.end_column,
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

#[cfg(test)]
mod tests {
    use engine_playbook::render::{self, Source};

    use super::*;

    #[test]
    fn a_mistake_has_its_rule_its_place_and_its_fix() {
        let text = "version: 1\nname: p\nsteps:\n  - {id: a, sett: {b: 1}}\n";
        let compiled = engine_playbook::compile(text, &[]);
        let source = Source {
            file: "w/p.yaml",
            text,
        };
        let findings = render::findings(source, &compiled.diagnostics);
        let sarif = sarif(&findings, "1.2.3");
        let run = &sarif["runs"][0];
        let results = run["results"].as_array().unwrap();
        let unknown = results
            .iter()
            .find(|one| one["ruleId"] == "PB0201")
            .unwrap();
        assert_eq!(unknown["level"], "error");
        let place = &unknown["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "w/p.yaml");
        assert_eq!(
            place["region"],
            json!({ "startLine": 4, "startColumn": 13, "endLine": 4, "endColumn": 17 })
        );
        let change = &unknown["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(change["insertedContent"]["text"], "set");
        let index = usize::try_from(unknown["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "PB0201");
    }
}
