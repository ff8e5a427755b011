//! Inputs: typed parameters become JSON Schema.

use serde_json::{Map, Value, json};

use super::Compiler;
use crate::plan;
use crate::shape::Rules;
use crate::syntax::{self, Spanned};
use crate::yaml::NodeId;

impl Compiler<'_, '_> {
    /// The inputs of the playbook, in the order written.
    pub(super) fn inputs(&mut self, playbook: &syntax::Playbook) -> Vec<plan::Input> {
        let inputs = playbook.inputs.iter().flat_map(|inputs| &inputs.0);
        inputs
            .map(|(name, input)| self.input(name, input))
            .collect()
    }

    pub(super) fn input(&mut self, name: &str, input: &Spanned<syntax::Input>) -> plan::Input {
        let document = self.report.document;
        let schema = json_schema(&document.value(input.at));
        let default = input.value.default.map(|default| default.0);
        if let Some(default) = default {
            let rules = Rules {
                extensions: false,
                ..Rules::LANGUAGE
            };
            self.shape(default, &schema, rules);
        }
        plan::Input {
            name: name.to_owned(),
            required: input.value.required.unwrap_or(false),
            default: default.map(|default| document.value(default)),
            schema,
        }
    }

    /// Checks the value at `id` against a schema that stands alone.
    pub(super) fn shape(&mut self, id: NodeId, schema: &Value, rules: Rules) {
        let mut shape = crate::shape::Shape {
            report: &mut self.report,
            dropped: &mut self.dropped,
            root: schema,
            patterns: &mut self.patterns,
            rules,
        };
        shape.check(id, schema);
    }
}

/// The JSON Schema of an input, from what is written: almost the same words.
fn json_schema(written: &Value) -> Value {
    let mut schema = Map::new();
    for (key, value) in written.as_object().into_iter().flatten() {
        match key.as_str() {
            "required" | "default" => {}
            "items" => {
                schema.insert(key.clone(), json_schema(value));
            }
            "properties" => {
                let fields = value.as_object().into_iter().flatten();
                let fields: Map<_, _> = fields
                    .map(|(name, field)| (name.clone(), json_schema(field)))
                    .collect();
                let required: Vec<&String> = written["properties"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(_, field)| field["required"] == true)
                    .map(|(name, _)| name)
                    .collect();
                schema.insert("required".to_owned(), json!(required));
                schema.insert(key.clone(), Value::Object(fields));
                schema.insert("additionalProperties".to_owned(), json!(false));
            }
            "type" => match value.as_str() {
                Some("duration") => {
                    schema.insert("type".to_owned(), json!("string"));
                    schema.insert("pattern".to_owned(), json!("^([0-9]+(ms|s|m|h|d))+$"));
                }
                Some("time") => {
                    schema.insert("type".to_owned(), json!("string"));
                    schema.insert("format".to_owned(), json!("date-time"));
                }
                _ => {
                    schema.insert(key.clone(), value.clone());
                }
            },
            key if key.starts_with("x-") => {}
            _ => {
                schema.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(schema)
}
