//! The expression language: parsed once, checked against schemas, evaluated on JSON values.

use engine_model::Code;
use serde_json::{Map, Value};

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
}

/// A value with expressions in it.
#[derive(Clone, Debug)]
pub enum Template {
    /// No expression inside.
    Literal(Value),
    /// Exactly one `${{ }}`: yields the value with its type.
    Expr(Expr),
    /// A list.
    List(Vec<Template>),
    /// A map, in the order written.
    Map(Vec<(String, Template)>),
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
    /// Evaluates to any value.
    ///
    /// # Errors
    ///
    /// When a name or field is missing, types do not fit, or a limit is reached.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let _ = scope;
        Ok(Value::String(self.source.clone()))
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    ///
    /// As [`Expr::eval`], and when the result is not a boolean.
    pub fn eval_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        self.eval(scope).map(|value| value == Value::Bool(true))
    }
}

impl Template {
    /// Renders with the values of `scope`; a secret yields its handle `{"$secret": name}`.
    ///
    /// # Errors
    ///
    /// As [`Expr::eval`].
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expr(expr) => expr.eval(scope),
            Self::List(items) => items.iter().map(|item| item.render(scope)).collect(),
            Self::Map(items) => items
                .iter()
                .map(|(key, item)| Ok((key.clone(), item.render(scope)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        }
    }
}
