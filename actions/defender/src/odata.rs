//! OData: literals in filters, and links to next pages.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A text as an OData literal: in quotes, each quote inside doubled.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A body of the fields that are given: null stands for one that is not.
pub(crate) fn body<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Query pairs, not encoded.
pub(crate) type Pairs = Vec<(Cow<'static, str>, String)>;

/// Path and query of a link; the host is dropped, a link never chooses where we go.
pub(crate) fn path_and_query(link: &str) -> Option<(&str, &str)> {
    let after_host = match link.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => link,
    };
    let (path, query) = after_host.split_once('?').unwrap_or((after_host, ""));
    path.starts_with('/').then_some((path, query))
}

/// The pairs of a query.
pub(crate) fn pairs(query: &str) -> Pairs {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (Cow::Owned(decode(name)), decode(value))
        })
        .collect()
}

/// Whether two paths lead to the same place: the service minds neither letter case nor which
/// characters are encoded.
pub(crate) fn same_path(one: &str, other: &str) -> bool {
    decode(one).eq_ignore_ascii_case(&decode(other))
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_literal_stays_a_literal() {
        assert_eq!(text("d1' or id ne '"), "'d1'' or id ne '''");
    }

    #[test]
    fn a_link_gives_its_path_and_query_and_never_its_host() {
        let (path, query) = path_and_query(
            "https://evil.example/api/alerts?$filter=status+eq+%27New%27&$skip=100&%24top=5",
        )
        .unwrap();
        assert_eq!(path, "/api/alerts");
        let query = pairs(query);
        let query: Vec<_> = query
            .iter()
            .map(|(n, v)| (n.as_ref(), v.as_str()))
            .collect();
        assert_eq!(
            query,
            [
                ("$filter", "status eq 'New'"),
                ("$skip", "100"),
                ("$top", "5")
            ]
        );
        assert_eq!(path_and_query("https://evil.example"), None);
        assert_eq!(path_and_query("api/alerts"), None);
    }

    #[test]
    fn a_broken_escape_is_taken_literally() {
        for text in ["100%", "%zz", "%e", "%é1"] {
            assert_eq!(decode(text), text);
        }
    }
}
