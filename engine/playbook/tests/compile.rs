//! Every mistake in words, with the caret under its place.

mod doubles;

use engine_playbook::compile;
use engine_playbook::render::{Colour, Source, human};
use expect_test::{ExpectFile, expect_file};

/// Compiles `text` and compares what a person would read.
#[track_caller]
fn check(text: &str, expected: ExpectFile) {
    let compiled = compile(text, &doubles::actions());
    let source = Source {
        file: "playbook.yaml",
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

/// The fixture of this name, and what is said about it.
macro_rules! fixture {
    ($name:literal) => {
        check(
            include_str!(concat!("fixtures/", $name, ".yaml")),
            expect_file![concat!("fixtures/", $name, ".txt")],
        )
    };
}

#[test]
fn a_playbook_that_uses_everything_is_a_plan() {
    fixture!("contain");
}

#[test]
fn a_line_that_is_indented_badly_is_pointed_at() {
    fixture!("mistakes/bad-indent");
}

#[test]
fn an_unknown_key_is_named_with_the_key_that_was_meant() {
    fixture!("mistakes/unknown-key");
}

#[test]
fn a_word_where_a_number_belongs_is_pointed_at() {
    fixture!("mistakes/wrong-type");
}

#[test]
fn a_step_without_its_action_is_pointed_at() {
    fixture!("mistakes/missing-uses");
}

#[test]
fn a_parameter_written_twice_is_found_at_the_second_place() {
    fixture!("mistakes/duplicate-free-key");
}

#[test]
fn a_key_of_a_step_written_twice_is_found_at_the_second_place() {
    fixture!("mistakes/duplicate-key");
}

#[test]
fn braces_without_a_dollar_are_explained() {
    fixture!("mistakes/unquoted-braces");
}

#[test]
fn a_step_that_does_not_exist_is_pointed_at_inside_its_expression() {
    fixture!("mistakes/unknown-step");
}

#[test]
fn every_mistake_is_in_one_list_in_the_order_of_the_file() {
    fixture!("problems/everything");
}

#[test]
fn steps_that_repeat_wait_and_ask_are_checked() {
    fixture!("problems/flow");
}

#[test]
fn safety_keys_of_a_later_version_are_never_ignored() {
    fixture!("problems/later-safety");
}

#[test]
fn a_step_does_exactly_one_thing() {
    fixture!("problems/step-kinds");
}

#[test]
fn ids_are_unique_in_the_file_wherever_they_stand() {
    fixture!("problems/ids");
}

#[test]
fn a_step_is_used_only_where_it_surely_ran() {
    fixture!("problems/availability");
}

#[test]
fn an_error_is_known_only_where_it_is_handled() {
    fixture!("problems/errors");
}

#[test]
fn after_a_stop_the_outputs_cannot_count_on_later_steps() {
    fixture!("problems/after-stop");
}

#[test]
fn parameters_are_checked_against_the_action() {
    fixture!("problems/parameters");
}

#[test]
fn secrets_stand_alone_and_only_where_they_are_asked_for() {
    fixture!("problems/secrets");
}

#[test]
fn a_query_keeps_its_values_apart_from_its_text() {
    fixture!("problems/queries");
}

#[test]
fn an_action_is_known_by_name_and_version() {
    fixture!("problems/actions");
}

#[test]
fn triggers_and_inputs_fit_each_other() {
    fixture!("problems/triggers");
}

#[test]
fn a_playbook_with_warnings_still_is_a_plan() {
    fixture!("problems/warnings");
}

#[test]
fn carets_stand_right_behind_wide_letters_and_windows_line_ends() {
    fixture!("problems/wide");
    let windows = include_str!("fixtures/problems/wide.yaml").replace('\n', "\r\n");
    check(&windows, expect_file!["fixtures/problems/wide.txt"]);
}

#[test]
fn an_expression_in_a_flow_map_needs_quotes() {
    fixture!("problems/flow-quotes");
}

#[test]
fn a_value_that_forgot_its_quotes_is_explained() {
    fixture!("problems/unquoted-colon");
    fixture!("problems/unquoted-star");
}

#[test]
fn a_tab_in_the_indentation_is_explained() {
    fixture!("problems/unquoted-tab");
}
