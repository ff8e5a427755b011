//! From the text of `$filter` to a filter.

use serde_json::Value;

use super::filter::{Filter, Function, Operator};
use crate::reply::Refusal;
use crate::wire;

impl Filter {
    /// Reads a filter that may name only `fields`.
    pub(crate) fn parse(text: &str, fields: &'static [&'static str]) -> Result<Self, Refusal> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            fields,
        };
        let filter = parser.or()?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(syntax(&format!("'{}' was not expected", token.text()))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A name, a keyword, a number or a bare time.
    Word(String),
    /// A quoted text.
    Text(String),
    Mark(char),
}

impl Token {
    fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Text(text) => text.clone(),
            Self::Mark(mark) => mark.to_string(),
        }
    }
}

fn syntax(what: &str) -> Refusal {
    Refusal::odata(format!("Syntax error in $filter: {what}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' => {
                let (value, length) = quoted(rest)?;
                tokens.push(Token::Text(value));
                length
            }
            '(' | ')' | ',' | '/' => {
                tokens.push(Token::Mark(first));
                1
            }
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '/' | '\''))
                    .unwrap_or(rest.len());
                // The colon after the name in `any(tag: …)` is no part of it; one in a time is.
                let word = &rest[..end];
                tokens.push(Token::Word(
                    word.strip_suffix(':').unwrap_or(word).to_owned(),
                ));
                end
            }
        };
        rest = rest[taken..].trim_start();
    }
    Ok(tokens)
}

/// The text that begins at the quote, and its length with the quotes; `''` is one quote.
fn quoted(rest: &str) -> Result<(String, usize), Refusal> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Ok((value, at + 1));
        }
    }
    Err(syntax("a text is not closed"))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    fields: &'static [&'static str],
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, Refusal> {
        let token = self
            .peek()
            .cloned()
            .ok_or_else(|| syntax("it ends too early"))?;
        self.at += 1;
        Ok(token)
    }

    fn word_is(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(text)) if text == word)
    }

    fn mark_is(&self, mark: char) -> bool {
        self.peek() == Some(&Token::Mark(mark))
    }

    fn expect(&mut self, mark: char) -> Result<(), Refusal> {
        let token = self.next()?;
        if token == Token::Mark(mark) {
            Ok(())
        } else {
            Err(syntax(&format!(
                "'{mark}' was expected before '{}'",
                token.text()
            )))
        }
    }

    fn or(&mut self) -> Result<Filter, Refusal> {
        let mut left = self.and()?;
        while self.word_is("or") {
            self.at += 1;
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut left = self.unary()?;
        while self.word_is("and") {
            self.at += 1;
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Filter, Refusal> {
        if self.word_is("not") {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.unary()?)));
        }
        if self.mark_is('(') {
            self.at += 1;
            let inner = self.or()?;
            self.expect(')')?;
            return Ok(inner);
        }
        let Token::Word(word) = self.next()? else {
            return Err(syntax("a property was expected"));
        };
        if let Some(function) = Function::named(&word) {
            let (field, value) = self.arguments()?;
            return Ok(Filter::Text {
                field: self.field(&field)?,
                function,
                value,
            });
        }
        let mut path = word;
        while self.mark_is('/') {
            self.at += 1;
            if self.word_is("any") {
                let field = self.field(&path)?;
                return self.any(field);
            }
            path = format!("{path}/{}", self.next()?.text());
        }
        let field = self.field(&path)?;
        self.comparison(field)
    }

    /// `(name, 'text')`
    fn arguments(&mut self) -> Result<(String, String), Refusal> {
        self.expect('(')?;
        let name = self.next()?.text();
        self.expect(',')?;
        let Token::Text(value) = self.next()? else {
            return Err(syntax("a text in quotes was expected"));
        };
        self.expect(')')?;
        Ok((name, value))
    }

    fn field(&self, name: &str) -> Result<String, Refusal> {
        if self.fields.contains(&name) {
            Ok(name.to_owned())
        } else {
            Err(Refusal::odata(format!(
                "Could not find a property to filter by named '{name}'"
            )))
        }
    }

    /// `any(name: name eq 'text')` or `any(name: startswith(name,'text'))`
    fn any(&mut self, field: String) -> Result<Filter, Refusal> {
        self.at += 1;
        self.expect('(')?;
        let name = self.next()?.text();
        let word = self.next()?.text();
        let (function, value) = match Function::named(&word) {
            Some(function) => {
                let (inner, value) = self.arguments()?;
                if inner != name {
                    return Err(syntax(&format!("'{inner}' is not the name bound by any")));
                }
                (Some(function), value)
            }
            None if word == name && self.word_is("eq") => {
                self.at += 1;
                match self.next()? {
                    Token::Text(value) => (None, value),
                    other => return Err(syntax(&format!("'{}' is no text", other.text()))),
                }
            }
            None => return Err(syntax(&format!("'{word}' is not served inside any(…)"))),
        };
        self.expect(')')?;
        Ok(Filter::Any {
            field,
            function,
            value,
        })
    }

    fn comparison(&mut self, field: String) -> Result<Filter, Refusal> {
        let operator = match self.next()?.text().as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            "in" => {
                self.expect('(')?;
                let mut values = vec![self.literal()?];
                while self.mark_is(',') {
                    self.at += 1;
                    values.push(self.literal()?);
                }
                self.expect(')')?;
                return Ok(Filter::In { field, values });
            }
            other => return Err(syntax(&format!("the operator '{other}' is not served"))),
        };
        Ok(Filter::Compare {
            field,
            operator,
            value: self.literal()?,
        })
    }

    fn literal(&mut self) -> Result<Value, Refusal> {
        match self.next()? {
            Token::Text(text) => Ok(Value::String(text)),
            Token::Word(word) => match word.as_str() {
                "null" => Ok(Value::Null),
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                word if wire::parse_time(word).is_some() => Ok(Value::String(word.to_owned())),
                word => serde_json::from_str(word)
                    .ok()
                    .filter(Value::is_number)
                    .ok_or_else(|| syntax(&format!("'{word}' is no value; are quotes missing?"))),
            },
            Token::Mark(mark) => Err(syntax(&format!("a value was expected before '{mark}'"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[&str] = &["id", "name", "tags", "at", "group", "aad", "from/address"];

    fn check(filter: &str, want: bool) {
        let row = json!({
            "id": "a1",
            "name": "ws'1",
            "tags": ["lab", "finance"],
            "at": "2026-01-02T03:04:05.1230000Z",
            "group": 140,
            "aad": null,
            "from": { "address": "a@b.example" },
        });
        let filter_read = Filter::parse(filter, FIELDS).unwrap();
        assert_eq!(filter_read.matches(&row), want, "{filter}");
    }

    #[test]
    fn documented_filters_are_understood() {
        check("id eq 'a1' and name eq 'ws''1'", true);
        check("id ne 'a1' or (group ge 140 and not (aad ne null))", true);
        check(
            "at ge 2026-01-02T03:04:05Z and at lt 2026-01-02T03:04:05.124Z",
            true,
        );
        check("at gt 2026-01-02T03:04:05.123Z", false);
        check("at ge '2026-01-02'", true);
        check(
            "startswith(name,'ws') and contains(name, 's''') and endswith(name,'1')",
            true,
        );
        check("tags/any(t: t eq 'lab')", true);
        check("tags/any(tag: startswith(tag, 'fin'))", true);
        check("tags/any(t: t eq 'fin')", false);
        check("id in ('x', 'a1')", true);
        check("group eq '140'", true);
        check("from/address eq 'a@b.example'", true);
        check("from/address eq 'b@b.example' or id eq 'a1'", true);
    }

    #[test]
    fn a_quote_in_a_value_does_not_end_it() {
        check("name eq 'x'' or id eq ''a1'", false);
    }

    #[test]
    fn what_is_not_served_is_refused() {
        for filter in [
            "",
            "id",
            "id eq",
            "id eq a1",
            "id eq 'a1",
            "id like 'a'",
            "secret eq 'x'",
            "id eq 'a1' garbage",
            "tags/all(t: t eq 'x')",
            "tags/any(t: x eq 'x')",
            "tolower(id) eq 'a1'",
        ] {
            let refusal = Filter::parse(filter, FIELDS).unwrap_err();
            assert_eq!(
                (refusal.status, refusal.code),
                (400, "ODataError"),
                "{filter}"
            );
        }
    }

    #[test]
    fn a_pinned_field_is_found_only_below_and() {
        let pinned = |text: &str| {
            Filter::parse(text, FIELDS)
                .unwrap()
                .pinned("id")
                .map(str::to_owned)
        };
        assert_eq!(pinned("group ge 1 and id eq 'a1'"), Some("a1".to_owned()));
        assert_eq!(pinned("group ge 1 or id eq 'a1'"), None);
        assert_eq!(pinned("not (id eq 'a1')"), None);
    }
}
