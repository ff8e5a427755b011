//! Text as attackers encode it: wide characters and base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::modifier::{Modifier, Modifiers};

/// The bytes of `text` in the encoding that the modifiers ask for; UTF-8 without any.
pub(crate) fn bytes(text: &str, modifiers: &Modifiers) -> Vec<u8> {
    let little = || text.encode_utf16().flat_map(u16::to_le_bytes);
    if modifiers.has(Modifier::Utf16Le) {
        little().collect()
    } else if modifiers.has(Modifier::Utf16Be) {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    } else if modifiers.has(Modifier::Utf16) {
        [0xff, 0xfe].into_iter().chain(little()).collect()
    } else {
        text.as_bytes().to_vec()
    }
}

/// `bytes` in base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What of `bytes` shows in the base64 of a longer text, wherever in it they begin: three
/// encodings, each without the characters that depend on the neighbours.
pub(crate) fn offsets(bytes: &[u8]) -> Vec<String> {
    const HEAD: [usize; 3] = [0, 2, 3];
    const TAIL: [usize; 3] = [0, 3, 2];
    (0..3)
        .map(|offset| {
            let mut shifted = vec![b' '; offset];
            shifted.extend_from_slice(bytes);
            let encoded = base64(&shifted);
            let end = encoded.len().saturating_sub(TAIL[shifted.len() % 3]);
            encoded
                .get(HEAD[offset]..end)
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|encoded| !encoded.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_encodings_are_those_of_the_sigma_specification() {
        assert_eq!(
            offsets(b"/bin/bash"),
            ["L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"]
        );
    }

    proptest! {
        #[test]
        fn one_of_the_three_stands_in_every_text_that_holds_the_bytes(
            before in "[a-z]{0,9}", held in "[a-z]{3,9}", after in "[a-z]{0,9}",
        ) {
            let whole = base64(format!("{before}{held}{after}").as_bytes());
            prop_assert!(offsets(held.as_bytes()).iter().any(|part| whole.contains(part)));
        }
    }
}
