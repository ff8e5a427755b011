//! Words that the vendor's pages spell differently from endpoint to endpoint.
//!
//! A playbook may use any of the spellings. What leaves is the word of the endpoint's own page, and
//! what is read comes out as that word too. The enumerations take the other spellings by aliases;
//! here they learn to say so in their schemas.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// Spellings of one meaning: of Graph first, then of Defender XDR and Defender for Endpoint.
const GROUPS: [&[&str]; 15] = [
    &["truePositive", "TruePositive"],
    &["falsePositive", "FalsePositive"],
    &[
        "informationalExpectedActivity",
        "InformationalExpectedActivity",
    ],
    &["malware", "Malware"],
    &["securityTesting", "SecurityTesting"],
    &["unwantedSoftware", "UnwantedSoftware"],
    &["other", "Other"],
    &["multiStagedAttack", "MultiStagedAttack"],
    &[
        "compromisedAccount",
        "compromisedUser",
        "CompromisedAccount",
        "CompromisedUser",
    ],
    &["phishing", "Phishing"],
    &["maliciousUserActivity", "MaliciousUserActivity"],
    &["notMalicious", "clean", "Clean", "NotMalicious"],
    &[
        "notEnoughDataToValidate",
        "insufficientData",
        "NoEnoughDataToValidate",
        "NotEnoughDataToValidate",
        "InsufficientData",
    ],
    &[
        "confirmedActivity",
        "confirmedUserActivity",
        "ConfirmedActivity",
        "ConfirmedUserActivity",
    ],
    &["lineOfBusinessApplication", "LineOfBusinessApplication"],
];

/// Lets the schema of an enumeration take the other spellings of its words.
pub(crate) fn any(schema: &mut Schema) {
    let Some(words) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    let mut others = Vec::new();
    for word in words.iter().filter_map(|word| word["const"].as_str()) {
        let groups = GROUPS.iter().filter(|group| group.contains(&word));
        for group in groups {
            let spellings: Vec<&str> = group.iter().copied().filter(|one| *one != word).collect();
            others.push(json!({
                "enum": spellings,
                "description": format!("Another spelling of `{word}`."),
            }));
        }
    }
    words.extend(others);
}

/// A word of `T` for Graph, which minds no letter case: its own examples write `TruePositive` where
/// its tables have `truePositive`. A word in another case leaves as it is given, one in another
/// spelling as Graph spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsGiven<T> {
    /// The word that is meant.
    pub word: T,
    text: String,
}

impl<T: Serialize> From<T> for AsGiven<T> {
    fn from(word: T) -> Self {
        let text = match serde_json::to_value(&word) {
            Ok(Value::String(text)) => text,
            _ => String::new(),
        };
        Self { word, text }
    }
}

impl<T> Serialize for AsGiven<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T: Deserialize<'de> + Serialize> Deserialize<'de> for AsGiven<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let word = text.clone().into_deserializer();
        let word = T::deserialize(word)
            .map_err(|error: serde::de::value::Error| D::Error::custom(error))?;
        let usual = Self::from(word);
        Ok(match usual.text.eq_ignore_ascii_case(&text) {
            true => Self { text, ..usual },
            false => usual,
        })
    }
}

impl<T: JsonSchema> JsonSchema for AsGiven<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
