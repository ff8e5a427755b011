//! Lists: bounded, and read page by page.

use actions_contract::{ActionError, Endpoint, Next, Request, Response, json};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{misfit, odata, read};

/// How many entries one request asks for; the service allows 10,000, which are slow to make.
const PAGE_MAX: u32 = 1000;

/// How many entries a list may have; the schemas of parameters say the same.
const LIMIT_MAX: u32 = 10_000;

/// Part of a collection, at most as many as were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed<T> {
    /// The entries.
    pub value: Vec<T>,
    /// Whether there may be more than `limit` allowed to read.
    pub truncated: bool,
}

/// What part of a collection is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) filter: Option<&'a str>,
    pub(crate) expand: Option<&'static str>,
    pub(crate) limit: u32,
}

pub(crate) const fn default_limit() -> u32 {
    100
}

/// The request for the first page.
///
/// # Errors
///
/// When the limit is out of bounds.
pub(crate) fn first_page(endpoint: &Endpoint, wanted: &Wanted<'_>) -> Result<Request, ActionError> {
    if wanted.limit == 0 || wanted.limit > LIMIT_MAX {
        return Err(misfit(format!("`limit` must be from 1 to {LIMIT_MAX}")));
    }
    Ok(page_after(0, endpoint, wanted))
}

fn page_after(have: u32, endpoint: &Endpoint, wanted: &Wanted<'_>) -> Request {
    let mut request = endpoint.request(&[]);
    if let Some(filter) = wanted.filter {
        request = request.with_query("$filter", filter);
    }
    if let Some(expand) = wanted.expand {
        request = request.with_query("$expand", expand);
    }
    request = request.with_query("$top", page_size(have, wanted).to_string());
    if have > 0 {
        request = request.with_query("$skip", have.to_string());
    }
    request
}

fn page_size(have: u32, wanted: &Wanted<'_>) -> u32 {
    wanted.limit.saturating_sub(have).min(PAGE_MAX)
}

/// Reads a page and asks for the next one until the limit is reached.
///
/// # Errors
///
/// `invalid_output` when the answer is not a collection, or links to another operation.
pub(crate) fn decode<T: DeserializeOwned + JsonSchema + 'static>(
    endpoint: &Endpoint,
    wanted: &Wanted<'_>,
    response: &Response,
    so_far: Option<Listed<T>>,
) -> Result<Next<Listed<T>>, ActionError> {
    let mut body: Value = json(response)?;
    let page: Vec<T> = read::collection(&mut body)?;
    let link = body.get("@odata.nextLink").and_then(Value::as_str);
    let mut listed = so_far.unwrap_or_else(|| Listed {
        value: Vec::new(),
        truncated: false,
    });
    let asked = page_size(count(&listed.value), wanted);
    let got = count(&page);
    listed.value.extend(page);
    let have = count(&listed.value);

    let more = link.is_some() || got >= asked;
    if !more || have >= wanted.limit || got == 0 {
        listed.truncated = more && got > 0 || have > wanted.limit;
        listed
            .value
            .truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
        return Ok(Next::Done(listed));
    }
    let request = match link {
        Some(link) => linked(endpoint, link)?,
        None => page_after(have, endpoint, wanted),
    };
    Ok(Next::More {
        request,
        so_far: listed,
    })
}

/// Reads a collection that always comes in one piece.
///
/// # Errors
///
/// `invalid_output` when the answer is not a collection.
pub(crate) fn decode_whole<T: DeserializeOwned + JsonSchema + 'static>(
    response: &Response,
) -> Result<Listed<T>, ActionError> {
    let value = read::collection(&mut json(response)?)?;
    Ok(Listed {
        value,
        truncated: false,
    })
}

/// The request a link asks for, as long as it stays within the operation.
pub(crate) fn linked(endpoint: &Endpoint, link: &str) -> Result<Request, ActionError> {
    match odata::path_and_query(link) {
        Some((path, query)) if path.eq_ignore_ascii_case(endpoint.path) => Ok(Request {
            query,
            ..endpoint.request(&[])
        }),
        _ => Err(read::unreadable(
            "the link to the next page leads somewhere else",
        )),
    }
}

/// Reads a documented example of a collection.
pub(crate) fn example<T: DeserializeOwned + JsonSchema + 'static>(text: &str) -> Listed<T> {
    let mut body = serde_json::from_str(text).expect("documented examples are JSON");
    let value = read::collection(&mut body).expect("documented examples have the documented shape");
    Listed {
        value,
        truncated: false,
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
