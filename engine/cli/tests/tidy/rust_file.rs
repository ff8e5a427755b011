//! Rust text with comments and literals blanked out, so that a word found in it is code.

use std::ops::Range;

/// A Rust file.
pub(crate) struct RustFile {
    /// Relative to the root.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    /// The same length, with comments and literals as blanks.
    pub(crate) code: String,
    /// The byte ranges that are compiled for tests only.
    tests: Vec<Range<usize>>,
}

/// A word of the code.
#[derive(Clone, Copy)]
pub(crate) struct Word<'a> {
    /// The identifier or keyword.
    pub(crate) text: &'a str,
    /// Its first byte.
    pub(crate) start: usize,
}

impl RustFile {
    /// Reads the structure of `text`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let tests = test_items(&code);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            tests,
        }
    }

    /// Whether the whole file is tests or benchmarks.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }

    /// Whether the byte at `offset` is compiled for tests only.
    pub(crate) fn is_test_at(&self, offset: usize) -> bool {
        self.is_test() || self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The line of the byte at `offset`, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// How many lines are not compiled for tests only.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let mut offset = 0;
        let mut count = 0;
        for line in self.text.split_inclusive('\n') {
            let content = offset + (line.len() - line.trim_start().len());
            let blank = line.trim().is_empty();
            let probe = if blank { offset } else { content };
            count += usize::from(!self.tests.iter().any(|range| range.contains(&probe)));
            offset += line.len();
        }
        count
    }

    /// The words of the code, in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = Word<'_>> {
        words_from(&self.code, 0)
    }

    /// Where `needle`, written without spaces, begins in the code.
    pub(crate) fn find(&self, needle: &str) -> Vec<usize> {
        self.code
            .match_indices(needle)
            .map(|(offset, _)| offset)
            .collect()
    }

    /// The name of the first function after `offset`.
    pub(crate) fn next_function(&self, offset: usize) -> Option<Word<'_>> {
        let mut words = words_from(&self.code, offset);
        words.find(|word| word.text == "fn")?;
        words.next()
    }
}

/// The words of `code` from `offset` on.
fn words_from(code: &str, offset: usize) -> impl Iterator<Item = Word<'_>> {
    let mut rest = offset;
    std::iter::from_fn(move || {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let start = rest + code[rest..].find(is_word)?;
        let length = code[start..]
            .find(|c| !is_word(c))
            .unwrap_or(code.len() - start);
        rest = start + length;
        Some(Word {
            text: &code[start..rest],
            start,
        })
    })
}

/// The items behind `#[cfg(test)]`, from the attribute to their closing brace or semicolon.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(attribute) {
            ranges.push(start..item_end(code, start + attribute.len()));
        }
    }
    ranges
}

fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + offset + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// `text` with every comment and literal as blanks; line ends and offsets stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let literal = comment(rest).or_else(|| (!after_word).then(|| string(rest)).flatten());
        let length = literal.or_else(|| character(rest)).unwrap_or(0);
        if length == 0 {
            out.push(first);
            after_word = first.is_alphanumeric() || first == '_';
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.extend(
            rest[..length]
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
        );
        after_word = false;
        rest = &rest[length..];
    }
    out
}

/// The length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?;
    let mut depth = 0_usize;
    let mut offset = 0;
    while offset < text.len() {
        if text[offset..].starts_with("/*") {
            depth += 1;
            offset += 2;
        } else if text[offset..].starts_with("*/") {
            depth -= 1;
            offset += 2;
            if depth == 0 {
                return Some(offset);
            }
        } else {
            offset += text[offset..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of the string literal that `text` begins with, prefix included.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|t| t.starts_with(['"', '#']))
    })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let content = body[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = content
            .find(&close)
            .map_or(content.len(), |at| at + close.len());
        return Some(prefix.len() + hashes + 1 + end);
    }
    let content = body.strip_prefix('"')?;
    let mut escaped = false;
    for (offset, byte) in content.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(prefix.len() + 1 + offset + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// The length of the character literal that `text` begins with; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let content = text.strip_prefix('\'')?;
    let first = content.chars().next()?;
    if first == '\\' {
        let escape = 1 + content[1..].chars().next()?.len_utf8();
        return Some(1 + escape + content[escape..].find('\'')? + 1);
    }
    content[first.len_utf8()..]
        .starts_with('\'')
        .then_some(first.len_utf8() + 2)
}

#[test]
fn blanking_leaves_code_and_offsets_as_they_are() {
    let text = r###"let a = "x // {"; // unsafe
let b = r#"quoted " fn"#; /* a /* b */ c */ let c = '{'; let d: &'static str = b"\"";
let é = '\u{e9}'; loop { for_str("é") }"###;
    let code = blank(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(
        code.split_whitespace().collect::<Vec<_>>().join(" "),
        "let a = ; let b = ; let c = ; let d: &'static str = ; let é = ; loop { for_str( ) }"
    );
}

#[test]
fn lines_of_test_modules_do_not_count() {
    let file = RustFile::new(
        "engine/x/src/lib.rs",
        "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    const B: &str = \"}\";\n\n    fn b() {}\n}\n",
    );
    assert_eq!(file.lines_without_tests(), 2);
    assert!(file.is_test_at(file.find("fn b")[0]) && !file.is_test_at(0));
}
