//! Values with expressions in them, and how they are rendered.

use serde_json::{Map, Value};

use super::budget::{RESULT_BYTES_MAX, too_large};
use super::encode::Place;
use super::eval::evaluate;
use super::export::SECRET_KEY;
use super::interpolate::{self, Compiled};
use super::value::{Fault, Val};
use super::{EvalError, Expr, Language, Scope};

/// A value with expressions in it.
#[derive(Clone, Debug)]
pub enum Template {
    /// No expression inside.
    Literal(Value),
    /// Exactly one `${{ }}`: yields the value with its type.
    Expr(Expr),
    /// Text with expressions in it, or an expression that becomes a literal of a language.
    Text(TextTemplate),
    /// A secret; rendered as its handle, never as its value.
    Secret(String),
    /// A list.
    List(Vec<Template>),
    /// A map, in the order written.
    Map(Vec<(String, Template)>),
}

/// Text with expressions in it.
#[derive(Clone, Debug)]
pub struct TextTemplate {
    pub(super) parts: Vec<Part>,
    /// The text is exactly one expression: null stays null.
    pub(super) whole: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(String),
    Slot(Slot),
}

/// An expression in text.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) expr: Expr,
    /// How the value is written; as plain text when there is none.
    pub(super) place: Option<Place>,
    /// A literal here would grow together with what stands before or after it.
    pub(super) apart: Apart,
}

/// Where a space keeps a literal from growing together with its neighbour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// One step of the way to a value inside a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// A place in a list.
    Index(usize),
}

impl Template {
    /// Reads the expressions in every text of `value`.
    ///
    /// With a language, every expression is written as a literal of that language, unless it ends
    /// in `| raw`. All problems are returned; the template is usable only when none of them is an
    /// error.
    #[must_use]
    pub fn compile(value: &Value, language: Option<Language>) -> Compiled {
        interpolate::compile(value, language)
    }

    /// Renders with the values of `scope`; a secret yields its handle `{"$secret": name}`.
    ///
    /// # Errors
    ///
    /// As [`Expr::eval`], and when a value cannot stand where it is written.
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expr(expr) => expr.eval(scope),
            Self::Text(text) => text.render(scope),
            Self::Secret(name) => Ok(Value::Object(Map::from_iter([(
                SECRET_KEY.to_owned(),
                name.as_str().into(),
            )]))),
            Self::List(items) => items.iter().map(|item| item.render(scope)).collect(),
            Self::Map(items) => items
                .iter()
                .map(|(key, item)| Ok((key.clone(), item.render(scope)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        }
    }

    /// The name of the secret, when the whole value is one.
    #[must_use]
    pub fn as_secret(&self) -> Option<&str> {
        match self {
            Self::Secret(name) => Some(name),
            _ => None,
        }
    }

    /// Every expression with the path of the text it stands in; [`Expr::offset`] says where in
    /// that text.
    #[must_use]
    pub fn expressions(&self) -> Vec<(Vec<Segment>, &Expr)> {
        let mut out = Vec::new();
        self.visit(&mut Vec::new(), &mut |path, template| match template {
            Self::Expr(expr) => out.push((path.to_vec(), expr)),
            Self::Text(text) => out.extend(text.slots().map(|slot| (path.to_vec(), &slot.expr))),
            _ => {}
        });
        out
    }

    /// Every secret with the path of the text it stands in.
    #[must_use]
    pub fn secrets(&self) -> Vec<(Vec<Segment>, &str)> {
        let mut out = Vec::new();
        self.visit(&mut Vec::new(), &mut |path, template| {
            out.extend(template.as_secret().map(|name| (path.to_vec(), name)));
        });
        out
    }

    /// Calls `visit` for every template that has no templates in it.
    fn visit<'t>(&'t self, path: &mut Vec<Segment>, visit: &mut dyn FnMut(&[Segment], &'t Self)) {
        match self {
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(Segment::Index(index));
                    item.visit(path, visit);
                    path.pop();
                }
            }
            Self::Map(items) => {
                for (key, item) in items {
                    path.push(Segment::Key(key.clone()));
                    item.visit(path, visit);
                    path.pop();
                }
            }
            leaf => visit(path, leaf),
        }
    }
}

impl TextTemplate {
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Text(_) => None,
        })
    }

    fn render(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(slot) => {
                    let is_null = slot.write(scope, &mut out, self.whole)?;
                    if is_null {
                        return Ok(Value::Null);
                    }
                }
            }
        }
        Ok(Value::String(out))
    }
}

impl Slot {
    /// Appends the value; yields whether it is null and null may stay.
    fn write(&self, scope: &dyn Scope, out: &mut String, whole: bool) -> Result<bool, EvalError> {
        let (source, root) = self.expr.parts();
        evaluate(source, root, scope, |value, budget| {
            if whole && matches!(value, Val::Null) {
                return Ok(true);
            }
            // Numbers may touch their neighbours: `${{ inputs.days }}d`.
            let touches = matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_));
            let space = |apart: bool| if apart && !touches { " " } else { "" };
            out.push_str(space(self.apart.before));
            match self.place {
                Some(place) => place.write(&value, out, budget)?,
                None => {
                    let text = value.scalar_text().ok_or_else(|| not_in_text(&value))?;
                    out.push_str(text.as_str());
                }
            }
            out.push_str(space(self.apart.after));
            fits(out).map(|()| false)
        })
    }
}

fn fits(out: &str) -> Result<(), Fault> {
    if out.len() > RESULT_BYTES_MAX {
        Err(too_large())
    } else {
        Ok(())
    }
}

fn not_in_text(value: &Val<'_>) -> Fault {
    let help = match value {
        Val::Null => "use `| default('…')`",
        Val::List(_) => "use `| join(', ')` or `| json`",
        _ => "use `| json`",
    };
    Fault::new(format!("{} cannot stand inside text, {help}", value.kind()))
}
