//! Columns as the engine's own types.

use engine_model::AlertSource;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// The number of a run in its table.
pub(crate) type RunRow = i64;
/// The number of a revision of an alert in its table.
pub(crate) type AlertRow = i64;

/// The source a column names.
pub(crate) fn source_column(row: &Row<'_>, column: usize) -> rusqlite::Result<AlertSource> {
    let word: String = row.get(column)?;
    AlertSource::ALL
        .into_iter()
        .find(|source| source.as_str() == word)
        .ok_or_else(|| unreadable(column, format!("unknown source `{word}`")))
}

/// An identifier.
pub(crate) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Err: std::fmt::Display,
{
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: T::Err| unreadable(column, error.to_string()))
}

/// A value stored as JSON.
pub(crate) fn json_column<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error.to_string()))
}

/// The error of a column that does not hold what the engine writes there.
pub(crate) fn unreadable(column: usize, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
