use std::sync::Arc;

use super::*;
use crate::path::{Field, Fields};
use crate::test::{Test, TestKind};

const NAMES: [&str; 5] = ["selection", "filter_a", "filter_b", "filter_c", "_hidden"];

fn selections() -> Selections {
    let mut fields = Fields::default();
    let field = fields.id(Field::Texts);
    let mut selections = Selections::default();
    for name in NAMES {
        let test = Test {
            field,
            name: name.to_owned(),
            selection: None,
            wanted: String::new(),
            kind: TestKind::Null,
        };
        selections.add(name, Arc::new(Node::Test(Box::new(test))));
    }
    selections
}

fn shown(node: &Node) -> String {
    let list = |nodes: &[Node], between: &str| {
        let nodes: Vec<String> = nodes.iter().map(shown).collect();
        format!("({})", nodes.join(between))
    };
    match node {
        Node::All(nodes) => list(nodes, " & "),
        Node::Any(nodes) => list(nodes, " | "),
        Node::AtLeast(least, nodes) => format!("{least}{}", list(nodes, ", ")),
        Node::Not(node) => format!("!{}", shown(node)),
        Node::Selection(node) => shown(node),
        Node::Test(test) => test.name.clone(),
        Node::Members(_) => "members".to_owned(),
    }
}

fn check(text: &str, expected: &str) {
    let node = parse(text, &selections());
    assert_eq!(
        node.map(|node| shown(&node)),
        Ok(expected.to_owned()),
        "{text}"
    );
}

fn refused(text: &str) -> String {
    let wrong = parse(text, &selections()).unwrap_err();
    let help = wrong.help.map_or(String::new(), |help| format!("; {help}"));
    format!("{}{help}", wrong.message)
}

#[test]
fn not_binds_before_and_and_and_before_or() {
    check("selection", "selection");
    check(
        "selection or not filter_a and filter_b",
        "(selection | (!filter_a & filter_b))",
    );
    check(
        "(selection or filter_a) and not (filter_b or filter_c)",
        "((selection | filter_a) & !(filter_b | filter_c))",
    );
    check("not not selection", "!!selection");
    check("selection AND NOT filter_a", "(selection & !filter_a)");
}

#[test]
fn amounts_name_selections_by_pattern() {
    check("1 of filter_*", "(filter_a | filter_b | filter_c)");
    check("any of filter_*", "(filter_a | filter_b | filter_c)");
    check("2 of filter_*", "2(filter_a, filter_b, filter_c)");
    check("all of filter_*", "(filter_a & filter_b & filter_c)");
    check(
        "all of them",
        "(selection & filter_a & filter_b & filter_c)",
    );
    check("1 of sel*", "selection");
    check("1 of *_a", "filter_a");
    check("1 of f*_b", "filter_b");
    check(
        "1 of *",
        "(selection | filter_a | filter_b | filter_c | _hidden)",
    );
    check(
        "selection and not 1 of filter_*",
        "(selection & !(filter_a | filter_b | filter_c))",
    );
}

#[test]
fn a_condition_that_makes_no_sense_is_refused_with_advice() {
    let expected = [
        ("", "the condition is empty; name a selection: `selection`"),
        (
            "selektion",
            "no selection is called `selektion`; \
             a selection with a similar name exists: `selection`",
        ),
        (
            "1 of filters_x*",
            "no selection's name fits `filters_x*`; \
             a selection with a similar name exists: `filter_c`",
        ),
        (
            "filter_*",
            "`filter_*` names several selections; write `1 of filter_*` or `all of filter_*`",
        ),
        (
            "selection filter_a",
            "expected `and` or `or` before `filter_a`",
        ),
        ("(selection", "a parenthesis is not closed"),
        ("selection)", "`)` closes nothing"),
        (
            "selection and",
            "the condition ends too early; a name of a selection is missing",
        ),
        ("and selection", "`and` makes no sense here"),
        (
            "0 of filter_*",
            "`0 of` is no amount; write `1 of`, `2 of` … or `all of`",
        ),
        ("5 of filter_*", "`5 of filter_*` never holds: there are 3"),
        (
            "selection | count() > 5",
            "a condition on one alert counts nothing; \
             to count alerts write `accumulate` beside `match`",
        ),
    ];
    for (text, message) in expected {
        assert_eq!(refused(text), message, "{text}");
    }
}

#[test]
fn a_condition_of_any_size_is_read_or_refused_at_once() {
    let deep = format!("{}selection{}", "(".repeat(1000), ")".repeat(1000));
    assert!(refused(&deep).contains("at most 64 levels"));
    let nots = format!("{} selection", "not ".repeat(1000));
    assert!(refused(&nots).contains("at most 64 levels"));
    let long = format!("selection{}", " or selection".repeat(2000));
    assert!(refused(&long).contains("at most 16384 bytes"));
    let wide = format!("selection{}", " or 1 of *".repeat(1500));
    assert!(parse(&wide, &selections()).is_ok());
}

#[test]
fn the_selections_that_a_condition_uses_are_known() {
    let used = |text| {
        used(text, NAMES.iter().copied())
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(used("selection and not 1 of filter_*").len(), 4);
    assert_eq!(used("all of them").len(), 4);
    assert_eq!(used("filter_a or (filter_b)"), ["filter_a", "filter_b"]);
}
