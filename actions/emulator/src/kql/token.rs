//! From query text to tokens.

use super::QueryError;

/// A piece of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name, a keyword or an operator in letters: `where`, `!in`, `in~`.
    Word(String),
    /// A text, its escapes resolved.
    Text(String),
    /// A whole or broken number.
    Number(f64),
    /// A span of time in milliseconds: `7d`.
    Span(i64),
    /// What stands between the parentheses of `datetime(…)`.
    Time(String),
    /// An operator or a mark.
    Mark(&'static str),
}

impl Token {
    /// The token as people read it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) => number.to_string(),
            Self::Span(ms) => format!("{ms}ms"),
            Self::Time(text) => format!("datetime({text})"),
            Self::Mark(mark) => (*mark).to_owned(),
        }
    }
}

/// Longer marks come before those they begin with.
const MARKS: [&str; 18] = [
    "==", "=~", "!=", "!~", "<=", ">=", "<", ">", "=", "|", "(", ")", "[", "]", ",", "*", "-", ";",
];

/// Splits a query into tokens.
pub(crate) fn tokens(query: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some((text, length)) = quoted(rest)? {
            tokens.push(Token::Text(text));
            length
        } else if first.is_ascii_digit() {
            let (token, length) = number(rest)?;
            tokens.push(token);
            length
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            tokens.push(Token::Mark(mark));
            mark.len()
        } else {
            let (token, length) = word(rest, first)?;
            tokens.push(token);
            length
        };
        rest = rest[taken..].trim_start();
    }
    Ok(tokens)
}

/// A text literal and its length: `"…"` and `'…'` with escapes, `@"…"` with doubled quotes.
fn quoted(rest: &str) -> Result<Option<(String, usize)>, QueryError> {
    let (verbatim, prefix) = if rest.starts_with('@') {
        (true, 1)
    } else {
        (false, 0)
    };
    let Some(quote) = rest[prefix..]
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))
    else {
        return Ok(None);
    };
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(prefix + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if verbatim && chars.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
                continue;
            }
            return Ok(Some((text, at + 1)));
        }
        if matches!(c, '\n' | '\r') {
            break;
        }
        if c != '\\' || verbatim {
            text.push(c);
            continue;
        }
        let escaped = chars.next().map(|(_, escaped)| escaped);
        text.push(match escaped {
            Some(c @ ('\\' | '"' | '\'')) => c,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some('u') => {
                let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32)
                    .ok_or_else(|| QueryError::new(format!("unknown escape '\\u{digits}'")))?
            }
            Some(other) => {
                return Err(QueryError::new(format!(
                    "unknown escape '\\{other}' in a string"
                )));
            }
            None => break,
        });
    }
    Err(QueryError::new("a string literal is not closed"))
}

fn number(rest: &str) -> Result<(Token, usize), QueryError> {
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let tail = &rest[end..];
    let unit: String = tail
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let bad = || QueryError::new(format!("'{}{unit}' is no number", &rest[..end]));
    let number: f64 = rest[..end].parse().map_err(|_| bad())?;
    let ms = match unit.as_str() {
        "" => return Ok((Token::Number(number), end)),
        "d" => 86_400_000.0,
        "h" => 3_600_000.0,
        "m" => 60_000.0,
        "s" => 1000.0,
        "ms" => 1.0,
        _ => return Err(bad()),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a span of years still fits"
    )]
    let span = (number * ms) as i64;
    Ok((Token::Span(span), end + unit.len()))
}

fn word(rest: &str, first: char) -> Result<(Token, usize), QueryError> {
    let negated = usize::from(first == '!');
    let letters = rest[negated..]
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
        .unwrap_or(rest.len() - negated);
    if letters == 0 {
        return Err(QueryError::new(format!("'{first}' was not expected")));
    }
    let mut end = negated + letters;
    // `in~` and `!in~` compare without regard to case.
    if rest[end..].starts_with('~') {
        end += 1;
    }
    let word = &rest[..end];
    let tail = &rest[end..];
    if word == "datetime" && tail.starts_with('(') {
        let close = tail
            .find(')')
            .ok_or_else(|| QueryError::new("datetime( is not closed"))?;
        let text = tail[1..close].trim().trim_matches(['"', '\'']);
        return Ok((Token::Time(text.to_owned()), end + close + 1));
    }
    Ok((Token::Word(word.to_owned()), end))
}
