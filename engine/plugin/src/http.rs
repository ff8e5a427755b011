//! A guest's request, taken apart with suspicion and put together anew.
//!
//! What leaves is built from parsed parts, so that the text the rules looked at and the text that
//! is sent cannot differ.

use std::borrow::Cow;

use actions_contract::{
    Body, EgressError, ErrorKind, HeaderText, Method, Request, Response, Target,
};
use engine_model::code;

use crate::bindings::http as wit;
use crate::manifest::{self, Place};

/// Headers a guest may not set: credentials, framing, hop-by-hop, and those that turn one method
/// into another behind the rules' back.
const REFUSED: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// A request that was understood, before the rules saw it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) place: Place,
    pub(crate) request: Request,
}

/// Reads a guest's request.
///
/// # Errors
///
/// With what is wrong with it.
pub(crate) fn parse(guest: wit::Request, operation: &str) -> Result<Parsed, wit::HttpError> {
    let method = method(&guest.method)?;
    let (place, target, rest) = place(guest.target)?;
    let (path, query) = path_and_query(&rest)?;
    let (headers, content_type) = headers(guest.headers)?;
    let body = body(guest.body, content_type);
    if crate::reach::is_safe(method) && body != Body::Empty {
        return Err(invalid(format!("{} takes no body", method.as_str())));
    }
    let operation = Cow::Owned(operation.to_owned());
    let request = Request {
        target,
        method,
        path,
        query,
        headers,
        body,
        keep_bytes_max: None,
        operation,
    };
    Ok(Parsed { place, request })
}

fn invalid(message: impl Into<String>) -> wit::HttpError {
    wit::HttpError::InvalidRequest(message.into())
}

fn method(word: &str) -> Result<Method, wit::HttpError> {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    [Get, Head, Post, Put, Patch, Delete]
        .into_iter()
        .find(|method| method.as_str() == word)
        .ok_or_else(|| {
            invalid(format!(
                "the method {word:?} is not GET, HEAD, POST, PUT, PATCH or DELETE"
            ))
        })
}

/// The place, where the broker has to send it, and the path with the query.
fn place(target: wit::Target) -> Result<(Place, Target, String), wit::HttpError> {
    match target {
        wit::Target::Connection(wit::ConnectionPath { connection, path }) => {
            let place = manifest::connection(&connection)
                .ok_or(wit::HttpError::UnknownConnection(connection))?;
            let target = match &place {
                Place::Api(api) => Target::Api(*api),
                // Put in once the rules let it through.
                Place::Service(_) | Place::Host(_) => Target::Url(String::new()),
            };
            Ok((place, target, path))
        }
        wit::Target::Url(url) => {
            let rest = url
                .strip_prefix("https://")
                .ok_or_else(|| invalid("the URL does not begin with https://"))?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            let host = authority.to_ascii_lowercase();
            let host = host.strip_suffix(":443").unwrap_or(&host);
            if !manifest::is_host(host) {
                return Err(invalid("the URL has no plain host name"));
            }
            let rest = if rest.starts_with('/') {
                rest.to_owned()
            } else {
                format!("/{rest}")
            };
            let origin = Target::Url(format!("https://{host}"));
            Ok((Place::Host(host.to_owned()), origin, rest))
        }
    }
}

type Query = Vec<(Cow<'static, str>, String)>;

fn path_and_query(text: &str) -> Result<(String, Query), wit::HttpError> {
    let plain = |b: u8| b.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&b);
    if !text.starts_with('/') || !text.bytes().all(plain) {
        return Err(invalid(
            "the path has to begin with `/` and be percent-encoded, without `#`",
        ));
    }
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let decoded = decode(path).ok_or_else(|| invalid("the path is not well percent-encoded"))?;
    if decoded
        .split(['/', '\\'])
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(invalid("the path has a segment `.` or `..`"));
    }
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let part = |text: &str| {
            decode(&text.replace('+', " "))
                .ok_or_else(|| invalid("the query is not well percent-encoded"))
        };
        pairs.push((Cow::Owned(part(name)?), part(value)?));
    }
    Ok((path.to_owned(), pairs))
}

/// Percent-decodes; none when a sequence is broken or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (pair, tail) = tail.split_at_checked(2)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

type Headers = Vec<(String, HeaderText)>;

/// The headers without the content type, which belongs to the body.
fn headers(guest: Vec<wit::Header>) -> Result<(Headers, Option<String>), wit::HttpError> {
    let mut headers = Vec::new();
    let mut content_type = None;
    for wit::Header { name, value } in guest {
        let name = name.to_ascii_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(invalid("a header name is not a token"));
        }
        if REFUSED.contains(&name.as_str()) || name.starts_with("proxy-") {
            return Err(wit::HttpError::Denied(format!(
                "the header `{name}` is set by the engine and by nobody else"
            )));
        }
        if !value
            .bytes()
            .all(|b| b == b' ' || b == b'\t' || b.is_ascii_graphic())
        {
            return Err(invalid(format!(
                "the value of header `{name}` is not visible ASCII"
            )));
        }
        if name == "content-type" {
            content_type = Some(value);
        } else {
            headers.push((name, HeaderText::Text(value)));
        }
    }
    Ok((headers, content_type))
}

fn body(guest: wit::Body, content_type: Option<String>) -> Body {
    let typed = |otherwise| content_type.map_or(Cow::Borrowed(otherwise), Cow::Owned);
    match guest {
        wit::Body::None => Body::Empty,
        wit::Body::Text(text) => Body::Bytes {
            content_type: typed("text/plain; charset=utf-8"),
            bytes: text.into_bytes(),
        },
        wit::Body::Bytes(bytes) => Body::Bytes {
            content_type: typed("application/octet-stream"),
            bytes,
        },
    }
}

/// A response as the guest sees it.
///
/// # Errors
///
/// When its body is larger than `bytes_max`.
pub(crate) fn answer(
    response: Response,
    bytes_max: usize,
) -> Result<wit::Response, wit::HttpError> {
    if response.body.len() > bytes_max {
        return Err(wit::HttpError::TooLarge);
    }
    let headers = response
        .headers
        .into_iter()
        .filter(|(name, _)| name != "set-cookie")
        .map(|(name, value)| wit::Header { name, value })
        .collect();
    let body = match String::from_utf8(response.body) {
        Ok(text) if text.is_empty() => wit::Body::None,
        Ok(text) => wit::Body::Text(text),
        Err(error) => wit::Body::Bytes(error.into_bytes()),
    };
    Ok(wit::Response {
        status: response.status,
        headers,
        body,
    })
}

/// The lack of a response as the guest sees it.
pub(crate) fn no_answer(failure: EgressError) -> wit::HttpError {
    let error = failure.error;
    let text = error.message;
    let is = |code: engine_model::Code| error.code == code.as_str();
    if is(code::BR0103) {
        wit::HttpError::UnknownConnection(text)
    } else if is(code::BR0101) {
        wit::HttpError::CredentialUnavailable(text)
    } else if is(code::BR0204) || error.kind == ErrorKind::GuardRefused {
        wit::HttpError::Denied(text)
    } else if is(code::BR0205) {
        wit::HttpError::TooLarge
    } else {
        match error.kind {
            ErrorKind::Unauthorized | ErrorKind::PermissionDenied => {
                wit::HttpError::CredentialInvalid(text)
            }
            ErrorKind::Timeout => wit::HttpError::Timeout,
            ErrorKind::RateLimited => {
                let wait = error.retry_after.map_or(0, engine_model::Millis::as_ms);
                wit::HttpError::Limited(u32::try_from(wait).unwrap_or(u32::MAX))
            }
            ErrorKind::InvalidInput => wit::HttpError::InvalidRequest(text),
            _ => wit::HttpError::Connect(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str) -> wit::Request {
        wit::Request {
            method: "GET".to_owned(),
            target: wit::Target::Url(url.to_owned()),
            headers: Vec::new(),
            body: wit::Body::None,
            timeout_ms: None,
        }
    }

    #[test]
    fn a_url_is_taken_apart() {
        let url = "https://API.example.com:443/v1/a%20b?q=x%26y+z&flag&q=2";
        let parsed = parse(get(url), "x.y").unwrap();
        assert_eq!(parsed.place.to_string(), "api.example.com");
        assert_eq!(
            parsed.request.target,
            Target::Url("https://api.example.com".to_owned())
        );
        assert_eq!(parsed.request.path, "/v1/a%20b");
        let pairs: Vec<_> = parsed
            .request
            .query
            .iter()
            .map(|(n, v)| (n.as_ref(), v.as_str()))
            .collect();
        assert_eq!(pairs, [("q", "x&y z"), ("flag", ""), ("q", "2")]);
        assert_eq!(
            parse(get("https://a.example"), "x.y").unwrap().request.path,
            "/"
        );
        assert_eq!(
            parse(get("https://a.example?q=1"), "x.y")
                .unwrap()
                .request
                .path,
            "/"
        );
    }

    #[test]
    fn a_url_that_two_parsers_might_read_differently_is_refused() {
        for url in [
            "http://api.example.com/",
            "HTTPS://api.example.com/",
            "https://api.example.com@evil.example/",
            "https://api.example.com\\@evil.example/",
            "https://api.example.com#@evil.example/",
            "https://evil.example\t/",
            "https:///evil.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://api.example.com./",
            "https://api.example.com/v1/../admin",
            "https://api.example.com/v1/%2e%2E/admin",
            "https://api.example.com/v1/..%2fadmin",
            "https://api.example.com/v1/..%5cadmin",
            "https://api.example.com/v1/%2",
            "https://api.example.com/v1/%zz",
            "https://api.example.com/v1/\r\nHost: evil",
            "https://api.example.com/?q=%ff",
            "https://xn--\u{e9}.example/",
        ] {
            assert!(parse(get(url), "x.y").is_err(), "{url:?}");
        }
    }

    #[test]
    fn a_forged_header_is_refused_in_any_spelling() {
        for name in [
            "Authorization",
            "COOKIE",
            "host",
            "Proxy-Authorization",
            "proxy-connection",
            "Transfer-Encoding",
            "content-length",
            "X-HTTP-Method-Override",
            "connection",
            "",
            "a b",
            "a:b",
            "authorization ",
        ] {
            let header = wit::Header {
                name: name.to_owned(),
                value: "x".to_owned(),
            };
            let request = wit::Request {
                headers: vec![header],
                ..get("https://a.example/")
            };
            assert!(parse(request, "x.y").is_err(), "{name:?}");
        }
        for value in ["a\r\nb: c", "a\0", "\u{e9}"] {
            let header = wit::Header {
                name: "x-note".to_owned(),
                value: value.to_owned(),
            };
            let request = wit::Request {
                headers: vec![header],
                ..get("https://a.example/")
            };
            assert!(parse(request, "x.y").is_err(), "{value:?}");
        }
        assert!(REFUSED.is_sorted());
    }

    #[test]
    fn a_method_outside_the_list_or_a_get_with_a_body_is_refused() {
        for method in ["get", "CONNECT", "TRACE", "OPTIONS", "", "GET "] {
            let request = wit::Request {
                method: method.to_owned(),
                ..get("https://a.example/")
            };
            assert!(parse(request, "x.y").is_err(), "{method:?}");
        }
        let body = wit::Body::Text("x".to_owned());
        assert!(
            parse(
                wit::Request {
                    body,
                    ..get("https://a.example/")
                },
                "x.y"
            )
            .is_err()
        );
    }

    #[test]
    fn a_response_is_text_when_it_can_be_and_loses_its_cookies() {
        let response = |body: &[u8]| Response {
            status: 404,
            headers: vec![
                ("set-cookie".to_owned(), "s=1".to_owned()),
                ("etag".to_owned(), "7".to_owned()),
            ],
            body: body.to_vec(),
            retry_after: None,
        };
        let seen = answer(response(b"gr\xc3\xbc\xc3\x9fe"), 100).unwrap();
        assert!(matches!(seen.body, wit::Body::Text(text) if text == "grüße"));
        assert_eq!(seen.headers.len(), 1);
        let seen = answer(response(&[0xff, 0]), 100).unwrap();
        assert!(matches!(seen.body, wit::Body::Bytes(bytes) if bytes == [0xff, 0]));
        assert!(matches!(
            answer(response(&[b' '; 101]), 100),
            Err(wit::HttpError::TooLarge)
        ));
    }
}
