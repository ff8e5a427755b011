//! How long a service asks to wait: a header in two forms, or words and fields of the body.

use engine_model::Millis;
use serde_json::Value;

/// The longest wait that is taken at its word.
const WAIT_MAX_S: f64 = 3600.0;
/// The wait after a 429 that says nothing.
const WAIT_DEFAULT: Millis = Millis::from_secs(30);

/// Body fields that hold seconds, compared without case, `_` and `-`.
const SECONDS_FIELDS: [&str; 5] = [
    "retryafter",
    "retryafterseconds",
    "retryafterinseconds",
    "waitseconds",
    "secondstowait",
];

/// The wait that a response asks for: the header, else the body, else half a minute for a 429.
/// Other statuses ask for nothing.
pub(crate) fn wait(status: u16, header: Option<&str>, body: &[u8], now_ms: i64) -> Option<Millis> {
    if status != 429 && status != 503 {
        return None;
    }
    let default = (status == 429).then_some(WAIT_DEFAULT);
    header
        .and_then(|text| parse(text, now_ms))
        .or_else(|| in_body(body))
        .or(default)
}

/// The seconds of a header value; none where it is a date, which needs the time, or no wait.
fn seconds(text: &str) -> Option<Millis> {
    text.trim().parse::<f64>().ok().and_then(bounded)
}

/// A header value in either form: seconds, or an HTTP date.
pub(crate) fn parse(text: &str, now_ms: i64) -> Option<Millis> {
    seconds(text).or_else(|| {
        let at = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
        let wait_ms = u64::try_from(at.timestamp_millis().saturating_sub(now_ms)).unwrap_or(0);
        Some(Millis::from_ms(wait_ms.min(3_600_000)))
    })
}

/// The wait in a body: a field with seconds, or a sentence such as `try again in 12 seconds`.
fn in_body(body: &[u8]) -> Option<Millis> {
    // A longer body is no throttling notice.
    let body = std::str::from_utf8(body.get(..body.len().min(16 * 1024))?).ok()?;
    match serde_json::from_str::<Value>(body) {
        Ok(value) => in_value(&value, 0),
        Err(_) => in_words(body),
    }
}

fn in_value(value: &Value, depth: u8) -> Option<Millis> {
    if depth > 4 {
        return None;
    }
    match value {
        Value::Object(fields) => {
            let named = fields
                .iter()
                .find_map(|(name, value)| seconds_field(name, value));
            named.or_else(|| fields.values().find_map(|value| in_value(value, depth + 1)))
        }
        Value::Array(items) => items.iter().find_map(|item| in_value(item, depth + 1)),
        Value::String(text) => in_words(text),
        _ => None,
    }
}

fn seconds_field(name: &str, value: &Value) -> Option<Millis> {
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    if !SECONDS_FIELDS.contains(&name.as_str()) {
        return None;
    }
    match value {
        Value::Number(number) => number.as_f64().and_then(bounded),
        Value::String(text) => seconds(text),
        _ => None,
    }
}

/// `… in 12 seconds`, `… after 2 minutes`, `wait 500 ms`.
fn in_words(text: &str) -> Option<Millis> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || "\"'();:".contains(c))
        .map(|word| word.trim_matches([',', '.', '!']))
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(3).find_map(|three| {
        let cue = three[0].to_ascii_lowercase();
        if !["in", "after", "for", "wait", "within"].contains(&cue.as_str()) {
            return None;
        }
        let number: f64 = three[1].parse().ok()?;
        bounded(number * unit(&three[2].to_ascii_lowercase())?)
    })
}

fn unit(word: &str) -> Option<f64> {
    match word {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "ms" | "millisecond" | "milliseconds" => Some(0.001),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        _ => None,
    }
}

/// Seconds as a wait, cut at an hour; a negative number or none at all is no wait.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and an hour in milliseconds"
)]
fn bounded(seconds: f64) -> Option<Millis> {
    (seconds.is_finite() && seconds >= 0.0)
        .then(|| Millis::from_ms((seconds.min(WAIT_MAX_S) * 1000.0) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-10-24T12:00:00Z.
    const NOW_MS: i64 = 1_792_843_200_000;

    #[track_caller]
    fn check(status: u16, header: Option<&str>, body: &str, wanted_ms: Option<u64>) {
        let found = wait(status, header, body.as_bytes(), NOW_MS);
        assert_eq!(
            found,
            wanted_ms.map(Millis::from_ms),
            "{status} {header:?} {body}"
        );
    }

    #[test]
    fn a_wait_is_read_in_every_form_a_service_uses() {
        check(429, Some("7"), "", Some(7_000));
        check(429, Some(" 1.5 "), "", Some(1_500));
        check(429, Some("0"), "", Some(0));
        check(503, Some("Sat, 24 Oct 2026 12:00:09 GMT"), "", Some(9_000));
        check(429, Some("Sat, 24 Oct 2026 11:00:00 GMT"), "", Some(0));
        check(
            429,
            None,
            r#"{"error":{"message":"Rate limit, try again in 12 seconds."}}"#,
            Some(12_000),
        );
        check(
            429,
            None,
            r#"{"error":{"message":"Please wait 2 minutes"}}"#,
            Some(120_000),
        );
        check(429, None, r#"{"retryAfterSeconds": 42}"#, Some(42_000));
        check(429, None, r#"{"error":{"retry_after":"8"}}"#, Some(8_000));
        check(503, None, "busy, retry after 500 ms", Some(500));
        check(429, Some("3"), r#"{"retryAfter": 42}"#, Some(3_000));
    }

    #[test]
    fn an_absurd_wait_is_cut_and_garbage_falls_back() {
        check(429, Some("999999"), "", Some(3_600_000));
        check(
            429,
            Some("Sat, 24 Oct 2099 12:00:09 GMT"),
            "",
            Some(3_600_000),
        );
        check(429, Some("-5"), "", Some(30_000));
        check(429, Some("soon"), "", Some(30_000));
        check(429, Some("NaN"), "", Some(30_000));
        check(429, Some("inf"), r#"{"retryAfter": 4}"#, Some(4_000));
        check(429, None, "<html>in many seconds</html>", Some(30_000));
        check(503, Some("soon"), "", None);
        check(503, None, "<html>down</html>", None);
        check(200, Some("7"), "", None);
        check(500, Some("7"), "", None);
    }
}
