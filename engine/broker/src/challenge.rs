//! What an API asks of the next token, read from the header of its 401.
//!
//! Only the claims are taken. Realm and authorization address of the same header come from whoever
//! answered the request; following them would carry credentials to a place of their choice.

use std::fmt;

use actions_contract::Response;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

/// No vendor's claims are nearly as long.
const CLAIMS_BYTES_MAX: usize = 8 * 1024;
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The claims that an API wants in the next token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    claims: Map<String, Value>,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").finish_non_exhaustive()
    }
}

impl Challenge {
    /// The challenge in an answer, if there is one that can be read.
    pub(crate) fn of(response: &Response) -> Option<Self> {
        let headers = response.headers.iter();
        headers
            .filter(|(name, _)| name == "www-authenticate")
            .flat_map(|(_, value)| challenges(value))
            .find_map(|challenge| challenge.read())
    }

    /// The `claims` of a request for a token: what is challenged, and always that we understand
    /// challenges, without which none would be made.
    pub(crate) fn text(challenge: Option<&Self>) -> String {
        let mut claims = challenge.map_or_else(Map::new, |challenge| challenge.claims.clone());
        let ours = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } });
        if let Value::Object(ours) = ours {
            merge(&mut claims, ours);
        }
        Value::Object(claims).to_string()
    }
}

/// Puts `more` into `claims`, deeply; what both have is taken from `more`.
fn merge(claims: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (claims.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (_, value) => {
                claims.insert(name, value);
            }
        }
    }
}

/// One challenge of a header: a scheme and its parameters.
#[derive(Debug, Default)]
struct Offer<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Offer<'_> {
    fn read(&self) -> Option<Challenge> {
        let value = |name: &str| {
            let mut all = self.parameters.iter();
            let found = all.find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let asks = self.scheme.eq_ignore_ascii_case("bearer")
            && value("error") == Some("insufficient_claims");
        let claims = value("claims").filter(|text| asks && text.len() <= CLAIMS_BYTES_MAX)?;
        let standard = claims.trim().replace('-', "+").replace('_', "/");
        let bytes = DECODER.decode(standard).ok()?;
        match serde_json::from_slice(&bytes).ok()? {
            Value::Object(claims) if !claims.is_empty() => Some(Challenge { claims }),
            _ => None,
        }
    }
}

/// The challenges in the value of a `WWW-Authenticate` header: schemes and their parameters in one
/// list, divided by the same commas.
fn challenges(value: &str) -> Vec<Offer<'_>> {
    let mut offers: Vec<Offer<'_>> = Vec::new();
    for item in items(value) {
        let first = item.split([' ', '\t', '=']).next().unwrap_or_default();
        let rest = item[first.len()..].trim_start();
        if rest.starts_with('=') {
            if let (Some(offer), Some((name, value))) = (offers.last_mut(), parameter(item)) {
                offer.parameters.push((name, value));
            }
        } else if !first.is_empty() {
            let parameters = parameter(rest).into_iter().collect();
            offers.push(Offer {
                scheme: first,
                parameters,
            });
        }
    }
    offers
}

/// The text between commas, where the commas are not in quotes.
fn items(value: &str) -> Vec<&str> {
    let (mut items, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                items.push(value[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    items.push(value[begin..].trim());
    items
}

/// A name and its value, out of its quotes.
fn parameter(item: &str) -> Option<(&str, String)> {
    let (name, value) = item.split_once('=')?;
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"') else {
        return Some((name.trim(), value.to_owned()));
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    Some((name.trim(), text))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    /// Holds the letters that the two alphabets write differently.
    const CLAIMS: &str =
        r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"},"x":"?>~"}}"#;

    fn read(headers: &[&str]) -> Option<String> {
        let name = || "www-authenticate".to_owned();
        let response = Response {
            status: 401,
            headers: headers.iter().map(|h| (name(), (*h).to_owned())).collect(),
            body: Vec::new(),
            retry_after: None,
        };
        Challenge::of(&response).map(|challenge| Value::Object(challenge.claims).to_string())
    }

    #[track_caller]
    fn check(header: &str, wanted: bool) {
        assert_eq!(
            read(&[header]).as_deref(),
            wanted.then_some(CLAIMS),
            "{header}"
        );
    }

    fn bearer(claims: &str) -> String {
        let elsewhere = r#"authorization_uri="https://login.example/a,b""#;
        let error = r#"error="insufficient_claims""#;
        format!(r#"Bearer realm="", {elsewhere}, {error}, claims="{claims}""#)
    }

    #[test]
    fn claims_are_read_in_every_alphabet_with_and_without_padding() {
        assert_ne!(STANDARD.encode(CLAIMS), URL_SAFE.encode(CLAIMS));
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            check(&bearer(&engine.encode(CLAIMS)), true);
        }
    }

    #[test]
    fn a_challenge_is_found_among_others_and_behind_quoted_commas() {
        let claims = STANDARD.encode(CLAIMS);
        let asks = format!(r#"error="insufficient_claims", claims="{claims}""#);
        check(&format!("Basic realm=\"a, b\", Bearer {asks}"), true);
        check(
            &format!("Negotiate, Bearer realm=\"say \\\"x, y\\\"\",{asks}"),
            true,
        );
        check(
            &format!("Negotiate oYG2==, bearer {asks}, Basic realm=x"),
            true,
        );
        check(
            &format!("Bearer error = insufficient_claims , claims = {claims}"),
            true,
        );
        check(
            &format!("Bearer error=\"invalid_token\", Bearer {asks}"),
            true,
        );
        assert!(read(&["Negotiate", &format!("Bearer {asks}")]).is_some());
    }

    #[test]
    fn what_is_no_challenge_is_passed_over() {
        let claims = STANDARD.encode(CLAIMS);
        check(
            &format!(r#"Basic error="insufficient_claims", claims="{claims}""#),
            false,
        );
        check(
            &format!(r#"Bearer error="invalid_token", claims="{claims}""#),
            false,
        );
        check(r#"Bearer error="insufficient_claims", claims="%%%""#, false);
        for no_claims in ["", "[]", "{}", "{", "3"] {
            check(&bearer(&STANDARD.encode(no_claims)), false);
        }
        check(&bearer(&"A".repeat(CLAIMS_BYTES_MAX + 1)), false);
        for header in [
            "",
            ",",
            "=",
            "\"",
            "Bearer",
            "Bearer claims=\"",
            "Bearer \\",
        ] {
            check(header, false);
        }
    }

    #[test]
    fn what_is_challenged_is_asked_for_together_with_our_ability() {
        assert_eq!(
            Challenge::text(None),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
        );
        let claims = json!({
            "access_token": { "nbf": { "essential": true }, "xms_cc": { "essential": true } },
            "id_token": { "acr": null },
        });
        let Value::Object(claims) = claims else {
            unreachable!("it is written as an object above")
        };
        let wanted = json!({
            "access_token": {
                "nbf": { "essential": true },
                "xms_cc": { "essential": true, "values": ["cp1"] },
            },
            "id_token": { "acr": null },
        });
        assert_eq!(
            Challenge::text(Some(&Challenge { claims })),
            wanted.to_string()
        );
    }

    proptest! {
        #[test]
        fn no_header_upsets_the_reader(header in "[a-zA-Z =,\"\\\\é]{0,80}") {
            let _ = read(&[&header, &format!("Bearer {header}")]);
        }
    }
}
