//! Request bodies, checked as strictly as the service checks them: names are case-sensitive.

use serde_json::{Map, Value};

use crate::reply::Refusal;

/// A documented field of a request body.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    /// The words it may be; none means any value.
    words: &'static [&'static str],
}

impl Field {
    pub(super) const fn required(name: &'static str) -> Self {
        Self {
            name,
            required: true,
            words: &[],
        }
    }

    pub(super) const fn optional(name: &'static str) -> Self {
        Self {
            name,
            required: false,
            words: &[],
        }
    }

    /// Restricts it to these words.
    pub(super) const fn one_of(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    fn check(&self, value: &Value) -> Result<(), Refusal> {
        if self.words.is_empty() {
            return Ok(());
        }
        match value.as_str() {
            Some(word) if self.words.contains(&word) => Ok(()),
            None if value.is_null() && !self.required => Ok(()),
            _ => Err(Refusal::new(
                400,
                "InvalidInput",
                format!(
                    "{value} is no value of {}: use {}",
                    self.name,
                    self.words.join(", ")
                ),
            )),
        }
    }
}

/// A body whose fields are those documented.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn read(bytes: &[u8], fields: &[Field]) -> Result<Self, Refusal> {
        let Ok(Value::Object(map)) = serde_json::from_slice(bytes) else {
            return Err(Refusal::body("Request body is incorrect"));
        };
        if let Some(name) = map
            .keys()
            .find(|name| fields.iter().all(|field| field.name != *name))
        {
            return Err(Refusal::body(format!(
                "Request body is incorrect: {name} is unknown"
            )));
        }
        for field in fields {
            match map.get(field.name) {
                Some(value) if field.required && is_blank(value) => {
                    return Err(Refusal::missing(field.name));
                }
                Some(value) => field.check(value)?,
                None if field.required => return Err(Refusal::missing(field.name)),
                None => {}
            }
        }
        Ok(Self(map))
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text field, empty where it is absent.
    pub(super) fn text(&self, name: &str) -> Result<&str, Refusal> {
        match self.get(name) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Refusal::body(format!(
                "Request body is incorrect: {name} is no text"
            ))),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let texts = value.as_array().and_then(|list| {
            list.iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        let message = || Refusal::body(format!("Request body is incorrect: {name} is no list"));
        texts.map(Some).ok_or_else(message)
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}
