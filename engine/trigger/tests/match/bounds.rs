//! What rules and alerts may cost, whoever wrote them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{lint, plan, why_not};

const MIB: usize = 1 << 20;
/// Debug builds on a machine that does other work take their time; what is quadratic takes hours.
const LIMIT: Duration = Duration::from_secs(20);

/// What happens within the limit.
#[expect(
    clippy::disallowed_methods,
    reason = "the test is about time that passes"
)]
fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    let took = began.elapsed();
    assert!(took < LIMIT, "{what} took {took:?}");
    result
}

#[test]
fn patterns_made_to_be_slow_end_soon_on_an_alert_of_a_mebibyte() {
    let text = "a".repeat(MIB);
    let alert = json!({"raw": {"x": text}});
    let stars = format!("raw.x: '*{}b'", "a*".repeat(30));
    let marks = format!("raw.x: '*{}b'", "a?".repeat(15));
    let long = format!("raw.x: '*{}?b*'", "a".repeat(500));
    for written in [
        stars.as_str(),
        marks.as_str(),
        long.as_str(),
        "raw.x|re: '(a+)+$b'",
        "raw.x|re: '(a|aa)+b'",
        "raw.x|re: '(.*)(.*)(.*)(.*)b'",
        "raw.x|re|i: '(x+x+)+y'",
        "detection: {keywords: ['*a*a*a*b', 'ab'], condition: keywords}",
    ] {
        let plan = plan(written);
        let why = soon(written, || why_not(&plan, &alert));
        assert_ne!(why, "", "{written}");
    }
}

#[test]
fn lists_that_are_compared_with_each_other_end_soon() {
    let list: Vec<Value> = (0..100_000)
        .map(|number| json!(number.to_string()))
        .collect();
    let alert = json!({"raw": {"x": list, "y": list}});
    for written in [
        "raw.x|fieldref|contains: raw.y",
        "raw.x|fieldref: raw.y",
        "raw.x[all]|neq: z\nraw.x|startswith: z",
    ] {
        let plan = plan(written);
        assert_ne!(soon(written, || why_not(&plan, &alert)), "", "{written}");
    }
}

#[test]
fn an_alert_as_deep_as_json_may_be_is_searched_through() {
    let deep = (0..100).fold(json!("needle"), |inner, level| {
        if level % 2 == 0 {
            json!([inner])
        } else {
            json!({ "x": inner })
        }
    });
    let plan = plan("detection: {keywords: [NEEDLE], condition: keywords}");
    assert_eq!(why_not(&plan, &json!({ "raw": deep })), "");
}

#[test]
fn huge_rules_are_read_or_refused_soon() {
    let values: String = (0..20_000)
        .map(|number| format!("  - value{number}\n"))
        .collect();
    let many = plan(&format!("title:\n{values}"));
    let why = soon("many values", || {
        why_not(&many, &json!({"title": "VALUE19999"}))
    });
    assert_eq!(why, "");
    let selections: String = (0..2000)
        .map(|number| format!("  s_{number}: {{title|contains: word{number}}}\n"))
        .collect();
    let many = plan(&format!("detection:\n{selections}  condition: 3 of s_*"));
    let title = "word1999 word1998";
    let title = format!("{title} word1997");
    assert_eq!(
        soon("many selections", || why_not(
            &many,
            &json!({"title": title})
        )),
        ""
    );
    let told = soon("many expanded", || {
        let twice = "1 of s_* or ".repeat(20);
        lint(
            &format!("detection:\n{selections}  condition: {twice}1 of s_*"),
            &[],
        )
    });
    assert!(told.contains("at most at 10000 selections"), "{told}");
    let stars = format!("title: '{}'", "a*".repeat(1000));
    assert!(lint(&stars, &[]).contains("at most 32 wildcards"));
    let long = format!("title: '*{}?'", "a".repeat(600));
    assert!(lint(&long, &[]).contains("at most 512 bytes"));
    let repetition = "title|re: '((a{1,200}){1,200}){1,200}'";
    assert!(soon("a repetition", || lint(repetition, &[])).contains("PB0603"));
}

#[test]
fn a_selection_that_nests_too_deep_is_refused() {
    let deep = format!("{}{{title: x}}{}", "[{a: 1}, ".repeat(30), "]".repeat(30));
    let told = lint(&format!("detection: {{s: {deep}, condition: s}}"), &[]);
    assert!(told.contains("PB0104"), "{told}");
}
