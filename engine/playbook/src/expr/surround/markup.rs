//! OData filters, Markdown, HTML and URLs.

use super::{Quotes, Reader, Spot};

const ODATA_TEXT: Quotes = Quotes {
    close: "'",
    backslash: false,
    doubled: true,
    one_line: false,
};

pub(super) fn odata(reader: &mut Reader<'_>) {
    let mut open: Vec<bool> = Vec::new();
    let mut after_in = false;
    while !reader.ended() {
        let spot = if open.last() == Some(&true) {
            Spot::Operands
        } else {
            Spot::Plain
        };
        let start = reader.at;
        if reader.hole(spot) {
            after_in = false;
        } else if reader.eat("'") {
            reader.quoted(start, ODATA_TEXT);
            after_in = false;
        } else if reader.eat("(") {
            open.push(std::mem::take(&mut after_in));
        } else if reader.eat(")") {
            open.pop();
        } else {
            let rest = reader.rest();
            let word = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            if word > 0 {
                after_in = rest[..word].eq_ignore_ascii_case("in");
                reader.at += word;
            } else {
                after_in &= rest.starts_with(char::is_whitespace);
                reader.skip();
            }
        }
    }
}

/// Finds code spans and fenced blocks: runs of backticks up to a run of the same length.
pub(super) fn markdown(reader: &mut Reader<'_>) {
    let mut fence = 0;
    while !reader.ended() {
        if reader.hole(if fence > 0 { Spot::Code } else { Spot::Plain }) {
            continue;
        }
        let rest = reader.rest();
        let run = rest.len() - rest.trim_start_matches('`').len();
        if run == 0 {
            reader.skip();
            continue;
        }
        reader.at += run;
        if fence == run {
            fence = 0;
        } else if fence == 0 && closes(&reader.text[reader.at..], run) {
            fence = run;
        }
    }
}

/// Whether a run of exactly this many backticks follows.
fn closes(text: &str, run: usize) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        rest = &rest[start..];
        let length = rest.len() - rest.trim_start_matches('`').len();
        if length == run {
            return true;
        }
        rest = &rest[length..];
    }
    false
}

pub(super) fn url(reader: &mut Reader<'_>) {
    while !reader.ended() {
        let spot = if reader.at == 0 {
            Spot::Start
        } else {
            Spot::Plain
        };
        if !reader.hole(spot) {
            reader.skip();
        }
    }
}

const IN_TAG: Spot = Spot::Unsafe("inside a tag but not inside quotes");
const IN_SCRIPT: Spot = Spot::Unsafe("inside a script or style, which HTML does not decode");

/// Text and quoted attributes are safe for entities; bare attributes and scripts are not.
pub(super) fn html(reader: &mut Reader<'_>) {
    let mut tag = false;
    let mut quote = None;
    let mut script = false;
    while !reader.ended() {
        let spot = match (tag, quote, script) {
            (true, None, _) => IN_TAG,
            (false, _, true) => IN_SCRIPT,
            _ => Spot::Plain,
        };
        if reader.hole(spot) {
            continue;
        }
        let rest = reader.rest();
        match (rest.chars().next(), quote) {
            (found, Some(_)) if tag && found == quote => quote = None,
            (Some(found @ ('"' | '\'')), None) if tag => quote = Some(found),
            (Some('>'), None) => tag = false,
            (Some('<'), None)
                if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') =>
            {
                tag = true;
                let name = rest[1..].to_ascii_lowercase();
                if name.starts_with("script") || name.starts_with("style") {
                    script = true;
                } else if name.starts_with("/script") || name.starts_with("/style") {
                    script = false;
                }
            }
            _ => {}
        }
        reader.skip();
    }
}
