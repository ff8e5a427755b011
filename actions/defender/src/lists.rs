//! Collections: read page by page, up to a limit, and on from where an earlier reading stopped.

mod place;

use std::borrow::Cow;

use actions_contract::{
    ActionError, Call, Endpoint, ErrorKind, Next, Operation, Request, Response, json, read,
};
use engine_model::code;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::misfit;
use place::{Page, Place, within};

pub(crate) use place::linked;

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
///
/// It has one parameter more, `max_items`: as many entries as that are read, and the step fails
/// where there are more. What is read for a `for_each` is whole, or not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Paged<C> {
    collection: C,
    max_items: Option<u32>,
}

/// The parameter that every list has.
const MAX_ITEMS: &str = "max_items";

impl<C: Serialize> Serialize for Paged<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(&self.collection).map_err(S::Error::custom)?;
        if let Some(max) = self.max_items {
            value[MAX_ITEMS] = json!(max);
        }
        value.serialize(serializer)
    }
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Paged<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let max = value.as_object_mut().and_then(|map| map.remove(MAX_ITEMS));
        let max = max.map(Option::<u32>::deserialize).transpose();
        let wrong = |error| D::Error::custom(format!("`{MAX_ITEMS}`: {error}"));
        Ok(Self {
            collection: C::deserialize(value).map_err(D::Error::custom)?,
            max_items: max.map_err(wrong)?.flatten(),
        })
    }
}

impl<C: JsonSchema> JsonSchema for Paged<C> {
    fn schema_name() -> Cow<'static, str> {
        C::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = C::json_schema(generator);
        let properties = schema.ensure_object().entry("properties");
        let properties = properties.or_insert_with(|| json!({}));
        properties[MAX_ITEMS] = json!({
            "description": "How many entries there may be, in place of `limit`: all of them are \
                            read, and the step fails where there are more.",
            "type": ["integer", "null"],
            "format": "uint32",
            "minimum": 1,
            "maximum": LIMIT_MAX,
        });
        schema
    }
}

impl<C: Collection> Paged<C> {
    /// The part that is wanted: with `max_items` one entry more, which there must not be.
    fn part(&self) -> Part<'_> {
        let part = self.collection.part();
        Part {
            limit: self
                .max_items
                .map_or(part.limit, |max| max.saturating_add(1)),
            ..part
        }
    }

    /// Whether as much is wanted as a list may hold.
    fn check(&self) -> Result<(), ActionError> {
        let (name, wanted) = match self.max_items {
            Some(max) => (MAX_ITEMS, max),
            None => ("limit", self.collection.part().limit),
        };
        if wanted == 0 || wanted > LIMIT_MAX {
            return Err(misfit(format!("`{name}` must be from 1 to {LIMIT_MAX}")));
        }
        Ok(())
    }

    /// What was read, unless there is more than there may be.
    fn whole(&self, listed: Listed<C::Entry>) -> Result<Next<Listed<C::Entry>>, ActionError> {
        match self.max_items {
            Some(max) if count(&listed.value) > max => {
                let message = format!("there are more than `{MAX_ITEMS}` allows: {max}");
                let kind = ErrorKind::InvalidOutput;
                Err(ActionError::permanent(kind, code::AC0112, message))
            }
            _ => Ok(Next::Done(listed)),
        }
    }
}

impl<C: Collection> Operation for Paged<C> {
    type Output = Listed<C::Entry>;

    const ENDPOINT: Endpoint = C::ENDPOINT;

    fn example() -> Self {
        Self {
            collection: C::example(),
            max_items: None,
        }
    }

    fn example_output() -> Listed<C::Entry> {
        C::example_output()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        self.check()?;
        let part = self.part();
        let asked = self.collection.request()?;
        Ok(Place::first(part)?.request(asked, C::PAGE_MAX, part.limit))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Listed<C::Entry>>,
    ) -> Result<Next<Listed<C::Entry>>, ActionError> {
        let part = self.part();
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
        let asked = self.collection.request()?;
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
                self.whole(listed)
            }
        }
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
