//! Presentation for people.

use super::super::encode::markdown_line;
use super::super::value::{Dict, List};
use super::convert::cell_text;
use super::*;

pub(super) const FILTERS: &[Filter] = &[Filter {
    name: "to_markdown_table",
    summary: "A list of maps as Markdown table; `columns` chooses and orders the fields.",
    input: Kinds::LIST,
    params: &[optional("columns", Kinds::LIST)],
    result: |_, _| Type::Text,
    writes: Some(Language::Markdown),
    example: (
        "[{'name': 'ws-1', 'hits': 2}] | to_markdown_table(['name', 'hits'])",
        r#""| name | hits |\n|---|---|\n| ws-1 | 2 |\n""#,
    ),
    run: table,
}];

fn table<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let Val::List(rows) = &call.input else {
        return Ok(call.input);
    };
    let columns = match call.args.first() {
        Some(Val::List(columns)) => columns.iter().map(|name| text_of(&name)).collect(),
        _ => columns_of(rows, budget),
    }?;
    if columns.is_empty() {
        return Ok(String::new().into());
    }
    let mut out = String::new();
    line(
        &mut out,
        columns.iter().map(|name| markdown_line(name)).collect(),
        budget,
    )?;
    budget.make(columns.len() * 4 + 2)?;
    let _ = writeln!(out, "|{}", "---|".repeat(columns.len()));
    for row in rows.iter() {
        let fields = row_fields(&row)?;
        let cell = |name: &String| match fields.get(name) {
            Some(value) => Ok(markdown_line(&cell_text(&value)?)),
            None => Ok(String::new()),
        };
        line(
            &mut out,
            columns.iter().map(cell).collect::<Result<_, _>>()?,
            budget,
        )?;
    }
    Ok(out.into())
}

fn line(out: &mut String, cells: Vec<String>, budget: &mut Budget) -> Result<(), Fault> {
    budget.make(cells.iter().map(|cell| cell.len() + 3).sum::<usize>() + 2)?;
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {cell} |");
    }
    out.push('\n');
    Ok(())
}

fn text_of(name: &Val<'_>) -> Result<String, Fault> {
    name.as_str().map(str::to_owned).ok_or_else(|| {
        Fault::new(format!(
            "the name of a column is text, found {}",
            name.kind()
        ))
    })
}

fn row_fields<'r, 'a>(row: &'r Val<'a>) -> Result<&'r Dict<'a>, Fault> {
    match row {
        Val::Map(fields) => Ok(fields),
        other => Err(Fault::new(format!(
            "a row must be a map, found {}",
            other.kind()
        ))),
    }
}

/// Every field of the rows, in order of appearance.
fn columns_of(rows: &List<'_>, budget: &mut Budget) -> Result<Vec<String>, Fault> {
    let mut columns: Vec<String> = Vec::new();
    for row in rows.iter() {
        let fields = row_fields(&row)?;
        for (key, _) in fields.iter() {
            budget.elements(1 + columns.len())?;
            if !columns.iter().any(|known| known == key.as_str()) {
                budget.make(key.as_str().len())?;
                columns.push(key.as_str().to_owned());
            }
        }
    }
    Ok(columns)
}
