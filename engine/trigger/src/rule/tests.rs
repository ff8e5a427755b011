//! What a match means, line by line.

use serde_json::{Value, json};

use crate::fixture::{alert, trigger};
use crate::{AlertChange, AlertView, explain};

/// Whether a match fires for an alert, and the answer to why not.
fn why_not(written: Value, fields: Value) -> Option<String> {
    let alert = alert(fields);
    let view = AlertView::new(&alert);
    let why = explain(&trigger(&written), &view, AlertChange::Created).unwrap();
    why.map(|why| why.to_string())
}

fn check(written: Value, fires: &[Value], ignores: &[Value]) {
    for fields in fires {
        assert_eq!(
            why_not(written.clone(), fields.clone()),
            None,
            "{written} for {fields}"
        );
    }
    for fields in ignores {
        assert!(
            why_not(written.clone(), fields.clone()).is_some(),
            "{written} for {fields}"
        );
    }
}

/// The problem of a line that cannot be read.
fn refused(key: &str, value: Value) -> String {
    let alert = alert(json!({}));
    let written = trigger(&json!({ key: value }));
    let problems = explain(&written, &AlertView::new(&alert), AlertChange::Created).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, format!("triggers[0].alert.match.{key}"));
    let help = problems[0]
        .help
        .as_ref()
        .map_or(String::new(), |help| format!("; {help}"));
    format!("{}{help}", problems[0].message)
}

/// An alert with this value under `raw.x`.
fn raw(value: Value) -> Value {
    json!({"raw": {"x": value}})
}

#[test]
fn a_list_means_any_of_its_values_and_several_lines_mean_all() {
    check(
        json!({"severity": ["high", "critical"], "title|contains": "kiwi"}),
        &[json!({"severity": "high", "title": "mimiKIWI"})],
        &[
            json!({"severity": "low", "title": "kiwi"}),
            json!({"severity": "high"}),
        ],
    );
}

#[test]
fn an_empty_match_fires_for_every_alert_of_its_sources() {
    check(json!({}), &[json!({})], &[json!({"source": "api"})]);
}

#[test]
fn text_compares_without_case_unless_asked_to() {
    check(
        json!({"title": "MÜLLER"}),
        &[json!({"title": "müller"})],
        &[json!({"title": "muller"})],
    );
    check(
        json!({"title|cased|contains": "Kiwi"}),
        &[json!({"title": "MimiKiwi"})],
        &[json!({"title": "mimikiwi"})],
    );
}

#[test]
fn places_and_wildcards_go_together() {
    let fires = [json!({"title": "run C:\\temp\\a.exe now"})];
    check(
        json!({"title|contains": "\\temp\\\\?.exe"}),
        &fires,
        &[json!({"title": "temp"})],
    );
    check(
        json!({"title|startswith": "RUN*a."}),
        &fires,
        &[json!({"title": "a run"})],
    );
    check(
        json!({"title|endswith": "exe now"}),
        &fires,
        &[json!({"title": "exe now!"})],
    );
    check(
        json!({"title": "run*now"}),
        &fires,
        &[json!({"title": "run now not"})],
    );
}

#[test]
fn all_asks_for_every_value() {
    check(
        json!({"title|contains|all": ["-enc", "hidden"]}),
        &[json!({"title": "powershell -w Hidden -ENC x"})],
        &[json!({"title": "-enc"}), json!({"title": "hidden"})],
    );
}

#[test]
fn a_path_through_a_list_is_content_with_any_member_and_all_is_not() {
    let device = |tags: Value| json!({"device": {"tags": tags}});
    check(
        json!({"device.tags": "lab"}),
        &[device(json!(["finance", "LAB"]))],
        &[device(json!(["finance"])), device(json!([])), json!({})],
    );
    check(
        json!({"device.tags[all]|startswith": "lab"}),
        &[device(json!(["lab1", "lab2"]))],
        &[
            device(json!(["lab1", "finance"])),
            device(json!([])),
            json!({}),
        ],
    );
    check(
        json!({"entities.ip.address|cidr": "10.0.0.0/8"}),
        &[json!({"entities": [
            {"kind": "user"},
            {"kind": "ip", "ip": {"address": "10.1.2.3"}},
        ]})],
        &[json!({"entities": [{"kind": "ip", "ip": {"address": "192.0.2.1"}}]})],
    );
    check(
        json!({"raw.x.y": 1}),
        &[raw(json!([[{"y": [0, 1]}]]))],
        &[raw(json!([[{"y": [0]}]]))],
    );
}

#[test]
fn numbers_compare_by_value_whatever_their_type() {
    check(
        json!({"raw.x": 443}),
        &[
            raw(json!(443)),
            raw(json!(443.0)),
            raw(json!("443")),
            raw(json!("0443")),
        ],
        &[
            raw(json!(4430)),
            raw(json!("443a")),
            raw(json!(null)),
            raw(json!(true)),
        ],
    );
    check(
        json!({"raw.x": "443"}),
        &[raw(json!(443))],
        &[raw(json!(44))],
    );
    check(
        json!({"raw.x|startswith": 44}),
        &[raw(json!(443))],
        &[raw(json!(344))],
    );
    let large = 9_223_372_036_854_775_807_i64;
    check(
        json!({"raw.x": large}),
        &[raw(json!(large))],
        &[raw(json!(large - 1))],
    );
}

#[test]
fn numbers_are_greater_and_less() {
    check(
        json!({"raw.x|gt": 5}),
        &[raw(json!(5.5)), raw(json!("6"))],
        &[raw(json!(5))],
    );
    check(
        json!({"raw.x|gte": 5}),
        &[raw(json!(5))],
        &[raw(json!(4.9)), raw(json!("nan"))],
    );
    check(
        json!({"raw.x|lt": -1}),
        &[raw(json!(-2))],
        &[raw(json!(-1)), raw(json!("x"))],
    );
    check(
        json!({"raw.x|lte": -1}),
        &[raw(json!(-1))],
        &[raw(json!(0)), json!({})],
    );
}

#[test]
fn truth_values_match_themselves_and_their_text() {
    check(
        json!({"raw.x": true}),
        &[raw(json!(true)), raw(json!("True"))],
        &[raw(json!(false)), raw(json!(1)), raw(json!(null))],
    );
}

#[test]
fn null_matches_what_is_not_there_and_exists_what_is() {
    let nothing = [json!({}), json!({"device": {"name": null}})];
    let something = [json!({"device": {"name": "ws1"}})];
    check(json!({"device.name": null}), &nothing, &something);
    check(json!({"device.name|exists": false}), &nothing, &something);
    check(json!({"device.name|exists": true}), &something, &nothing);
    check(json!({"device.name|neq": null}), &something, &nothing);
    check(json!({"device|exists": true}), &something, &[json!({})]);
    check(
        json!({"status": [null, "new"]}),
        &[json!({}), json!({"status": "new"})],
        &[json!({"status": "resolved"})],
    );
    check(
        json!({"title": ""}),
        &[json!({"title": ""})],
        &[json!({"title": "x"})],
    );
}

#[test]
fn neq_is_true_when_no_value_is_equal() {
    check(
        json!({"severity|neq": ["low", "informational"]}),
        &[json!({"severity": "high"})],
        &[
            json!({"severity": "LOW"}),
            json!({"severity": "informational"}),
        ],
    );
    check(
        json!({"device.tags|neq": "lab"}),
        &[json!({"device": {"tags": ["finance"]}}), json!({})],
        &[json!({"device": {"tags": ["finance", "lab"]}})],
    );
    check(
        json!({"title|contains|neq": "test"}),
        &[json!({"title": "real"})],
        &[json!({"title": "a test"})],
    );
}

#[test]
fn regular_expressions_heed_case_unless_flagged() {
    let title = |title: &str| json!({ "title": title });
    check(
        json!({"title|re": "Mimi(katz|kiwi)$"}),
        &[title("x Mimikiwi")],
        &[title("mimikatz")],
    );
    check(
        json!({"title|re|i": "mimi.*Z$"}),
        &[title("MIMIKATZ")],
        &[title("mimikatz!")],
    );
    check(
        json!({"title|re|m": "^b$"}),
        &[title("a\nb")],
        &[title("ab")],
    );
    check(
        json!({"title|re|s|i": "A.B"}),
        &[title("a\nb")],
        &[title("ab")],
    );
}

#[test]
fn a_field_compares_with_another_field() {
    let user = |name: &str, upn: &str| json!({"user": {"name": name, "upn": upn}});
    check(
        json!({"user.upn|fieldref|startswith": "user.name"}),
        &[user("Mona", "mona@corp.example")],
        &[user("mona", "x@corp.example"), json!({})],
    );
    check(
        json!({"user.upn|fieldref|neq": "user.name"}),
        &[user("mona", "x")],
        &[user("mona", "MONA")],
    );
}

#[test]
fn encoded_text_is_found_where_it_hides() {
    let line = |line: &str| json!({"entities": [{"kind": "process", "command_line": line}]});
    check(
        json!({"entities.command_line|base64offset|contains": "Invoke-"}),
        &[
            line("powershell -e eHggSW52b2tlLUV4cHJlc3Npb24="),
            line("SW52b2tlLQ=="),
        ],
        &[line("powershell -e QQ=="), line("Invoke-Expression")],
    );
    check(
        json!({"entities.command_line|wide|base64offset|contains": "IEX"}),
        &[
            line("powershell -enc SQBFAFgA"),
            line("powershell -enc IABJAEUAWAAgAA=="),
        ],
        &[line("powershell -enc SUVY")],
    );
    check(
        json!({"entities.command_line|windash|contains": " -enc "}),
        &[line("powershell /enc x"), line("powershell –ENC x")],
        &[line("powershell +enc x")],
    );
}

#[test]
fn parts_of_a_time_are_numbers() {
    let created = |at: &str| json!({ "created_at": at });
    check(
        json!({"created_at|hour|gte": 18}),
        &[
            created("2026-11-21T18:00:00Z"),
            created("2026-11-21T17:30:00-02:00"),
        ],
        &[created("2026-11-21T17:59:59Z")],
    );
    check(
        json!({"created_at|month": 11, "created_at|year": 2026, "created_at|week": 47}),
        &[created("2026-11-21T18:00:00Z")],
        &[created("2026-12-21T18:00:00Z")],
    );
}

#[test]
fn a_dot_inside_a_key_is_escaped() {
    check(
        json!({"raw.@odata\\.type": "alert"}),
        &[json!({"raw": {"@odata.type": "alert"}})],
        &[json!({"raw": {"@odata": {"type": "alert"}}})],
    );
}

#[test]
fn the_first_condition_that_fails_is_told_with_the_value_found() {
    let written = json!({
        "category": ["Malware", "Ransomware"],
        "device.tags|neq": "lab",
        "entities.ip.address|cidr": "10.0.0.0/8",
        "title|contains|all": ["a", "b"],
    });
    let address = |address: &str| json!({"kind": "ip", "ip": {"address": address}});
    let mut fields = json!({"category": "Phishing"});
    let why = |fields: &Value| why_not(written.clone(), fields.clone()).unwrap_or_default();
    assert_eq!(
        why(&fields),
        "`category` is `Phishing`, wanted `Malware` or `Ransomware`"
    );
    fields["category"] = json!("malware");
    fields["device"] = json!({"tags": ["finance", "lab"]});
    assert_eq!(
        why(&fields),
        "`device.tags` is `finance`, `lab`, wanted anything but `lab`"
    );
    fields["device"] = Value::Null;
    assert_eq!(
        why(&fields),
        "`entities.ip.address` is not there, wanted an address in `10.0.0.0/8`"
    );
    fields["entities"] = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]
        .map(address)
        .into();
    assert_eq!(
        why(&fields),
        "`entities.ip.address` is `1.1.1.1`, `1.1.1.2`, `1.1.1.3`, 1 more, \
         wanted an address in `10.0.0.0/8`"
    );
    fields["entities"] = json!([address("10.0.0.1")]);
    fields["title"] = json!("a");
    assert_eq!(why(&fields), "`title` is `a`, wanted text with `b`");
    fields["title"] = json!("ab");
    assert_eq!(why(&fields), "");
    assert_eq!(
        why(&json!({"source": "xdr"})),
        "`source` is `xdr`, wanted `mde`"
    );
}

#[test]
fn an_expression_is_tried_last_and_its_failure_is_told() {
    let mut trigger = trigger(&json!({"severity": "high"}));
    let where_is = "alert.device.name != 'dc1' and alert.title == 'x'";
    trigger.condition = Some(engine_playbook::expr::Expr::parse(where_is).unwrap());
    let why = |fields: Value| {
        let alert = alert(fields);
        let why = explain(&trigger, &AlertView::new(&alert), AlertChange::Created).unwrap();
        why.map(|why| (why.field, why.found))
    };
    assert_eq!(
        why(json!({"severity": "high", "title": "x", "device": {"name": "ws"}})),
        None
    );
    assert_eq!(
        why(json!({"severity": "high", "device": {"name": "ws"}})),
        Some(("where".to_owned(), "`false`".to_owned()))
    );
    let (field, found) = why(json!({"severity": "high"})).unwrap();
    assert_eq!(field, "where");
    assert!(found.starts_with("an error: "), "{found}");
    assert_eq!(why(json!({"severity": "low"})).unwrap().0, "severity");
}

#[test]
fn a_placeholder_stands_for_the_value_of_a_field() {
    check(
        json!({"title|expand": "logon of %user.name% at %device.name%"}),
        &[json!({
            "title": "Logon of MONA at WS1",
            "user": {"name": "mona"},
            "device": {"name": "ws1"},
        })],
        &[
            json!({"title": "Logon of mona at ws2", "user": {"name": "mona"}}),
            json!({"title": "logon of %user.name% at %device.name%"}),
        ],
    );
    check(
        json!({"title|expand|contains|cased": "of %user.name%!"}),
        &[json!({"title": "logon of Mona!", "user": {"name": "Mona"}})],
        &[json!({"title": "logon of mona!", "user": {"name": "Mona"}})],
    );
    check(
        json!({"title|expand": "%user.name% at 100%"}),
        &[json!({"title": "mona at 100%", "user": {"name": "Mona"}})],
        &[json!({"title": "mona at 100", "user": {"name": "mona"}})],
    );
}

#[test]
fn a_time_is_read_as_vendors_write_it() {
    for at in [
        json!("2026-11-21T18:05:00Z"),
        json!("2026-11-21T18:05:00.1234567"),
        json!("2026-11-21 18:05:00"),
        json!(1_795_284_300),
        json!(1_795_284_300_000_i64),
    ] {
        check(
            json!({"raw.x|hour": 18, "raw.x|minute": 5, "raw.x|day": "21"}),
            &[raw(at)],
            &[raw(json!("18:05"))],
        );
    }
}

#[test]
fn members_of_a_list_are_asked_one_by_one() {
    let entities = |list: Value| json!({ "entities": list });
    let (mail, address) = (
        json!({"kind": "mail"}),
        json!({"kind": "ip", "ip": {"address": "10.0.0.1"}}),
    );
    check(
        json!({"entities[any].kind": "ip"}),
        &[entities(json!([mail, address]))],
        &[entities(json!([mail])), entities(json!([]))],
    );
    check(
        json!({"entities[all].kind": ["ip", "mail"]}),
        &[entities(json!([mail, address]))],
        &[
            entities(json!([mail, {"kind": "user"}])),
            entities(json!([])),
        ],
    );
    check(
        json!({"entities[none].ip.address|cidr": "10.0.0.0/8"}),
        &[entities(json!([mail])), entities(json!([]))],
        &[entities(json!([mail, address]))],
    );
    check(
        json!({"device.tags[all_or_empty]|startswith": "lab"}),
        &[json!({}), json!({"device": {"tags": ["lab1"]}})],
        &[json!({"device": {"tags": ["lab1", "x"]}})],
    );
    check(
        json!({"device.tags[all]|neq": "lab"}),
        &[json!({"device": {"tags": ["x", "y"]}})],
        &[json!({"device": {"tags": ["x", "lab"]}}), json!({})],
    );
}

/// Lines that make no sense, each with its value in JSON and the answer.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "title|contain",
        r#""x""#,
        "`contain` is not a modifier; a modifier with a similar name exists: `contains`",
    ),
    (
        "title|re|contains",
        r#""x""#,
        "`re` and `contains` do not go together",
    ),
    (
        "title|startswith|endswith",
        r#""x""#,
        "`startswith` and `endswith` do not go together",
    ),
    (
        "title|contains|contains",
        r#""x""#,
        "`contains` and `contains` do not go together",
    ),
    (
        "title|i|re",
        r#""x""#,
        "`i` is a flag of `re` and stands after it",
    ),
    (
        "title|base64|wide",
        r#""x""#,
        "`wide` stands before `base64` or `base64offset`",
    ),
    (
        "title|utf16le|contains",
        r#""x""#,
        "`utf16le` stands before `base64` or `base64offset`",
    ),
    (
        "title|all|neq",
        r#"["a", "b"]"#,
        "`all` and `neq` do not go together",
    ),
    (
        "title|contains|all",
        r#""x""#,
        "`all` asks for a list of at least two values; \
             leave `all` out; for every member of a field write `field[all]`",
    ),
    (
        "title|expand|windash",
        r#""%x%""#,
        "`expand` and `windash` do not go together",
    ),
    (
        "title|exists",
        r#""yes""#,
        "`exists` takes `true` or `false`",
    ),
    ("title", "[]", "names no value"),
    ("title", r#"[["a"]]"#, "takes text, not a list or map"),
    (
        "title|contains",
        r#"[null, "a"]"#,
        "`contains` takes no null; test for a missing value with `exists: false`",
    ),
    (
        "raw.x|gt",
        r#""five""#,
        "`gt` takes a number, found \"five\"",
    ),
    ("title|re", "5", "`re` takes text, found 5"),
    (
        "title|re",
        r#""a(""#,
        "`a(` is not a regular expression: unclosed group",
    ),
    (
        "entities.ip.address|cidr",
        r#""10.1.0.0/8""#,
        "`10.1.0.0/8` is not a network; write the network `10.0.0.0/8`",
    ),
    (
        "title|base64",
        r#""a*""#,
        "text that is encoded takes no wildcards; escape `*` and `?` with a backslash",
    ),
    (
        "entities[most].kind",
        r#""x""#,
        "`entities[most].kind` is not a field; \
             write names with dots between: `device.name`, or `device.tags[all]`",
    ),
    (
        "device..name",
        r#""x""#,
        "`device..name` is not a field; \
             write names with dots between: `device.name`, or `device.tags[all]`",
    ),
];

#[test]
fn a_line_that_makes_no_sense_is_refused_with_advice() {
    for (key, value, expected) in REFUSED {
        let value = serde_json::from_str(value).unwrap();
        assert_eq!(refused(key, value), *expected, "{key}");
    }
    let look_around = refused("title|re", json!("a(?=b)"));
    assert!(look_around.contains("without look-around"), "{look_around}");
}
