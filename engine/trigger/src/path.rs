//! Field paths: `entities.ip.address`, walked through lists.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value;

use crate::fold::fold;
use crate::number::Number;
use crate::view::AlertView;

/// A dotted path in an alert. A dot that belongs to a key is written `\.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldPath {
    segments: Vec<Box<str>>,
}

impl FieldPath {
    /// Reads a path; none when a segment is empty.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut segments = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, segments.last_mut()) {
                ('.', _) => segments.push(String::new()),
                ('\\', Some(last)) if characters.peek() == Some(&'.') => {
                    last.extend(characters.next());
                }
                (other, Some(last)) => last.push(other),
                (_, None) => return None,
            }
        }
        let segments: Vec<Box<str>> = segments.into_iter().map(String::into_boxed_str).collect();
        segments
            .iter()
            .all(|segment| !segment.is_empty())
            .then_some(Self { segments })
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// Every value the path reaches: through a list it reaches those of each member. Members
    /// without the field reach nothing.
    pub(crate) fn values<'a>(&self, alert: &'a AlertView<'_>) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        if let Some((first, rest)) = self.segments.split_first()
            && let Some(value) = alert.field(first)
        {
            walk(value, rest, &mut found);
        }
        found
    }
}

fn walk<'a>(value: &'a Value, rest: &[Box<str>], found: &mut Vec<Found<'a>>) {
    match (value, rest.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| walk(item, rest, found)),
        (Value::Object(fields), Some((first, rest))) => {
            if let Some(value) = fields.get(&**first) {
                walk(value, rest, found);
            }
        }
        (_, Some(_)) => {}
        (value, None) => found.push(Found::new(value)),
    }
}

/// One value that a path reached.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    kind: Kind,
    text: Cow<'a, str>,
    /// The text without case, made when first asked for; none when it is the text itself.
    folded: OnceCell<Option<Box<str>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Map,
    Scalar,
}

impl<'a> Found<'a> {
    fn new(value: &'a Value) -> Self {
        let (kind, text) = match value {
            Value::Null => (Kind::Null, Cow::Borrowed("")),
            Value::Bool(true) => (Kind::Scalar, Cow::Borrowed("true")),
            Value::Bool(false) => (Kind::Scalar, Cow::Borrowed("false")),
            Value::Number(number) => {
                let text = Number::of(number).map_or(number.to_string(), |n| n.to_string());
                (Kind::Scalar, Cow::Owned(text))
            }
            Value::String(text) => (Kind::Scalar, Cow::Borrowed(text.as_str())),
            Value::Array(_) | Value::Object(_) => (Kind::Map, Cow::Borrowed("")),
        };
        Self {
            kind,
            text,
            folded: OnceCell::new(),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The text form; null and maps have none.
    pub(crate) fn text(&self) -> Option<&str> {
        (self.kind == Kind::Scalar).then_some(&*self.text)
    }

    /// The text form without case.
    pub(crate) fn folded(&self) -> Option<&str> {
        let text = self.text()?;
        let folded = self.folded.get_or_init(|| match fold(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(folded) => Some(folded.into_boxed_str()),
        });
        Some(folded.as_deref().unwrap_or(text))
    }

    /// The number it is, or that its text says.
    pub(crate) fn number(&self) -> Option<Number> {
        self.text().and_then(Number::read)
    }

    /// The value as messages show it.
    pub(crate) fn shown(&self) -> String {
        const SHOWN_MAX: usize = 120;
        match self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Map => "a map".to_owned(),
            Kind::Scalar if self.text.chars().count() > SHOWN_MAX => {
                format!(
                    "`{}…`",
                    self.text.chars().take(SHOWN_MAX).collect::<String>()
                )
            }
            Kind::Scalar => format!("`{}`", self.text),
        }
    }
}

/// The fields that a set of rules looks at, each with a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    paths: Vec<FieldPath>,
    numbers: std::collections::HashMap<FieldPath, FieldId>,
}

/// A field by its number in [`Fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldId(u32);

impl FieldId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Fields {
    pub(crate) fn id(&mut self, path: FieldPath) -> FieldId {
        let next = FieldId(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        let paths = &mut self.paths;
        *self.numbers.entry(path).or_insert_with_key(|path| {
            paths.push(path.clone());
            next
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }
}

/// An alert under the eyes of a set of rules: each field is looked up once, when first asked for.
pub(crate) struct Seen<'s> {
    alert: &'s AlertView<'s>,
    fields: &'s Fields,
    cells: Vec<OnceCell<Vec<Found<'s>>>>,
}

impl<'s> Seen<'s> {
    pub(crate) fn new(alert: &'s AlertView<'s>, fields: &'s Fields) -> Self {
        let mut cells = Vec::new();
        cells.resize_with(fields.len(), OnceCell::new);
        Self {
            alert,
            fields,
            cells,
        }
    }

    pub(crate) fn alert(&self) -> &'s AlertView<'s> {
        self.alert
    }

    pub(crate) fn values(&self, field: FieldId) -> &[Found<'s>] {
        let index = field.index();
        self.cells[index].get_or_init(|| self.fields.paths[index].values(self.alert))
    }
}
