//! Collections: read page by page, up to a limit, and on from where an earlier reading stopped.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use actions_contract::read;
use actions_contract::{
    ActionError, Call, Endpoint, Method, Next, Operation, Request, Response, json,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{misfit, odata};

/// How many entries a list may have; the schemas of parameters say the same.
const LIMIT_MAX: u32 = 10_000;

/// How many entries one request asks for where the service allows 10,000, which are slow to make.
pub(crate) const PAGE: Option<u32> = Some(1000);

/// Part of a collection, at most as many entries as were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed<T> {
    /// The entries.
    pub value: Vec<T>,
    /// Whether there may be more than `limit` allowed to read.
    #[serde(default)]
    pub truncated: bool,
    /// Where the rest begins: `continue_from` of the next call. Null at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// Which part of a collection is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// How many entries at the most.
    pub limit: u32,
    /// Where an earlier reading stopped.
    pub continue_from: Option<&'a str>,
}

impl Part<'_> {
    /// As much as a list may hold, from the beginning.
    pub const WHOLE: Self = Part {
        limit: LIMIT_MAX,
        continue_from: None,
    };
}

/// Parameters whose request reads a collection.
///
/// Wrapped in [`Paged`] they are an operation: as many requests as the wanted part needs, by links
/// where the service gives them, else by `$top` and `$skip`.
pub trait Collection: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// An entry.
    type Entry: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// The facts.
    const ENDPOINT: Endpoint;

    /// How many entries one request asks for by `$top`; none where the service does not know it.
    const PAGE_MAX: Option<u32> = None;

    /// Parameters of a working call.
    fn example() -> Self;

    /// What it gives.
    fn example_output() -> Listed<Self::Entry>;

    /// The request for the whole collection.
    ///
    /// # Errors
    ///
    /// When the parameters, each valid, do not fit together.
    fn request(&self) -> Result<Request, ActionError>;

    /// The part that is wanted.
    fn part(&self) -> Part<'_> {
        Part::WHOLE
    }
}

/// A [`Collection`] as an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Paged<C>(pub C);

impl<C: JsonSchema> JsonSchema for Paged<C> {
    fn schema_name() -> Cow<'static, str> {
        C::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        C::json_schema(generator)
    }
}

impl<C: Collection> Operation for Paged<C> {
    type Output = Listed<C::Entry>;

    const ENDPOINT: Endpoint = C::ENDPOINT;

    fn example() -> Self {
        Self(C::example())
    }

    fn example_output() -> Listed<C::Entry> {
        C::example_output()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let part = self.0.part();
        if part.limit == 0 || part.limit > LIMIT_MAX {
            return Err(misfit(format!("`limit` must be from 1 to {LIMIT_MAX}")));
        }
        let asked = self.0.request()?;
        Ok(Place::first(part)?.request(asked, C::PAGE_MAX, part.limit))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Listed<C::Entry>>,
    ) -> Result<Next<Listed<C::Entry>>, ActionError> {
        let part = self.0.part();
        let mut body: Value = json(response)?;
        let mut page = Page {
            at: match &so_far {
                Some(so_far) => Place::parse(so_far.next.as_deref())?,
                None => Place::first(part)?,
            },
            got: body
                .get("value")
                .and_then(Value::as_array)
                .map_or(0, |entries| count(entries)),
            room: part.limit,
            link: None,
        };
        let mut listed = so_far.unwrap_or_else(|| Listed {
            value: Vec::new(),
            truncated: false,
            next: None,
        });
        page.room = part.limit.saturating_sub(count(&listed.value));
        let asked = self.0.request()?;
        page.link = body
            .get("@odata.nextLink")
            .and_then(Value::as_str)
            .map(|link| within(&asked, link))
            .transpose()?;
        let entries: Vec<C::Entry> = read::collection(&mut body)?;
        let (first, last) = page.taken(C::PAGE_MAX);
        listed.value.extend(
            entries
                .into_iter()
                .skip(first)
                .take(last.saturating_sub(first)),
        );
        let next = page.next(C::PAGE_MAX);
        listed.next = next.as_ref().map(Place::to_string);
        let room = part.limit.saturating_sub(count(&listed.value));
        match next {
            Some(next) if room > 0 => Ok(Next::More {
                request: next.request(asked, C::PAGE_MAX, room),
                so_far: listed,
            }),
            next => {
                listed.truncated = next.is_some();
                Ok(Next::Done(listed))
            }
        }
    }
}

/// A place in a collection: the query of the page, where the service gave one, and how many entries
/// come before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    skip: u32,
    query: String,
}

impl Place {
    fn first(part: Part<'_>) -> Result<Self, ActionError> {
        Self::parse(part.continue_from)
    }

    fn parse(text: Option<&str>) -> Result<Self, ActionError> {
        text.map_or(Ok(Self::default()), |text| {
            text.parse().map_err(|()| {
                misfit("`continue_from` is `next` of an earlier call with the same parameters")
            })
        })
    }

    /// Whether the entries before this place have to be read and passed over.
    fn is_inside(&self, page_max: Option<u32>) -> bool {
        page_max.is_none() || !self.query.is_empty()
    }

    fn request(&self, mut asked: Request, page_max: Option<u32>, room: u32) -> Request {
        if !self.query.is_empty() {
            let (sibling, query) = sibling(&self.query);
            if let (Some(sibling), Method::Get) = (sibling, asked.method) {
                let parent = asked.path.rfind('/').map_or(0, |at| at + 1);
                asked.path.replace_range(parent.., sibling);
            }
            asked.query = odata::pairs(query);
            return asked;
        }
        if let Some(page_max) = page_max {
            asked = asked.with_query("$top", room.min(page_max).to_string());
            if self.skip > 0 {
                asked = asked.with_query("$skip", self.skip.to_string());
            }
        }
        asked
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.skip, self.query)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (skip, query) = text.split_once(':').ok_or(())?;
        Ok(Self {
            skip: skip.parse().map_err(|_| ())?,
            query: query.to_owned(),
        })
    }
}

/// A page that has arrived.
struct Page {
    /// The place it was asked for.
    at: Place,
    /// How many entries it has.
    got: u32,
    /// How many entries were still wanted.
    room: u32,
    /// The query that its link leads to.
    link: Option<String>,
}

impl Page {
    fn passed_over(&self, page_max: Option<u32>) -> u32 {
        match self.at.is_inside(page_max) {
            true => self.at.skip.min(self.got),
            false => 0,
        }
    }

    /// The range of its entries that are wanted.
    fn taken(&self, page_max: Option<u32>) -> (usize, usize) {
        let first = self.passed_over(page_max);
        let last = self.got.min(first.saturating_add(self.room));
        (first as usize, last as usize)
    }

    /// Where the collection goes on after what was taken; none at its end.
    fn next(&self, page_max: Option<u32>) -> Option<Place> {
        let left = self.got - self.passed_over(page_max);
        if left > self.room {
            return Some(Place {
                skip: self.at.skip.saturating_add(self.room),
                query: self.at.query.clone(),
            });
        }
        match (&self.link, page_max) {
            // A link that leads to where we are would be followed for ever.
            (Some(link), _) if *link == self.at.query => None,
            (Some(link), _) => Some(Place {
                skip: 0,
                query: link.clone(),
            }),
            (None, Some(page_max)) if !self.at.is_inside(Some(page_max)) => {
                let asked = self.room.min(page_max);
                (self.got > 0 && self.got >= asked).then(|| Place {
                    skip: self.at.skip.saturating_add(self.got),
                    query: String::new(),
                })
            }
            (None, _) => None,
        }
    }
}

/// A query in front of which the last segment of another path may stand: `Timeline?$skiptoken=x`.
fn sibling(query: &str) -> (Option<&str>, &str) {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match query.split_once('?') {
        Some((segment, rest)) if !segment.is_empty() && is_word(segment) => (Some(segment), rest),
        _ => (None, query),
    }
}

/// The query that a link leads to. A link never chooses the host, and of the path only the last
/// segment: the vendor documents an export that goes on beside where it began.
fn within(asked: &Request, link: &str) -> Result<String, ActionError> {
    match odata::path_and_query(link) {
        Some((path, query)) if odata::same_path(path, &asked.path) => Ok(query.to_owned()),
        Some((path, query)) if is_beside(path, &asked.path) => {
            let segment = path.rsplit('/').next().unwrap_or_default();
            let beside = format!("{segment}?{query}");
            match sibling(&beside) {
                (Some(_), _) => Ok(beside),
                _ => Err(read::unreadable("the link to the next page is odd")),
            }
        }
        _ => Err(read::unreadable(
            "the link to the next page leads somewhere else",
        )),
    }
}

/// The request for the page that a link leads to.
pub(crate) fn linked(mut asked: Request, link: &str) -> Result<Request, ActionError> {
    asked.query = odata::pairs(&within(&asked, link)?);
    Ok(asked)
}

/// Whether two paths differ in their last segment alone, below a folder of the API.
fn is_beside(one: &str, other: &str) -> bool {
    match (one.rsplit_once('/'), other.rsplit_once('/')) {
        (Some((one, _)), Some((other, _))) => {
            odata::same_path(one, other) && one.matches('/').count() > 1
        }
        _ => false,
    }
}

pub(crate) const fn default_limit() -> u32 {
    100
}

/// Reads a collection that comes in one answer.
pub(crate) fn whole<T: DeserializeOwned + JsonSchema + 'static>(
    response: &Response,
) -> Result<Listed<T>, ActionError> {
    let mut body: Value = json(response)?;
    Ok(Listed {
        truncated: body.get("@odata.nextLink").is_some(),
        value: read::collection(&mut body)?,
        next: None,
    })
}

/// Reads a documented example of a collection.
pub(crate) fn example<T: DeserializeOwned + JsonSchema + 'static>(text: &str) -> Listed<T> {
    let mut body = serde_json::from_str(text).expect("documented examples are JSON");
    let value = read::collection(&mut body).expect("documented examples have the documented shape");
    Listed {
        value,
        truncated: false,
        next: None,
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
