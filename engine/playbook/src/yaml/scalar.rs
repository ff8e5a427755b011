//! From a place in the text that a scalar means to the place in the file where it is written.
//!
//! Both texts are walked side by side; where they do not agree, there is no answer, and the
//! problem points at the whole scalar.

use engine_model::Span;
use saphyr_parser::ScalarStyle;

/// Where the bytes `inner` of `decoded` stand in `source`, whose bytes `written` are the scalar.
pub(super) fn source_span(
    source: &str,
    written: Span,
    style: ScalarStyle,
    decoded: &str,
    inner: Span,
) -> Option<Span> {
    let mut walk = Walk {
        source,
        end: written.end,
        at: written.start,
        decoded,
        read: 0,
    };
    let line_start = source[..written.start]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let indent = written.start - line_start;
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => walk.at += 1,
        // The place of a block scalar begins with its first line that is not empty.
        ScalarStyle::Literal | ScalarStyle::Folded => {
            walk.read = decoded.len() - decoded.trim_start_matches('\n').len();
        }
        ScalarStyle::Plain => {}
    }
    let mut start = (inner.start <= walk.read).then_some(walk.at);
    let mut end = walk.at;
    while walk.read < inner.end || start.is_none() {
        if walk.read >= inner.start && start.is_none() {
            walk.skip_continuation(style);
            start = Some(walk.at);
            continue;
        }
        walk.step(style, indent)?;
        end = walk.at;
    }
    let start = start?;
    Some(Span {
        start,
        end: end.max(start),
    })
}

struct Walk<'a> {
    source: &'a str,
    end: usize,
    at: usize,
    decoded: &'a str,
    read: usize,
}

impl Walk<'_> {
    /// Takes one piece from both texts: a character, an escape, a fold.
    fn step(&mut self, style: ScalarStyle, indent: usize) -> Option<()> {
        match style {
            ScalarStyle::Literal => self.literal(indent),
            ScalarStyle::Folded => self.folded(indent),
            ScalarStyle::DoubleQuoted if self.rest().starts_with('\\') => self.escape(),
            ScalarStyle::SingleQuoted if self.rest().starts_with("''") => {
                self.same('\'')?;
                self.at += 1;
                Some(())
            }
            _ => match fold(self.rest()) {
                Some((length, breaks)) => self.flow_fold(length, breaks),
                None => self.one(),
            },
        }
    }

    fn rest(&self) -> &str {
        &self.source[self.at.min(self.end)..self.end]
    }

    fn wanted(&self) -> Option<char> {
        self.decoded[self.read..].chars().next()
    }

    /// The next character, which must be the same in both.
    fn one(&mut self) -> Option<()> {
        let next = self.rest().chars().next()?;
        self.same(next)
    }

    fn same(&mut self, next: char) -> Option<()> {
        if self.wanted() != Some(next) {
            return None;
        }
        self.at += next.len_utf8();
        self.read += next.len_utf8();
        Some(())
    }

    /// Line breaks between the lines of a flow scalar: one is a space, more are one fewer.
    fn flow_fold(&mut self, length: usize, breaks: usize) -> Option<()> {
        let meant = if breaks == 1 {
            " ".to_owned()
        } else {
            "\n".repeat(breaks - 1)
        };
        if !self.decoded[self.read..].starts_with(&meant) {
            return None;
        }
        self.at += length;
        self.read += meant.len();
        Some(())
    }

    fn literal(&mut self, indent: usize) -> Option<()> {
        let length = line_break(self.rest());
        if length == 0 {
            return self.one();
        }
        if self.wanted() != Some('\n') {
            return None;
        }
        self.read += 1;
        self.at += length;
        self.skip_indent(indent);
        Some(())
    }

    fn folded(&mut self, indent: usize) -> Option<()> {
        if line_break(self.rest()) == 0 {
            return self.one();
        }
        while line_break(self.rest()) > 0 {
            self.at += line_break(self.rest());
            self.skip_indent(indent);
        }
        let rest = &self.decoded[self.read..];
        let breaks = rest.len() - rest.trim_start_matches('\n').len();
        self.read += if breaks == 0 {
            usize::from(rest.starts_with(' '))
        } else {
            breaks
        };
        (breaks > 0 || rest.starts_with(' ')).then_some(())
    }

    fn skip_indent(&mut self, indent: usize) {
        let spaces = self
            .rest()
            .bytes()
            .take(indent)
            .take_while(|b| *b == b' ')
            .count();
        self.at += spaces;
    }

    /// Skips what means nothing: an escaped line break and the indentation after it.
    fn skip_continuation(&mut self, style: ScalarStyle) {
        if style != ScalarStyle::DoubleQuoted {
            return;
        }
        while let Some(after) = self.rest().strip_prefix('\\') {
            let length = line_break(after);
            if length == 0 {
                return;
            }
            let tail = &after[length..];
            self.at += 1 + length + (tail.len() - tail.trim_start_matches([' ', '\t']).len());
        }
    }

    fn escape(&mut self) -> Option<()> {
        let before = self.at;
        self.skip_continuation(ScalarStyle::DoubleQuoted);
        if self.at != before {
            return Some(());
        }
        let digits = match self.rest().as_bytes().get(1)? {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let length = if digits == 0 {
            1 + self.rest()[1..].chars().next()?.len_utf8()
        } else {
            2 + digits
        };
        self.rest().get(..length)?;
        self.at += length;
        self.read += self.wanted()?.len_utf8();
        Some(())
    }
}

/// The white space around line breaks at the start of `rest`: its length, and how many breaks.
fn fold(rest: &str) -> Option<(usize, usize)> {
    let (mut length, mut breaks) = (0, 0);
    loop {
        let tail = &rest[length..];
        let blank = tail.len() - tail.trim_start_matches([' ', '\t']).len();
        let line = line_break(&tail[blank..]);
        if line == 0 {
            return (breaks > 0).then_some((length + blank, breaks));
        }
        length += blank + line;
        breaks += 1;
    }
}

/// The length of the line break at the start of `rest`; 0 where there is none.
fn line_break(rest: &str) -> usize {
    if rest.starts_with("\r\n") {
        2
    } else {
        usize::from(rest.starts_with(['\n', '\r']))
    }
}

#[cfg(test)]
mod tests {
    use engine_model::Span;

    use crate::yaml;

    /// Writes `yaml` under the key `k` and asserts where each `<…>` word of it is found.
    #[track_caller]
    fn check(yaml_text: &str, words: &[&str]) {
        let (document, problems) = yaml::read(yaml_text);
        let document = document.unwrap_or_else(|| panic!("{problems:?}"));
        let id = document.get(document.root(), "k").unwrap();
        let decoded = document.text(id).unwrap().to_owned();
        for word in words {
            let start = decoded
                .find(word)
                .unwrap_or_else(|| panic!("{word} in {decoded:?}"));
            let inner = Span {
                start,
                end: start + word.len(),
            };
            let span = document.inner_span(yaml_text, id, inner);
            assert_eq!(&yaml_text[span.start..span.end], *word, "in {decoded:?}");
        }
    }

    #[test]
    fn a_word_in_a_plain_scalar_is_found_on_every_line() {
        check("k: one two\n", &["one", "two"]);
        check(
            "k: één\n  two   \n\n\n  three\nz: 1\n",
            &["één", "two", "three"],
        );
    }

    #[test]
    fn a_word_in_a_quoted_scalar_is_found_behind_escapes() {
        check("k: 'it''s one'  \n", &["one"]);
        check(
            "k: \"tab\\t \\u00e9 \\x41 \\\"one\\\" two\"\n",
            &["one", "two"],
        );
        check(
            "k: \"one \\\n    two\n\n    three\"\n",
            &["one", "two", "three"],
        );
    }

    #[test]
    fn a_word_in_a_block_scalar_is_found_behind_its_indentation() {
        check(
            "k: |\n\n  one\n   two\n\n  three\n",
            &["one", "two", "three"],
        );
        check("k: |2-\n    one\n  two\n", &["one", "two"]);
        check(
            "k: >\n  one\n  two\n\n  three\n    four\n  five\n",
            &["one", "two", "three", "five"],
        );
        check("a: 1\r\nk: |\r\n  one\r\n  two\r\n", &["one", "two"]);
    }

    #[test]
    fn an_escaped_character_is_as_wide_as_it_is_written() {
        let text = "k: \"a\\u00e9b\"\n";
        let (document, _) = yaml::read(text);
        let document = document.unwrap();
        let id = document.get(document.root(), "k").unwrap();
        let span = document.inner_span(text, id, Span { start: 1, end: 3 });
        assert_eq!(&text[span.start..span.end], "\\u00e9");
    }
}
