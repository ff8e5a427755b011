//! Plain values that other YAML readers take for another type.

/// What other readers take a plain value for, if they disagree with ours.
pub(super) fn misread_as(text: &str) -> Option<&'static str> {
    if text.len() > 64 {
        return None;
    }
    if is_old_boolean(text) {
        return Some("a boolean");
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_octal(digits) {
        Some("an octal number")
    } else if is_grouped(digits) {
        Some("a number")
    } else if is_sexagesimal(digits) {
        Some("a number in base 60")
    } else if is_date(digits) {
        Some("a date")
    } else if is_bare_exponent(digits) {
        Some("text")
    } else {
        None
    }
}

/// `yes`, `NO`, `On`: booleans of YAML 1.1.
fn is_old_boolean(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];
    WORDS.iter().any(|word| {
        let mut capital = word.to_string();
        capital[..1].make_ascii_uppercase();
        text == *word || text == capital || text == word.to_ascii_uppercase()
    })
}

/// `012`, `0o17`, `0b11`.
fn is_octal(digits: &str) -> bool {
    match digits.strip_prefix('0') {
        Some("") | None => false,
        Some(rest) => {
            let radix = rest.strip_prefix(['o', 'b']).unwrap_or(rest);
            !radix.is_empty() && radix.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        }
    }
}

/// `1_000`.
fn is_grouped(digits: &str) -> bool {
    digits.contains('_')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b"_.".contains(&b))
}

/// `12:30:45`, `1:30`.
fn is_sexagesimal(digits: &str) -> bool {
    let whole = digits.split('.').next().unwrap_or_default();
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let sixtieth = |part: &&str| {
        number(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|value| value < 60)
    };
    number(first) && !rest.is_empty() && rest.iter().all(sixtieth)
}

/// `2026-10-24`; a full RFC 3339 time is meant as a time by everybody.
fn is_date(digits: &str) -> bool {
    let parts: Vec<&str> = digits.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    matches!(lengths.as_slice(), [4, 1 | 2, 1 | 2])
        && parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

/// `1e3`, a number here, needs a dot elsewhere.
fn is_bare_exponent(digits: &str) -> bool {
    let Some((mantissa, exponent)) = digits.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !exponent.is_empty()
        && exponent.bytes().all(|b| b.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::misread_as;

    #[test]
    fn values_other_readers_take_for_another_type_are_known() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "012",
            "0o17",
            "0b11",
            "1_000",
            "12:30:45",
            "-1:30",
            "2026-10-24",
            "1e3",
            "+08",
        ] {
            assert!(misread_as(text).is_some(), "{text}");
        }
    }

    #[test]
    fn values_everybody_reads_alike_are_left_alone() {
        for text in [
            "",
            "0",
            "12",
            "1.5",
            "true",
            "null",
            "yEs",
            "noon",
            "0x1F",
            "24h",
            "1h30m",
            "2026-10-24T12:00:00Z",
            "10.0.0.0",
            "T1059",
            "12:99",
            "ü",
            "1e3x",
            "é1",
        ] {
            assert_eq!(misread_as(text), None, "{text}");
        }
    }
}
