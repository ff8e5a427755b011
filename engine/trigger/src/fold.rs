//! Text without case.

use std::borrow::Cow;

/// `text` in lower case, character by character.
///
/// Unlike `str::to_lowercase` a character becomes the same wherever it stands, so a part of a text
/// folds to a part of the folded text. The long s and the final sigma fold to their plain
/// forms, as case-insensitive regular expressions have it.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        Cow::Borrowed(text)
    } else if text.is_ascii() {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Owned(text.chars().flat_map(fold_char).collect())
    }
}

/// One character in lower case, which may be several.
pub(crate) fn fold_char(character: char) -> impl Iterator<Item = char> {
    match character {
        'ſ' => 's',
        'ς' => 'σ',
        other => other,
    }
    .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_beyond_ascii_lose_their_case_too() {
        assert_eq!(fold("MÜLLER ΟΔΟΣ"), "müller οδοσ");
        assert!(matches!(fold("plain-09"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn a_part_folds_to_a_part(head in "\\PC{0,6}", tail in "\\PC{0,6}") {
            let whole = format!("{head}{tail}");
            prop_assert_eq!(fold(&whole), format!("{}{}", fold(&head), fold(&tail)));
        }
    }
}
