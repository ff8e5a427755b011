//! The way out: a value of the evaluator becomes JSON, within the limit of the result.

use serde_json::{Map, Number, Value};

use super::budget::{RESULT_BYTES_MAX, too_large};
use super::value::{Dict, Fault, List, Val};

/// The key that marks the handle of a secret.
pub(super) const SECRET_KEY: &str = "$secret";

/// The value as JSON. A map that looks like the handle of a secret is refused: only the engine
/// makes handles, and what an alert says must not become one.
pub(super) fn export(value: &Val<'_>) -> Result<Value, Fault> {
    Meter {
        left: RESULT_BYTES_MAX,
    }
    .export(value)
}

struct Meter {
    left: usize,
}

impl Meter {
    fn pay(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<String, Fault> {
        self.pay(text.len() + 3)?;
        Ok(text.to_owned())
    }

    fn key(&mut self, key: &str) -> Result<String, Fault> {
        if key == SECRET_KEY {
            return Err(Fault::new(format!(
                "a value with the key `{SECRET_KEY}` is refused"
            )));
        }
        self.text(key)
    }

    fn export(&mut self, value: &Val<'_>) -> Result<Value, Fault> {
        match value {
            Val::List(List::Ref(items)) => items.iter().map(|item| self.copy(item)).collect(),
            Val::List(List::Own(items)) => items.iter().map(|item| self.export(item)).collect(),
            Val::Map(Dict::Ref(fields)) => self.copy_map(fields),
            Val::Map(Dict::Own(fields)) => {
                let pairs = fields
                    .iter()
                    .map(|(key, value)| Ok((self.key(key.as_str())?, self.export(value)?)));
                pairs.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            Val::Text(text) => self.text(text.as_str()).map(Value::String),
            Val::Null => self.pay(5).map(|()| Value::Null),
            Val::Bool(value) => self.pay(6).map(|()| Value::Bool(*value)),
            Val::Int(value) => self.pay(9).map(|()| int(*value)),
            Val::Float(value) => self
                .pay(9)
                .map(|()| Number::from_f64(*value).map_or(Value::Null, Value::Number)),
        }
    }

    fn copy(&mut self, value: &Value) -> Result<Value, Fault> {
        match value {
            Value::Array(items) => {
                self.pay(3)?;
                items.iter().map(|item| self.copy(item)).collect()
            }
            Value::Object(fields) => self.copy_map(fields),
            Value::String(text) => self.text(text).map(Value::String),
            scalar => self.pay(9).map(|()| scalar.clone()),
        }
    }

    fn copy_map(&mut self, fields: &Map<String, Value>) -> Result<Value, Fault> {
        self.pay(3)?;
        let pairs = fields
            .iter()
            .map(|(key, value)| Ok((self.key(key)?, self.copy(value)?)));
        pairs.collect::<Result<Map<_, _>, _>>().map(Value::Object)
    }
}

fn int(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(value) => value.into(),
        Err(_) => u64::try_from(value).map_or(Value::Null, Value::from),
    }
}
