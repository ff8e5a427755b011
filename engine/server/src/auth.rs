//! Who calls: programs that hand in alerts, and people.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use engine_model::code;
use sha2::{Digest as _, Sha256};

use crate::links::LinkKey;
use crate::problem::Problem;

/// A key, kept as a digest only.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The digest of a key.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Compares in constant time.
    fn is(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .fold(0, |differ, (mine, theirs)| differ | (mine ^ theirs))
            == 0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A person who may call the API.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name, as it stands in the log.
    pub name: String,
    /// The person's roles.
    pub roles: Vec<String>,
    /// The person's key.
    pub key: Key,
}

/// Every key the server knows.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Keys that may hand in alerts and nothing else.
    pub intake: Vec<Key>,
    /// People, who may do everything.
    pub people: Vec<Person>,
    /// Keys that may read `/metrics` and nothing else.
    pub metrics: Vec<Key>,
    /// What links are signed with that let people answer; none where there are no links.
    pub links: Option<LinkKey>,
}

impl Keys {
    /// The person whose key this is.
    #[must_use]
    pub fn owner(&self, key: &str) -> Option<&str> {
        let key = Key::of(key);
        let mut people = self.people.iter();
        let person = people.find(|person| person.key.is(&key))?;
        Some(&person.name)
    }
}

/// Somebody who may hand in alerts.
pub(crate) fn may_hand_in(keys: &Keys, headers: &HeaderMap) -> Result<(), Problem> {
    let key = presented(headers)?;
    let known = keys.intake.iter().any(|own| own.is(&key));
    if known || keys.people.iter().any(|person| person.key.is(&key)) {
        Ok(())
    } else {
        Err(unknown(
            "the key is not one of `intake.keys`, nor of `people`",
        ))
    }
}

/// Somebody who may read figures.
pub(crate) fn may_look(keys: &Keys, headers: &HeaderMap) -> Result<(), Problem> {
    let key = presented(headers)?;
    let known = keys.metrics.iter().any(|own| own.is(&key));
    if known || keys.people.iter().any(|person| person.key.is(&key)) {
        Ok(())
    } else {
        Err(unknown(
            "the key is not one of `metrics.keys`, nor of `people`",
        ))
    }
}

/// The person who calls.
pub(crate) fn person(keys: &Arc<Keys>, headers: &HeaderMap) -> Result<Person, Problem> {
    let key = presented(headers)?;
    let person = keys.people.iter().find(|person| person.key.is(&key));
    person
        .cloned()
        .ok_or_else(|| unknown("the key is not that of one of `people`"))
}

fn presented(headers: &HeaderMap) -> Result<Key, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match value {
        Some((_, key)) => Ok(Key::of(key.trim())),
        None => Err(unknown("send the header `Authorization: Bearer KEY`")),
    }
}

fn unknown(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code::SV0101, detail)
}
