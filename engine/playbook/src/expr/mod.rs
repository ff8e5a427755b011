//! The expression language: parsed once, checked against schemas, evaluated on JSON values.
//!
//! One tree serves check and evaluation, so the two cannot disagree. Evaluation is strict (no
//! conversion between types), pure, and bounded in operations and in the size of what it makes.

use std::fmt;
use std::sync::Arc;

use engine_model::Code;
use serde_json::{Map, Value};

mod ast;
mod budget;
mod check;
mod encode;
mod eval;
mod export;
mod filters;
mod interpolate;
mod kinds;
mod language;
mod lex;
mod narrow;
mod ops;
mod parse;
mod suggest;
mod surround;
mod template;
mod types;
mod value;

pub use check::{Availability, Env, Problem, StepView, check, check_bool, check_template};
pub use filters::reference as filter_reference;
pub use interpolate::{Compiled, TemplateProblem};
pub use language::{Language, UnknownLanguage};
pub use parse::ParseError;
pub use template::{Segment, Template, TextTemplate};
pub use types::{Field, MapType, Type};

/// A parsed expression; cheap to copy.
#[derive(Clone)]
pub struct Expr {
    inner: Arc<Parsed>,
}

struct Parsed {
    source: String,
    offset: usize,
    root: ast::Node,
}

/// The names an expression may use.
pub trait Scope {
    /// The value of a top-level name: `inputs`, `alert`, `steps` …
    fn get(&self, name: &str) -> Option<&Value>;
}

impl Scope for Map<String, Value> {
    fn get(&self, name: &str) -> Option<&Value> {
        Map::get(self, name)
    }
}

/// Why an evaluation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// The code.
    pub code: Code,
    /// What is wrong, with the expression's text.
    pub message: String,
}

impl Expr {
    /// Reads a bare expression. `${{ }}` around the whole is accepted as well.
    ///
    /// # Errors
    ///
    /// When the text is not an expression; spans are bytes of `source`.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        let trimmed = source.trim();
        let inner = trimmed
            .strip_prefix("${{")
            .and_then(|rest| rest.strip_suffix("}}"));
        let inner = inner.unwrap_or(source);
        // Both are parts of `source`, so the difference is a place in it.
        let start = inner.as_ptr() as usize - source.as_ptr() as usize;
        let start = start + inner.len() - inner.trim_start().len();
        Self::parse_at(inner.trim(), start).map_err(|mut error| {
            error.span.start += start;
            error.span.end += start;
            error
        })
    }

    /// Reads an expression that begins at byte `offset` of a larger text.
    fn parse_at(source: &str, offset: usize) -> Result<Self, ParseError> {
        let root = parse::parse(source)?;
        Ok(Self {
            inner: Arc::new(Parsed {
                source: source.to_owned(),
                offset,
                root,
            }),
        })
    }

    /// The text of the expression, without `${{ }}` and white space around it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// Where the expression begins in the text it was read from, in bytes. The spans of
    /// [`check`] count from here.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.inner.offset
    }

    /// The ids of the steps that surely ran when this condition is true: what [`Env::known_ran`]
    /// takes for a step with this `if`.
    #[must_use]
    pub fn proves_ran(&self) -> std::collections::BTreeSet<String> {
        narrow::ran_when(&self.inner.root, true)
    }

    /// Evaluates to any value.
    ///
    /// # Errors
    ///
    /// When a name or field is missing, types do not fit, or a limit is reached.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        eval::value(&self.inner.source, &self.inner.root, scope)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    ///
    /// As [`Expr::eval`], and when the result is not a boolean.
    pub fn eval_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        eval::condition(&self.inner.source, &self.inner.root, scope)
    }

    fn parts(&self) -> (&str, &ast::Node) {
        (&self.inner.source, &self.inner.root)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({})", self.inner.source)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.source)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.inner.source == other.inner.source
    }
}
