//! A small, honest part of the hunting query language: what it does not know it refuses by name.

mod condition;
mod expression;
mod parse;
mod run;
mod token;

pub(crate) use condition::{Cell, Column, Kind, Row};
pub(crate) use parse::parse;
pub(crate) use run::{Answer, Table, run};

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryError(pub(crate) String);

impl QueryError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn unknown_column(name: &str) -> Self {
        Self::new(format!(
            "Failed to resolve column or scalar expression named '{name}'"
        ))
    }

    fn not_served(what: &str) -> Self {
        Self::new(format!("{what} is not supported by the emulator"))
    }
}

#[cfg(test)]
mod tests;
