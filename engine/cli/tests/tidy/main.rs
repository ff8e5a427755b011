//! The house rules that a machine can check, so that no review has to.
//!
//! Each test is one rule: it collects every breach with its place, leaves out what
//! `exceptions.rs` grants, and fails with the list.
#![expect(
    clippy::disallowed_methods,
    reason = "the test reads the tree and asks cargo and git about it"
)]

mod arrows;
mod exceptions;
mod finding;
mod markdown;
mod pages;
mod purity;
mod rooms;
mod rust_file;
mod sizes;
mod test_names;
mod tree;
mod words;

use finding::report;

#[test]
fn every_arrow_points_to_a_lower_layer() {
    report("arrows", arrows::upward());
}

#[test]
fn every_package_states_its_layer_its_lints_and_its_path_as_its_name() {
    report("manifests", arrows::manifests());
}

#[test]
fn cargo_features_are_two_at_most_and_on_the_binary_only() {
    report("features", arrows::features());
}

#[test]
fn a_third_party_crate_is_named_only_in_its_room() {
    report("rooms", rooms::strangers());
}

#[test]
fn only_the_broker_opens_outbound_connections() {
    report("outbound", rooms::outbound());
}

#[test]
fn maps_are_written_in_sorted_order_whatever_crate_is_linked() {
    let written = serde_json::from_str::<serde_json::Value>(r#"{"b":1,"a":2}"#)
        .expect("the text is JSON")
        .to_string();
    assert_eq!(
        written, r#"{"a":2,"b":1}"#,
        "a crate enables serde_json's `preserve_order`, which makes digests and replays depend \
         on the order of arrival; find it with `cargo tree --workspace -e features -i serde_json`"
    );
}

#[test]
fn pure_crates_never_ask_for_the_banned_calls() {
    report("purity", purity::banned_calls());
}

#[test]
fn no_lint_is_switched_off_with_allow() {
    report("allow", purity::allows());
}

#[test]
fn there_is_no_unsafe_code() {
    report("unsafe", purity::unsafe_code());
}

#[test]
fn a_file_has_four_hundred_lines_at_most_without_tests() {
    report("file-length", sizes::long_files());
}

#[test]
fn a_line_has_a_hundred_columns_at_most() {
    report("line-length", sizes::long_lines());
}

#[test]
fn names_of_files_modules_and_types_say_what_they_hold() {
    report("words", words::empty_names());
}

#[test]
fn no_registry_host_or_machine_path_is_written_down() {
    report("places", words::foreign_places());
}

#[test]
fn the_name_of_a_test_is_a_sentence() {
    report("test-names", test_names::short_names());
}

#[test]
fn an_ignored_test_says_why_and_its_name_says_which_stage_runs_it() {
    report("ignored", test_names::ignored());
}

#[test]
fn every_code_has_a_page_that_helps_and_every_page_a_code() {
    report("error-pages", pages::errors());
}

#[test]
fn the_readme_shows_two_commands() {
    report("readme", pages::readme());
}

#[test]
fn every_relative_link_leads_to_a_file() {
    report("links", pages::links());
}

#[test]
fn every_command_in_the_documentation_exists() {
    report("commands", pages::commands());
}

#[test]
fn every_action_in_the_documentation_exists() {
    report("actions", pages::actions());
}

#[test]
fn the_architecture_names_every_crate_and_tests_that_exist() {
    report("architecture", pages::architecture());
}
