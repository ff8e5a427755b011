//! Tokens to a tree: recursive descent, one function per level of the grammar.

use engine_model::{Code, Span, code};
use serde_json::{Map, Value};

use super::ast::{Arithmetic, Compare, FilterCall, Kind, Loop, Node, Test, Yields};
use super::filters;
use super::lex::{Tok, Token, tokens};
use super::suggest::{similar, similar_help};

mod operands;
mod primary;

/// The longest expression.
const SOURCE_BYTES_MAX: usize = 16 * 1024;
/// How deep brackets, ternaries and `not` may be nested.
const NESTING_MAX: usize = 48;
/// How high the tree may grow, `a + b + c …` and `a.b.c …` included.
const HEIGHT_MAX: usize = 96;

const KEYWORDS: [&str; 11] = [
    "if", "else", "or", "and", "not", "in", "is", "for", "true", "false", "none",
];
/// Names the engine gives a meaning; a loop may not hide them.
pub(super) const ENGINE_NAMES: [&str; 10] = [
    "inputs", "vars", "alert", "webhook", "schedule", "trigger", "run", "steps", "error", "secrets",
];

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// The code.
    pub code: Code,
    /// Where, in bytes of the source.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ParseError {
    pub(super) fn new(span: Span, message: impl Into<String>, help: Option<&str>) -> Self {
        Self {
            code: code::PB0404,
            span,
            message: message.into(),
            help: help.map(str::to_owned),
        }
    }
}

pub(super) fn parse(source: &str) -> Result<Node, ParseError> {
    let whole = Span {
        start: 0,
        end: source.len(),
    };
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("an expression has at most {SOURCE_BYTES_MAX} bytes");
        return Err(ParseError::new(whole, message, None));
    }
    if source.trim().is_empty() {
        return Err(ParseError::new(whole, "the expression is empty", None));
    }
    let mut parser = Parser {
        source,
        tokens: tokens(source)?,
        at: 0,
        nesting: 0,
    };
    let root = parser.ternary()?;
    match parser.peek() {
        Tok::End => {}
        _ => return Err(parser.unexpected("the end of the expression")),
    }
    raw_only_at_the_end(&root)?;
    Ok(root)
}

/// `raw` says how the result is written, so it can only be the last word.
fn raw_only_at_the_end(root: &Node) -> Result<(), ParseError> {
    let mut misplaced = None;
    root.walk(&mut |node| {
        if let Kind::Filter(call) = &node.kind
            && call.filter.name == "raw"
            && !std::ptr::eq(node, root)
        {
            misplaced.get_or_insert(call.name_span);
        }
    });
    match misplaced {
        Some(span) => Err(ParseError::new(
            span,
            "`raw` stands only at the end of an expression",
            Some("move `| raw` to the end, around the whole: `(…) | raw`"),
        )),
        None => Ok(()),
    }
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token<'s>>,
    at: usize,
    nesting: usize,
}

type Parsed = Result<Node, ParseError>;

impl<'s> Parser<'s> {
    fn peek(&self) -> &Tok<'s> {
        &self.tokens[self.at].tok
    }

    fn span(&self) -> Span {
        self.tokens[self.at].span
    }

    /// Takes the next token; the end stays, however often it is taken.
    fn next(&mut self) -> Token<'s> {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Tok::Symbol(found) if *found == symbol);
        if found {
            self.next();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Tok::Word(found) if *found == word);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<Span, ParseError> {
        let span = self.span();
        if self.eat(symbol) {
            Ok(span)
        } else {
            Err(self.unexpected(&format!("`{symbol}`")))
        }
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        let span = self.span();
        let found = match self.peek() {
            Tok::End => "the expression ends".to_owned(),
            _ => format!("found `{}`", &self.source[span.start..span.end]),
        };
        let help = match self.peek() {
            Tok::Word("AND" | "OR" | "NOT" | "IN") => Some("write operators in lower case"),
            _ => None,
        };
        ParseError::new(span, format!("expected {expected}, {found}"), help)
    }

    fn node(&self, kind: Kind, start: usize) -> Parsed {
        let end = self.tokens[self.at.saturating_sub(1)].span.end;
        let node = Node::new(kind, Span { start, end });
        if node.height > HEIGHT_MAX {
            let message = format!("an expression has at most {HEIGHT_MAX} levels");
            let help = Some("split it with `set` or `vars`");
            return Err(ParseError::new(node.span, message, help));
        }
        Ok(node)
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            let message = format!("an expression is nested at most {NESTING_MAX} deep");
            return Err(ParseError::new(self.span(), message, None));
        }
        let node = parse(self);
        self.nesting -= 1;
        node
    }

    fn ternary(&mut self) -> Parsed {
        self.nested(|p| {
            let start = p.span().start;
            let then = p.or()?;
            if !p.eat_word("if") {
                return Ok(then);
            }
            let condition = Box::new(p.or()?);
            let otherwise = if p.eat_word("else") {
                Some(Box::new(p.ternary()?))
            } else {
                None
            };
            p.node(
                Kind::If {
                    then: Box::new(then),
                    condition,
                    otherwise,
                },
                start,
            )
        })
    }

    fn or(&mut self) -> Parsed {
        self.chain("or", Self::and, Kind::Or)
    }

    fn and(&mut self) -> Parsed {
        self.chain("and", Self::not, Kind::And)
    }

    /// Parts joined by `word`; many of them make one wide node, not a deep tree.
    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Parsed,
        kind: fn(Vec<Node>) -> Kind,
    ) -> Parsed {
        let start = self.span().start;
        let first = part(self)?;
        if !matches!(self.peek(), Tok::Word(found) if *found == word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.eat_word(word) {
            parts.push(part(self)?);
        }
        self.node(kind(parts), start)
    }

    fn not(&mut self) -> Parsed {
        let start = self.span().start;
        if !self.eat_word("not") {
            return self.comparison();
        }
        let of = Box::new(self.nested(Self::not)?);
        self.node(Kind::Not(of), start)
    }

    fn comparison(&mut self) -> Parsed {
        let start = self.span().start;
        let left = Box::new(self.sum()?);
        let kind = if let Some(op) = self.compare_operator() {
            Kind::Compare {
                op,
                left,
                right: Box::new(self.sum()?),
            }
        } else if let Some(negated) = self.in_operator() {
            Kind::In {
                negated,
                left,
                right: Box::new(self.sum()?),
            }
        } else if self.eat_word("is") {
            let negated = self.eat_word("not");
            Kind::Is {
                negated,
                of: left,
                test: self.test()?,
            }
        } else {
            return Ok(*left);
        };
        let node = self.node(kind, start)?;
        let again = self.span();
        if self.compare_operator().is_some() || self.in_operator().is_some() || self.eat_word("is")
        {
            let help = Some("write `a < b and b < c`, or put parentheses around one of them");
            return Err(ParseError::new(
                again,
                "comparisons cannot be chained",
                help,
            ));
        }
        Ok(node)
    }

    fn compare_operator(&mut self) -> Option<Compare> {
        let Tok::Symbol(symbol) = *self.peek() else {
            return None;
        };
        let op = match symbol {
            "==" => Compare::Equal,
            "!=" => Compare::NotEqual,
            "<" => Compare::Less,
            "<=" => Compare::LessEqual,
            ">" => Compare::Greater,
            ">=" => Compare::GreaterEqual,
            _ => return None,
        };
        self.next();
        Some(op)
    }

    /// `in` and `not in`; yields whether it is negated.
    fn in_operator(&mut self) -> Option<bool> {
        if self.eat_word("in") {
            return Some(false);
        }
        let follows = self.tokens.get(self.at + 1).map(|token| &token.tok);
        if *self.peek() == Tok::Word("not") && follows == Some(&Tok::Word("in")) {
            self.at += 2;
            return Some(true);
        }
        None
    }

    fn test(&mut self) -> Result<Test, ParseError> {
        let Tok::Word(word) = *self.peek() else {
            return Err(self.unexpected("a test such as `defined`"));
        };
        let span = self.next().span;
        Test::ALL
            .into_iter()
            .find(|(name, _)| *name == word)
            .map(|(_, test)| test)
            .ok_or_else(|| {
                let names = Test::ALL.map(|(name, _)| name);
                let help = match similar(word, names) {
                    Some(name) => format!("a similar test exists: `{name}`"),
                    None => format!("tests are {}", names.join(", ")),
                };
                ParseError::new(span, format!("`{word}` is no test"), Some(&help))
            })
    }
}
