//! Text for snapshots, folded so that it can be read beside code.

/// Columns of a folded line; a snapshot is indented by sixteen more at the most.
const COLUMNS: usize = 76;

/// The text with long lines folded at spaces, the rest of a line indented below its begin.
pub(crate) fn folded(text: &str) -> String {
    text.lines().map(|line| fold(line) + "\n").collect()
}

fn fold(line: &str) -> String {
    let indent = line.len() - line.trim_start().len() + 2;
    let mut out = String::new();
    let mut column = 0;
    for (index, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > COLUMNS {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}
