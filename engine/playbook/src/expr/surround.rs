//! Reads the text around expressions in the language of a parameter, to know for each one whether
//! it stands free, inside quotes, or where a list has another form.

use std::ops::Range;

use super::language::Language;

mod kql;
mod markup;
mod shell;

/// What stands around an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Nothing special: an operand.
    Plain,
    /// Directly inside the parentheses of `in (…)` and its relatives.
    Operands,
    /// Inside a code span of Markdown.
    Code,
    /// At the very beginning of a URL.
    Start,
    /// Inside the quoted literal of this index.
    Quoted(usize),
    /// Where no literal is safe, for the reason given.
    Unsafe(&'static str),
}

/// A quoted literal of the surrounding text that has expressions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    /// From the first character of the opening mark, up to the end of the closing one.
    pub(super) whole: Range<usize>,
    /// What stands between the marks.
    pub(super) inside: Range<usize>,
}

/// What was found around the expressions of one text.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// One for each expression, in order.
    pub(super) spots: Vec<Spot>,
    pub(super) quoted: Vec<Quoted>,
}

/// Surveys `text`, in which `holes` are the places of the expressions.
pub(super) fn survey(language: Language, text: &str, holes: &[Range<usize>]) -> Survey {
    let mut reader = Reader {
        text,
        holes,
        at: 0,
        next: 0,
        survey: Survey::default(),
    };
    match language {
        Language::Kql => kql::read(&mut reader),
        Language::OData => markup::odata(&mut reader),
        Language::Sh => shell::read(&mut reader),
        Language::Markdown => markup::markdown(&mut reader),
        Language::Url => markup::url(&mut reader),
        Language::Html => markup::html(&mut reader),
    }
    reader.survey
}

/// Walks over the text; expressions are holes that no mark of the language reaches across.
struct Reader<'t> {
    text: &'t str,
    holes: &'t [Range<usize>],
    at: usize,
    /// The next hole.
    next: usize,
    survey: Survey,
}

impl<'t> Reader<'t> {
    /// The text up to the next hole.
    fn rest(&self) -> &'t str {
        let end = self
            .holes
            .get(self.next)
            .map_or(self.text.len(), |hole| hole.start);
        &self.text[self.at..end]
    }

    fn ended(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Steps over the next hole, if it is right here.
    fn hole(&mut self, spot: Spot) -> bool {
        match self.holes.get(self.next) {
            Some(hole) if hole.start == self.at => {
                self.survey.spots.push(spot);
                self.at = hole.end;
                self.next += 1;
                true
            }
            _ => false,
        }
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// Steps over one character.
    fn skip(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// The character right before this place; none after a hole.
    fn before(&self) -> Option<char> {
        let after_hole = self.next > 0 && self.holes[self.next - 1].end == self.at;
        if after_hole {
            None
        } else {
            self.text[..self.at].chars().next_back()
        }
    }

    /// Reads a quoted literal whose opening mark, from `start`, was just eaten.
    fn quoted(&mut self, start: usize, rules: Quotes) {
        let inside = self.at;
        let index = self.survey.quoted.len();
        let mut used = false;
        let end = loop {
            if self.hole(Spot::Quoted(index)) {
                used = true;
                continue;
            }
            let end = self.at;
            if self.ended() || (rules.one_line && self.rest().starts_with('\n')) {
                break end;
            }
            if rules.backslash && self.eat("\\") {
                self.skip();
            } else if self.eat(rules.close) {
                if !(rules.doubled && self.eat(rules.close)) {
                    break end;
                }
            } else {
                self.skip();
            }
        };
        if used {
            self.survey.quoted.push(Quoted {
                whole: start..self.at,
                inside: inside..end,
            });
        }
    }
}

/// How a quoted literal ends.
#[derive(Clone, Copy)]
struct Quotes {
    close: &'static str,
    /// A backslash escapes the next character.
    backslash: bool,
    /// The closing mark written twice stands for itself.
    doubled: bool,
    /// It ends with the line, closed or not.
    one_line: bool,
}
