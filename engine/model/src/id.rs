//! Identifiers as types, parsed at the edge.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not an identifier of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}, found `{found}`")]
pub struct IdError {
    expected: &'static str,
    found: String,
}

/// Declares a text identifier: its documentation, its pattern, and the check behind it.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String", extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { expected: $expected, found: text.chars().take(80).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn slug(text: &str, extra: char, length_max: usize) -> bool {
    text.len() <= length_max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == extra)
}

text_id!(
    /// The name of a playbook, unique in its tenant.
    PlaybookName,
    "^[a-z][a-z0-9-]{0,62}$",
    "expected a name of lower-case letters, digits and dashes, at most 63",
    |text| slug(text, '-', 63)
);
text_id!(
    /// The id of a step, unique in its playbook; underscores, so that `-` stays minus.
    StepId,
    "^[a-z][a-z0-9_]{0,62}$",
    "expected an id of lower-case letters, digits and underscores, at most 63",
    |text| slug(text, '_', 63)
);
text_id!(
    /// The id of a trigger, unique in its playbook.
    TriggerId,
    "^[a-z][a-z0-9_]{0,62}$",
    "expected an id of lower-case letters, digits and underscores, at most 63",
    |text| slug(text, '_', 63)
);
text_id!(
    /// An action, as `family.name`: `defender.isolate-machine`.
    ActionId,
    "^[a-z][a-z0-9-]*\\.[a-z][a-z0-9-]*$",
    "expected an action as `family.name`",
    |text| text.split_once('.').is_some_and(|(f, n)| slug(f, '-', 63) && slug(n, '-', 100))
);
text_id!(
    /// A tenant: the GUID of a directory, or `default` where no tenant is known.
    TenantId,
    "^[A-Za-z0-9][A-Za-z0-9-]{0,62}$",
    "expected a tenant id of letters, digits and dashes, at most 63",
    |text| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    }
);
text_id!(
    /// A run: `run_` and 26 characters derived from what caused it.
    RunId,
    "^run_[a-z2-7]{26}$",
    "expected a run id: `run_` and 26 characters",
    |text| text
        .strip_prefix("run_")
        .is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| BASE32.contains(&b)))
);
text_id!(
    /// A content digest: `sha256:` and 64 hex digits.
    Digest,
    "^sha256:[0-9a-f]{64}$",
    "expected a digest: `sha256:` and 64 hex digits",
    |text| text
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
);

impl ActionId {
    /// The family: the part before the dot.
    #[must_use]
    pub fn family(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(family, _)| family)
    }
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl RunId {
    /// Derives the id of the run that `cause` starts, so that a repetition names the same run.
    ///
    /// `cause` is whatever makes the start unique for its trigger: an alert id, a planned instant,
    /// a delivery id, the caller's key.
    #[must_use]
    pub fn derive(
        tenant: &TenantId,
        playbook: &PlaybookName,
        trigger: &TriggerId,
        cause: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        for part in [tenant.as_str(), playbook.as_str(), trigger.as_str(), cause] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash = hash.finalize();
        let mut text = String::with_capacity(30);
        text.push_str("run_");
        for position in 0..26 {
            let bit = position * 5;
            let pair = u16::from_be_bytes([hash[bit / 8], hash[bit / 8 + 1]]);
            let index = (pair >> (11 - bit % 8)) & 31;
            text.push(char::from(BASE32[usize::from(index)]));
        }
        Self(text)
    }
}

impl Digest {
    /// The digest of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let hash = Sha256::digest(content);
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_depends_on_every_part_of_its_cause() {
        let id = |t: &str, p: &str, g: &str, c: &str| {
            RunId::derive(
                &t.parse().unwrap(),
                &p.parse().unwrap(),
                &g.parse().unwrap(),
                c,
            )
        };
        let first = id("t", "contain", "high", "a1");
        assert_eq!(first, id("t", "contain", "high", "a1"));
        assert_eq!(first.to_string().parse::<RunId>().unwrap(), first);
        for other in [
            id("u", "contain", "high", "a1"),
            id("t", "contai", "nhigh", "a1"),
            id("t", "contain", "low", "a1"),
            id("t", "contain", "high", "a2"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn an_identifier_refuses_text_outside_its_pattern() {
        assert!("Contain".parse::<PlaybookName>().is_err());
        assert!("known-good".parse::<StepId>().is_err());
        assert!("isolate".parse::<ActionId>().is_err());
        assert!("../etc".parse::<TenantId>().is_err());
        assert_eq!(
            "defender.get-machine".parse::<ActionId>().unwrap().family(),
            "defender"
        );
    }
}
