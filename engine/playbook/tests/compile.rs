//! Playbook text to a plan, and every mistake to words under the right place.

mod doubles;

use engine_playbook::compile;
use engine_playbook::render::{Colour, Source, human};
use expect_test::{Expect, expect};

/// Compiles `text` and compares what a person would read.
#[track_caller]
fn check(text: &str, expected: Expect) {
    let compiled = compile(text, &doubles::actions());
    for problem in &compiled.diagnostics {
        let shown = text.get(problem.span.start..problem.span.end);
        assert!(
            shown.is_some(),
            "the place of {problem:?} is outside the text"
        );
    }
    let source = Source {
        file: "contain.yaml",
        text,
    };
    let shown = human(source, &compiled.diagnostics, Colour::No);
    let shown: String = shown
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let verdict = if compiled.plan.is_some() {
        "a plan\n"
    } else {
        "no plan\n"
    };
    expected.assert_eq(&format!("{shown}{verdict}"));
}

#[test]
fn a_playbook_that_uses_everything_is_a_plan() {
    check(
        include_str!("fixtures/contain.yaml"),
        expect![[r#"
        a plan
    "#]],
    );
}
