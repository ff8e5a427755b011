//! The leaves of the grammar: literals, names, brackets, loops, filter calls.

use regex::Regex;

use super::*;

impl<'s> Parser<'s> {
    pub(super) fn primary(&mut self) -> Parsed {
        let start = self.span().start;
        let kind = match self.peek().clone() {
            Tok::Int(value) => self.literal(value.into()),
            Tok::Float(value) => self.literal(value.into()),
            Tok::Text(value) => self.literal(value.into()),
            Tok::Word("true") => self.literal(true.into()),
            Tok::Word("false") => self.literal(false.into()),
            Tok::Word("none") => self.literal(Value::Null),
            Tok::Word(word) => self.word(word)?,
            Tok::Symbol("(") => {
                self.next();
                let mut inner = self.ternary()?;
                let end = self.expect(")")?.end;
                inner.span = Span { start, end };
                return Ok(inner);
            }
            Tok::Symbol("[") => {
                self.next();
                self.list(start)?
            }
            Tok::Symbol("{") => {
                self.next();
                self.map()?
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.node(kind, start)
    }

    fn literal(&mut self, value: Value) -> Kind {
        self.next();
        Kind::Literal(value)
    }

    fn word(&mut self, word: &'s str) -> Result<Kind, ParseError> {
        if KEYWORDS.contains(&word) {
            return Err(self.unexpected("a value"));
        }
        let span = self.next().span;
        if matches!(self.peek(), Tok::Symbol("(")) {
            return self.quantifier(word, span);
        }
        let plain = match word {
            "True" => "true",
            "False" => "false",
            "None" | "null" | "nil" => "none",
            _ => return Ok(Kind::Name(word.to_owned())),
        };
        let help = format!("write `{plain}`");
        Err(ParseError::new(
            span,
            format!("`{word}` is not a value here"),
            Some(&help),
        ))
    }

    /// `any(…)`, `all(…)`, `count(…)`: the only things that look like a function.
    fn quantifier(&mut self, word: &str, span: Span) -> Result<Kind, ParseError> {
        let yields = match word {
            "any" => Yields::Any,
            "all" => Yields::All,
            "count" => Yields::Count,
            _ => {
                let help = if word == "now" {
                    "the time is `run.now`".to_owned()
                } else if word == "len" {
                    "filters follow their value: `x | length`".to_owned()
                } else if filters::find(word).is_some() {
                    format!("filters follow their value: `x | {word}`")
                } else {
                    "only `any`, `all` and `count` are followed by `(`".to_owned()
                };
                let message = format!("`{word}` is no function");
                return Err(ParseError::new(span, message, Some(&help)));
            }
        };
        self.expect("(")?;
        let item = self.ternary()?;
        if !self.eat_word("for") {
            let mut error = self.unexpected("`for`");
            error.help = Some(format!("write `{word}(x.field == 1 for x in list)`"));
            return Err(error);
        }
        let kind = self.each(yields, item)?;
        self.expect(")")?;
        Ok(kind)
    }

    /// The rest of a loop, after its `for`.
    fn each(&mut self, yields: Yields, item: Node) -> Result<Kind, ParseError> {
        let Tok::Word(name) = *self.peek() else {
            return Err(self.unexpected("a name after `for`"));
        };
        if KEYWORDS.contains(&name) {
            return Err(self.unexpected("a name after `for`"));
        }
        let span = self.next().span;
        if ENGINE_NAMES.contains(&name) {
            let message = format!("the loop name hides `{name}`");
            return Err(ParseError::new(span, message, Some("choose another name")));
        }
        if !self.eat_word("in") {
            return Err(self.unexpected("`in`"));
        }
        // Not a ternary: the `if` that may follow belongs to the loop.
        let list = self.or()?;
        let keep = if self.eat_word("if") {
            Some(self.or()?)
        } else {
            None
        };
        Ok(Kind::Loop(Box::new(Loop {
            yields,
            item,
            name: name.to_owned(),
            list,
            keep,
        })))
    }

    fn list(&mut self, start: usize) -> Result<Kind, ParseError> {
        if self.eat("]") {
            return Ok(Kind::Literal(Value::Array(Vec::new())));
        }
        let first = self.ternary()?;
        if self.eat_word("for") {
            let kind = self.each(Yields::List, first)?;
            self.expect("]")?;
            return Ok(kind);
        }
        let mut items = vec![first];
        while self.eat(",") && !matches!(self.peek(), Tok::Symbol("]")) {
            items.push(self.ternary()?);
        }
        if !self.eat("]") {
            let mut error = self.unexpected("`,` or `]`");
            error.help = Some(format!("the list begins at character {}", start + 1));
            return Err(error);
        }
        let constant = |node: &Node| match &node.kind {
            Kind::Literal(value) => Some(value.clone()),
            _ => None,
        };
        Ok(
            match items.iter().map(constant).collect::<Option<Vec<_>>>() {
                Some(values) => Kind::Literal(Value::Array(values)),
                None => Kind::List(items),
            },
        )
    }

    fn map(&mut self) -> Result<Kind, ParseError> {
        let mut pairs: Vec<(Node, Node)> = Vec::new();
        while !matches!(self.peek(), Tok::Symbol("}")) {
            let key = self.ternary()?;
            if let Kind::Name(name) = &key.kind {
                let help = format!("keys are expressions: write `'{name}': …`");
                return Err(ParseError::new(
                    key.span,
                    "the key is a bare name",
                    Some(&help),
                ));
            }
            let twice = |text| pairs.iter().any(|(other, _)| other.as_text() == Some(text));
            if key.as_text().is_some_and(twice) {
                return Err(ParseError::new(key.span, "the key is written twice", None));
            }
            self.expect(":")?;
            pairs.push((key, self.ternary()?));
            if !self.eat(",") {
                break;
            }
        }
        self.expect("}")?;
        let constant = |(key, value): &(Node, Node)| match &value.kind {
            Kind::Literal(value) => Some((key.as_text()?.to_owned(), value.clone())),
            _ => None,
        };
        Ok(
            match pairs.iter().map(constant).collect::<Option<Map<_, _>>>() {
                Some(values) => Kind::Literal(Value::Object(values)),
                None => Kind::Map(pairs),
            },
        )
    }

    /// The filter after a `|`.
    pub(super) fn filter(&mut self, of: Node) -> Result<Kind, ParseError> {
        let Tok::Word(name) = *self.peek() else {
            return Err(self.unexpected("a filter name after `|`"));
        };
        let name_span = self.next().span;
        let Some(filter) = filters::find(name) else {
            let names = filters::all().map(|filter| filter.name);
            let help = similar_help("filter", name, names);
            let message = format!("`{name}` is no filter");
            return Err(ParseError::new(name_span, message, help.as_deref()));
        };
        let mut args = self.arguments()?;
        let required = filter.params.iter().filter(|param| !param.optional).count();
        if args.len() < required || args.len() > filter.params.len() {
            let message = format!("`{name}` does not take {} argument(s)", args.len());
            let help = format!("write `{}`", filter.signature());
            return Err(ParseError::new(name_span, message, Some(&help)));
        }
        if name == "default"
            && let Some(fallback) = args.pop()
        {
            return Ok(Kind::Default {
                of: Box::new(of),
                fallback: Box::new(fallback),
            });
        }
        let regex = constant_pattern(filter, &args)?;
        Ok(Kind::Filter(Box::new(FilterCall {
            of,
            filter,
            name_span,
            args,
            regex,
        })))
    }

    fn arguments(&mut self) -> Result<Vec<Node>, ParseError> {
        let mut args = Vec::new();
        if !self.eat("(") {
            return Ok(args);
        }
        while !matches!(self.peek(), Tok::Symbol(")")) {
            args.push(self.ternary()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(args)
    }
}

/// A pattern written as a constant is compiled here, so that a mistake in it is found early.
fn constant_pattern(filter: &filters::Filter, args: &[Node]) -> Result<Option<Regex>, ParseError> {
    let Some((node, pattern)) = args.first().and_then(|node| Some((node, node.as_text()?))) else {
        return Ok(None);
    };
    if !filter.params.first().is_some_and(|param| param.pattern) {
        return Ok(None);
    }
    filters::compile_pattern(pattern)
        .map(Some)
        .map_err(|message| ParseError::new(node.span, message, None))
}
