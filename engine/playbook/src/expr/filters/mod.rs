//! The filters: one table from which parser, checker, evaluator and reference derive.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::budget::Budget;
use super::kinds::Kinds;
use super::language::Language;
use super::types::Type;
use super::value::{Fault, Val};

mod codec;
mod context;
mod convert;
mod list;
mod map;
mod net;
mod table;
mod text;
mod time;

/// One filter.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) name: &'static str,
    /// One sentence for people.
    pub(super) summary: &'static str,
    /// What may stand before the `|`.
    pub(super) input: Kinds,
    pub(super) params: &'static [Param],
    /// The type of the result, from the types of the input and the arguments.
    pub(super) result: fn(&Type, &[Type]) -> Type,
    /// The language whose literals it writes; its result is not encoded a second time.
    pub(super) writes: Option<Language>,
    /// An expression and its value as JSON; printed in the reference and run by a test.
    pub(super) example: (&'static str, &'static str),
    pub(super) run: Run,
}

/// What a filter does. The kinds of input and arguments are checked before.
pub(super) type Run = for<'a> fn(Call<'_, 'a>, &mut Budget) -> Result<Val<'a>, Fault>;

/// One argument of a filter.
#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kinds: Kinds,
    pub(super) optional: bool,
    /// It is a regular expression.
    pub(super) pattern: bool,
}

/// The values a filter is called with.
pub(super) struct Call<'c, 'a> {
    pub(super) input: Val<'a>,
    pub(super) args: &'c [Val<'a>],
    pub(super) regex: Option<&'a Regex>,
}

impl<'c, 'a> Call<'c, 'a> {
    /// The input as text; only for filters whose input is text.
    fn text(&self) -> &str {
        self.input.as_str().unwrap_or_default()
    }

    /// The argument at `index` as text, if it is given.
    fn text_arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).and_then(Val::as_str)
    }

    /// The argument at `index` as a number, if it is given.
    fn int_arg(&self, index: usize) -> Result<Option<i64>, Fault> {
        match self.args.get(index) {
            Some(Val::Int(value)) => i64::try_from(*value)
                .map(Some)
                .map_err(|_| Fault::new("the number is too large")),
            _ => Ok(None),
        }
    }
}

impl Filter {
    /// How it is written: `x | join(separator?)`.
    pub(super) fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|param| format!("{}{}", param.name, if param.optional { "?" } else { "" }))
            .collect();
        if params.is_empty() {
            format!("x | {}", self.name)
        } else {
            format!("x | {}({})", self.name, params.join(", "))
        }
    }
}

/// The type of a result that is a part of the input.
fn same(input: &Type) -> Type {
    match input {
        Type::Enum(_) | Type::Time => Type::Text,
        other => other.clone(),
    }
}

const fn required(name: &'static str, kinds: Kinds) -> Param {
    Param {
        name,
        kinds,
        optional: false,
        pattern: false,
    }
}

const fn optional(name: &'static str, kinds: Kinds) -> Param {
    Param {
        name,
        kinds,
        optional: true,
        pattern: false,
    }
}

const fn pattern(name: &'static str) -> Param {
    Param {
        name,
        kinds: Kinds::TEXT,
        optional: false,
        pattern: true,
    }
}

const GROUPS: [(&str, &[Filter]); 9] = [
    ("Text", text::FILTERS),
    ("Lists", list::FILTERS),
    ("Types", convert::FILTERS),
    ("Maps", map::FILTERS),
    ("Codecs", codec::FILTERS),
    ("Time", time::FILTERS),
    ("Network", net::FILTERS),
    ("Presentation", table::FILTERS),
    ("Context", context::FILTERS),
];

/// Every filter, in the order of the reference.
pub(super) fn all() -> impl Iterator<Item = &'static Filter> {
    GROUPS.into_iter().flat_map(|(_, filters)| filters)
}

/// The filter of this name.
pub(super) fn find(name: &str) -> Option<&'static Filter> {
    static SORTED: LazyLock<Vec<&'static Filter>> = LazyLock::new(|| {
        let mut sorted: Vec<_> = all().collect();
        sorted.sort_by_key(|filter| filter.name);
        sorted
    });
    let at = SORTED
        .binary_search_by_key(&name, |filter| filter.name)
        .ok()?;
    Some(SORTED[at])
}

/// Compiles a pattern of an author; linear time by construction, small by limit.
pub(super) fn compile_pattern(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(1 << 18)
        .dfa_size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            format!("the pattern cannot be used: {reason}")
        })
}

/// The reference of all filters in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::new();
    for (title, filters) in GROUPS {
        let _ = writeln!(out, "### {title}\n");
        let _ = writeln!(out, "| filter | takes | meaning | example |");
        let _ = writeln!(out, "|---|---|---|---|");
        for filter in filters {
            let cell = |text: &str| text.replace('|', "\\|");
            let (expression, value) = filter.example;
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | `{}` → `{}` |",
                cell(&filter.signature()),
                filter.input,
                filter.summary,
                cell(expression),
                cell(value),
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::{Env, Expr, Type, check};
    use super::*;

    #[test]
    fn every_example_yields_what_the_reference_says() {
        for filter in all() {
            let (source, expected) = filter.example;
            let value = Expr::parse(source).unwrap().eval(&Map::new()).unwrap();
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(value, expected, "{}: {source}", filter.name);
            assert!(
                source.contains(filter.name),
                "{source} shows `{}`",
                filter.name
            );
        }
    }

    #[test]
    fn every_example_has_the_type_the_checker_says() {
        for filter in all() {
            let expr = Expr::parse(filter.example.0).unwrap();
            let (declared, problems) = check(&expr, &Env::default());
            assert!(problems.is_empty(), "{}: {problems:?}", filter.name);
            let value = expr.eval(&Map::new()).unwrap();
            assert!(
                Type::of(&value).fits(&declared),
                "{}: {value} is {declared}",
                filter.name
            );
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().map(|filter| filter.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
