//! The languages a parameter may be written in.

use std::fmt;
use std::str::FromStr;

/// The language of a parameter, from the mark `x-language` in its schema.
///
/// An expression in a text of such a language is written as a *literal* of the language, so that
/// what an attacker put into an alert stays a value and never becomes part of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Kusto Query Language: `kql`.
    Kql,
    /// An `OData` filter: `odata`.
    OData,
    /// A POSIX shell command: `sh`.
    Sh,
    /// `html`.
    Html,
    /// `markdown`.
    Markdown,
    /// A URL: `url`.
    Url,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] = [
        Self::Kql,
        Self::OData,
        Self::Sh,
        Self::Html,
        Self::Markdown,
        Self::Url,
    ];

    /// The word used in `x-language`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kql => "kql",
            Self::OData => "odata",
            Self::Sh => "sh",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Url => "url",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A mark `x-language` with a word this engine does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown language `{0}`")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|language| language.as_str() == word)
            .ok_or_else(|| UnknownLanguage(word.to_owned()))
    }
}
