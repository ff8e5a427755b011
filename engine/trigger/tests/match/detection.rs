//! Detections written in a playbook.

use expect_test::{Expect, expect, expect_file};
use serde_json::{Value, json};

use crate::place::{lint, plan, plan_with, why_not};

/// The match fires for all of `fires` and for none of `ignores`.
fn check(written: &str, fires: &[Value], ignores: &[Value]) {
    let plan = plan(written);
    for fields in fires {
        assert_eq!(why_not(&plan, fields), "", "{written} for {fields}");
    }
    for fields in ignores {
        assert_ne!(why_not(&plan, fields), "", "{written} for {fields}");
    }
}

fn says(written: &str, fields: Value, expected: Expect) {
    expected.assert_eq(&why_not(&plan(written), &fields));
}

const LAB: &str = r"
detection:
  selection:
    severity: [high, critical]
    category: [Malware, Ransomware, LateralMovement]
  lab:
    device.tags: lab
  condition: selection and not lab
";

#[test]
fn a_selection_holds_and_a_filter_does_not() {
    let tagged = |tag: &str| json!({"category": "Malware", "device": {"tags": [tag]}});
    check(
        LAB,
        &[tagged("finance"), json!({"category": "ransomware"})],
        &[tagged("lab"), json!({"category": "Phishing"})],
    );
}

#[test]
fn what_failed_is_told_with_its_selection() {
    says(
        LAB,
        json!({"category": "Phishing"}),
        expect![
            "selection `selection`: `category` is `Phishing`, \
             wanted `Malware`, `Ransomware` or `LateralMovement`"
        ],
    );
    says(
        LAB,
        json!({"category": "Malware", "device": {"tags": ["x", "LAB"]}}),
        expect![
            "selection `lab`: `device.tags` is `x`, `LAB`, wanted anything but \
             `lab`"
        ],
    );
}

#[test]
fn a_list_of_maps_holds_when_one_of_them_does() {
    let written = r"
detection:
  selection:
    - title|contains: kiwi
      severity: high
    - title|contains: katz
  condition: selection
";
    check(
        written,
        &[
            json!({"title": "mimikiwi"}),
            json!({"title": "katz", "severity": "low"}),
        ],
        &[
            json!({"title": "kiwi", "severity": "low"}),
            json!({"title": "x"}),
        ],
    );
}

#[test]
fn keywords_stand_in_any_text_of_the_alert() {
    let written = r#"
detection:
  keywords: [mimikatz, "sekurlsa::*pass"]
  quiet: " -quiet "
  condition: keywords and not quiet
"#;
    check(
        written,
        &[
            json!({"title": "Mimikatz seen"}),
            json!({"raw": {"log": [{"deep": "run MIMIKATZ now"}]}}),
            json!({"entities": [{"kind": "x", "command_line": "x sekurlsa::logonpasswords"}]}),
        ],
        &[
            json!({"title": "x sekurlsa:: y"}),
            json!({"title": "mimikatz", "raw": "a -quiet b"}),
            json!({"raw": {"mimikatz": 1}}),
        ],
    );
    says(
        written,
        json!({}),
        expect![
            "selection `keywords`: `any text` is not there, wanted `mimikatz` or `sekurlsa::*pass`"
        ],
    );
    let all = r"
detection:
  keywords:
    '|all': [OabVirtualDirectory, ' -ExternalUrl ']
  condition: keywords
";
    check(
        all,
        &[json!({"title": "OabVirtualDirectory", "raw": {"x": "set -externalurl y"}})],
        &[json!({"title": "OabVirtualDirectory"})],
    );
}

#[test]
fn amounts_count_selections() {
    let written = r"
detection:
  has_title: {title: a}
  has_category: {category: b}
  has_status: {status: new}
  condition: 2 of has_*
";
    check(
        written,
        &[
            json!({"title": "a", "category": "b"}),
            json!({"title": "a", "status": "new"}),
            json!({"title": "a", "category": "b", "status": "new"}),
        ],
        &[json!({"title": "a"}), json!({"category": "x"})],
    );
    check(
        "detection: {a_1: {title: x}, a_2: {category: y}, condition: [all of a_*, a_2]}",
        &[json!({"category": "y"})],
        &[json!({"title": "x"})],
    );
}

#[test]
fn lines_about_one_member_stand_in_a_block() {
    let written = r"
detection:
  selection:
    entities[any]:
      kind: process
      command_line|contains: -enc
      user.name|exists: true
  condition: selection
";
    let entities = |list: Value| json!({ "entities": list });
    check(
        written,
        &[entities(json!([
            {"kind": "ip"},
            {"kind": "process", "command_line": "x -ENC y", "user": {"name": "mona"}},
        ]))],
        &[
            entities(json!([
                {"kind": "process", "command_line": "x -enc y"},
                {"kind": "user", "user": {"name": "mona"}},
            ])),
            entities(json!([])),
        ],
    );
    says(
        written,
        entities(json!([{"kind": "ip"}])),
        expect![
            "selection `selection`: `entities[any]` is 1 member, wanted a member \
             that matches"
        ],
    );
    let nested = r"
detection:
  selection:
    entities[none]:
      address: {kind: ip}
      inside: {ip.address|cidr: 10.0.0.0/8}
      condition: address and not inside
  condition: selection
";
    let address = |address: &str| json!({"kind": "ip", "ip": {"address": address}});
    check(
        nested,
        &[entities(json!([address("10.1.1.1"), {"kind": "user"}]))],
        &[entities(json!([address("10.1.1.1"), address("192.0.2.1")]))],
    );
}

#[test]
fn short_form_and_detection_hold_together() {
    check(
        "severity: high\ndetection: {x: {title: a}, condition: x}",
        &[json!({"title": "a"})],
        &[
            json!({"title": "a", "severity": "low"}),
            json!({"title": "b"}),
        ],
    );
}

#[test]
fn every_problem_of_a_detection_is_told_at_its_place() {
    let written = r"
detection:
  selection:
    title|contain: x
    severity:
      inner: y
  empty: {}
  filter_x: {device.owner: me}
  timeframe: 5m
  condition: selection and not 1 of filters_*
";
    expect_file!["expected/broken-selections.txt"].assert_eq(&lint(written, &[]));
    let written = r"
detection:
  selection:
    title|contain: x
  filter_x: {device.owner: me}
  condition: selection and not 1 of filters_*
";
    expect_file!["expected/broken-names.txt"].assert_eq(&lint(written, &[]));
    expect_file!["expected/no-condition.txt"]
        .assert_eq(&lint("detection: {selection: {title: x}}", &[]));
}

const RULE: &str = "title: Encoded PowerShell\nlogsource: {product: windows}\ndetection:\n  \
    selection:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: ' -enc '\n    \
    Custom: 5\n  condition: selection\n";

#[test]
fn a_rule_file_is_part_of_the_playbook() {
    let written = "sigma: rules/x.yml";
    let plan = plan_with(written, &[("rules/x.yml", RULE)]).unwrap();
    let changed = RULE.replace("Custom: 5", "Custom: 6");
    let other = plan_with(written, &[("rules/x.yml", &changed)]).unwrap();
    assert_ne!(plan.digest, other.digest);
    let entity = json!({
        "kind": "process",
        "command_line": "powershell -enc x",
        "file": {"name": "PowerShell.exe", "path": "C:\\Windows\\System32"},
    });
    let fields = |custom: i32| json!({"entities": [entity], "raw": {"Custom": custom}});
    assert_eq!(why_not(&plan, &fields(5)), "");
    expect!["selection `selection`: `Custom` is `6`, wanted `5`"]
        .assert_eq(&why_not(&plan, &fields(6)));
    expect![
        "try: PB0809: triggers[0].alert.match.sigma: `Custom` of `rules/x.yml` \
             is looked for in the vendor's JSON, below `raw` (where the alert has \
             them elsewhere, say so: `sigma: {file: …, fields: {Name: raw.name}}`)"
    ]
    .assert_eq(&lint(written, &[("rules/x.yml", RULE)]));
}

#[test]
fn a_playbook_says_where_the_alert_has_a_field_of_the_rule() {
    let written = "sigma: {file: x.yml, fields: {Custom: raw.score, Image: raw.image}}\ntitle: T";
    let plan = plan_with(written, &[("x.yml", RULE)]).unwrap();
    let fields = |title: &str| {
        json!({
            "title": title,
            "entities": [{"kind": "process", "command_line": "a -enc b"}],
            "raw": {"score": 5, "image": "C:\\x\\powershell.exe"},
        })
    };
    assert_eq!(why_not(&plan, &fields("t")), "");
    assert_ne!(why_not(&plan, &fields("other")), "");
    assert_eq!(lint(written, &[("x.yml", RULE)]), "");
}

#[test]
fn problems_of_a_rule_file_name_its_line() {
    let rules = [
        ("a.yml", RULE.replace("contains", "contain")),
        (
            "b.yml",
            RULE.replace("condition: selection", "condition: selektion"),
        ),
        ("c.yml", "title: x\ncorrelation: {}\n".to_owned()),
        ("d.yml", "title: [x\n".to_owned()),
        ("e.yml", RULE.replace("condition: selection", "x: {}")),
    ];
    let rules: Vec<(&str, &str)> = rules
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let all: Vec<String> = ["a.yml", "b.yml", "c.yml", "d.yml", "e.yml", "f.yml"]
        .iter()
        .map(|name| lint(&format!("sigma: {name}"), &rules))
        .collect();
    expect_file!["expected/broken-rules.txt"].assert_eq(&all.join("\n"));
}

#[test]
fn what_a_run_is_pinned_to_compiles_again_without_the_rule_file() {
    let text = engine_playbook::sigma::with_rules(crate::place::playbook("sigma: x.yml"), |_| {
        Ok(RULE.to_owned())
    });
    let first = crate::place::compile(&text).unwrap();
    let again = crate::place::compile(&text).unwrap();
    assert_eq!(first.digest, again.digest);
    assert_eq!(first.digest, engine_model::Digest::of(text.as_bytes()));
}
