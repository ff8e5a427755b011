//! The lines of a file, and how deep each of them is to stand.

use engine_playbook::yaml::{Content, Document, NodeId};

use super::SPACED;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Empty,
    /// A comment alone.
    Comment,
    /// The first line of a key, an entry, or the value of the whole file.
    Begins,
    /// Part of a text below `|` or `>`, whose lines are deeper than its key by this much at least.
    Text {
        /// The line that begins the value.
        head: usize,
    },
    /// The rest of a value that began on a line before.
    Goes {
        /// The line that begins the value.
        head: usize,
    },
}

/// The lines of a file.
pub(super) struct Lines<'t> {
    lines: Vec<&'t str>,
    starts: Vec<usize>,
    kinds: Vec<Kind>,
    /// The column at which each line that begins something is to stand.
    columns: Vec<Option<usize>>,
    /// Lines before which there is to be an empty one.
    apart: Vec<usize>,
    /// Places where a value stands behind its key on the same line: the end of the key's colon, and
    /// the value.
    gaps: Vec<(usize, usize)>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str, document: &Document) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        let kinds = lines.iter().map(|line| match line.trim_start() {
            "" => Kind::Empty,
            rest if rest.starts_with('#') => Kind::Comment,
            _ => Kind::Begins,
        });
        let mut all = Self {
            kinds: kinds.collect(),
            columns: vec![None; lines.len()],
            lines,
            starts,
            apart: Vec::new(),
            gaps: Vec::new(),
        };
        for id in document.ids() {
            all.inner_lines(text, document, id);
        }
        all.depths(text, document, document.root(), 0);
        all
    }

    fn line(&self, offset: usize) -> usize {
        let after = self.starts.partition_point(|start| *start <= offset);
        after
            .saturating_sub(1)
            .min(self.lines.len().saturating_sub(1))
    }

    /// Marks the lines that are the rest of a value and not structure of their own.
    fn inner_lines(&mut self, text: &str, document: &Document, id: NodeId) {
        let span = document.node(id).span;
        if span.start >= span.end {
            return;
        }
        let (first, last) = (self.line(span.start), self.line(span.end - 1));
        if document.is_block(id) {
            // The place of such a text begins with its first line that is not empty.
            let head = (0..first)
                .rev()
                .find(|line| !matches!(self.kinds[*line], Kind::Empty));
            let Some(head) = head else { return };
            for line in head + 1..=last {
                self.kinds[line] = Kind::Text { head };
            }
        } else if !is_block_collection(text, document, id) {
            let head = self.line(document.head(id).start).min(first);
            for line in first + 1..=last {
                self.kinds[line] = Kind::Goes { head };
            }
            // A value that begins on the line after its key goes with that line.
            if first > head {
                self.kinds[first] = Kind::Goes { head };
            }
        }
    }

    /// The columns of what stands in a value that itself stands at a column.
    fn depths(&mut self, text: &str, document: &Document, id: NodeId, column: usize) {
        if !is_block_collection(text, document, id) {
            return;
        }
        let children = document.children(id).to_vec();
        let list = matches!(document.node(id).content, Content::List(_));
        for (number, child) in children.iter().copied().enumerate() {
            let start = document.head(child).start;
            if list {
                let dash = text[..document.node(child).span.start].rfind('-');
                self.begins(dash.unwrap_or(start), column);
                self.depths(text, document, child, column + 2);
            } else {
                self.begins(start, column);
                self.gap(text, document, child);
                self.depths(text, document, child, column + 2);
            }
            if number > 0 && list && self.is_spaced(document, id) {
                self.set_apart(document, (children[number - 1], child));
            }
        }
    }

    fn begins(&mut self, offset: usize, column: usize) {
        let line = self.line(offset);
        let before = &self.lines[line][..offset - self.starts[line]];
        if before.trim_start().is_empty() {
            self.columns[line] = Some(column);
        }
    }

    /// Notes how far a value stands behind its key.
    fn gap(&mut self, text: &str, document: &Document, child: NodeId) {
        let (Some(key), value) = (document.node(child).key_span, document.node(child).span) else {
            return;
        };
        let Some(between) = text.get(key.end..value.start) else {
            return;
        };
        let colon = between.strip_prefix(':').unwrap_or_default();
        if colon.len() > 1 && colon.chars().all(|c| c == ' ') {
            self.gaps.push((key.end + 1, value.start));
        }
    }

    fn is_spaced(&self, document: &Document, id: NodeId) -> bool {
        let top = document.parent(id) == Some(document.root());
        top && document.key(id).is_some_and(|key| SPACED.contains(&key))
    }

    /// An empty line between two entries, one of which has several lines.
    fn set_apart(&mut self, document: &Document, (before, after): (NodeId, NodeId)) {
        let span = |id: NodeId| document.node(id).span;
        let lines =
            |id: NodeId| self.line(span(id).end.saturating_sub(1)) - self.line(span(id).start);
        if lines(before) + lines(after) == 0 {
            return;
        }
        // Comments above an entry belong to it.
        let end = self.line(span(before).end.saturating_sub(1));
        let mut line = self.line(span(after).start);
        while line > end + 1 && self.kinds[line - 1] == Kind::Comment {
            line -= 1;
        }
        self.apart.push(line);
    }

    /// The file with its ends of lines trimmed and its empty lines in order, as deep as it was.
    pub(super) fn trimmed(&self) -> String {
        self.joined(|line| Some(self.column(line)))
    }

    /// The file with every line as deep as it is to stand; none where that cannot be told.
    pub(super) fn indented(&self) -> Option<String> {
        let mut columns = vec![0; self.lines.len()];
        for (line, kind) in self.kinds.iter().enumerate() {
            columns[line] = match kind {
                Kind::Empty | Kind::Comment => 0,
                Kind::Begins => self.columns[line]?,
                Kind::Goes { head } => moved(self.column(line), self.column(*head), columns[*head]),
                Kind::Text { head } => {
                    // A digit in the header counts columns from the key, which moves.
                    if header(self.lines[*head]).contains(|c: char| c.is_ascii_digit()) {
                        return None;
                    }
                    let own = self.text_column(*head);
                    let new = columns[*head] + self.nested(*head) + 2;
                    moved(self.column(line), own, new)
                }
            };
        }
        // A comment goes with what follows it.
        let mut next: Option<(usize, usize)> = None;
        for line in (0..self.lines.len()).rev() {
            match self.kinds[line] {
                Kind::Comment => {
                    let (old, new) = next.unwrap_or((self.column(line), self.column(line)));
                    columns[line] = moved(self.column(line), old, new);
                }
                Kind::Begins => next = Some((self.column(line), columns[line])),
                _ => {}
            }
        }
        Some(self.joined(|line| Some(columns[line])))
    }

    /// How much deeper than its line the innermost key on a line stands: `- - key:`.
    fn nested(&self, line: usize) -> usize {
        let mut rest = self.lines[line].trim_start();
        let mut deeper = 0;
        while let Some(inner) = rest.strip_prefix("- ") {
            rest = inner.trim_start();
            // `- |` is a text right in an entry.
            if !rest.starts_with(['|', '>']) {
                deeper += 2;
            }
        }
        deeper
    }

    /// The column of the first line of a text that is not empty.
    fn text_column(&self, head: usize) -> usize {
        let own = |line: &usize| self.kinds[*line] == Kind::Text { head };
        let lines = (head + 1..self.lines.len()).take_while(own);
        let full = lines.filter(|line| !self.lines[*line].trim().is_empty());
        full.map(|line| self.column(line)).next().unwrap_or(0)
    }

    fn column(&self, line: usize) -> usize {
        let line = self.lines[line];
        line.len() - line.trim_start_matches(' ').len()
    }

    fn joined(&self, column: impl Fn(usize) -> Option<usize>) -> String {
        let mut out = String::new();
        let mut empty = 0;
        for (line, kind) in self.kinds.iter().enumerate() {
            match kind {
                Kind::Empty => empty += 1,
                Kind::Text { .. } => {
                    let kept = self.lines[line].trim_start_matches(' ');
                    push(&mut out, &mut empty, usize::MAX);
                    let column = column(line).unwrap_or(0);
                    // White space alone is no text, as long as it is not deeper than the text.
                    if !kept.is_empty() || self.lines[line].len() > self.text_column_of(line) {
                        out.extend(std::iter::repeat_n(' ', column));
                    }
                    out.push_str(kept);
                    out.push('\n');
                }
                kind => {
                    let apart = self.apart.contains(&line);
                    empty = empty.max(usize::from(apart));
                    let first = out.is_empty();
                    push(&mut out, &mut empty, usize::from(!first));
                    out.extend(std::iter::repeat_n(' ', column(line).unwrap_or(0)));
                    let kept = self.body(line, *kind);
                    out.push_str(kept.trim_end());
                    out.push('\n');
                }
            }
        }
        // Empty lines at the end of a text that keeps them belong to it.
        if self.keeps_end() {
            push(&mut out, &mut empty, usize::MAX);
        }
        out
    }

    fn text_column_of(&self, line: usize) -> usize {
        match self.kinds[line] {
            Kind::Text { head } => self.text_column(head),
            _ => 0,
        }
    }

    /// Whether the file ends in a text whose empty lines count.
    fn keeps_end(&self) -> bool {
        let last = self.kinds.iter().rev().find(|kind| **kind != Kind::Empty);
        match last {
            Some(Kind::Text { head }) => header(self.lines[*head]).contains('+'),
            _ => false,
        }
    }

    /// What stands on a line, from its first character on, with single spaces behind dashes and
    /// keys.
    fn body(&self, line: usize, kind: Kind) -> String {
        let (text, start) = (self.lines[line], self.starts[line]);
        let mut out = String::new();
        let mut at = self.column(line);
        if kind == Kind::Begins {
            while text[at..].starts_with("- ") {
                out.push_str("- ");
                at += 1;
                at += text[at..].len() - text[at..].trim_start_matches(' ').len();
            }
        }
        let end = start + text.len();
        for (from, to) in self
            .gaps
            .iter()
            .filter(|(from, _)| *from >= start && *from <= end)
        {
            if *from - start < at {
                continue;
            }
            out.push_str(&text[at..*from - start]);
            out.push(' ');
            at = *to - start;
        }
        out.push_str(&text[at..]);
        out
    }
}

/// Writes as many empty lines as there are, but no more than so many.
fn push(out: &mut String, empty: &mut usize, max: usize) {
    out.extend(std::iter::repeat_n('\n', (*empty).min(max)));
    *empty = 0;
}

/// The column of something that moves with something else.
fn moved(own: usize, old: usize, new: usize) -> usize {
    (own + new).saturating_sub(old)
}

/// The part of a line that says how the text below it is to be read.
fn header(line: &str) -> &str {
    let line = line.split(" #").next().unwrap_or(line);
    line.rsplit(' ')
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

/// Whether a value is a list or a map on lines of its own, and not in brackets.
fn is_block_collection(text: &str, document: &Document, id: NodeId) -> bool {
    let start = document.node(id).span.start;
    let Some(first) = document.children(id).first() else {
        return false;
    };
    // A list that is not indented begins with its first entry, and that may be a bracket.
    !text[start..].starts_with(['[', '{']) || document.head(*first).start == start
}
