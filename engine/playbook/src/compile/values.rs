//! Values with expressions in them: read, checked against the names in sight, placed in the file.

use engine_model::{Code, Fix, Span, code};
use serde_json::Value;

use super::scope::Names;
use super::{Compiler, marks};
use crate::expr::{
    Expr, Language, Problem, Template, TemplateProblem, Type, check_bool, check_template,
};
use crate::yaml::{Content, NodeId};

impl Compiler<'_, '_> {
    /// Calls `work` with the names in sight.
    pub(super) fn with_names<T>(&mut self, work: impl FnOnce(&mut Self, &Names) -> T) -> T {
        let names = std::mem::take(&mut self.names);
        let out = work(self, &names);
        self.names = names;
        out
    }

    /// A condition; `${{ }}` around it may be left out.
    pub(super) fn condition(&mut self, id: NodeId, names: &Names) -> Option<Expr> {
        let document = self.report.document;
        let source = match &document.node(id).content {
            Content::Text(text) => text.clone(),
            Content::Bool(value) => value.to_string(),
            _ => return None,
        };
        match Expr::parse(&source) {
            Ok(expr) => {
                for problem in check_bool(&expr, &names.env) {
                    self.place(id, shifted(problem, expr.offset()));
                }
                Some(expr)
            }
            Err(error) => {
                let (span, message) = (error.span, error.message);
                let placed = Placed {
                    code: error.code,
                    span,
                    message,
                    help: error.help,
                };
                self.place(id, placed);
                None
            }
        }
    }

    /// Any value; no secret may stand in it.
    pub(super) fn template(&mut self, id: NodeId, names: &Names) -> Option<(Template, Type)> {
        let template = self.parameter(id, &Value::Bool(true), names)?;
        let (ty, _) = check_template(&template, &names.env);
        Some((template, ty))
    }

    /// A text for people.
    pub(super) fn text(&mut self, id: NodeId) -> Option<Template> {
        let schema = serde_json::json!({ "type": "string" });
        self.with_names(|compiler, names| compiler.parameter(id, &schema, names))
    }

    /// A value that `schema` describes: it says the language of each text, where a secret may
    /// stand, and the type an expression must have.
    pub(super) fn parameter(
        &mut self,
        id: NodeId,
        schema: &Value,
        names: &Names,
    ) -> Option<Template> {
        let document = self.report.document;
        match &document.node(id).content {
            Content::Text(text) => self.leaf(id, text, schema, names),
            Content::List(items) => {
                let of_items = marks::items(schema).unwrap_or(&Value::Bool(true));
                let items: Vec<Option<Template>> = items
                    .iter()
                    .map(|item| self.parameter(*item, of_items, names))
                    .collect();
                let items = items.into_iter().collect::<Option<Vec<_>>>()?;
                Some(folded(items, Template::List, || document.value(id)))
            }
            Content::Map(fields) => {
                if document.get(id, "$secret").is_some() {
                    let message = "a secret is named by `${{ secrets.name }}` only";
                    self.report.value(code::PB0413, id, message);
                }
                let mut out = Vec::new();
                let mut whole = true;
                for field in fields.iter().copied() {
                    let key = document.key(field).unwrap_or_default();
                    let of_field = marks::property(schema, key).unwrap_or(&Value::Bool(true));
                    let value = self.parameter(field, of_field, names);
                    whole &= value.is_some();
                    out.extend(value.map(|value| (key.to_owned(), value)));
                }
                let constant = out
                    .iter()
                    .all(|(_, value)| matches!(value, Template::Literal(_)));
                let literal = || Template::Literal(document.value(id));
                whole.then(|| {
                    if constant {
                        literal()
                    } else {
                        Template::Map(out)
                    }
                })
            }
            _ => Some(Template::Literal(document.value(id))),
        }
    }

    fn leaf(&mut self, id: NodeId, text: &str, schema: &Value, names: &Names) -> Option<Template> {
        let language = marks::mark(schema, "x-language")
            .and_then(Value::as_str)
            .and_then(|word| word.parse::<Language>().ok());
        let compiled = Template::compile(&Value::String(text.to_owned()), language);
        let failed = compiled
            .problems
            .iter()
            .any(|p| p.severity == engine_model::Severity::Error);
        self.place_templates(id, text, compiled.problems);
        if failed {
            return None;
        }
        let (ty, problems) = check_template(&compiled.template, &names.env);
        let sound = problems.is_empty();
        self.place_templates(id, text, problems);
        let template = compiled.template;
        self.secret(id, &template, schema);
        if sound && !matches!(template, Template::Literal(_) | Template::Secret(_)) {
            self.fits(id, &ty, schema);
        }
        Some(template)
    }

    /// A secret stands only where the schema asks for one, and nothing else stands there.
    fn secret(&mut self, id: NodeId, template: &Template, schema: &Value) {
        let asked = marks::mark(schema, "x-secret") == Some(&Value::Bool(true));
        let is_secret = matches!(template, Template::Secret(_));
        if is_secret && !asked {
            let message = "a secret may not stand here";
            let help = "only a parameter that is meant for secrets takes `${{ secrets.name }}`";
            self.report.value(code::PB0413, id, message).help(help);
        } else if asked && !is_secret && !Type::from_schema(schema).fits(&Type::Text) {
            let message = "this parameter takes a secret and nothing else";
            let help = "put it into the configuration and write `${{ secrets.name }}`";
            self.report.value(code::PB0413, id, message).help(help);
        }
    }

    fn fits(&mut self, id: NodeId, ty: &Type, schema: &Value) {
        let expected = Type::from_schema(schema);
        let asks_secret = marks::mark(schema, "x-secret").is_some();
        if !asks_secret && !ty.fits(&expected) {
            let message = format!("expected {expected}, this expression yields {ty}");
            let help = mismatch(ty, &expected);
            self.report.value(code::PB0502, id, message).help_if(help);
        }
    }

    /// Places the problems of one text, the heaviest ones where there are very many.
    fn place_templates(&mut self, id: NodeId, text: &str, mut problems: Vec<TemplateProblem>) {
        const PROBLEMS_OF_A_TEXT_MAX: usize = 50;
        problems.sort_by_key(|problem| (problem.severity, problem.span.start));
        for problem in problems.into_iter().take(PROBLEMS_OF_A_TEXT_MAX) {
            self.place_template(id, text, problem);
        }
    }

    fn place_template(&mut self, id: NodeId, text: &str, problem: TemplateProblem) {
        let TemplateProblem {
            span,
            code,
            message,
            help,
            fix,
            ..
        } = problem;
        let fix = fix.and_then(|fix| self.fix(id, text, &fix));
        let span = self.report.document.inner_span(self.report.text, id, span);
        let problem = self.report.at(code, id, span, message).help_if(help);
        if let Some(fix) = fix {
            problem.fix(fix.span, fix.replacement);
        }
    }

    /// A change of a text as a change of the file: only where the file spells it the same way.
    fn fix(&self, id: NodeId, text: &str, fix: &Fix) -> Option<Fix> {
        let decoded = text.get(fix.span.start..fix.span.end)?;
        let span = self
            .report
            .document
            .inner_span(self.report.text, id, fix.span);
        let same = self.report.text.get(span.start..span.end)? == decoded;
        let plain = !self.report.document.is_quoted(id) && !fix.replacement.contains('\n');
        let harmless = !fix.replacement.contains(": ") && !fix.replacement.contains(" #");
        let replacement = fix.replacement.clone();
        (same && plain && harmless).then_some(Fix { span, replacement })
    }

    fn place(&mut self, id: NodeId, placed: Placed) {
        let Placed {
            code,
            span,
            message,
            help,
        } = placed;
        let span = self.report.document.inner_span(self.report.text, id, span);
        self.report.at(code, id, span, message).help_if(help);
    }
}

/// A problem in the bytes of a text.
struct Placed {
    code: Code,
    span: Span,
    message: String,
    help: Option<String>,
}

fn shifted(problem: Problem, by: usize) -> Placed {
    let Problem {
        code,
        span,
        message,
        help,
        ..
    } = problem;
    let span = Span {
        start: span.start + by,
        end: span.end + by,
    };
    Placed {
        code,
        span,
        message,
        help,
    }
}

/// Values without expressions are one literal.
fn folded(
    items: Vec<Template>,
    list: impl FnOnce(Vec<Template>) -> Template,
    value: impl FnOnce() -> Value,
) -> Template {
    if items
        .iter()
        .all(|item| matches!(item, Template::Literal(_)))
    {
        Template::Literal(value())
    } else {
        list(items)
    }
}

/// What usually helps when an expression has another type than its place.
fn mismatch(found: &Type, expected: &Type) -> Option<String> {
    let help = match (found, expected) {
        (Type::Text | Type::Enum(_), Type::Int | Type::Number) => "convert it: `| int`",
        (Type::Int | Type::Number | Type::Bool, Type::Text) => "convert it: `| string`",
        (Type::List(_), Type::Text) => "write `| join(', ')`, or choose one element: `| first`",
        (Type::Text | Type::Enum(_), Type::List(_)) => "write `${{ [ … ] }}` around it",
        (Type::Map(_), _) => "choose a field of it",
        _ => return None,
    };
    Some(help.to_owned())
}
