//! No text makes the compiler panic or point outside the text.

mod doubles;

use engine_model::{Severity, Span};
use engine_playbook::compile;
use engine_playbook::render::{Colour, Source, findings, human};
use expect_test::expect;
use proptest::prelude::*;

const VALID: &str = include_str!("fixtures/contain.yaml");

/// Compiles `text` and asserts what holds for every text.
fn check(text: &str) {
    let compiled = compile(text, &doubles::actions());
    let inside = |span: Span| text.get(span.start..span.end).is_some();
    for problem in &compiled.diagnostics {
        assert!(inside(problem.span), "{problem:?}");
        assert!(
            problem.fix.as_ref().is_none_or(|fix| inside(fix.span)),
            "{problem:?}"
        );
    }
    assert!(
        compiled
            .diagnostics
            .is_sorted_by_key(|problem| problem.span.start)
    );
    let failed = compiled
        .diagnostics
        .iter()
        .any(|p| p.severity == Severity::Error);
    assert_eq!(
        compiled.plan.is_none(),
        failed,
        "{:?}",
        compiled.diagnostics
    );
    let source = Source {
        file: "p.yaml",
        text,
    };
    assert_eq!(
        findings(source, &compiled.diagnostics).len(),
        compiled.diagnostics.len()
    );
    let _ = human(source, &compiled.diagnostics, Colour::Yes);
}

/// A change of one stretch of a text.
#[derive(Clone, Debug)]
struct Mutation {
    at: usize,
    length: usize,
    put: String,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let put = prop_oneof![
        "[ -~]{0,4}",
        proptest::sample::select(vec![
            "",
            "\n",
            "\n  ",
            "- ",
            ": ",
            "${{",
            "}}",
            "'",
            "\"",
            "[",
            "]",
            "{",
            "}",
            "é",
            "|",
            ">-",
            "&a ",
            "*a",
            "!!x ",
            "null",
            "~",
            "true",
            "-1",
            "1e999",
            "steps:",
            "\r\n",
            "\t",
            "#",
            "\u{feff}",
            "? ",
            "x-y: 1\n",
            "${{ secrets.a }}",
            "${{ steps.hunt.output }}",
        ])
        .prop_map(str::to_owned),
    ];
    (0..VALID.len(), 0..12_usize, put).prop_map(|(at, length, put)| Mutation { at, length, put })
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let floor = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
    };
    let start = floor(mutation.at).unwrap_or(0);
    let end = floor(start + mutation.length).unwrap_or(start).max(start);
    format!("{}{}{}", &text[..start], mutation.put, &text[end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_compiled_or_refused(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn a_valid_playbook_with_random_changes_is_compiled_or_refused(
        mutations in proptest::collection::vec(mutation(), 1..4)
    ) {
        let text = mutations.iter().fold(VALID.to_owned(), |text, change| mutate(&text, change));
        check(&text);
    }

    #[test]
    fn a_valid_playbook_that_lost_lines_is_compiled_or_refused(
        keep in proptest::collection::vec(proptest::bool::weighted(0.9), 120)
    ) {
        let lines = VALID.split_inclusive('\n').zip(keep).filter(|(_, keep)| *keep);
        check(&lines.map(|(line, _)| line).collect::<String>());
    }
}

#[test]
fn hostile_texts_are_refused() {
    let bomb: String = ('b'..='i').zip('a'..).fold(
        "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, (name, of)| {
            format!(
                "{text}{name}: &{name} [{}]\n",
                vec![format!("*{of}"); 9].join(", ")
            )
        },
    );
    for text in [
        "a: b\n".repeat(300_000),
        "[".repeat(20_000),
        "- ".repeat(20_000),
        "{a: ".repeat(20_000),
        bomb,
        "x".repeat(1024 * 1024),
        "'".repeat(1024 * 1024),
        "- a\n".repeat(40_000),
        format!("version: 1\nname: p\nsteps:\n{}", "- {}\n".repeat(5_000)),
        format!(
            "version: 1\nname: p\nvars:\n  a: {}\n",
            "${{ x }}".repeat(20_000)
        ),
        (0..10_000)
            .map(|index| format!("titel{index}: no\n"))
            .collect(),
    ] {
        assert!(compile(&text, &doubles::actions()).plan.is_none());
    }
}

#[test]
fn a_fix_mends_the_problem_it_belongs_to() {
    for (text, code) in [
        (
            VALID.replace("isolation_type: Full", "isolation_type: full"),
            "PB0502",
        ),
        (VALID.replace("owner: soc", "ownr: soc"), "PB0201"),
        (
            VALID.replace("defender.get-machine@1", "defender.get-machin"),
            "PB0501",
        ),
        (
            VALID.replace("title: Contain a compromised device", "title: NO"),
            "PB0801",
        ),
    ] {
        let problems = compile(&text, &doubles::actions()).diagnostics;
        let problem = problems.first().unwrap();
        assert_eq!(problem.code.as_str(), code);
        let fix = problem.fix.as_ref().unwrap();
        let (before, after) = (&text[..fix.span.start], &text[fix.span.end..]);
        let mended = format!("{before}{}{after}", fix.replacement);
        assert_eq!(compile(&mended, &doubles::actions()).diagnostics, []);
    }
}

#[test]
fn machines_get_lines_and_columns() {
    let text = "version: 1\nname: p\nsteps:\n- {uses: nöte.writ, with: {text: \"é ${{ x }}\"}}\n";
    let compiled = compile(text, &doubles::actions());
    let found = findings(
        Source {
            file: "p.yaml",
            text,
        },
        &compiled.diagnostics,
    );
    expect![[r#"
        [
          {
            "file": "p.yaml",
            "line": 4,
            "column": 10,
            "end_line": 4,
            "end_column": 19,
            "code": "PB0501",
            "severity": "error",
            "path": "steps[0].uses",
            "message": "unknown action `nöte.writ`",
            "help": "did you mean `note.write`?",
            "fix": {
              "line": 4,
              "column": 10,
              "end_line": 4,
              "end_column": 19,
              "replacement": "note.write"
            }
          },
          {
            "file": "p.yaml",
            "line": 4,
            "column": 41,
            "end_line": 4,
            "end_column": 42,
            "code": "PB0305",
            "severity": "error",
            "path": "steps[0].with.text",
            "message": "`x` is not known here",
            "help": "a text stands in quotes: `'x'`",
            "fix": null
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn control_characters_of_a_playbook_do_not_reach_the_terminal() {
    let text = "version: 1\nname: \"a\\e[31m\"\nsteps: [{stop: {}}]\n";
    let compiled = compile(text, &[]);
    let shown = human(
        Source {
            file: "p.yaml",
            text,
        },
        &compiled.diagnostics,
        Colour::No,
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
}
