//! Places in a collection, and how one page leads to the next.

use std::fmt;
use std::str::FromStr;

use actions_contract::{ActionError, Method, Request, read};

use super::Part;
use crate::{misfit, odata};

/// A place in a collection: the query of the page, where the service gave one, and how many entries
/// come before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    skip: u32,
    query: String,
}

impl Place {
    pub(super) fn first(part: Part<'_>) -> Result<Self, ActionError> {
        Self::parse(part.continue_from)
    }

    pub(super) fn parse(text: Option<&str>) -> Result<Self, ActionError> {
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

    pub(super) fn request(&self, mut asked: Request, page_max: Option<u32>, room: u32) -> Request {
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
pub(super) struct Page {
    /// The place it was asked for.
    pub(super) at: Place,
    /// How many entries it has.
    pub(super) got: u32,
    /// How many entries were still wanted.
    pub(super) room: u32,
    /// The query that its link leads to.
    pub(super) link: Option<String>,
}

impl Page {
    fn passed_over(&self, page_max: Option<u32>) -> u32 {
        match self.at.is_inside(page_max) {
            true => self.at.skip.min(self.got),
            false => 0,
        }
    }

    /// The range of its entries that are wanted.
    pub(super) fn taken(&self, page_max: Option<u32>) -> (usize, usize) {
        let first = self.passed_over(page_max);
        let last = self.got.min(first.saturating_add(self.room));
        (first as usize, last as usize)
    }

    /// Where the collection goes on after what was taken; none at its end.
    pub(super) fn next(&self, page_max: Option<u32>) -> Option<Place> {
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
pub(super) fn within(asked: &Request, link: &str) -> Result<String, ActionError> {
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
