//! From tokens to a query.

use super::QueryError;
use super::condition::Condition;
use super::token::{Token, tokens};

/// A query: a table and what is done with its rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) table: String,
    pub(crate) operators: Vec<Operator>,
}

/// What is done with rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operator {
    Where(Condition),
    /// New name, column.
    Project(Vec<(String, String)>),
    /// `summarize NAME = count() by …`
    CountBy {
        name: String,
        by: Vec<String>,
    },
    Take(usize),
    /// Column, descending.
    Order(Vec<(String, bool)>),
}

/// Reads a query; `now_ms` is what `now()` and `ago(…)` go by.
pub(crate) fn parse(text: &str, now_ms: i64) -> Result<Query, QueryError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        now_ms,
    };
    let table = parser.name()?;
    if matches!(
        table.as_str(),
        "let" | "union" | "search" | "find" | "print" | "range" | "set"
    ) {
        return Err(QueryError::not_served(&format!("The statement '{table}'")));
    }
    let mut operators = Vec::new();
    while parser.take_mark("|") {
        parser.operator(&mut operators)?;
    }
    parser.take_mark(";");
    match parser.peek() {
        None => Ok(Query { table, operators }),
        Some(token) => Err(QueryError::new(format!(
            "Syntax error: '{}' was not expected",
            token.shown()
        ))),
    }
}

/// Walks over the tokens of a query.
pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    pub(super) now_ms: i64,
}

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Result<Token, QueryError> {
        let token = self.peek().cloned();
        self.at += 1;
        token.ok_or_else(|| QueryError::new("Syntax error: the query ends too early"))
    }

    pub(super) fn take_mark(&mut self, mark: &str) -> bool {
        let taken = matches!(self.peek(), Some(Token::Mark(got)) if *got == mark);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let taken = matches!(self.peek(), Some(Token::Word(got)) if got == word);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn expect(&mut self, mark: &str) -> Result<(), QueryError> {
        if self.take_mark(mark) {
            return Ok(());
        }
        let got = self.next()?.shown();
        Err(QueryError::new(format!(
            "Syntax error: '{mark}' was expected before '{got}'"
        )))
    }

    pub(super) fn name(&mut self) -> Result<String, QueryError> {
        match self.next()? {
            Token::Word(word) if !word.starts_with('!') && !word.ends_with('~') => Ok(word),
            other => {
                let got = other.shown();
                Err(QueryError::new(format!(
                    "Syntax error: a name was expected, found '{got}'"
                )))
            }
        }
    }

    fn names(&mut self) -> Result<Vec<String>, QueryError> {
        let mut names = vec![self.name()?];
        while self.take_mark(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn count(&mut self) -> Result<usize, QueryError> {
        match self.next()? {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative; a huge number of rows means all of them"
            )]
            Token::Number(number) if number.fract() == 0.0 => Ok(number as usize),
            other => Err(QueryError::new(format!(
                "'{}' is no number of rows",
                other.shown()
            ))),
        }
    }

    fn operator(&mut self, operators: &mut Vec<Operator>) -> Result<(), QueryError> {
        let mut name = self.name()?;
        // `project-away` and its like are one word.
        while let Some([Token::Mark("-"), Token::Word(more)]) =
            self.tokens.get(self.at..self.at + 2)
        {
            name = format!("{name}-{more}");
            self.at += 2;
        }
        let operator = match name.as_str() {
            "where" | "filter" => Operator::Where(self.or()?),
            "project" => Operator::Project(self.projections()?),
            "take" | "limit" => Operator::Take(self.count()?),
            "order" | "sort" => {
                if !self.take_word("by") {
                    return Err(QueryError::new(format!(
                        "Syntax error: '{name}' wants 'by'"
                    )));
                }
                Operator::Order(self.orders()?)
            }
            "top" => {
                let count = self.count()?;
                if !self.take_word("by") {
                    return Err(QueryError::new("Syntax error: 'top' wants 'by'"));
                }
                operators.push(Operator::Order(self.orders()?));
                Operator::Take(count)
            }
            "count" => Operator::CountBy {
                name: "Count".to_owned(),
                by: Vec::new(),
            },
            "summarize" => self.summarize()?,
            other => return Err(QueryError::not_served(&format!("The operator '{other}'"))),
        };
        operators.push(operator);
        Ok(())
    }

    fn projections(&mut self) -> Result<Vec<(String, String)>, QueryError> {
        let mut all = Vec::new();
        loop {
            let name = self.name()?;
            let column = if self.take_mark("=") {
                self.name()?
            } else {
                name.clone()
            };
            if matches!(self.peek(), Some(Token::Mark("("))) {
                return Err(QueryError::not_served(&format!(
                    "The function '{column}' in project"
                )));
            }
            all.push((name, column));
            if !self.take_mark(",") {
                return Ok(all);
            }
        }
    }

    fn orders(&mut self) -> Result<Vec<(String, bool)>, QueryError> {
        let mut all = Vec::new();
        loop {
            let name = self.name()?;
            let descending = !self.take_word("asc");
            if descending {
                self.take_word("desc");
            }
            all.push((name, descending));
            if !self.take_mark(",") {
                return Ok(all);
            }
        }
    }

    fn summarize(&mut self) -> Result<Operator, QueryError> {
        let first = self.name()?;
        let (name, function) = if self.take_mark("=") {
            (first, self.name()?)
        } else {
            (format!("{first}_"), first)
        };
        if function != "count" {
            return Err(QueryError::not_served(&format!(
                "summarize with '{function}'"
            )));
        }
        self.expect("(")?;
        self.expect(")")?;
        if matches!(self.peek(), Some(Token::Mark(","))) {
            return Err(QueryError::not_served(
                "summarize with more than one aggregate",
            ));
        }
        let by = if self.take_word("by") {
            self.names()?
        } else {
            Vec::new()
        };
        if matches!(self.peek(), Some(Token::Mark("("))) {
            return Err(QueryError::not_served("summarize by an expression"));
        }
        Ok(Operator::CountBy { name, by })
    }
}
