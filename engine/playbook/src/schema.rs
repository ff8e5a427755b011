//! The JSON Schema of playbooks.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use crate::syntax::Playbook;

/// The schema of the language, actions left open.
pub(crate) fn language() -> &'static Value {
    static LANGUAGE: LazyLock<Value> = LazyLock::new(generate);
    &LANGUAGE
}

fn generate() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Playbook>();
    RecursiveTransform(|schema: &mut schemars::Schema| refuse_null(schema)).transform(&mut schema);
    schema.into()
}

/// An optional key may be left out; written without a value it is a mistake.
fn refuse_null(schema: &mut schemars::Schema) {
    if let Some(Value::Array(names)) = schema.get_mut("type") {
        names.retain(|name| name != "null");
        if let [only] = names.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(branches)) = schema.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
    let [only] = branches.as_slice() else { return };
    let only = only.as_object().cloned().unwrap_or_default();
    schema.remove("anyOf");
    for (key, value) in only {
        if schema.get(&key).is_none() {
            schema.insert(key, value);
        }
    }
}
#[cfg(test)]
mod tests {
    #[test]
    fn dump() {
        println!("{:#}", super::language());
    }
}
