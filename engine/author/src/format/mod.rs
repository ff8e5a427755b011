//! The canonical form of YAML files: two spaces a level, no white space at ends of lines, at most
//! one empty line, and one between steps.
//!
//! Comments, quotes, the order of keys and what stands inside of texts and of `{ }` and `[ ]` stay
//! as they are. The file is taken line by line, and the values of the document say how deep each
//! line is. What comes out is read again: it means the same, or nothing is changed.

mod lines;

use engine_model::Diagnostic;
use engine_playbook::yaml::{self, Document};

use lines::Lines;

/// The lists of which each entry is set apart by an empty line.
const SPACED: [&str; 4] = ["steps", "on_error", "finally", "tests"];

/// Brings a file into the canonical form.
///
/// # Errors
///
/// When it cannot be read, with the reasons.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let unix = unix(text);
    let (document, problems) = yaml::read(&unix);
    let Some(document) = document else {
        return Err(problems);
    };
    let lines = Lines::of(&unix, &document);
    let whole = lines.indented().unwrap_or_else(|| lines.trimmed());
    if same(&document, &whole) {
        return Ok(whole);
    }
    let plain = lines.trimmed();
    Ok(if same(&document, &plain) { plain } else { unix })
}

/// The text with the line ends that we write, and without a mark at its beginning.
fn unix(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut unix = text.replace("\r\n", "\n");
    if !unix.ends_with('\n') {
        unix.push('\n');
    }
    unix
}

/// Whether a text means the same as a document, in the same order.
fn same(before: &Document, after: &str) -> bool {
    let (Some(after), _) = yaml::read(after) else {
        return false;
    };
    before.len() == after.len()
        && before.ids().all(|id| {
            before.path(id) == after.path(id)
                && (!before.children(id).is_empty() || before.value(id) == after.value(id))
        })
}

#[cfg(test)]
mod tests;
