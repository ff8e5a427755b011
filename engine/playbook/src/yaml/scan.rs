//! Where each value stands, and what a playbook must not contain, from parser events alone.
//!
//! Nothing is expanded and nothing is held that is deeper than allowed, so a hostile text costs
//! no more than reading it once.

use engine_model::{Diagnostic, Fix, Span, code};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::{LEVELS_MAX, at};

/// More problems than this of one text are of no use to anybody.
const PROBLEMS_MAX: usize = 100;

/// A value without its meaning.
#[derive(Clone, Debug)]
pub(super) struct Shadow {
    pub(super) span: Span,
    pub(super) kind: ShadowKind,
}

/// The shape of a value.
#[derive(Clone, Debug)]
pub(super) enum ShadowKind {
    Scalar(ScalarStyle),
    List(Vec<Shadow>),
    Map(Vec<(Shadow, Shadow)>),
}

/// The shadow of the one document in `text`.
pub(super) fn scan(text: &str) -> Result<Shadow, Vec<Diagnostic>> {
    let mut scan = Scan {
        text,
        parser: Parser::new_from_str(text),
        chars: CharIndex::of(text),
        last_end: 0,
        problems: Vec::new(),
    };
    let root = match scan.document() {
        Ok(root) => root,
        Err(Stop::Refused) => None,
        Err(Stop::Unreadable(error)) => {
            let problem = scan.syntax(&error);
            scan.problems.push(problem);
            None
        }
    };
    match root {
        Some(root) if scan.problems.is_empty() => Ok(root),
        _ => Err(scan.problems),
    }
}

/// Why scanning ended early.
enum Stop {
    /// The problem is already in the list.
    Refused,
    /// The text is not YAML.
    Unreadable(ScanError),
}

struct Scan<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    chars: CharIndex,
    /// Where the previous value ended; anchors and tags stand between it and the next one.
    last_end: usize,
    problems: Vec<Diagnostic>,
}

impl<'t> Scan<'t> {
    fn document(&mut self) -> Result<Option<Shadow>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let span = Span {
                        start: span.start,
                        end: span.end.max(span.start),
                    };
                    self.refuse(at(
                        code::PB0101,
                        span,
                        "a playbook file is one YAML document",
                    ))?;
                    return Err(Stop::Refused);
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::Nothing => {}
                value => root = Some(self.value(value, span, 0)?),
            }
        }
        if root.is_none() {
            self.refuse(at(code::PB0101, Span::default(), "the file is empty"))?;
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((
                event,
                Span {
                    start: self.byte(span.start),
                    end: self.byte(span.end),
                },
            )),
            Some(Err(error)) => Err(Stop::Unreadable(error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn byte(&self, marker: Marker) -> usize {
        self.chars.byte(marker.index())
    }

    fn value(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Shadow, Stop> {
        let (anchored, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor != 0, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor != 0, tag.is_some())
            }
            _ => (false, false),
        };
        if anchored {
            self.refuse_mark('&', span, "anchors are not allowed: write the value out")?;
        }
        if tagged {
            self.refuse_mark(
                '!',
                span,
                "tags are not allowed: quote the value if it is text",
            )?;
        }
        let nested = matches!(event, Event::SequenceStart(..) | Event::MappingStart(..));
        if nested && depth >= LEVELS_MAX {
            self.problems.push(too_deep(span.start));
            return Err(Stop::Refused);
        }
        match event {
            Event::SequenceStart(..) => self.list(span, depth),
            Event::MappingStart(..) => self.map(span, depth),
            Event::Alias(_) => {
                let message = "aliases are not allowed: write the value out";
                self.refuse(at(code::PB0103, span, message))?;
                self.last_end = span.end;
                Ok(Shadow {
                    span,
                    kind: ShadowKind::Scalar(ScalarStyle::Plain),
                })
            }
            Event::Scalar(_, style, ..) => {
                let span = trimmed(self.text, span);
                self.last_end = span.end;
                Ok(Shadow {
                    span,
                    kind: ShadowKind::Scalar(style),
                })
            }
            _ => Ok(Shadow {
                span,
                kind: ShadowKind::Scalar(ScalarStyle::Plain),
            }),
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Shadow, Stop> {
        let mut items = Vec::new();
        self.last_end = start.end;
        let end = loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                break span;
            }
            items.push(self.value(event, span, depth + 1)?);
        };
        let first = items.first().map(|item: &Shadow| item.span);
        let span = self.enclose(start, end, first);
        Ok(Shadow {
            span,
            kind: ShadowKind::List(items),
        })
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Shadow, Stop> {
        let mut entries = Vec::new();
        self.last_end = start.end;
        let end = loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break span;
            }
            self.refuse_key(&event, span)?;
            let key = self.value(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth + 1)?;
            entries.push((key, value));
        };
        let first = entries.first().map(|(key, _): &(Shadow, Shadow)| key.span);
        let span = self.enclose(start, end, first);
        Ok(Shadow {
            span,
            kind: ShadowKind::Map(entries),
        })
    }

    /// A flow collection ends at its bracket, a block one where its last value ended.
    fn enclose(&mut self, start: Span, end: Span, first: Option<Span>) -> Span {
        // A list that is not indented begins with its first entry, and that may be a bracket.
        let flow = self.text[start.start..].starts_with(['[', '{'])
            && first.is_none_or(|first| first.start > start.start);
        let end = if flow { end.end } else { self.last_end };
        self.last_end = end.max(self.last_end);
        Span {
            start: start.start,
            end: end.max(start.start),
        }
    }

    fn refuse_key(&mut self, event: &Event<'t>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<" => self.refuse(at(
                code::PB0103,
                span,
                "merge keys are not allowed: write the keys out",
            )),
            Event::MappingStart(..) if self.text[..span.start].ends_with('{') => {
                let mut problem = at(
                    code::PB0202,
                    Span {
                        start: span.start - 1,
                        end: span.start + 1,
                    },
                    "`{{` without quotes is a YAML map inside a map",
                );
                problem.help = Some("an expression is written `${{ … }}`".to_owned());
                let start = span.start - 1;
                let fix = Fix {
                    span: Span { start, end: start },
                    replacement: "$".to_owned(),
                };
                problem.fix = Some(fix);
                self.refuse(problem)
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let end = span.end.max(span.start);
                let span = Span {
                    start: span.start,
                    end,
                };
                self.refuse(at(code::PB0202, span, "a key is text, not a list or map"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses the anchor or tag that stands before the value at `value`.
    fn refuse_mark(&mut self, mark: char, value: Span, message: &str) -> Result<(), Stop> {
        let from = self.last_end.min(value.start);
        let start = self.text[from..value.start]
            .rfind(mark)
            .map_or(value.start, |at| from + at);
        let rest = &self.text[start..];
        let end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
        self.refuse(at(code::PB0103, Span { start, end }, message))
    }

    fn refuse(&mut self, problem: Diagnostic) -> Result<(), Stop> {
        self.problems.push(problem);
        if self.problems.len() < PROBLEMS_MAX {
            Ok(())
        } else {
            Err(Stop::Refused)
        }
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let said = error.info();
        let mut start = self.byte(*error.marker());
        if said.contains("found a tab") {
            // The parser names the value before it.
            start += self.text[start..].find('\t').unwrap_or(0);
        }
        if said.contains("recursion limit") {
            return too_deep(start);
        }
        let span = Span {
            start,
            end: word_end(self.text, start),
        };
        if said.contains("unknown anchor") {
            let mut problem = at(code::PB0103, span, "aliases are not allowed");
            problem.help = Some("quote the value if `*` is part of the text".to_owned());
            return problem;
        }
        let mut problem = at(code::PB0101, span, said);
        problem.help = self.advice(said, start);
        problem
    }

    /// What usually is behind a message of the parser.
    fn advice(&self, said: &str, start: usize) -> Option<String> {
        let line_start = self.text[..start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let help = if line.contains("{{") && !line.contains("${{") {
            "an expression is written `${{ … }}`"
        } else if line.trim_start_matches(' ').starts_with('\t') || said.contains("tab") {
            "indent with spaces, not tabs"
        } else if said.contains("mapping values are not allowed")
            && !self.text[line_start..start].contains(':')
        {
            "the line is indented deeper than its neighbours, or the one above lacks its `:`"
        } else if line.contains("${{") {
            "put the whole value in quotes: it contains `: ` or ` #`, or stands in `[ ]` or `{ }`"
        } else if said.contains("mapping values are not allowed") {
            "a value that contains `: ` needs quotes"
        } else if said.contains("block") || said.contains("indent") || said.contains("simple key") {
            "check that the line is indented like its neighbours and that a key ends with `:`"
        } else {
            return None;
        };
        Some(help.to_owned())
    }
}

fn too_deep(start: usize) -> Diagnostic {
    let message = format!("lists and maps are nested deeper than {LEVELS_MAX} levels");
    at(code::PB0104, Span { start, end: start }, message)
}

/// Without the white space at its end: a block scalar reaches to the next value's line.
fn trimmed(text: &str, span: Span) -> Span {
    let kept = text[span.start..span.end.max(span.start)].trim_end().len();
    Span {
        start: span.start,
        end: span.start + kept,
    }
}

fn word_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    start
        + rest
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(rest.len())
}

/// Positions in characters, as the parser counts, to positions in bytes.
enum CharIndex {
    Ascii(usize),
    Mixed(Vec<u32>),
}

impl CharIndex {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        let ends = std::iter::once(text.len());
        let starts = text.char_indices().map(|(at, _)| at).chain(ends);
        Self::Mixed(
            starts
                .map(|at| u32::try_from(at).unwrap_or(u32::MAX))
                .collect(),
        )
    }

    fn byte(&self, index: usize) -> usize {
        match self {
            Self::Ascii(length) => index.min(*length),
            Self::Mixed(starts) => {
                let index = index.min(starts.len() - 1);
                usize::try_from(starts[index]).unwrap_or(0)
            }
        }
    }
}
