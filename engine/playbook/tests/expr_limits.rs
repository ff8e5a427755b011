//! Nothing an author or an attacker writes makes reading or evaluating run away.

use std::time::{Duration, Instant};

use engine_playbook::expr::{Env, Expr, Language, Template, check};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn context() -> Map<String, Value> {
    let rows: Vec<Value> = (0..1000)
        .map(|n| json!({"id": n, "name": format!("host-{n}")}))
        .collect();
    let mut context = Map::new();
    context.insert("rows".to_owned(), rows.into());
    context.insert("long".to_owned(), "x".repeat(100_000).into());
    context.insert(
        "alert".to_owned(),
        json!({"id": "a1", "n": 3, "tags": ["a", "b"], "none": null}),
    );
    context
}

/// Evaluates and says how it failed; a debug build under load has a second for it.
fn failure(source: &str) -> String {
    let expr = Expr::parse(source).expect("the expression reads");
    let context = context();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test measures that time is bounded"
    )]
    let start = Instant::now();
    let failure = expr
        .eval(&context)
        .expect_err("the limit is reached")
        .message;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{source} took {:?}",
        start.elapsed()
    );
    failure
}

#[test]
fn text_cannot_be_amplified() {
    for source in [
        "long | replace('x', long)",
        "long | replace('x', 'yyyyyyyyyyyy') | length",
        "[r.name for r in rows] | join(long)",
        "[r.name | replace('h', long) for r in rows] | length",
        "long | split('x')",
        "long + long + long + long + long",
        "[long, long, long, long, long, long, long, long, long, long, long]",
        "[long, long, long, long, long, long, long, long, long, long, long] | json",
        "[long | upper for r in rows] | length",
        "[long | base64 for r in rows] | length",
        "[rows + rows for r in rows]",
        "[rows | sort('id') for r in rows] | length",
        "[rows | batch(1) for r in rows] | length",
        "long | kql | kql | kql | kql | kql | kql | kql | kql | kql | kql | kql",
        "[{'a': long}, {'a': long}, {'a': long}, {'a': long}, {'a': long}, {'a': long}, \
          {'a': long}, {'a': long}, {'a': long}, {'a': long}, {'a': long}] | to_markdown_table",
        "[long | json | parse_json for r in rows] | length",
    ] {
        let failure = failure(source);
        assert!(
            failure.starts_with("the expression makes more than 1024 KiB"),
            "{source}: {failure}"
        );
    }
}

#[test]
fn loops_stop_at_the_limit_of_operations() {
    for source in [
        "count(any(x.id == y.id + 1000 for y in rows) for x in rows)",
        "[[[1 for z in rows] for y in rows] for x in rows]",
        "count(x in rows for x in [[r, 1] for r in rows])",
        "count(long | contains('y') for x in rows)",
        "count(long | matches('(x+x+)+y') for x in rows)",
        "count('x' | matches('x{' + (r.id | string) + '}') for r in rows)",
        "count(long == long for r in rows)",
        "[long | sha256 for r in rows] | length",
    ] {
        let failure = failure(source);
        assert!(
            failure.starts_with("the expression needs more than 20000"),
            "{source}: {failure}"
        );
    }
}

#[test]
fn useful_work_fits_the_limits() {
    for source in [
        "[r.name for r in rows if r.id not in [1, 2, 3] and r.name | endswith('7')] | length",
        "[{'id': r.id, 'host': r.name | upper} for r in rows] | sort('host') | length",
        "rows | group_by('name') | length",
        "[r for r in rows if r.id in [x.id for x in rows | slice(0, 10)]] | length > 0 \
         if false else true",
        "long | replace('x', 'y') | length",
    ] {
        let expr = Expr::parse(source).expect("the expression reads");
        expr.eval(&context()).expect("it fits");
    }
}

#[test]
fn deep_and_long_sources_are_refused_not_followed() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(5000), close.repeat(5000));
    let sources = [
        deep("(", ")"),
        deep("[", "]"),
        deep("{'a': ", "}"),
        format!("{}true", "not ".repeat(3000)),
        format!("{}1", "-".repeat(10_000)),
        format!("1{}", " + 1".repeat(3000)),
        format!("a{}", ".b".repeat(5000)),
        format!("a{}", "[0]".repeat(5000)),
        format!("'a'{}", "|lower".repeat(2000)),
        format!("1{}", " if true else 1".repeat(1000)),
        format!("'{}'", "x".repeat(20_000)),
    ];
    for source in sources {
        let error = Expr::parse(&source).expect_err("it is refused");
        assert!(error.message.contains("at most"), "{}", error.message);
    }
    let wide = format!("true{}", " and true".repeat(1500));
    assert!(
        Expr::parse(&wide).is_ok(),
        "many conditions in a row are not deep"
    );
}

/// Pieces of the grammar, put together at random: most are wrong, some are not.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "alert", ".", "id", "n", "tags", "steps", "[", "]", "(", ")", "{", "}", "|", "lower",
        "default", "join", "'a'", "\"b", "1", "2.5", "-", "+", "*", "/", "//", "%", "==", "<",
        "in", "not", "and", "or", "is", "defined", "none", "if", "else", "for", "x", ",", ":",
        "any", "true", "\\", "${{", "}}", "'", "é",
    ];
    let word = prop::sample::select(words.to_vec());
    prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_a_place_in_it(source in prop_oneof![".{0,60}", pieces()]) {
        match Expr::parse(&source) {
            Ok(expr) => {
                let (_, problems) = check(&expr, &Env::default());
                for problem in problems {
                    prop_assert!(expr.source().get(problem.span.start..problem.span.end).is_some());
                }
                let _ = expr.eval(&context());
            }
            Err(error) => {
                prop_assert!(source.get(error.span.start..error.span.end).is_some(), "{error:?}");
            }
        }
    }

    #[test]
    fn any_text_is_a_template_or_refused_with_a_place_in_it(
        parts in prop::collection::vec(prop_oneof![
            ".{0,12}", Just("${{ alert.id }}".to_owned()), Just("\"".to_owned()),
            Just("'".to_owned()), Just("@\"".to_owned()), Just("```".to_owned()),
            Just("//".to_owned()), Just("\n".to_owned()), Just("<<X\n".to_owned()),
            Just("$(".to_owned()), Just("in (".to_owned()), Just("\\".to_owned()),
        ], 0..10),
        language in prop::sample::select(Language::ALL.to_vec()),
    ) {
        let text = parts.concat();
        let compiled = Template::compile(&json!(text), Some(language));
        for problem in &compiled.problems {
            prop_assert!(text.get(problem.span.start..problem.span.end).is_some());
            if let Some(fix) = &problem.fix {
                prop_assert!(text.get(fix.span.start..fix.span.end).is_some());
            }
        }
        let _ = compiled.template.render(&context());
    }
}
