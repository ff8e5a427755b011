//! YAML text to a tree of values, each with its place in the text.
//!
//! `serde_yaml` says what the text means; the events of `saphyr-parser` say where each value
//! stands, and what must not be there at all is refused from them before `serde_yaml` sees the
//! text. The two meet in [`Document`].

mod build;
mod document;
mod looks;
mod scalar;
mod scan;
mod tree;

use engine_model::{Diagnostic, Severity, Span, code};
use serde::Deserialize;

pub use document::{Content, Document, Node, NodeId};

use tree::Tree;

/// The largest playbook.
pub const SIZE_BYTES_MAX: usize = 1024 * 1024;

/// The deepest nesting of lists and maps.
pub const LEVELS_MAX: usize = 64;

/// Reads a text; the document is there when nothing about it as YAML is wrong enough to stop.
///
/// The diagnostics are in no particular order.
#[must_use]
pub fn read(text: &str) -> (Option<Document>, Vec<Diagnostic>) {
    if text.len() > SIZE_BYTES_MAX {
        let message = format!(
            "the file has {} bytes, at most {SIZE_BYTES_MAX}",
            text.len()
        );
        let mut problem = at(code::PB0104, Span::default(), message);
        problem.help = Some("split the playbook".to_owned());
        return (None, vec![problem]);
    }
    let scanned = match scan::scan(text) {
        Ok(scanned) => scanned,
        Err(problems) => return (None, problems),
    };
    match Tree::deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(tree) => {
            let (document, problems) = build::build(text, &tree, &scanned);
            (Some(document), problems)
        }
        Err(error) => (None, vec![unreadable(text, &error)]),
    }
}

/// Where the value at `path` stands in `text`: its key where it has one, else its first key or the
/// value; for a path that does not exist, the nearest value above it.
#[must_use]
pub fn locate(text: &str, path: &str) -> Span {
    let (document, _) = read(text);
    document.map_or(Span::default(), |document| {
        document.anchor(document.find(path))
    })
}

/// What `serde_yaml` refuses although the scan let it pass.
fn unreadable(text: &str, error: &serde_yaml::Error) -> Diagnostic {
    let start = error.location().map_or(0, |place| {
        let line = text
            .split_inclusive('\n')
            .take(place.line().saturating_sub(1));
        let line_start: usize = line.map(str::len).sum();
        let column = place.column().saturating_sub(1);
        let rest = text.get(line_start..).unwrap_or_default();
        line_start
            + rest
                .char_indices()
                .nth(column)
                .map_or(rest.len(), |(at, _)| at)
    });
    at(code::PB0101, Span { start, end: start }, error.to_string())
}

/// An error of the file as a whole.
fn at(code: engine_model::Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        path: String::new(),
        span,
        message: message.into(),
        help: None,
        fix: None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// The codes and the places of what is wrong with `text`.
    fn problems(text: &str) -> String {
        let (document, problems) = read(text);
        let mut out = String::new();
        for problem in &problems {
            let Span { start, end } = problem.span;
            let shown = &text[start..end];
            let _ = writeln!(
                out,
                "{} {start} {shown:?} {}",
                problem.code, problem.message
            );
        }
        if document.is_none() {
            out.push_str("no document\n");
        }
        out
    }

    fn codes(text: &str) -> Vec<&'static str> {
        read(text)
            .1
            .iter()
            .map(|problem| problem.code.as_str())
            .collect()
    }

    #[test]
    fn hostile_texts_are_refused_before_anything_is_built() {
        assert_eq!(codes(&"a: b\n".repeat(2_100_000)), ["PB0104"]);
        assert_eq!(codes(&"[".repeat(20_000)), ["PB0104"]);
        assert_eq!(codes(&"{a: ".repeat(20_000)), ["PB0104"]);
        assert_eq!(codes(&"- ".repeat(20_000)), ["PB0104"]);
        assert_eq!(
            codes(&"? ".repeat(20_000)),
            vec!["PB0202"; 64]
                .into_iter()
                .chain(["PB0104"])
                .collect::<Vec<_>>()
        );
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, before) in ('b'..='i').zip('a'..) {
            let nine = vec![format!("*{before}"); 9].join(", ");
            let _ = writeln!(bomb, "{name}: &{name} [{nine}]");
        }
        assert!(codes(&bomb).iter().all(|code| *code == "PB0103"));
        assert!(read(&bomb).0.is_none());
    }

    #[test]
    fn sixty_four_levels_are_read_and_one_more_is_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(LEVELS_MAX)).0.is_some());
        assert_eq!(codes(&nested(LEVELS_MAX + 1)), ["PB0104"]);
    }

    #[test]
    fn what_a_review_could_misread_is_refused_at_its_place() {
        expect_test::expect![[r#"
            PB0103 3 "&x" anchors are not allowed: write the value out
            PB0103 17 "*x" aliases are not allowed: write the value out
            PB0103 24 "!!str" tags are not allowed: quote the value if it is text
            PB0103 32 "<<" merge keys are not allowed: write the keys out
            PB0103 36 "*x" aliases are not allowed: write the value out
            no document
        "#]]
        .assert_eq(&problems("a: &x\n  b: 1\nc: [*x]\nd: !!str 1\n<<: *x\n"));
    }

    #[test]
    fn keys_are_text_and_unique_everywhere() {
        expect_test::expect![[r#"
            PB0202 0 "1" a key is text, `1` is not
            PB0102 25 "b" the key `b` is written twice
            PB0202 31 "true" a key is text, `true` is not
        "#]]
        .assert_eq(&problems("1: x\nfree: {b: 1, é: 2, b: 3}\ntrue: 1\n"));
    }

    #[test]
    fn one_file_is_one_document() {
        assert_eq!(codes("a: 1\n---\nb: 2\n"), ["PB0101"]);
        assert_eq!(codes(""), ["PB0101"]);
        assert_eq!(codes("---\na: 1\n...\n"), [""; 0]);
    }

    #[test]
    fn norway_is_a_string_and_a_warning() {
        let (document, problems) =
            read("a: NO\nb: 'on'\nc: true\nd: 012\ne: 2026-10-24T12:00:00Z\n");
        let document = document.unwrap();
        expect_test::expect![[
            r#"{"a":"NO","b":"on","c":true,"d":"012","e":"2026-10-24T12:00:00Z"}"#
        ]]
        .assert_eq(&document.value(document.root()).to_string());
        let places: Vec<_> = problems
            .iter()
            .map(|p| (p.code.as_str(), p.path.as_str()))
            .collect();
        assert_eq!(places, [("PB0801", "a"), ("PB0801", "d")]);
    }

    #[test]
    fn each_value_is_found_by_its_path_and_stands_at_its_place() {
        let text =
            "\u{feff}# é\r\nsteps:\r\n  - uses: a.b\r\n    with: {\"x y\": [1, é]}\r\nz:\r\n";
        let (document, problems) = read(text);
        let document = document.unwrap_or_else(|| panic!("{problems:?}"));
        for (path, written) in [
            ("steps[0].uses", "a.b"),
            ("steps[0].with", "{\"x y\": [1, é]}"),
            ("steps[0].with[\"x y\"][1]", "é"),
            ("steps[0].with.nothing.here", "{\"x y\": [1, é]}"),
            ("steps", "- uses: a.b\r\n    with: {\"x y\": [1, é]}"),
            ("z", "z"),
        ] {
            let id = document.find(path);
            let span = document.node(id).span;
            assert_eq!(&text[span.start..span.end], written, "{path}");
            assert!(path.starts_with(&document.path(id)), "{path}");
        }
    }

    #[test]
    fn a_path_from_elsewhere_is_found_in_the_text() {
        let text = "triggers:\n- id: a\n  alert:\n    match: {\"title|all\": [a]}\n";
        for (path, written) in [
            ("triggers[0].alert.match[\"title|all\"]", "\"title|all\""),
            ("triggers[0].alert.match[\"title|all\"][0]", "a"),
            ("triggers[0].examples.fires[0]", "id"),
        ] {
            let span = locate(text, path);
            assert_eq!(&text[span.start..span.end], written, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_places_inside_it(
            text in "([ -]|[a-z:#{}\\[\\],&*!|>'\"%@`\n\t\\\\é?]|: |- |\n  ){0,60}"
        ) {
            let (document, problems) = read(&text);
            prop_assert!(document.is_some() || !problems.is_empty());
            for problem in problems {
                prop_assert!(text.get(problem.span.start..problem.span.end).is_some());
            }
            let Some(document) = document else { return Ok(()) };
            for id in (0..document.len()).map(|id| NodeId(id.try_into().unwrap())) {
                let span = document.node(id).span;
                prop_assert!(text.get(span.start..span.end).is_some());
                if let Some(decoded) = document.text(id) {
                    for (start, c) in decoded.char_indices() {
                        let inner = Span { start, end: start + c.len_utf8() };
                        let span = document.inner_span(&text, id, inner);
                        prop_assert!(text.get(span.start..span.end).is_some());
                    }
                }
            }
        }
    }
}
