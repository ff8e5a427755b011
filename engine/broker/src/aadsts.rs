//! The numbers that the vendor gives with its refusals, as a table in data: `aadsts.csv`.
//!
//! The vendor renumbers, so a number only decides between the meanings of one word of the protocol,
//! and adds a hint. What is not in the table is understood by its word.

use std::sync::LazyLock;

use crate::error::AuthKind;

static TABLE: &str = include_str!("aadsts.csv");

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| TABLE.lines().filter_map(parse).collect());

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u32,
    /// What it means where the word of the protocol means several things.
    pub(crate) kind: AuthKind,
    /// What helps, for people; empty where the kind says it all.
    hint: &'static str,
}

/// What a number means.
pub(crate) fn kind(number: u32) -> Option<AuthKind> {
    find(number).map(|row| row.kind)
}

/// What helps with a number.
pub(crate) fn hint(number: u32) -> Option<&'static str> {
    let row = find(number).filter(|row| !row.hint.is_empty());
    row.map(|row| row.hint)
}

/// The table, by number.
pub(crate) fn rows() -> &'static [Row] {
    &ROWS
}

fn find(number: u32) -> Option<&'static Row> {
    let found = rows().binary_search_by_key(&number, |row| row.number);
    found.ok().map(|place| &rows()[place])
}

/// A line of the table; none for its head.
fn parse(line: &'static str) -> Option<Row> {
    let mut fields = line.splitn(3, ',');
    Some(Row {
        number: fields.next()?.parse().ok()?,
        kind: named(fields.next()?)?,
        hint: fields.next()?,
    })
}

fn named(word: &str) -> Option<AuthKind> {
    Some(match word {
        "server" => AuthKind::Server,
        "throttled" => AuthKind::Throttled,
        "credential" => AuthKind::Credential,
        "clock" => AuthKind::Clock,
        "federation" => AuthKind::Federation,
        "configuration" => AuthKind::Configuration,
        "consent" => AuthKind::Consent,
        "interaction" => AuthKind::Interaction,
        "policy" => AuthKind::Policy,
        "locked" => AuthKind::Locked,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_no_number_stands_twice() {
        assert_eq!(rows().len(), TABLE.lines().count() - 1);
        assert!(rows().is_sorted_by(|one, next| one.number < next.number));
        assert!(rows().len() > 100);
    }

    #[test]
    fn a_hint_is_one_clause_that_follows_a_semicolon() {
        for row in rows().iter().filter(|row| !row.hint.is_empty()) {
            let hint = row.hint;
            assert!(hint.len() <= 80 && !hint.ends_with('.'), "{hint}");
            assert!(hint.starts_with(|c: char| c.is_lowercase()), "{hint}");
        }
        assert_eq!(hint(1), None);
        assert_eq!(kind(1), None);
    }
}
