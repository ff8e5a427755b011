//! Secrets: where the configuration says they are, and reading them at the moment of use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::clock::Moment;
pub use crate::reference::{GivenRef, GivenRefs, RefError, SecretRef};

const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret could not be read. Names the reference, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret `{reference}` {reason}")]
pub(crate) struct SecretError {
    reference: String,
    reason: Cow<'static, str>,
}

impl SecretError {
    pub(crate) fn new(reference: &SecretRef, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reference: reference.to_string(),
            reason: reason.into(),
        }
    }
}

/// How the environment is asked; a function, so that tests need not change their own process.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Reads secrets when they are needed; a file is read again once it changed.
pub(crate) struct Secrets {
    environment: Environment,
    files: Mutex<HashMap<PathBuf, Held>>,
    /// What stores gave.
    fetched: Mutex<HashMap<SecretRef, Fetched>>,
}

/// The last answer of a store.
struct Fetched {
    value: SecretSlice<u8>,
    at: Moment,
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
            fetched: Mutex::default(),
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
            SecretRef::Env(_) | SecretRef::Vault(_) | SecretRef::KeyVault(_) => text,
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
            SecretRef::Vault(_) | SecretRef::KeyVault(_) => self
                .fetched()
                .get(reference)
                .map(|fetched| fetched.value.clone())
                .ok_or("is in a store that was not asked for it"),
        }
        .map_err(|reason| SecretError::new(reference, reason))?;
        if value.expose_secret().is_empty() {
            Err(SecretError::new(reference, "is empty"))
        } else {
            Ok(value)
        }
    }

    /// Keeps what a store gave.
    pub(crate) fn keep(&self, reference: &SecretRef, value: SecretSlice<u8>, at: Moment) {
        let fetched = Fetched { value, at };
        self.fetched().insert(reference.clone(), fetched);
    }

    /// When a store gave the value that is held; none where none is held.
    pub(crate) fn fetched_at(&self, reference: &SecretRef) -> Option<Moment> {
        self.fetched().get(reference).map(|fetched| fetched.at)
    }

    fn fetched(&self) -> MutexGuard<'_, HashMap<SecretRef, Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
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
