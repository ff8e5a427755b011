//! A reading glass for JSON Schema.

use serde_json::{Map, Value};

use super::Patterns;
use crate::suggest::one_of;
use crate::yaml::Content;

/// One schema; what is written beside a reference counts before what it refers to.
pub(super) struct Schema<'a> {
    own: Option<&'a Map<String, Value>>,
    target: Option<&'a Map<String, Value>>,
}

/// What the patterns of our own identifiers mean.
const PATTERNS: [(&str, &str); 6] = [
    (
        "^[a-z][a-z0-9-]{0,62}$",
        "a name of lower-case letters, digits and dashes, at most 63",
    ),
    (
        "^[a-z][a-z0-9_]{0,62}$",
        "an id of lower-case letters, digits and underscores, at most 63",
    ),
    (
        "^([0-9]+(ms|s|m|h|d))+$",
        "a duration such as `30s`, `5m` or `1h30m`",
    ),
    (
        "^[A-Za-z_][A-Za-z0-9_]*$",
        "a name of letters, digits and underscores",
    ),
    ("^[0-9]{4}-[0-9]{2}-[0-9]{2}T", "an RFC 3339 time"),
    ("^[0-9a-f]{64}$", "64 hex digits"),
];

impl<'a> Schema<'a> {
    /// The schema, a reference into `root` followed.
    pub(super) fn resolve(root: &'a Value, schema: &'a Value) -> Self {
        let own = schema.as_object();
        let reference = own.and_then(|own| own.get("$ref")).and_then(Value::as_str);
        let target = reference
            .and_then(|reference| reference.strip_prefix('#'))
            .and_then(|pointer| root.pointer(pointer))
            .and_then(Value::as_object);
        Self { own, target }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        let look = |map: Option<&'a Map<String, Value>>| map.and_then(|map| map.get(key));
        look(self.own).or_else(|| look(self.target))
    }

    pub(super) fn list(&self, key: &str) -> &'a [Value] {
        self.get(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn integer(&self, key: &str) -> Option<usize> {
        self.get(key)
            .and_then(Value::as_u64)
            .and_then(|value| value.try_into().ok())
    }

    pub(super) fn properties(&self) -> Option<&'a Map<String, Value>> {
        self.get("properties").and_then(Value::as_object)
    }

    /// The schema of keys that are not listed.
    pub(super) fn others(&self) -> Option<&'a Value> {
        self.get("additionalProperties")
            .filter(|others| others.is_object())
    }

    /// Whether the schema says something about keys, so that it is a map of the language.
    pub(super) fn is_closed_or_typed(&self) -> bool {
        self.properties().is_some()
    }

    /// Whether `word` is known, but of a later version.
    pub(super) fn is_later(&self, word: &str) -> bool {
        self.list("x-later").iter().any(|later| later == word)
    }

    /// The words allowed, where the schema is a list of words.
    pub(super) fn words(&self) -> Option<Vec<&'a str>> {
        let listed = self.list("enum");
        if !listed.is_empty() {
            return listed.iter().map(Value::as_str).collect();
        }
        let branches = self.branches();
        let word = |branch: &&'a Value| match branch.get("enum").and_then(Value::as_array) {
            Some(words) => words.iter().map(Value::as_str).collect(),
            None => branch
                .get("const")
                .and_then(Value::as_str)
                .map(|word| vec![word]),
        };
        let words: Option<Vec<Vec<&str>>> = branches.iter().map(word).collect();
        words
            .map(|words| words.concat())
            .filter(|words| !words.is_empty())
    }

    /// The schemas of which the value must fit one; the choice between something and nothing is
    /// the something.
    pub(super) fn branches(&self) -> Vec<&'a Value> {
        ["oneOf", "anyOf"]
            .iter()
            .flat_map(|key| self.list(key))
            .collect()
    }

    /// Whether a secret is the only thing that may stand here.
    pub(super) fn is_secret(&self) -> bool {
        let branches = self.branches();
        let secret = |schema: &Value| schema.get("x-secret") == Some(&Value::Bool(true));
        let nothing = |schema: &Value| schema.get("type").is_some_and(|name| name == "null");
        self.get("x-secret") == Some(&Value::Bool(true))
            || branches.iter().any(|branch| secret(branch))
                && branches
                    .iter()
                    .all(|branch| secret(branch) || nothing(branch))
    }

    /// Whether a value of this kind is allowed by `type`.
    pub(super) fn allows(&self, content: &Content) -> bool {
        match self.get("type") {
            Some(Value::String(name)) => is(content, name),
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .any(|name| is(content, name)),
            _ => true,
        }
    }

    /// As [`Schema::allows`], through the branches of the schema.
    pub(super) fn may_be(&self, root: &'a Value, content: &Content) -> bool {
        if let (Some(_), Content::Text(_)) = (self.words(), content) {
            return true;
        }
        let branches = self.branches();
        match self.get("const") {
            Some(value) => matches!(content, Content::Text(_)) == value.is_string(),
            None if branches.is_empty() => self.words().is_none() && self.allows(content),
            None => branches
                .iter()
                .any(|branch| Self::resolve(root, branch).may_be(root, content)),
        }
    }

    /// What the schema expects, in words.
    pub(super) fn expected(&self, root: &'a Value) -> String {
        if let Some(words) = self.get("x-expected").and_then(Value::as_str) {
            return words.to_owned();
        }
        if let Some(words) = self.words() {
            return one_of(words);
        }
        let branches = self.branches();
        if !branches.is_empty() {
            let mut words: Vec<String> = branches
                .iter()
                .filter(|branch| branch.get("type").is_none_or(|name| name != "null"))
                .map(|branch| Self::resolve(root, branch).expected(root))
                .collect();
            words.dedup();
            return words.join(" or ");
        }
        if let Some(meaning) = self.pattern_meaning() {
            return meaning.to_owned();
        }
        let names: Vec<&str> = match self.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let words: Vec<&str> = names.into_iter().filter_map(name_in_words).collect();
        if words.is_empty() {
            "another value".to_owned()
        } else {
            words.join(" or ")
        }
    }

    fn pattern(&self) -> Option<&'a str> {
        self.get("pattern").and_then(Value::as_str)
    }

    fn pattern_meaning(&self) -> Option<&'static str> {
        let pattern = self.pattern()?;
        PATTERNS
            .iter()
            .find(|(known, _)| *known == pattern)
            .map(|(_, meaning)| *meaning)
    }

    /// What the pattern expects, where `text` does not match it.
    pub(super) fn expected_text(&self, text: &str, patterns: &mut Patterns) -> Option<String> {
        let pattern = self.pattern()?;
        patterns
            .refuses(pattern, text)
            .then(|| match self.pattern_meaning() {
                Some(meaning) => meaning.to_owned(),
                None => format!("text that matches `{pattern}`"),
            })
    }
}

fn is(content: &Content, name: &str) -> bool {
    match content {
        Content::Null => name == "null",
        Content::Bool(_) => name == "boolean",
        Content::Number(number) => {
            name == "number" || (name == "integer" && (number.is_i64() || number.is_u64()))
        }
        Content::Text(_) => name == "string",
        Content::List(_) => name == "array",
        Content::Map(_) => name == "object",
    }
}

fn name_in_words(name: &str) -> Option<&'static str> {
    match name {
        "string" => Some("text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("`true` or `false`"),
        "array" => Some("a list"),
        "object" => Some("a map"),
        _ => None,
    }
}
