//! Runs a query over rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::QueryError;
use super::condition::{Cell, Column, Kind, Row};
use super::parse::{Operator, Query};

/// A table that queries may name.
pub(crate) struct Table<R> {
    pub(crate) columns: Vec<Column>,
    /// The rows; given the device that the query asks for, if it asks for one.
    pub(crate) rows: R,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// The most rows an answer holds.
const ROWS_MAX: usize = 100_000;

/// Runs `query` over the table that `table` gives for a name.
pub(crate) fn run<R, I>(
    query: &Query,
    table: impl FnOnce(&str) -> Option<Table<R>>,
) -> Result<Answer, QueryError>
where
    R: FnOnce(Option<&str>) -> I,
    I: Iterator<Item = Row>,
{
    let found = table(&query.table).ok_or_else(|| {
        let name = &query.table;
        QueryError::new(format!(
            "Failed to resolve table or column expression named '{name}'"
        ))
    })?;
    check(&query.operators, &found.columns)?;
    // Conditions that come first can be asked while the rows are read.
    let first = query
        .operators
        .iter()
        .take_while(|op| matches!(op, Operator::Where(_)));
    let conditions: Vec<_> = first
        .filter_map(|operator| match operator {
            Operator::Where(condition) => Some(condition),
            _ => None,
        })
        .collect();
    let device = conditions
        .iter()
        .find_map(|condition| condition.pinned("DeviceId"));
    let rows = (found.rows)(device)
        .filter(|row| conditions.iter().all(|condition| condition.holds(row)))
        .collect();
    let mut answer = Answer {
        columns: found.columns,
        rows,
    };
    for operator in &query.operators[conditions.len()..] {
        apply(&mut answer, operator);
    }
    answer.rows.truncate(ROWS_MAX);
    Ok(answer)
}

/// Checks every operator against the columns that reach it.
fn check(operators: &[Operator], columns: &[Column]) -> Result<(), QueryError> {
    let mut columns = columns.to_vec();
    for operator in operators {
        let known = |name: &String| columns.iter().any(|column| column.name == *name);
        let unknown = match operator {
            Operator::Where(condition) => {
                condition.check(&columns)?;
                None
            }
            Operator::Project(all) => all.iter().map(|(_, column)| column).find(|c| !known(c)),
            Operator::CountBy { by, .. } => by.iter().find(|c| !known(c)),
            Operator::Order(by) => by.iter().map(|(column, _)| column).find(|c| !known(c)),
            Operator::Take(_) => None,
        };
        if let Some(name) = unknown {
            return Err(QueryError::unknown_column(name));
        }
        columns = columns_after(&columns, operator);
    }
    Ok(())
}

fn columns_after(columns: &[Column], operator: &Operator) -> Vec<Column> {
    let kind = |name: &String| {
        let column = columns.iter().find(|column| column.name == *name);
        column.map_or(Kind::Text, |column| column.kind)
    };
    match operator {
        Operator::Project(all) => all
            .iter()
            .map(|(name, column)| Column {
                name: name.clone(),
                kind: kind(column),
            })
            .collect(),
        Operator::CountBy { name, by } => by
            .iter()
            .map(|column| Column {
                name: column.clone(),
                kind: kind(column),
            })
            .chain([Column {
                name: name.clone(),
                kind: Kind::Number,
            }])
            .collect(),
        _ => columns.to_vec(),
    }
}

fn apply(answer: &mut Answer, operator: &Operator) {
    let columns = columns_after(&answer.columns, operator);
    match operator {
        Operator::Where(condition) => answer.rows.retain(|row| condition.holds(row)),
        Operator::Take(count) => answer.rows.truncate(*count),
        Operator::Project(all) => {
            for row in &mut answer.rows {
                *row = all
                    .iter()
                    .filter_map(|(name, column)| Some((name.clone(), row.get(column)?.clone())))
                    .collect();
            }
        }
        Operator::Order(by) => answer.rows.sort_by(|a, b| {
            by.iter()
                .map(|(column, descending)| {
                    let order = compare(a.get(column), b.get(column));
                    if *descending { order.reverse() } else { order }
                })
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        }),
        Operator::CountBy { name, by } => {
            answer.rows = count_by(&answer.rows, name, by);
        }
    }
    answer.columns = columns;
}

fn compare(a: Option<&Cell>, b: Option<&Cell>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.order(b).unwrap_or(Ordering::Equal),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// One row for each combination of values, in the order in which they first came.
fn count_by(rows: &[Row], name: &str, by: &[String]) -> Vec<Row> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<(Row, f64)> = Vec::new();
    for row in rows {
        let group: Row = by
            .iter()
            .filter_map(|column| Some((column.clone(), row.get(column)?.clone())))
            .collect();
        let at = *seen.entry(format!("{group:?}")).or_insert(groups.len());
        if at == groups.len() {
            groups.push((group, 0.0));
        }
        groups[at].1 += 1.0;
    }
    if by.is_empty() && groups.is_empty() {
        groups.push((Row::new(), 0.0));
    }
    groups
        .into_iter()
        .map(|(mut row, count)| {
            row.insert(name.to_owned(), Cell::Number(count));
            row
        })
        .collect()
}
