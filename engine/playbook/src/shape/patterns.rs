//! Regular expressions of schemas, each compiled once per file.

use std::collections::HashMap;

use regex::Regex;

/// The patterns met so far.
#[derive(Default)]
pub(crate) struct Patterns(HashMap<String, Option<Regex>>);

impl Patterns {
    /// Whether `text` surely does not match; a pattern this engine cannot read is left to the
    /// service.
    pub(super) fn refuses(&mut self, pattern: &str, text: &str) -> bool {
        if !self.0.contains_key(pattern) {
            self.0.insert(pattern.to_owned(), Regex::new(pattern).ok());
        }
        let regex = self.0.get(pattern).and_then(Option::as_ref);
        regex.is_some_and(|regex| !regex.is_match(text))
    }
}
