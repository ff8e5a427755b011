//! As much Markdown as the rules ask about: fenced blocks, code spans, links.

use crate::finding::Finding;

/// One line of a Markdown text.
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// As written.
    pub(crate) text: &'a str,
    /// The language of the fenced block it stands in; none outside, empty when not said.
    pub(crate) fence: Option<&'a str>,
}

/// The lines of `text`, without those that open or close a fenced block.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut fence = None;
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        match text.trim_start().strip_prefix("```") {
            Some(language) if fence.is_none() => fence = Some(language.trim()),
            Some(_) => fence = None,
            None => lines.push(Line {
                number: index + 1,
                text,
                fence,
            }),
        }
    }
    lines
}

impl<'a> Line<'a> {
    /// What stands between backticks, outside fenced blocks.
    pub(crate) fn code_spans(&self) -> impl Iterator<Item = &'a str> {
        let text = if self.fence.is_some() { "" } else { self.text };
        text.split('`').skip(1).step_by(2)
    }

    /// The targets of links, outside fenced blocks.
    pub(crate) fn links(&self) -> impl Iterator<Item = &'a str> {
        let text = if self.fence.is_some() { "" } else { self.text };
        text.split("](")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0))
    }

    /// The command of a fenced shell block; comments and empty lines are none.
    pub(crate) fn command(&self) -> Option<&'a str> {
        let shell = matches!(self.fence?, "sh" | "bash" | "shell" | "console");
        let text = self.text.trim().trim_start_matches("$ ");
        (shell && !text.is_empty() && !text.starts_with('#')).then_some(text)
    }

    /// A finding at this line of `file`.
    pub(crate) fn finding(&self, file: &str, subject: &str, message: String) -> Finding {
        Finding::at(file, self.number, subject, message)
    }
}

#[test]
fn spans_links_and_commands_are_told_apart() {
    let text = "See `a b` and [c](d.md#e).\n```sh\n# no\n$ quell `x`\n```\n`f`\n";
    let lines = lines(text);
    let spans: Vec<_> = lines.iter().flat_map(Line::code_spans).collect();
    let links: Vec<_> = lines.iter().flat_map(Line::links).collect();
    let commands: Vec<_> = lines.iter().filter_map(Line::command).collect();
    assert_eq!(
        (spans, links, commands),
        (vec!["a b", "f"], vec!["d.md#e"], vec!["quell `x`"])
    );
}
