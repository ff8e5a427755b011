//! From a request to a URL.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use reqwest::Url;

/// The address, where the host is one.
pub(crate) fn host_ip(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Whether the host is this machine by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    if let Some(address) = host_ip(url) {
        return address.to_canonical().is_loopback();
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

/// `base` with `path` and `query` appended.
///
/// # Errors
///
/// When the path could leave its place: it has to survive as it is, so that no `%2E%2E` of a
/// parameter walks up into another operation.
pub(crate) fn join(
    base: &Url,
    path: &str,
    query: &[(Cow<'static, str>, String)],
) -> Result<Url, &'static str> {
    let mut url = base.clone();
    if !path.is_empty() {
        if !path.starts_with('/') || path.contains(['?', '#', '\\']) {
            return Err("the path has to begin with `/` and hold neither `?` nor `#`");
        }
        let wanted = format!("{}{path}", base.path().trim_end_matches('/'));
        url.set_path(&wanted);
        if url.path() != wanted {
            return Err("the path has a dot segment or a character that is not encoded");
        }
    }
    if !query.is_empty() {
        let mut pairs = url
            .query()
            .map_or_else(String::new, |query| format!("{query}&"));
        for (i, (name, value)) in query.iter().enumerate() {
            pairs.push_str(if i == 0 { "" } else { "&" });
            encode(name, &mut pairs);
            pairs.push('=');
            encode(value, &mut pairs);
        }
        url.set_query(Some(&pairs));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Percent-encodes a query part; `$` stays, since OData names its options with it.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'$' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, path: &str, query: &[(&'static str, &str)], wanted: Result<&str, ()>) {
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| (Cow::Borrowed(*name), (*value).to_owned()))
            .collect();
        let found = join(&Url::parse(base).unwrap(), path, &query);
        assert_eq!(
            found.as_ref().map(Url::as_str).map_err(|_| ()),
            wanted,
            "{path}"
        );
    }

    #[test]
    fn a_request_lands_where_it_was_addressed() {
        let base = "https://api.example/";
        check(
            base,
            "/api/machines",
            &[],
            Ok("https://api.example/api/machines"),
        );
        let odata = [("$filter", "id eq 'a&b'"), ("$top", "5")];
        let wanted = "https://api.example/api/x?$filter=id%20eq%20%27a%26b%27&$top=5";
        check(base, "/api/x", &odata, Ok(wanted));
        check(
            "http://127.0.0.1:9/v1?k=1",
            "/a%2Fb",
            &[("z", "")],
            Ok("http://127.0.0.1:9/v1/a%2Fb?k=1&z="),
        );
        check(
            "https://hook.example/x#frag",
            "",
            &[],
            Ok("https://hook.example/x"),
        );
    }

    #[test]
    fn a_path_cannot_leave_its_place() {
        let hostile = [
            "/api/machines/%2E%2E/isolate",
            "/api/machines/%2e/x",
            "/api/../secrets",
            "api",
            "/api?x=1",
            "/api#x",
            "/api\\..\\x",
            "/api/white space",
            "@evil.example/",
        ];
        for path in hostile {
            check("https://api.example", path, &[], Err(()));
        }
        check(
            "https://api.example",
            "//evil.example/x",
            &[],
            Ok("https://api.example//evil.example/x"),
        );
    }
}
