//! Names, fields, indexes, and the rules for steps.

use super::super::narrow::step_of;
use super::super::parse::ENGINE_NAMES;
use super::super::suggest::similar_help;
use super::*;

impl<'e> Checker<'e> {
    /// The type of a name, a field or an element. When `lenient`, it may be missing or null.
    pub(super) fn path(&mut self, node: &'e Node, lenient: bool) -> Type {
        if let Kind::Name(name) = &node.kind {
            return self.name(name, node.span);
        }
        if let Some((of, field, span)) = node.as_field() {
            if let Some(id) = step_of(node) {
                return self.step(id, span, None, lenient);
            }
            let of_ty = match (step_of(of), of.as_field()) {
                (Some(id), Some((_, _, id_span))) => self.step(id, id_span, Some(field), lenient),
                _ => self.below(of, lenient),
            };
            return self.field(&of_ty, field, span);
        }
        match &node.kind {
            Kind::Index { of, index } => {
                let of_ty = self.below(of, lenient);
                let index_ty = self.ty(index);
                self.index(&of_ty, &index_ty, node.span)
            }
            _ => self.ty(node),
        }
    }

    fn below(&mut self, of: &'e Node, lenient: bool) -> Type {
        if lenient {
            self.lenient(of)
        } else {
            self.ty(of)
        }
    }

    fn name(&mut self, name: &'e str, span: Span) -> Type {
        if let Some((_, ty)) = self.locals.iter().rev().find(|(local, _)| *local == name) {
            return ty.clone();
        }
        if let Some(ty) = self.env.names.get(name) {
            return ty.clone();
        }
        match name {
            "steps" => Type::map_of(Type::Any),
            "secrets" => {
                let message = "a secret cannot be used in an expression".to_owned();
                let help = "write `${{ secrets.name }}` as the whole value of a parameter";
                self.report(code::PB0413, span, message, Some(help.to_owned()));
                Type::Any
            }
            _ => {
                let message = if ENGINE_NAMES.contains(&name) {
                    format!("`{name}` is not available here")
                } else {
                    format!("`{name}` is not known here")
                };
                let help = match name {
                    "alert" => {
                        Some("only an `alert` trigger brings one: add it to `triggers`".to_owned())
                    }
                    "error" => Some("outside `on_error` write `steps.<id>.error`".to_owned()),
                    _ => self.name_help(name),
                };
                self.report(code::PB0305, span, message, help);
                Type::Any
            }
        }
    }

    /// A field of `inputs` or `vars`, or a step, that has the unknown name; else a similar name.
    fn name_help(&self, name: &str) -> Option<String> {
        if self.env.steps.contains_key(name) {
            return Some(format!("a step has this id: write `steps.{name}`"));
        }
        for (root, ty) in &self.env.names {
            if let Type::Map(map) = ty
                && map.fields.contains_key(name)
            {
                return Some(format!("write `{root}.{name}`"));
            }
        }
        let locals = self.locals.iter().map(|(local, _)| *local);
        let names = self
            .env
            .names
            .keys()
            .map(String::as_str)
            .chain(locals)
            .chain(["steps", "secrets"]);
        similar_help("", name, names).or_else(|| {
            let meant = !ENGINE_NAMES.contains(&name);
            meant.then(|| format!("a text stands in quotes: `'{name}'`"))
        })
    }

    /// The type of `steps.<id>`, after the check that it can be used here.
    fn step(&mut self, id: &str, span: Span, field: Option<&str>, lenient: bool) -> Type {
        let env = self.env;
        let Some(step) = env.steps.get(id) else {
            let help = similar_help("step", id, env.steps.keys().map(String::as_str));
            self.report(
                code::PB0301,
                span,
                format!("no step has the id `{id}`"),
                help,
            );
            return Type::Any;
        };
        match step.availability {
            Availability::Finished => {}
            Availability::MaySkip => {
                let tested = lenient || field == Some("status") || self.ran.contains(id);
                if !tested {
                    let message = format!("step `{id}` may have been skipped");
                    let help = format!(
                        "add `| default(…)` right after the field, or test \
                         `steps.{id}.status == 'succeeded'` first"
                    );
                    self.report(code::PB0303, span, message, Some(help));
                }
            }
            Availability::NotYet => {
                let message = format!("step `{id}` has not run by then");
                let help = "steps run in the order written: use it in a later step; \
                            in its own `on_error` write `error`";
                self.report(code::PB0302, span, message, Some(help.to_owned()));
            }
            Availability::OutOfScope => {
                let message = format!("step `{id}` cannot be seen from here");
                let help = "it runs inside another step: use the output of that one";
                self.report(code::PB0304, span, message, Some(help.to_owned()));
            }
        }
        step.fields.clone()
    }

    fn field(&mut self, of: &Type, name: &str, span: Span) -> Type {
        let mut found = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        let mut maps = false;
        for part in of.parts() {
            match part {
                Type::Any => return Type::Any,
                Type::Map(map) => {
                    maps = true;
                    known.extend(map.fields.keys().map(String::as_str));
                    let field = map.fields.get(name).map(|field| &field.ty);
                    found.extend(field.or(map.others.as_ref()).cloned());
                }
                // Null is found out when the run gets there; everything else has no fields.
                _ => {}
            }
        }
        if !found.is_empty() || *of == Type::Null {
            return Type::union(found);
        }
        if maps {
            let help = similar_help("field", name, known.iter().copied())
                .or_else(|| listed("fields are", &known))
                .or_else(|| known.contains(&"raw").then(vendors_own));
            self.report(
                code::PB0401,
                span,
                format!("field `{name}` does not exist"),
                help,
            );
        } else {
            let help = Kinds::LIST.may_accept(of).then(|| match name {
                "length" | "count" | "size" => "write `| length`".to_owned(),
                _ => "choose an element first: `[0]` or `| first`".to_owned(),
            });
            self.report(
                code::PB0402,
                span,
                format!("{of} has no field `{name}`"),
                help,
            );
        }
        Type::Any
    }

    fn index(&mut self, of: &Type, index: &Type, span: Span) -> Type {
        let mut found = Vec::new();
        for part in of.parts() {
            match part {
                Type::Any => return Type::Any,
                Type::List(element) if Kinds::INT.may_accept(index) => {
                    found.push((**element).clone());
                }
                Type::Map(map) if Kinds::TEXT.may_accept(index) => {
                    found.extend(map.fields.values().map(|field| field.ty.clone()));
                    found.extend(map.others.clone());
                }
                _ => {}
            }
        }
        let fits = of.parts().iter().any(|part| match part {
            Type::List(_) => Kinds::INT.may_accept(index),
            Type::Map(_) => Kinds::TEXT.may_accept(index),
            _ => false,
        });
        if !fits && *of != Type::Null {
            let message = format!(
                "a list is indexed by an integer and a map by text, this is {of} and {index}"
            );
            self.report(code::PB0402, span, message, None);
        }
        Type::union(found)
    }
}

/// A short list of names, where there are few.
pub(super) fn listed(what: &str, names: &[&str]) -> Option<String> {
    const NAMES_MAX: usize = 12;
    (!names.is_empty() && names.len() <= NAMES_MAX).then(|| format!("{what} {}", names.join(", ")))
}

/// Where the fields are that only the vendor's own shape has.
fn vendors_own() -> String {
    "names are those of the normalised shape; the vendor's own stand under `raw`".to_owned()
}
