//! The conditions and values of a query.

use super::QueryError;
use super::condition::{Cell, Compare, Condition, Search};
use super::parse::Parser;
use super::token::Token;
use crate::wire;

impl Parser {
    pub(super) fn or(&mut self) -> Result<Condition, QueryError> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, QueryError> {
        let mut left = self.single()?;
        while self.take_word("and") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Condition, QueryError> {
        if self.take_mark("(") {
            let inner = self.or()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let column = self.name()?;
        if self.take_mark("(") {
            let inner = match column.as_str() {
                "not" => Condition::Not(Box::new(self.or()?)),
                "isempty" => Condition::Empty {
                    column: self.name()?,
                },
                "isnotempty" => Condition::Not(Box::new(Condition::Empty {
                    column: self.name()?,
                })),
                other => return Err(QueryError::not_served(&format!("The function '{other}'"))),
            };
            self.expect(")")?;
            return Ok(inner);
        }
        match self.next()? {
            Token::Mark(mark) => self.compared(column, mark),
            Token::Word(word) => self.searched(column, &word),
            other => {
                let got = other.shown();
                Err(QueryError::new(format!(
                    "Syntax error: '{got}' is no operator"
                )))
            }
        }
    }

    fn compared(&mut self, column: String, mark: &str) -> Result<Condition, QueryError> {
        let with = match mark {
            "==" => Compare::Equal,
            "!=" => Compare::Unequal,
            "<" => Compare::Less,
            "<=" => Compare::LessOrEqual,
            ">" => Compare::Greater,
            ">=" => Compare::GreaterOrEqual,
            "=~" | "!~" => {
                let values = vec![self.text()?];
                let found = Condition::Found {
                    column,
                    search: Search::Is,
                    values,
                    all: false,
                };
                return Ok(if mark == "=~" {
                    found
                } else {
                    Condition::Not(Box::new(found))
                });
            }
            other => return Err(QueryError::not_served(&format!("The operator '{other}'"))),
        };
        Ok(Condition::Compare {
            column,
            with,
            value: self.value()?,
        })
    }

    fn searched(&mut self, column: String, word: &str) -> Result<Condition, QueryError> {
        let (negated, positive) = match word.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let search = |search, values| Condition::Found {
            column: column.clone(),
            search,
            values,
            all: positive == "has_all",
        };
        let condition = match positive {
            "in" => Condition::In {
                column: column.clone(),
                values: self.list()?,
            },
            "in~" => search(Search::Is, self.texts()?),
            "contains" => search(Search::Contains, vec![self.text()?]),
            "startswith" => search(Search::StartsWith, vec![self.text()?]),
            "endswith" => search(Search::EndsWith, vec![self.text()?]),
            "has" => search(Search::Has, vec![self.text()?]),
            "has_any" | "has_all" if !negated => search(Search::Has, self.texts()?),
            _ => return Err(QueryError::not_served(&format!("The operator '{word}'"))),
        };
        Ok(if negated {
            Condition::Not(Box::new(condition))
        } else {
            condition
        })
    }

    fn text(&mut self) -> Result<String, QueryError> {
        self.value().and_then(text)
    }

    fn texts(&mut self) -> Result<Vec<String>, QueryError> {
        self.list()?.into_iter().map(text).collect()
    }

    /// `(a, b)`, `(dynamic([a, b]))` or `dynamic([a, b])`; may be empty only as `dynamic([])`.
    fn list(&mut self) -> Result<Vec<Cell>, QueryError> {
        if self.take_word("dynamic") {
            return self.dynamic();
        }
        self.expect("(")?;
        let mut values = Vec::new();
        loop {
            if self.take_word("dynamic") {
                values.extend(self.dynamic()?);
            } else {
                values.push(self.value()?);
            }
            if !self.take_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(values)
    }

    fn dynamic(&mut self) -> Result<Vec<Cell>, QueryError> {
        self.expect("(")?;
        self.expect("[")?;
        let mut values = Vec::new();
        while !self.take_mark("]") {
            if !values.is_empty() {
                self.expect(",")?;
            }
            values.push(self.value()?);
        }
        self.expect(")")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Cell, QueryError> {
        match self.next()? {
            Token::Text(text) => Ok(Cell::Text(text)),
            Token::Number(number) => Ok(Cell::Number(number)),
            Token::Mark("-") => match self.next()? {
                Token::Number(number) => Ok(Cell::Number(-number)),
                other => Err(QueryError::new(format!("'-{}' is no value", other.shown()))),
            },
            Token::Time(text) => wire::parse_time(&text)
                .map(Cell::Time)
                .ok_or_else(|| QueryError::new(format!("'{text}' is no datetime"))),
            Token::Word(word) => match word.as_str() {
                "true" => Ok(Cell::Bool(true)),
                "false" => Ok(Cell::Bool(false)),
                "now" => {
                    self.expect("(")?;
                    self.expect(")")?;
                    Ok(Cell::Time(self.now_ms))
                }
                "ago" => {
                    self.expect("(")?;
                    let span = self.span()?;
                    self.expect(")")?;
                    Ok(Cell::Time(self.now_ms.saturating_sub(span)))
                }
                other => Err(QueryError::not_served(&format!(
                    "'{other}' in place of a value"
                ))),
            },
            other => Err(QueryError::new(format!("'{}' is no value", other.shown()))),
        }
    }

    /// `7d`, `1d * 7` or `7 * 1d`.
    fn span(&mut self) -> Result<i64, QueryError> {
        let mut span = None;
        let mut times = 1.0;
        loop {
            match self.next()? {
                Token::Span(ms) if span.is_none() => span = Some(ms),
                Token::Number(number) => times *= number,
                other => {
                    let got = other.shown();
                    return Err(QueryError::new(format!("'{got}' is no span of time")));
                }
            }
            if !self.take_mark("*") {
                break;
            }
        }
        let span = span.ok_or_else(|| QueryError::new("a span of time such as 7d was expected"))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "spans are days, not geological ages"
        )]
        let product = (span as f64 * times) as i64;
        Ok(product)
    }
}

fn text(value: Cell) -> Result<String, QueryError> {
    match value {
        Cell::Text(text) => Ok(text),
        other => Err(QueryError::new(format!(
            "a string was expected, found {}",
            other.to_json()
        ))),
    }
}
