//! The part of OData that the documented queries use.

mod filter;
mod parse;

use serde_json::{Value, json};

use crate::reply::{Refusal, Reply};
use crate::wire;

pub(crate) use filter::Filter;

/// What a collection allows its readers to ask.
pub(crate) struct Collection {
    /// The last word of the context URL.
    pub(crate) name: &'static str,
    /// The fields that `$filter` may name.
    pub(crate) filter: &'static [&'static str],
    /// The largest page.
    pub(crate) top_max: usize,
    /// What `$expand` may name.
    pub(crate) expand: &'static [&'static str],
    /// The service root in the context URL.
    pub(crate) root: &'static str,
}

/// The service root of Defender for Endpoint.
pub(crate) const MDE: &str = "https://api.securitycenter.microsoft.com/api";
/// The service root of Microsoft Graph.
pub(crate) const GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// What a reader asks of a collection.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) filter: Option<Filter>,
    top: usize,
    skip: usize,
    expand: Vec<String>,
    count: bool,
}

impl Ask {
    /// Reads the query of a request; an option that is not understood is refused, not ignored.
    pub(crate) fn read(
        query: &[(String, String)],
        collection: &Collection,
    ) -> Result<Self, Refusal> {
        let mut ask = Self {
            filter: None,
            top: collection.top_max,
            skip: 0,
            expand: Vec::new(),
            count: false,
        };
        for (name, value) in query {
            match name.as_str() {
                "$filter" => ask.filter = Some(Filter::parse(value, collection.filter)?),
                "$top" => ask.top = number(name, value)?,
                "$skip" => ask.skip = number(name, value)?,
                "$count" => ask.count = value == "true",
                "$expand" => {
                    ask.expand = value
                        .split(',')
                        .map(|part| part.trim().to_owned())
                        .collect();
                }
                option if option.starts_with('$') => {
                    return Err(Refusal::odata(format!(
                        "The query option {option} is not served"
                    )));
                }
                _ => {}
            }
        }
        if ask.top > collection.top_max {
            let max = collection.top_max;
            return Err(Refusal::odata(format!(
                "The limit of {max} for $top was exceeded"
            )));
        }
        match ask
            .expand
            .iter()
            .find(|part| !collection.expand.contains(&part.as_str()))
        {
            Some(part) => Err(Refusal::odata(format!(
                "Could not find a property named {part}"
            ))),
            None => Ok(ask),
        }
    }

    pub(crate) fn expands(&self, part: &str) -> bool {
        self.expand.iter().any(|asked| asked == part)
    }

    /// The text that the filter wants `field` to be, if it wants one.
    pub(crate) fn pinned(&self, field: &str) -> Option<&str> {
        self.filter.as_ref()?.pinned(field)
    }

    /// Whether the filter lets a row through.
    pub(crate) fn fits(&self, row: &Value) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(row))
    }

    /// The answer with the page of `rows` asked for.
    pub(crate) fn answer(
        &self,
        collection: &Collection,
        rows: impl Iterator<Item = Value>,
    ) -> Reply {
        let context = format!("{}/$metadata#{}", collection.root, collection.name);
        let mut rows = rows.filter(|row| self.fits(row));
        // Without a count no more rows are read than the page needs.
        let page: Vec<Value> = rows.by_ref().skip(self.skip).take(self.top).collect();
        let mut body = json!({ "@odata.context": context, "value": page });
        if self.count {
            let before = if page.is_empty() { 0 } else { self.skip };
            body["@odata.count"] = json!(before + page.len() + rows.count());
        }
        Reply::ok(body)
    }
}

impl Ask {
    /// The page of `rows` asked for, with a link to the next one where there is more.
    pub(crate) fn linked<'r>(
        &self,
        collection: &Collection,
        rows: impl Iterator<Item = &'r Value>,
        show: impl Fn(&Value) -> Value,
        (url, query): (&str, &[(String, String)]),
    ) -> Reply {
        let mut rows = rows.skip(self.skip);
        // What is passed over is not copied.
        let page: Vec<Value> = rows.by_ref().take(self.top).map(show).collect();
        let context = format!("{}/$metadata#{}", collection.root, collection.name);
        let mut body = json!({ "@odata.context": context });
        let got = page.len();
        let rest = rows.next().is_some();
        if self.count {
            let after = rows.count() + usize::from(rest);
            body["@odata.count"] = json!(self.skip + got + after);
        }
        if rest {
            let kept = query.iter().filter(|(name, _)| name != "$skip");
            let mut link = format!("{url}?");
            for (name, value) in kept {
                link.push_str(&format!(
                    "{}={}&",
                    wire::encoded(name),
                    wire::encoded(value)
                ));
            }
            link.push_str(&format!("$skip={}", self.skip + got));
            body["@odata.nextLink"] = json!(link);
        }
        body["value"] = Value::Array(page);
        Reply::ok(body)
    }
}

fn number(name: &str, value: &str) -> Result<usize, Refusal> {
    value
        .parse()
        .map_err(|_| Refusal::odata(format!("Invalid value '{value}' for {name} query option")))
}

/// One entity with its context URL.
pub(crate) fn entity(root: &str, set: &str, mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        let context = format!("{root}/$metadata#{set}/$entity");
        fields.insert("@odata.context".to_owned(), Value::String(context));
    }
    document
}
