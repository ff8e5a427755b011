//! The language is a subset of Jinja expressions: what yields a value here yields the same value in
//! MiniJinja, strict about undefined, but for the differences listed below.

use engine_playbook::expr::Expr;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Why an expression may yield something else, or nothing, in Jinja.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// `true == 1` and `1 in [true]` hold in Jinja.
    BooleansAreNumbers,
    /// A boolean as text is `True` in Jinja, `true` here, as in JSON.
    BooleanText,
    /// `a if false` is undefined in Jinja, null here.
    NoElse,
    /// `default` replaces null here, only undefined in Jinja.
    NullDefault,
}

fn context() -> Value {
    json!({
        "alert": {
            "id": "a1", "severity": "high", "title": "Mimikatz on WS-1", "score": 71.5, "n": 3,
            "tags": ["finance", "vip"], "user": null, "flag": true,
            "rows": [{"id": "d2", "hits": 2}, {"id": "d3", "hits": 1}],
        },
        "steps": {"machine": {"output": {"role": "server"}}},
    })
}

fn ours(source: &str) -> Option<Value> {
    let context = context();
    let scope: &Map<String, Value> = context.as_object().expect("the context is a map");
    Expr::parse(source).ok()?.eval(scope).ok()
}

fn theirs(source: &str) -> Result<Value, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("contains", |text: &str, part: &str| text.contains(part));
    let expression = environment
        .compile_expression(source)
        .map_err(|error| error.to_string())?;
    let context = context();
    let value = expression
        .eval(Serde(&context))
        .map_err(|error| error.to_string())?;
    if value.is_undefined() {
        return Err("undefined".to_owned());
    }
    serde_json::to_value(Serde(value).0).map_err(|error| error.to_string())
}

/// The same value, numbers compared by what they mean.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

fn agree(source: &str) {
    let ours = ours(source).unwrap_or_else(|| panic!("{source} yields no value here"));
    match theirs(source) {
        Ok(theirs) => assert!(
            same(&ours, &theirs),
            "{source}: {ours} here, {theirs} in Jinja"
        ),
        Err(error) => panic!("{source}: {ours} here, in Jinja {error}"),
    }
}

#[test]
fn jinja_agrees_on_written_expressions() {
    for source in [
        "steps.machine.output.role != 'domain_controller' \
         and alert.severity in ['high', 'critical']",
        "alert['title']",
        "alert.tags[0]",
        "alert.tags[-1]",
        "alert.rows[1].id",
        "alert.missing | default('x')",
        "alert.missing is defined",
        "alert.missing is not defined",
        "alert.id is string and alert.n is number",
        "alert.user is none",
        "not alert.flag or alert.n > 2",
        "not alert.id in ['a1']",
        "alert.id not in ['a1']",
        "1 + 2 * 3 - 4 / 2",
        "7 // 2 + 7 % 4",
        "-alert.n + 1",
        "-1 | string",
        "1 + 2 | string | int",
        "2 - 1 - 1",
        "'a' + 'b'",
        "'a' if alert.flag else 'b'",
        "'a' if false else 'b' if false else 'c'",
        "alert.title | lower",
        "alert.title | upper | replace('MIMIKATZ', 'x')",
        "alert.title | length",
        "alert.tags | join(', ')",
        "alert.tags | first",
        "alert.tags | last",
        "['b', 'a'] | sort",
        "[3, 1, 2] | sort | reverse",
        "['a', 'b', 'a'] | unique",
        "[1, 2, 3] | sum",
        "[1, 2] | min + ([1, 2] | max)",
        "'42' | int + 1",
        "'1.5' | float",
        "' x ' | trim",
        "alert.title | contains('katz')",
        "'katz' in alert.title",
        "'id' in alert",
        "{'a': [1, 2]}.a[1]",
        "[1, [2, {'k': 'v'}]]",
        "1 == 1.0",
        "'5' == 5",
        "none == none",
        "1 < 1.5 and 'a' < 'b'",
        "'tab\\t\\'quote\\' \\u00e4'",
        "\"it's\"",
        "1.5e3",
    ] {
        agree(source);
    }
}

#[test]
fn the_differences_are_these() {
    let differences = [
        ("true == 1", Difference::BooleansAreNumbers),
        ("1 in [true]", Difference::BooleansAreNumbers),
        ("true | string", Difference::BooleanText),
        ("'a' if false", Difference::NoElse),
        ("true is number", Difference::BooleansAreNumbers),
        ("alert.user | default('x')", Difference::NullDefault),
    ];
    for (source, difference) in differences {
        let ours = ours(source).unwrap_or_else(|| panic!("{source} yields no value here"));
        let agree = theirs(source).is_ok_and(|theirs| same(&ours, &theirs));
        assert!(!agree, "{source}: no longer a difference ({difference:?})");
    }
}

/// What Jinja lets through and this language refuses; the reason it exists.
#[test]
fn jinja_yields_a_value_where_this_language_refuses() {
    for source in [
        "alert.severity > 3",
        "'a' < 1",
        "alert.title and true",
        "'a' if alert.n else 'b'",
        "not alert.tags",
    ] {
        assert!(ours(source).is_none(), "{source} is refused");
        assert!(theirs(source).is_ok(), "{source} has a value in Jinja");
    }
}

/// Expressions of the common subset. Every one reads; most yield a value.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "3.5",
        "10",
        "'a'",
        "'b'",
        "''",
        "true",
        "false",
        "alert.n",
        "alert.score",
        "alert.id",
        "alert.severity",
        "alert.tags",
        "alert.flag",
        "[1, 2]",
        "['a']",
        "{'a': 1}",
        "alert.rows[0].hits",
        "alert.missing | default('x')",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and",
            "or",
        ]);
        let filter = prop::sample::select(vec![
            "lower",
            "upper",
            "length",
            "join('-')",
            "first",
            "last",
            "string",
            "sort",
            "reverse",
            "sum",
            "unique",
        ]);
        let test = prop::sample::select(vec!["defined", "none", "string", "number"]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone())
                .prop_map(|(left, op, right)| format!("({left}) {op} ({right})")),
            2 => (inner.clone(), filter).prop_map(|(of, filter)| format!("({of}) | {filter}")),
            1 => (inner.clone(), test).prop_map(|(of, test)| format!("({of}) is {test}")),
            1 => inner.clone().prop_map(|of| format!("not ({of})")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(then, test, other)| format!("({then}) if ({test}) else ({other})")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

/// The difference an expression may show, if any.
fn allowed(source: &str) -> Option<Difference> {
    let count = |words: &[&str]| {
        words
            .iter()
            .map(|word| source.matches(word).count())
            .sum::<usize>()
    };
    let compared = count(&["==", "!=", " in ", "is number", "unique"]);
    let literal = count(&["true", "false", "alert.flag"]);
    let made = count(&[
        "==", "!=", " in ", " is ", "<", ">", "not ", " and ", " or ",
    ]);
    if compared > 0 && (literal > 0 || made > 1) {
        return Some(Difference::BooleansAreNumbers);
    }
    let as_text = count(&["string", "join"]) > 0 && (literal > 0 || made > 0);
    as_text.then_some(Difference::BooleanText)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 2000, ..ProptestConfig::default()
    })]

    #[test]
    fn jinja_agrees_on_generated_expressions(source in expression()) {
        let Some(ours) = ours(&source) else { return Ok(()) };
        let theirs = theirs(&source);
        if !theirs.as_ref().is_ok_and(|theirs| same(&ours, theirs)) {
            let difference = allowed(&source);
            prop_assert!(difference.is_some(), "{}: {} here, {:?} in Jinja", source, ours, theirs);
        }
    }
}
