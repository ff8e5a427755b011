//! Text forms shared by requests and answers: query pairs, path segments, times.

use chrono::{DateTime, SecondsFormat};

/// The pairs of a query string or a form; `+` is a space.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        })
        .collect()
}

/// A text as part of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'$' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A path segment without its percent-encoding.
pub(crate) fn segment(text: &str) -> String {
    decode(text, false)
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' if plus_is_space => bytes.push(b' '),
            b'%' => match after {
                [high, low, tail @ ..] if digit(*high).is_some() && digit(*low).is_some() => {
                    let byte = digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0);
                    bytes.push(byte);
                    rest = tail;
                }
                _ => bytes.push(b'%'),
            },
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// An instant as the vendor prints it: seven digits of a second.
pub(crate) fn vendor_time(ms: i64) -> String {
    let text = DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, false);
    // `2021-01-26T20:33:57.722+00:00`: the offset is always UTC.
    format!("{}0000Z", text.trim_end_matches("+00:00"))
}

/// The milliseconds of an RFC 3339 text, or of a date alone.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")))
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")))
        .ok()
        .map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_string_is_decoded_once() {
        let got = pairs("$filter=a+eq+%27x%2541%27&flag&b=%zz%4");
        let want = [("$filter", "a eq 'x%41'"), ("flag", ""), ("b", "%zz%4")];
        assert_eq!(
            got,
            want.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_time_survives_its_text() {
        let ms = 1_611_693_237_722;
        assert_eq!(vendor_time(ms), "2021-01-26T20:33:57.7220000Z");
        assert_eq!(parse_time(&vendor_time(ms)), Some(ms));
        assert_eq!(parse_time("2021-01-26"), Some(1_611_619_200_000));
    }
}
