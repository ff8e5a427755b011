//! Arithmetic, and what follows a value: fields, indexes, filters.

use super::*;

impl Parser<'_> {
    pub(super) fn sum(&mut self) -> Parsed {
        let start = self.span().start;
        let mut left = self.term()?;
        loop {
            let op = match self.peek() {
                Tok::Symbol("+") => Arithmetic::Add,
                Tok::Symbol("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.next();
            let right = Box::new(self.term()?);
            left = self.node(
                Kind::Arithmetic {
                    op,
                    left: Box::new(left),
                    right,
                },
                start,
            )?;
        }
    }

    fn term(&mut self) -> Parsed {
        let start = self.span().start;
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Tok::Symbol("*") => Arithmetic::Multiply,
                Tok::Symbol("/") => Arithmetic::Divide,
                Tok::Symbol("//") => Arithmetic::FloorDivide,
                Tok::Symbol("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.next();
            let right = Box::new(self.unary()?);
            left = self.node(
                Kind::Arithmetic {
                    op,
                    left: Box::new(left),
                    right,
                },
                start,
            )?;
        }
    }

    /// A minus binds tighter than `|` and looser than `.`, as in Jinja: `-x.y | f` is
    /// `(-(x.y)) | f`.
    fn unary(&mut self) -> Parsed {
        let start = self.span().start;
        let of = self.negated()?;
        self.postfix(of, start, true)
    }

    fn negated(&mut self) -> Parsed {
        let start = self.span().start;
        if !self.eat("-") {
            return self.primary();
        }
        let of = self.nested(|p| {
            let inner = p.span().start;
            let of = p.negated()?;
            p.postfix(of, inner, false)
        })?;
        let kind = match &of.kind {
            Kind::Literal(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Kind::Literal((-int).into()),
                (None, Some(float)) => Kind::Literal((-float).into()),
                _ => Kind::Negative(Box::new(of)),
            },
            _ => Kind::Negative(Box::new(of)),
        };
        self.node(kind, start)
    }

    fn postfix(&mut self, mut of: Node, start: usize, filters: bool) -> Parsed {
        loop {
            let kind = if self.eat(".") {
                let Tok::Word(name) = *self.peek() else {
                    let mut error = self.unexpected("a field name after `.`");
                    error.help = Some("write `['a-name']` or `[0]` for other keys".to_owned());
                    return Err(error);
                };
                let name_span = self.next().span;
                Kind::Field {
                    of: Box::new(of),
                    name: name.to_owned(),
                    name_span,
                }
            } else if self.eat("[") {
                let index = Box::new(self.ternary()?);
                self.expect("]")?;
                Kind::Index {
                    of: Box::new(of),
                    index,
                }
            } else if filters && self.eat("|") {
                self.filter(of)?
            } else {
                return Ok(of);
            };
            of = self.node(kind, start)?;
        }
    }
}
