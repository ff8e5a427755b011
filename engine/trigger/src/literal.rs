//! Literals that every match of a regular expression holds.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::fold::{fold, fold_char};

/// More alternatives than this are worth less than they cost.
const ALTERNATIVES_MAX: usize = 64;
/// The widest class that is looked at for letters differing only in case.
const CASES_MAX: usize = 4;

/// Lists of texts without case; of each list at least one text is part of every match.
pub(crate) fn required(hir: &Hir) -> Vec<Vec<String>> {
    let mut lists = Lists::default();
    lists.add(hir);
    lists.close();
    lists.done
}

/// What has been found so far, and the literal that is still growing.
#[derive(Default)]
struct Lists {
    done: Vec<Vec<String>>,
    open: String,
}

impl Lists {
    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => self.open.push_str(&fold(text)),
                Err(_) => self.close(),
            },
            HirKind::Class(class) => match one_letter(class) {
                Some(letter) => self.open.push(letter),
                None => self.close(),
            },
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part)),
            HirKind::Repetition(repetition) => {
                self.close();
                if repetition.min > 0 {
                    self.add(&repetition.sub);
                    self.close();
                }
            }
            HirKind::Alternation(branches) => {
                self.close();
                self.done.extend(alternatives(branches));
            }
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(vec![std::mem::take(&mut self.open)]);
        }
    }
}

/// The longest literal list of each branch, if every branch has one.
fn alternatives(branches: &[Hir]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for branch in branches {
        let shortest = |list: &Vec<String>| list.iter().map(String::len).min();
        texts.extend(required(branch).into_iter().max_by_key(shortest)?);
    }
    (texts.len() <= ALTERNATIVES_MAX).then_some(texts)
}

/// The letter that all members of a class are, apart from case.
fn one_letter(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else {
        return None;
    };
    if class
        .iter()
        .map(regex_syntax::hir::ClassUnicodeRange::len)
        .sum::<usize>()
        > CASES_MAX
    {
        return None;
    }
    let mut letters = class
        .iter()
        .flat_map(|range| range.start()..=range.end())
        .map(|letter| {
            let mut folded = fold_char(letter);
            folded.next().filter(|_| folded.next().is_none())
        });
    let first = letters.next()??;
    letters.all(|letter| letter == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, expected: &[&[&str]]) {
        let hir = regex_syntax::parse(pattern).unwrap();
        assert_eq!(required(&hir), expected, "{pattern}");
    }

    #[test]
    fn literals_are_found_wherever_they_are_required() {
        check("(?i)powershell.*-Enc", &[&["powershell"], &["-enc"]]);
        check(
            "^C:\\\\Users\\\\[a-z]+\\.exe$",
            &[&["c:\\users\\"], &[".exe"]],
        );
        check("(?:mimi|kiwi)katz", &[&["mimi", "kiwi"], &["katz"]]);
        check("a(?:bc)+d?", &[&["a"], &["bc"]]);
    }

    #[test]
    fn what_may_be_missing_is_not_required() {
        check("(?:abc)?|x", &[]);
        check("[a-z]+", &[]);
        check("abc|.*", &[]);
    }

    proptest! {
        #[test]
        fn every_match_holds_one_text_of_each_list(
            pattern in "(?:\\(\\?i\\))?(?:[abkKsS]{1,3}|\\((?:a|bk)\\|s\\)|\\.|[ab]\\*|k\\+){1,5}",
            text in "[abkKsSſK]{0,12}",
        ) {
            let Ok(regex) = regex::Regex::new(&pattern) else { return Ok(()) };
            let hir = regex_syntax::parse(&pattern).unwrap();
            if let Some(found) = regex.find(&text) {
                let found = fold(found.as_str()).into_owned();
                for list in required(&hir) {
                    prop_assert!(list.iter().any(|l| found.contains(l.as_str())), "{list:?}");
                }
            }
        }
    }
}
