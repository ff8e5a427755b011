//! Finds `${{ }}` in texts and turns values into templates.

use std::ops::Range;

use engine_model::{Code, Fix, Severity, Span, code};
use serde_json::Value;

use super::ast::{Kind, Node};
use super::encode::Place;
use super::export::SECRET_KEY;
use super::lex::text_length;
use super::surround::{Quoted, Spot, Survey, survey};
use super::template::{Apart, Part, Segment, Slot, Template, TextTemplate};
use super::types::Type;
use super::{Expr, Language, ParseError};

mod quotes;

/// What reading a value yielded.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The template; not to be rendered when a problem is an error.
    pub template: Template,
    /// Everything that is wrong with it.
    pub problems: Vec<TemplateProblem>,
}

/// A problem of an expression inside a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The way from the value to the text.
    pub path: Vec<Segment>,
    /// Where in that text, in bytes.
    pub span: Span,
    /// The code.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// A change of that text that mends it.
    pub fix: Option<Fix>,
}

pub(super) fn compile(value: &Value, language: Option<Language>) -> Compiled {
    let mut compiler = Compiler {
        language,
        path: Vec::new(),
        problems: Vec::new(),
    };
    let template = compiler.value(value);
    Compiled {
        template,
        problems: compiler.problems,
    }
}

struct Compiler {
    language: Option<Language>,
    path: Vec<Segment>,
    problems: Vec<TemplateProblem>,
}

/// An expression in a text, still unread.
struct Hole {
    /// With its `${{ }}`.
    outer: Range<usize>,
    inner: Range<usize>,
}

impl Compiler {
    fn value(&mut self, value: &Value) -> Template {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let items: Vec<Template> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.below(Segment::Index(index), item))
                    .collect();
                let constant = |item: &Template| matches!(item, Template::Literal(_));
                if items.iter().all(constant) {
                    return Template::Literal(value.clone());
                }
                Template::List(items)
            }
            Value::Object(fields) => {
                if fields.contains_key(SECRET_KEY) {
                    let message = format!("a value with the key `{SECRET_KEY}` is refused");
                    let help = Some("write `${{ secrets.name }}`".to_owned());
                    self.report(code::PB0413, Span::default(), message, help);
                }
                let fields: Vec<(String, Template)> = fields
                    .iter()
                    .map(|(key, item)| (key.clone(), self.below(Segment::Key(key.clone()), item)))
                    .collect();
                let constant = |(_, item): &(_, Template)| matches!(item, Template::Literal(_));
                if fields.iter().all(constant) {
                    return Template::Literal(value.clone());
                }
                Template::Map(fields)
            }
            _ => Template::Literal(value.clone()),
        }
    }

    fn below(&mut self, segment: Segment, value: &Value) -> Template {
        self.path.push(segment);
        let template = self.value(value);
        self.path.pop();
        template
    }

    fn report(&mut self, code: Code, span: Span, message: String, help: Option<String>) {
        let severity = if code == code::PB0804 {
            Severity::Warning
        } else {
            Severity::Error
        };
        let path = self.path.clone();
        let problem = TemplateProblem {
            path,
            span,
            code,
            severity,
            message,
            help,
            fix: None,
        };
        self.problems.push(problem);
    }

    fn text(&mut self, text: &str) -> Template {
        let literal = || Template::Literal(Value::String(text.to_owned()));
        let holes = match holes(text) {
            Ok(holes) if holes.is_empty() => return literal(),
            Ok(holes) => holes,
            Err(error) => {
                self.report(error.code, error.span, error.message, error.help);
                return literal();
            }
        };
        let whole = matches!(&holes[..], [hole] if hole.outer == (0..text.len()));
        let before = self.problems.len();
        let exprs: Vec<Option<Expr>> = holes.iter().map(|hole| self.expr(text, hole)).collect();
        if let (true, [Some(expr)]) = (whole, &exprs[..])
            && let Some(name) = secret_name(expr.parts().1)
        {
            return Template::Secret(name.to_owned());
        }
        exprs
            .iter()
            .flatten()
            .for_each(|expr| self.refuse_secrets(expr));
        let failed = self.problems[before..]
            .iter()
            .any(|p| p.severity == Severity::Error);
        let Some(exprs) = exprs.into_iter().collect::<Option<Vec<_>>>() else {
            return literal();
        };
        if failed {
            return literal();
        }
        match self.language {
            None if whole => exprs
                .into_iter()
                .next()
                .map_or_else(literal, Template::Expr),
            None => self.assemble(text, &holes, exprs, None),
            Some(language) => self.assemble(text, &holes, exprs, Some(language)),
        }
    }

    fn expr(&mut self, text: &str, hole: &Hole) -> Option<Expr> {
        let inner = &text[hole.inner.clone()];
        let start = hole.inner.start + inner.len() - inner.trim_start().len();
        match Expr::parse_at(inner.trim(), start) {
            Ok(expr) => Some(expr),
            Err(error) => {
                let span = shifted(error.span, start);
                self.report(error.code, span, error.message, error.help);
                None
            }
        }
    }

    fn refuse_secrets(&mut self, expr: &Expr) {
        let mut found = Vec::new();
        expr.parts().1.walk(&mut |node| {
            if matches!(&node.kind, Kind::Name(name) if name == "secrets") {
                found.push(shifted(node.span, expr.offset()));
            }
        });
        for span in found {
            let message = "a secret stands only as the whole value of a parameter".to_owned();
            let help = Some("write `${{ secrets.name }}` and nothing else".to_owned());
            self.report(code::PB0413, span, message, help);
        }
    }

    fn assemble(
        &mut self,
        text: &str,
        holes: &[Hole],
        exprs: Vec<Expr>,
        language: Option<Language>,
    ) -> Template {
        let outer: Vec<Range<usize>> = holes.iter().map(|hole| hole.outer.clone()).collect();
        let survey = language
            .map(|language| survey(language, text, &outer))
            .unwrap_or_default();
        if let Some(language) = language {
            self.report_quotes(text, &outer, &exprs, (language, &survey));
        }
        let mut parts = Vec::new();
        let mut at = 0;
        for (index, expr) in exprs.into_iter().enumerate() {
            let hole = &outer[index];
            if at < hole.start {
                parts.push(Part::Text(text[at..hole.start].to_owned()));
            }
            at = hole.end;
            let place = language.and_then(|language| {
                self.place(language, survey.spots.get(index).copied(), &expr, hole)
            });
            // A value that is a literal already can grow together with its neighbours as well.
            let apart = language
                .filter(|_| !quotes::ends_raw(&expr))
                .map(|language| apart(language, text, &outer, index));
            parts.push(Part::Slot(Slot {
                expr,
                place,
                apart: apart.unwrap_or_default(),
            }));
        }
        if at < text.len() {
            parts.push(Part::Text(text[at..].to_owned()));
        }
        Template::Text(TextTemplate {
            whole: outer.len() == 1 && parts.len() == 1,
            parts,
        })
    }

    /// How the value of an expression is written; as it stands where its last filter says so.
    fn place(
        &mut self,
        language: Language,
        spot: Option<Spot>,
        expr: &Expr,
        hole: &Range<usize>,
    ) -> Option<Place> {
        let root = expr.parts().1;
        if let Kind::Filter(call) = &root.kind {
            if quotes::ends_raw(expr) {
                let span = Span {
                    start: hole.start,
                    end: hole.end,
                };
                let message = format!("the value becomes part of the {language} text as it is");
                let help = Some("remove `| raw` unless nobody else chooses the value".to_owned());
                self.report(code::PB0804, span, message, help);
                return None;
            }
            if call.filter.writes == Some(language) && spot != Some(Spot::Code) {
                return None;
            }
        }
        let spot = spot.unwrap_or(Spot::Plain);
        Some(Place {
            language,
            spot,
            time: yields_time(root),
        })
    }
}

fn shifted(span: Span, by: usize) -> Span {
    Span {
        start: span.start + by,
        end: span.end + by,
    }
}

/// The name in `secrets.name`.
fn secret_name(root: &Node) -> Option<&str> {
    let (of, name, _) = root.as_field()?;
    matches!(&of.kind, Kind::Name(root) if root == "secrets").then_some(name)
}

/// Whether the value is surely a time: what a filter on times yields, or an instant that the engine
/// itself recorded. Never decided by what the value looks like, because an attacker chooses that.
fn yields_time(root: &Node) -> bool {
    if let Kind::Filter(call) = &root.kind {
        return (call.filter.result)(&Type::Any, &[]) == Type::Time;
    }
    let Some((of, field, _)) = root.as_field() else {
        return false;
    };
    let is_name = |node: &Node, wanted: &str| matches!(&node.kind, Kind::Name(n) if n == wanted);
    match field {
        "now" => is_name(of, "run"),
        "created_at" | "updated_at" => is_name(of, "alert"),
        "started_at" | "ended_at" => of
            .as_field()
            .is_some_and(|(steps, _, _)| is_name(steps, "steps")),
        _ => false,
    }
}

/// Finds every `${{ }}`. Braces and quotes inside an expression are respected.
fn holes(text: &str) -> Result<Vec<Hole>, ParseError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${{") {
        let start = at + found;
        let inner = start + 3;
        let Some(length) = hole_length(&text[inner..]) else {
            let span = Span { start, end: inner };
            let help = Some("write `}}` after the expression");
            return Err(ParseError::new(span, "`${{` is not closed", help));
        };
        at = inner + length + 2;
        out.push(Hole {
            outer: start..at,
            inner: inner..inner + length,
        });
    }
    Ok(out)
}

/// The length of an expression up to its `}}`.
fn hole_length(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = rest.as_bytes().get(at) {
        match byte {
            b'\'' | b'"' => {
                at += text_length(&rest[at..])?;
                continue;
            }
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if rest[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a literal in this place would grow together with its neighbours: `"a""b"` is one text
/// in some languages, and `@"…"` reads escapes in another way.
fn apart(language: Language, text: &str, holes: &[Range<usize>], index: usize) -> Apart {
    let joins = |c: char| match language {
        Language::Kql => c.is_alphanumeric() || "_@\"'`~".contains(c),
        Language::OData => c == '\'',
        _ => false,
    };
    let hole = &holes[index];
    let after_hole = index > 0 && holes[index - 1].end == hole.start;
    let needs_space = matches!(language, Language::Kql | Language::OData);
    Apart {
        before: (after_hole && needs_space)
            || text[..hole.start].chars().next_back().is_some_and(joins),
        after: text[hole.end..].chars().next().is_some_and(joins),
    }
}
