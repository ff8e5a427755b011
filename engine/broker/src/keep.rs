//! A refresh token on disk: encrypted, locked, and replaced in one step.
//!
//! The file holds `QRT1`, a nonce of 24 bytes and the sealed record. What the record is for is
//! sealed along, so that a file of another connection does not open here.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::{AuthError, AuthKind};
use crate::secret::{SecretRef, Secrets, Stamp, stamp_of};
use crate::session::Account;

const MAGIC: &[u8; 4] = b"QRT1";
const NONCE_BYTES: usize = 24;
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// How long another process may hold the lock: it asks the token service meanwhile.
const LOCK_WAIT: Duration = Duration::from_secs(12);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Where a connection keeps its refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeepRefs {
    pub(crate) path: PathBuf,
    pub(crate) key: SecretRef,
}

/// The kept session of one connection.
pub(crate) struct Keep {
    refs: KeepRefs,
    secrets: Arc<Secrets>,
    /// What the record is for: token service, directory, application and connection.
    purpose: Vec<u8>,
    seen: Mutex<Option<(Stamp, Record)>>,
}

/// A session as it is kept.
#[derive(Clone)]
pub(crate) struct Record {
    /// Tells sign-ins apart; stays when the token is replaced.
    pub(crate) session: String,
    pub(crate) account: Account,
    pub(crate) refresh_token: SecretString,
}

/// The record in the file, before it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    session: &'a str,
    user: &'a str,
    tenant: &'a str,
    name: Option<&'a str>,
    refresh_token: &'a str,
}

/// The right to replace the record; given back when it is dropped, or when the process ends.
#[derive(Debug)]
pub(crate) struct Locked {
    _file: File,
}

impl Keep {
    pub(crate) fn new(refs: KeepRefs, secrets: Arc<Secrets>, purpose: [&str; 4]) -> Self {
        let mut bytes = MAGIC.to_vec();
        for part in purpose {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self {
            refs,
            secrets,
            purpose: bytes,
            seen: Mutex::default(),
        }
    }

    /// The record as it is now; none where nobody signed in. Opened again only when it changed.
    pub(crate) fn look(&self) -> Result<Option<Record>, AuthError> {
        let path = &self.refs.path;
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(fault("cannot be read")),
        };
        private(&metadata)?;
        if metadata.len() > FILE_BYTES_MAX {
            return Err(fault("is too large"));
        }
        let stamp = stamp_of(&metadata);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, record)) = seen.as_ref().filter(|(known, _)| *known == stamp) {
            return Ok(Some(record.clone()));
        }
        let mut sealed = Vec::new();
        let file = File::open(path).map_err(|_| fault("cannot be read"))?;
        let read = file.take(FILE_BYTES_MAX).read_to_end(&mut sealed);
        read.map_err(|_| fault("cannot be read"))?;
        let record = self.open(&sealed)?;
        *seen = Some((stamp, record.clone()));
        Ok(Some(record))
    }

    /// Waits for the right to replace the record. Whoever has it reads the record first.
    pub(crate) async fn lock(&self) -> Result<Locked, AuthError> {
        self.make_directory()?;
        let file = private_file(&self.beside("lock")).map_err(|_| fault("cannot be locked"))?;
        let began = tokio::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked { _file: file }),
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => {
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    let reason = "another process holds the refresh token for too long";
                    return Err(AuthError::new(AuthKind::Server, reason));
                }
                Err(TryLockError::Error(_)) => return Err(fault("cannot be locked")),
            }
        }
    }

    /// Replaces the record: whoever reads sees the old one or the new one, also after a crash.
    pub(crate) fn write(&self, record: &Record, _: &Locked) -> Result<(), AuthError> {
        let sealed = self.seal(record)?;
        let next = self.beside("next");
        let write = || -> std::io::Result<()> {
            // What a crash left behind may have another mode.
            let _ = std::fs::remove_file(&next);
            let mut file = private_file(&next)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            std::fs::rename(&next, &self.refs.path)?;
            if let Some(directory) = self.refs.path.parent() {
                File::open(directory)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|_| {
            let _ = std::fs::remove_file(&next);
            fault("cannot be written")
        })?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Removes the record.
    pub(crate) fn remove(&self, _: &Locked) -> Result<(), AuthError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match std::fs::remove_file(&self.refs.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(fault("cannot be removed"))
            }
            _ => Ok(()),
        }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.refs.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        name.into()
    }

    fn make_directory(&self) -> Result<(), AuthError> {
        let Some(directory) = self.refs.path.parent() else {
            return Err(fault("has no directory"));
        };
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.recursive(true).create(directory);
        made.map_err(|_| fault("has no directory, and none can be made"))
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, AuthError> {
        let given = self.secrets.read_bytes(&self.refs.key)?;
        let given = given.expose_secret();
        let wrong = || {
            let reason = format!(
                "the key `{}` is not 32 bytes, plain or base64",
                self.refs.key
            );
            AuthError::new(AuthKind::Store, reason)
        };
        let key = if given.len() == 32 {
            Zeroizing::new(given.to_vec())
        } else {
            let decoded = STANDARD.decode(given.trim_ascii());
            Zeroizing::new(decoded.map_err(|_| wrong())?)
        };
        XChaCha20Poly1305::new_from_slice(&key).map_err(|_| wrong())
    }

    fn seal(&self, record: &Record) -> Result<Vec<u8>, AuthError> {
        let plain = Sealed {
            session: &record.session,
            user: &record.account.user,
            tenant: &record.account.tenant,
            name: record.account.name.as_deref(),
            refresh_token: record.refresh_token.expose_secret(),
        };
        let failed = |_| fault("cannot be sealed");
        let plain =
            Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| fault("cannot be sealed"))?);
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| fault("cannot be sealed"))?;
        let payload = Payload {
            msg: plain.as_slice(),
            aad: &self.purpose,
        };
        let sealed = self.cipher()?.encrypt(&XNonce::from(nonce), payload);
        Ok([MAGIC.as_slice(), &nonce, &sealed.map_err(failed)?].concat())
    }

    fn open(&self, file: &[u8]) -> Result<Record, AuthError> {
        let Some(rest) = file.strip_prefix(MAGIC) else {
            return Err(fault("is of another version, or was changed"));
        };
        let Some((nonce, msg)) = rest.split_first_chunk::<NONCE_BYTES>() else {
            return Err(fault("was cut off"));
        };
        let payload = Payload {
            msg,
            aad: &self.purpose,
        };
        let plain = self.cipher()?.decrypt(&XNonce::from(*nonce), payload);
        let plain = plain.map_err(|_| fault("does not open with this key, or was changed"))?;
        let plain = Zeroizing::new(plain);
        let sealed: Sealed<'_> =
            serde_json::from_slice(&plain).map_err(|_| fault("has another shape"))?;
        Ok(Record {
            session: sealed.session.to_owned(),
            account: Account {
                user: sealed.user.to_owned(),
                tenant: sealed.tenant.to_owned(),
                name: sealed.name.map(str::to_owned),
            },
            refresh_token: sealed.refresh_token.into(),
        })
    }
}

fn fault(reason: &str) -> AuthError {
    AuthError::new(
        AuthKind::Store,
        format!("the file of the refresh token {reason}"),
    )
}

/// Opens a file that nobody else may read, and makes it where it is missing.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn private(metadata: &std::fs::Metadata) -> Result<(), AuthError> {
    use std::os::unix::fs::MetadataExt as _;
    if metadata.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(fault(
            "may be read by others; allow only its owner: `chmod 600`",
        ))
    }
}

#[cfg(not(unix))]
fn private(_: &std::fs::Metadata) -> Result<(), AuthError> {
    Ok(())
}

#[cfg(test)]
mod tests;
