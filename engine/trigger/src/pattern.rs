//! Text patterns: `*` for any text, `?` for any character, `\` before either for itself.

use memchr::memmem::Finder;

use crate::fold::fold;

/// The characters that Windows programs take for the dash of an option.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// The most wildcards of one value.
pub(crate) const WILDCARDS_MAX: usize = 32;
/// The longest value with wildcards for one character, which may have to be tried at every
/// character of a text.
pub(crate) const SINGLES_BYTES_MAX: usize = 512;

/// One part of a pattern as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// Any text, also none.
    Any,
    /// Exactly one character.
    One,
    /// One of the dashes.
    Dash,
}

/// A compiled pattern, with a short cut for the frequent shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Equal(Box<str>),
    Start(Box<str>),
    End(Box<str>),
    Inside(Box<str>),
    Parts(Vec<Part>),
}

/// Reads the wildcards of a text. A backslash escapes `*`, `?` and itself, and is an ordinary
/// character before anything else.
pub(crate) fn read(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let wildcard = match character {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => {
                let escaped = characters.next_if(|next| matches!(next, '*' | '?' | '\\'));
                literal.push(escaped.unwrap_or('\\'));
                continue;
            }
            other => {
                literal.push(other);
                continue;
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(wildcard);
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}

/// Replaces each dash that begins an option (`-enc`, `/enc`) by any of the dashes.
pub(crate) fn any_dash(parts: Vec<Part>) -> Vec<Part> {
    let mut result = Vec::new();
    for part in parts {
        let Part::Text(text) = part else {
            result.push(part);
            continue;
        };
        let mut literal = String::new();
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let begins = matches!(character, '-' | '/')
                && !before.is_some_and(is_word)
                && characters.peek().copied().is_some_and(is_word);
            before = Some(character);
            if !begins {
                literal.push(character);
                continue;
            }
            if !literal.is_empty() {
                result.push(Part::Text(std::mem::take(&mut literal)));
            }
            result.push(Part::Dash);
        }
        if !literal.is_empty() {
            result.push(Part::Text(literal));
        }
    }
    result
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl Pattern {
    /// Compiles parts; without `cased` the text they are held against has to be folded as well.
    pub(crate) fn new(parts: Vec<Part>, cased: bool) -> Self {
        let mut merged: Vec<Part> = Vec::new();
        for part in parts {
            let part = match part {
                Part::Text(text) if !cased => Part::Text(fold(&text).into_owned()),
                other => other,
            };
            if !(part == Part::Any && merged.last() == Some(&Part::Any)) {
                merged.push(part);
            }
        }
        match merged.as_slice() {
            [] => Self::Equal("".into()),
            [Part::Text(text)] => Self::Equal(text.as_str().into()),
            [Part::Text(text), Part::Any] => Self::Start(text.as_str().into()),
            [Part::Any, Part::Text(text)] => Self::End(text.as_str().into()),
            [Part::Any, Part::Text(text), Part::Any] => Self::Inside(text.as_str().into()),
            _ => Self::Parts(merged),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equal(literal) => *text == **literal,
            Self::Start(literal) => text.starts_with(&**literal),
            Self::End(literal) => text.ends_with(&**literal),
            Self::Inside(literal) => text.contains(&**literal),
            Self::Parts(parts) => parts_match(parts, text),
        }
    }

    /// The texts of which every match holds each one.
    pub(crate) fn literals(&self) -> Vec<&str> {
        match self {
            Self::Equal(text) | Self::Start(text) | Self::End(text) | Self::Inside(text) => {
                vec![text]
            }
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Text(text) => Some(text.as_str()),
                    Part::Any | Part::One | Part::Dash => None,
                })
                .collect(),
        }
    }
}

/// Matches by going back to the last `*` only: whatever an earlier one swallowed more would not
/// help. Where a text follows the `*`, places without it are passed over in one search, so that
/// only wildcards behind it cost time again, and there are at most [`WILDCARDS_MAX`] of them.
fn parts_match(parts: &[Part], text: &str) -> bool {
    let (mut at, mut rest) = (0, text);
    let mut star: Option<Star<'_, '_>> = None;
    loop {
        match parts.get(at) {
            None if rest.is_empty() => return true,
            Some(Part::Any) => {
                let begun = Star::new(parts, at + 1);
                let Some(next) = begun.next_place(rest) else {
                    return false;
                };
                at += 1;
                rest = next;
                star = Some(Star { rest, ..begun });
                continue;
            }
            Some(part) => {
                if let Some(after) = take(part, rest) {
                    rest = after;
                    at += 1;
                    continue;
                }
            }
            None => {}
        }
        let Some(last) = &mut star else {
            return false;
        };
        let mut characters = last.rest.chars();
        if characters.next().is_none() {
            return false;
        }
        let Some(next) = last.next_place(characters.as_str()) else {
            return false;
        };
        last.rest = next;
        (at, rest) = (last.after, next);
    }
}

/// A `*`, and where it was last tried to end.
struct Star<'p, 't> {
    /// The part behind it.
    after: usize,
    /// What was left there.
    rest: &'t str,
    /// Looks for the text behind it; made once, since that takes as long as the text.
    finder: Option<Finder<'p>>,
}

impl<'p, 't> Star<'p, 't> {
    fn new(parts: &'p [Part], after: usize) -> Self {
        let finder = match parts.get(after) {
            Some(Part::Text(literal)) => Some(Finder::new(literal.as_bytes())),
            _ => None,
        };
        Self {
            after,
            rest: "",
            finder,
        }
    }

    /// The rest from the first place on where what follows may begin.
    fn next_place(&self, rest: &'t str) -> Option<&'t str> {
        match &self.finder {
            // The frequent case of texts that repeat themselves.
            Some(finder) if rest.as_bytes().starts_with(finder.needle()) => Some(rest),
            Some(finder) => finder
                .find(rest.as_bytes())
                .and_then(|found| rest.get(found..)),
            None => Some(rest),
        }
    }
}

fn take<'t>(part: &Part, text: &'t str) -> Option<&'t str> {
    match part {
        Part::Text(literal) => text.strip_prefix(literal.as_str()),
        Part::One => text.strip_prefix(|_| true),
        Part::Dash => text.strip_prefix(DASHES),
        Part::Any => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, text: &str) -> bool {
        Pattern::new(read(pattern), false).matches(&fold(text))
    }

    #[test]
    fn wildcards_stand_for_any_text_and_any_character() {
        assert!(check(r"*\Temp\\?.exe", r"C:\TEMP\a.exe"));
        assert!(!check(r"*\Temp\\?.exe", r"C:\Temp\ab.exe"));
        assert!(check("a*b*c", "aXbYbZc"));
        assert!(!check("a*b*c", "aXcYb"));
        assert!(check("?", "ü"));
        assert!(check("", "") && !check("", "x") && check("*", ""));
    }

    #[test]
    fn a_backslash_escapes_wildcards_and_itself_and_nothing_else() {
        assert!(check(r"100\*", "100*") && !check(r"100\*", "1000"));
        assert!(check(r"\\*", r"\anything") && !check(r"\\*", "*"));
        assert!(check(r"\\\*", r"\*"));
        assert!(check(r"C:\Windows\x", r"C:\Windows\x"));
        assert!(check(r"\\server\share", r"\server\share"));
        assert!(check(r"end\", r"end\"));
    }

    #[test]
    fn a_dash_before_an_option_may_be_any_dash() {
        let pattern = Pattern::new(any_dash(read("*cmd -enc well-known*")), false);
        for text in [
            "cmd -enc well-known",
            "cmd /enc well-known",
            "cmd –enc well-known x",
        ] {
            assert!(pattern.matches(text), "{text}");
        }
        assert!(!pattern.matches("cmd -enc well/known"));
    }

    #[test]
    fn the_frequent_shapes_take_the_short_cut() {
        assert_eq!(Pattern::new(read("Ab"), false), Pattern::Equal("ab".into()));
        assert_eq!(Pattern::new(read("Ab"), true), Pattern::Equal("Ab".into()));
        assert_eq!(Pattern::new(read("**a"), false), Pattern::End("a".into()));
        assert_eq!(
            Pattern::new(read("*a**"), false),
            Pattern::Inside("a".into())
        );
    }

    /// The definition, without any cleverness.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                slow(rest, text) || text.split_first().is_some_and(|(_, t)| slow(pattern, t))
            }
            (Some(('?', rest)), Some((_, text))) => slow(rest, text),
            (Some((p, rest)), Some((t, text))) => p == t && slow(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(
            pattern in "[ab*?]{0,8}", text in "[abc]{0,10}",
        ) {
            let expected = slow(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(check(&pattern, &text), expected);
        }
    }
}
