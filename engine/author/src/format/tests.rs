#![expect(
    clippy::disallowed_methods,
    reason = "the test reads the files of the repository"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(before: &str, after: &str) {
    let once = format(before).unwrap();
    assert_eq!(once, after, "once");
    assert_eq!(format(&once).unwrap(), after, "twice");
}

#[test]
fn every_level_is_two_columns_and_comments_go_with_what_they_are_about() {
    check(
        "\u{feff}version: 1\r\n\r\n\r\n# the work\r\nsteps:\r\n# first\r\n\
         - id:   a   # one\r\n  \
         with:\r\n        # inner\r\n        query: |\r\n          one  \r\n\r\n            \
         two\r\n  \
         if: x\r\n- id: b\r\n",
        "version: 1\n\n# the work\nsteps:\n  # first\n  - id: a   # one\n    with:\n      \
         # inner\n      \
         query: |\n        one  \n\n          two\n    if: x\n\n  - id: b\n",
    );
}

#[test]
fn what_stands_in_brackets_and_in_quotes_stays_as_it_is() {
    check(
        "f:\n- {x: 1}\n- [y]\n\n\nz: 1\n",
        "f:\n  - {x: 1}\n  - [y]\n\nz: 1\n",
    );
    check(
        "a:\n    - {x: 1,\n       y: 2}\n    - 'it''s\n      two lines'\n    \
         - -   1\n      -   2\nb: \"q\"\n\n\n",
        "a:\n  - {x: 1,\n     y: 2}\n  - 'it''s\n    two lines'\n  - - 1\n    - 2\nb: \"q\"\n",
    );
}

#[test]
fn a_text_whose_columns_are_counted_keeps_them() {
    let text = "a:\n    b: |2\n        x\n    c: 1\n";
    check(text, text);
}

#[test]
fn what_is_not_yaml_is_not_touched() {
    assert!(format("a: [\n").is_err());
    assert!(format("a: 1\n a: 2\n").is_err());
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !matches!(name, "target" | "node_modules" | ".git") {
            yaml_files(&path, found);
        } else if name.ends_with(".yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_yaml_file_of_the_repository_keeps_its_meaning_and_settles_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["workflows", "examples", "engine/playbook/tests"] {
        yaml_files(&root.join(folder), &mut files);
    }
    let mut formatted = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let Ok(once) = format(&text) else { continue };
        assert_eq!(format(&once).unwrap(), once, "{}", file.display());
        let (before, _) = yaml::read(&text);
        let (after, _) = yaml::read(&once);
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!(
            before.value(before.root()),
            after.value(after.root()),
            "{}",
            file.display()
        );
        assert_eq!(comments(&text), comments(&once), "{}", file.display());
        formatted += 1;
    }
    assert!(formatted > 10, "only {formatted} of {} files", files.len());
}

fn comments(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| line.starts_with('#')).collect()
}

/// A value, and how untidy it is written.
#[derive(Clone, Debug)]
enum Written {
    Scalar(String),
    Text(Vec<String>, usize),
    List(Vec<Self>, usize),
    Map(Vec<Self>, usize),
}

fn written() -> impl Strategy<Value = Written> {
    let scalar = prop_oneof![
        Just("1"),
        Just("plain text"),
        Just("'it''s'"),
        Just("\"a: b # c\""),
        Just("{a: [1,  2], b: {}}"),
        Just("[x,\n                                                  y]"),
        Just("${{ steps.a.output }}"),
        Just("[]"),
    ]
    .prop_map(|text| Written::Scalar(text.to_owned()));
    let text = (prop::collection::vec("[a-z]{0,5}(  x)?", 1..4), 1..5_usize)
        .prop_map(|(lines, deeper)| Written::Text(lines, deeper));
    let leaf = prop_oneof![4 => scalar, 1 => text];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 1..4), 0..4_usize)
                .prop_map(|(items, deeper)| Written::List(items, deeper)),
            (prop::collection::vec(inner, 1..4), 1..5_usize)
                .prop_map(|(items, deeper)| Written::Map(items, deeper)),
        ]
    })
}

/// Writes the value after a key or a dash whose content stands at a column.
fn write(out: &mut String, value: &Written, column: usize) {
    match value {
        Written::Scalar(text) => {
            let _ = writeln!(out, "  {text}   ");
        }
        Written::Text(lines, deeper) => {
            out.push_str(" |\n");
            let column = column + deeper;
            let _ = writeln!(out, "{:column$}first", "");
            for line in lines {
                let _ = writeln!(out, "{:column$}{line}", "");
            }
        }
        Written::List(items, deeper) => {
            out.push('\n');
            let column = column + deeper + 1;
            for (number, item) in items.iter().enumerate() {
                if number == 1 {
                    let _ = writeln!(out, "\n\n{:column$}# a comment", "");
                }
                let _ = write!(out, "{:column$}- ", "");
                match item {
                    Written::Map(items, _) => {
                        map(out, items, column + 2, true);
                    }
                    other => write(out, other, column),
                }
            }
        }
        Written::Map(items, deeper) => {
            out.push('\n');
            map(out, items, column + deeper, false);
        }
    }
}

fn map(out: &mut String, items: &[Written], column: usize, behind_dash: bool) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 || !behind_dash {
            let _ = write!(out, "{:column$}", "");
        }
        let _ = write!(out, "k{number}: ");
        write(out, item, column);
    }
}

proptest! {
    #[test]
    fn whatever_is_generated_settles_at_once_and_means_the_same(
        items in prop::collection::vec(written(), 1..4)
    ) {
        let mut text = String::new();
        map(&mut text, &items, 0, false);
        let (Some(before), _) = yaml::read(&text) else {
            return Err(TestCaseError::fail(format!("not YAML:\n{text}")));
        };
        let once = format(&text).unwrap();
        let (after, _) = yaml::read(&once);
        let after = after.unwrap();
        prop_assert_eq!(before.value(before.root()), after.value(after.root()), "{}", text);
        prop_assert_eq!(&format(&once).unwrap(), &once);
        prop_assert!(once.lines().all(|line| !line.ends_with("   ")), "{}", once);
    }
}
