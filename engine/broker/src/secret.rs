//! Secrets: where the configuration says they are, and reading them at the moment of use.

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

const FILE_BYTES_MAX: u64 = 64 * 1024;
const PATTERN: &str = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^#]+|systemd:[A-Za-z0-9_.-]+)$";

/// Where a secret is; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:/absolute/path`: the content of a file that only its owner may read.
    File(PathBuf),
    /// `systemd:name`: a file of `$CREDENTIALS_DIRECTORY`.
    Systemd(String),
}

/// Why a text is not a secret reference. Never holds the text: it may be a pasted secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// No known prefix: most likely the secret itself.
    #[error("a secret is written here instead of a reference to it")]
    Bare,
    /// `env:` without the name of a variable.
    #[error("`env:` is not followed by the name of an environment variable")]
    Env,
    /// `file:` without an absolute path.
    #[error("`file:` is not followed by an absolute path without `#`")]
    File,
    /// `systemd:` without the name of a credential.
    #[error("`systemd:` is not followed by the name of a credential")]
    Systemd,
}

impl FromStr for SecretRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix("env:") {
            let valid = !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            return if valid {
                Ok(Self::Env(name.to_owned()))
            } else {
                Err(RefError::Env)
            };
        }
        if let Some(path) = text.strip_prefix("file:") {
            let valid = path.starts_with('/') && path.len() > 1 && !path.contains(['#', '\0']);
            return if valid {
                Ok(Self::File(path.into()))
            } else {
                Err(RefError::File)
            };
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            let valid = !name.is_empty()
                && !name.starts_with('.')
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
            return if valid {
                Ok(Self::Systemd(name.to_owned()))
            } else {
                Err(RefError::Systemd)
            };
        }
        Err(RefError::Bare)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// A secret reference as the configuration gives it: `env:NAME`, `file:/absolute/path` or
/// `systemd:name`.
///
/// Reading never fails and never keeps a text that is no reference, so that a secret pasted by
/// mistake reaches no error message; [`Config::check`](crate::Config::check) reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRef(Result<SecretRef, RefError>);

impl GivenRef {
    /// The reference.
    ///
    /// # Errors
    ///
    /// Why the text that was given is none.
    pub fn get(&self) -> Result<&SecretRef, RefError> {
        self.0.as_ref().map_err(|error| *error)
    }

    fn read(mut text: String) -> Self {
        let parsed = text.parse();
        text.zeroize();
        Self(parsed)
    }
}

impl From<SecretRef> for GivenRef {
    fn from(reference: SecretRef) -> Self {
        Self(Ok(reference))
    }
}

/// One secret reference or several, tried in order while the earlier ones are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRefs(pub Vec<GivenRef>);

/// Takes any scalar, so that the message of a type mismatch cannot quote a pasted secret.
struct RefVisitor;

impl<'de> Visitor<'de> for RefVisitor {
    type Value = Vec<GivenRef>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret reference such as `env:NAME`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(text.parse())])
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(vec![GivenRef::read(text)])
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut refs = Vec::new();
        while let Some(reference) = items.next_element()? {
            refs.push(reference);
        }
        Ok(refs)
    }
}

impl<'de> Deserialize<'de> for GivenRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut refs = deserializer.deserialize_any(RefVisitor)?;
        match (refs.pop(), refs.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(serde::de::Error::custom(
                "expected one secret reference, found a list",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for GivenRefs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RefVisitor).map(Self)
    }
}

impl JsonSchema for GivenRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is: `env:NAME`, `file:/absolute/path`, `systemd:name`.",
            "type": "string",
            "pattern": PATTERN,
        })
    }
}

impl JsonSchema for GivenRefs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRefs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<GivenRef>();
        json_schema!({
            "description": "One secret reference, or several tried in order.",
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
        })
    }
}

/// Why a secret could not be read. Names the reference, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret `{reference}` {reason}")]
pub(crate) struct SecretError {
    reference: String,
    reason: &'static str,
}

impl SecretError {
    fn new(reference: &SecretRef, reason: &'static str) -> Self {
        Self {
            reference: reference.to_string(),
            reason,
        }
    }
}

/// How the environment is asked; a function, so that tests need not change their own process.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Reads secrets when they are needed; a file is read again once it changed.
pub(crate) struct Secrets {
    environment: Environment,
    files: Mutex<HashMap<PathBuf, Held>>,
}

struct Held {
    stamp: Stamp,
    value: SecretSlice<u8>,
}

/// What tells whether a file is still the one that was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size_bytes: u64,
    inode: u64,
}

impl Secrets {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            environment,
            files: Mutex::default(),
        }
    }

    /// An environment variable that is no secret, where it is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// The present value as text, without the newline at the end of a file.
    ///
    /// Looks at the file system without leaving the thread: one `stat` of a local file is cheaper
    /// than a trip to the blocking pool.
    pub(crate) fn read(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let bytes = self.read_bytes(reference)?;
        let text = std::str::from_utf8(bytes.expose_secret());
        let text = text.map_err(|_| SecretError::new(reference, "is not text"))?;
        let line = match reference {
            SecretRef::Env(_) => text,
            SecretRef::File(_) | SecretRef::Systemd(_) => without_newline(text),
        };
        if line.is_empty() {
            return Err(SecretError::new(reference, "is empty"));
        }
        Ok(line.into())
    }

    /// The present value, byte by byte.
    pub(crate) fn read_bytes(&self, reference: &SecretRef) -> Result<SecretSlice<u8>, SecretError> {
        let value = match reference {
            SecretRef::Env(name) => (self.environment)(name)
                .map(|text| SecretSlice::from(text.into_bytes()))
                .ok_or("is not set"),
            SecretRef::File(path) => self.file(path),
            SecretRef::Systemd(name) => match (self.environment)("CREDENTIALS_DIRECTORY") {
                Some(directory) => self.file(&Path::new(&directory).join(name)),
                None => Err("needs `CREDENTIALS_DIRECTORY`, which is not set"),
            },
        }
        .map_err(|reason| SecretError::new(reference, reason))?;
        if value.expose_secret().is_empty() {
            Err(SecretError::new(reference, "is empty"))
        } else {
            Ok(value)
        }
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, &'static str> {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist",
            _ => "cannot be read",
        })?;
        refuse_open_file(&metadata)?;
        if metadata.len() > FILE_BYTES_MAX {
            return Err("is larger than 64 KiB");
        }
        let stamp = stamp_of(&metadata);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = files.get(path).filter(|held| held.stamp == stamp) {
            return Ok(held.value.clone());
        }
        let value = read_all(path)?;
        files.insert(
            path.to_owned(),
            Held {
                stamp,
                value: value.clone(),
            },
        );
        Ok(value)
    }
}

fn read_all(path: &Path) -> Result<SecretSlice<u8>, &'static str> {
    let file = std::fs::File::open(path).map_err(|_| "cannot be read")?;
    // As large as it may be from the start: growing would leave copies behind.
    let mut bytes = Vec::with_capacity(FILE_BYTES_MAX as usize);
    let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    let value = SecretSlice::from(bytes);
    read.map(|_| value).map_err(|_| "cannot be read")
}

fn without_newline(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(unix)]
pub(crate) fn stamp_of(metadata: &std::fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    Stamp {
        modified: metadata.modified().ok(),
        size_bytes: metadata.len(),
        inode: metadata.ino(),
    }
}

#[cfg(not(unix))]
pub(crate) fn stamp_of(metadata: &std::fs::Metadata) -> Stamp {
    Stamp {
        modified: metadata.modified().ok(),
        size_bytes: metadata.len(),
        inode: 0,
    }
}

/// A secret that others may read is none. A group may read it where root hands it out.
#[cfg(unix)]
fn refuse_open_file(metadata: &std::fs::Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if !metadata.is_file() {
        return Err("is not a file");
    }
    if metadata.mode() & forbidden != 0 {
        return Err("may be read by others; allow only its owner: `chmod 600`");
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open_file(metadata: &std::fs::Metadata) -> Result<(), &'static str> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err("is not a file")
    }
}
