//! The house numbers for files and lines; clippy knows those for functions.

use crate::finding::Finding;
use crate::tree::RUST;

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

/// Files that hold too much.
pub(crate) fn long_files() -> Vec<Finding> {
    let code = RUST.iter().filter(|file| !file.is_test());
    let long = code.map(|file| (file, file.lines_without_tests()));
    long.filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| {
            let message = format!("{lines} lines without tests; {LINES_MAX} at most");
            Finding::file(&file.path, "", message)
        })
        .collect()
}

/// Lines that do not fit beside each other on a screen.
pub(crate) fn long_lines() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        for (index, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                let message = format!("{columns} columns; {COLUMNS_MAX} at most");
                findings.push(Finding::at(&file.path, index + 1, "", message));
            }
        }
    }
    findings
}
