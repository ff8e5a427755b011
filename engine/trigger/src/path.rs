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

    /// Every value the path reaches in `alert`.
    pub(crate) fn values<'a>(&self, alert: &'a AlertView<'a>) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        self.each(Root::Alert(alert), &mut |value| {
            found.push(Found::new(value))
        });
        found
    }

    /// The path with `inner` behind it.
    fn then(&self, inner: &Self) -> Self {
        let segments = self.segments.iter().chain(&inner.segments).cloned();
        Self {
            segments: segments.collect(),
        }
    }

    /// Calls `visit` with every value the path reaches: through a list it reaches those of each
    /// member. Members without the field reach nothing.
    fn each<'a>(&self, root: Root<'a>, visit: &mut impl FnMut(&'a Value)) {
        if let Some((first, rest)) = self.segments.split_first()
            && let Some(value) = root.field(first)
        {
            walk(value, rest, visit);
        }
    }
}

fn walk<'a>(value: &'a Value, rest: &[Box<str>], visit: &mut impl FnMut(&'a Value)) {
    match (value, rest.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| walk(item, rest, visit)),
        (Value::Object(fields), Some((first, rest))) => {
            if let Some(value) = fields.get(&**first) {
                walk(value, rest, visit);
            }
        }
        (_, Some(_)) => {}
        (value, None) => visit(value),
    }
}

fn walk_texts<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    match value {
        Value::String(_) => visit(value),
        Value::Array(items) => items.iter().for_each(|item| walk_texts(item, visit)),
        Value::Object(fields) => fields.values().for_each(|item| walk_texts(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What fields are looked up in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Root<'a> {
    /// An alert.
    Alert(&'a AlertView<'a>),
    /// A member of a list.
    Member(&'a Value),
}

impl<'a> Root<'a> {
    fn field(self, name: &str) -> Option<&'a Value> {
        match self {
            Self::Alert(alert) => alert.field(name),
            Self::Member(value) => value.get(name),
        }
    }
}

/// What a line of a match looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    /// The values at a path.
    Path(FieldPath),
    /// Folder and name of the files at a path, as one text.
    File(FieldPath),
    /// The same thing where different vendors have it.
    AnyOf(Vec<Field>),
    /// Every text, wherever it stands.
    Texts,
    /// The member of a list itself.
    Member,
}

impl Field {
    /// Every value of the field.
    fn values<'a>(&self, root: Root<'a>, found: &mut Vec<Found<'a>>) {
        match (self, root) {
            (Self::Path(path), _) => path.each(root, &mut |value| found.push(Found::new(value))),
            (Self::File(path), _) => path.each(root, &mut |value| found.extend(Found::file(value))),
            (Self::AnyOf(fields), _) => fields.iter().for_each(|field| field.values(root, found)),
            (Self::Texts, Root::Alert(alert)) => {
                let mut visit = |value| found.push(Found::new(value));
                alert.each_field(&mut |value| walk_texts(value, &mut visit));
            }
            (Self::Texts, Root::Member(value)) => {
                walk_texts(value, &mut |value| found.push(Found::new(value)));
            }
            (Self::Member, Root::Member(value)) => {
                walk(value, &[], &mut |value| found.push(Found::new(value)));
            }
            (Self::Member, Root::Alert(_)) => {}
        }
    }

    /// The members of the lists at this field; something else than a list is its only member.
    pub(crate) fn members<'a>(&self, root: Root<'a>) -> Vec<&'a Value> {
        let mut members = Vec::new();
        match self {
            Self::Path(path) => path.each(root, &mut |value| members.push(value)),
            Self::AnyOf(fields) => members.extend(fields.iter().flat_map(|f| f.members(root))),
            Self::File(_) | Self::Texts | Self::Member => {}
        }
        // A field without a value is a list without members.
        if matches!(members.as_slice(), [Value::Null]) {
            members.clear();
        }
        members
    }

    /// Where the alert has what members of this field have at `inner`.
    pub(crate) fn then(&self, inner: &Self) -> Self {
        match (self, inner) {
            (Self::Path(path), Self::Path(inner)) => Self::Path(path.then(inner)),
            (Self::AnyOf(fields), _) => {
                Self::AnyOf(fields.iter().map(|field| field.then(inner)).collect())
            }
            (_, Self::Member) => self.clone(),
            // Whatever a member holds, the alert holds.
            _ => Self::Texts,
        }
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

    /// The folder and the name of a file.
    fn file(value: &'a Value) -> Option<Self> {
        let part = |key: &str| value.get(key).and_then(Value::as_str);
        let text = match (part("path"), part("name")) {
            (Some(path), Some(name)) if ends_with_name(path, name) => Cow::Borrowed(path),
            (Some(path), Some(name)) => {
                let between = if path.contains('/') { '/' } else { '\\' };
                Cow::Owned(format!("{}{between}{name}", path.trim_end_matches(between)))
            }
            (Some(only), None) | (None, Some(only)) => Cow::Borrowed(only),
            (None, None) => return None,
        };
        Some(Self {
            kind: Kind::Scalar,
            text,
            folded: OnceCell::new(),
        })
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

/// Some sources give the whole path as the folder.
fn ends_with_name(path: &str, name: &str) -> bool {
    let tail = path.rsplit(['/', '\\']).next().unwrap_or_default();
    tail.eq_ignore_ascii_case(name)
}

/// The fields that a set of rules looks at, each with a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    fields: Vec<Field>,
    numbers: std::collections::HashMap<Field, FieldId>,
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
    pub(crate) fn id(&mut self, field: Field) -> FieldId {
        let next = FieldId(u32::try_from(self.fields.len()).unwrap_or(u32::MAX));
        let fields = &mut self.fields;
        *self.numbers.entry(field).or_insert_with_key(|field| {
            fields.push(field.clone());
            next
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }
}

/// An alert, or a member of one of its lists, under the eyes of a set of rules: each field is
/// looked up once, when first asked for.
pub(crate) struct Seen<'s> {
    root: Root<'s>,
    fields: &'s Fields,
    cells: Vec<OnceCell<Vec<Found<'s>>>>,
}

impl<'s> Seen<'s> {
    pub(crate) fn new(alert: &'s AlertView<'s>, fields: &'s Fields) -> Self {
        Self::at(Root::Alert(alert), fields)
    }

    pub(crate) fn at(root: Root<'s>, fields: &'s Fields) -> Self {
        let mut cells = Vec::new();
        cells.resize_with(fields.len(), OnceCell::new);
        Self {
            root,
            fields,
            cells,
        }
    }

    pub(crate) const fn root(&self) -> Root<'s> {
        self.root
    }

    pub(crate) fn values(&self, field: FieldId) -> &[Found<'s>] {
        let index = field.index();
        self.cells[index].get_or_init(|| {
            let mut found = Vec::new();
            self.fields.fields[index].values(self.root, &mut found);
            found
        })
    }
}
