//! The snippets of the documentation.

use engine_model::code;

use crate::place::{lint, plan_with};

const PAGE: &str = include_str!("../../../../docs/triggers.md");
const RULE: &str = "title: x\ndetection:\n  a: {CommandLine|contains: x}\n  condition: a\n";

/// The YAML snippets that begin with this key, what is below it.
fn snippets(key: &str) -> Vec<String> {
    let blocks = PAGE.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let inner = blocks.filter_map(|block| block.strip_prefix(&format!("{key}:\n")));
    inner
        .map(|block| {
            block
                .lines()
                .map(|line| format!("{}\n", &line[2.min(line.len())..]))
                .collect()
        })
        .collect()
}

#[test]
fn every_match_of_the_page_is_without_a_problem() {
    let matches = snippets("match");
    assert!(matches.len() >= 4);
    for written in matches {
        let rules = [("rules/encoded-powershell.yml", RULE)];
        assert_eq!(lint(&written, &rules), "", "{written}");
    }
}

#[test]
fn the_trigger_and_the_examples_of_the_page_go_together() {
    let trigger = &snippets("triggers")[0];
    let examples = &snippets("examples")[0];
    let indented =
        |text: &str| -> String { text.lines().map(|line| format!("      {line}\n")).collect() };
    let text = format!(
        "version: 1\nname: page\ntriggers:\n{}    examples:\n{}steps:\n  - id: end\n    stop: \
         {{status: succeeded}}\n",
        trigger
            .lines()
            .map(|line| format!("  {line}\n"))
            .collect::<String>(),
        indented(examples),
    );
    let plan = crate::place::compile(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    let problems = engine_trigger::check(&plan);
    let problems = problems
        .iter()
        .filter(|problem| problem.code != code::PB0803);
    let said: Vec<String> = problems.map(ToString::to_string).collect();
    assert_eq!(said.join("\n"), "");
}

#[test]
fn the_values_and_modifiers_of_the_tables_can_be_written() {
    let rows = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| {
            let code = row.replace("\\|", "\u{0}");
            let code = code.split('`').next()?.replace('\u{0}', "|");
            code.contains(": ").then_some(code)
        });
    let rows: Vec<String> = rows.collect();
    assert!(rows.len() >= 9, "{rows:?}");
    for row in rows {
        assert!(plan_with(&row, &[]).is_ok(), "{row}");
    }
}
