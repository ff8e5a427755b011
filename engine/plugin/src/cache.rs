//! Compiled plugins, kept from one start to the next.
//!
//! A compiled component is machine code: whoever can put a file here could run anything. Each entry
//! therefore begins with a code over everything in it, made with a key that only this engine's
//! folder has. An entry that does not have it is never looked at: the plugin is compiled anew.
#![expect(
    clippy::disallowed_methods,
    reason = "what was compiled is files, in a folder that the edge names"
)]

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use engine_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

/// The file of the key.
const KEY: &str = "key";
/// How long the key is, and the code before each entry.
const LENGTH: usize = 32;

/// Where compiled plugins are kept.
pub struct Cache {
    folder: PathBuf,
    key: hmac::Key,
}

impl Cache {
    /// The cache in a folder, which is made where it is not there, for its owner alone.
    ///
    /// # Errors
    ///
    /// When the folder or its key cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        Ok(Self {
            key: key(&folder.join(KEY))?,
            folder: folder.to_owned(),
        })
    }

    /// The component of a file with this digest: as it was kept, else compiled and kept.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        (file, digest): (&[u8], &Digest),
    ) -> wasmtime::Result<Component> {
        let name = name(engine, digest);
        match self.kept(&name).map(|code| load(engine, &code)) {
            Some(Ok(component)) => return Ok(component),
            Some(Err(error)) => {
                tracing::warn!(entry = name, %error, "a kept plugin cannot be used: compiled anew");
            }
            None => {}
        }
        let component = Component::from_binary(engine, file)?;
        if let Err(error) = self.keep(&name, &component.serialize()?) {
            tracing::warn!(entry = name, %error, "a compiled plugin could not be kept");
        }
        Ok(component)
    }

    /// The code of an entry, if it is the one that was kept under this name.
    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let mut entry = fs::read(self.folder.join(name)).ok()?;
        let is_ours = entry
            .split_at_checked(LENGTH)
            .is_some_and(|(tag, code)| hmac::verify(&self.key, &signed(name, code), tag).is_ok());
        if !is_ours {
            tracing::warn!(
                entry = name,
                "a kept plugin was tampered with: compiled anew"
            );
            return None;
        }
        entry.drain(..LENGTH);
        Some(entry)
    }

    /// Keeps an entry; it has its name only once it is whole.
    fn keep(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let tag = hmac::sign(&self.key, &signed(name, code));
        let arriving = self.folder.join(format!(".{name}-{}", std::process::id()));
        let mut file = private().truncate(true).open(&arriving)?;
        file.write_all(tag.as_ref())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&arriving, self.folder.join(name))
    }
}

/// What the code before an entry is made over: its name says of which file, for which engine.
fn signed(name: &str, code: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\0", code].concat()
}

/// The name of an entry: another engine, or another version of it, has entries of its own.
fn name(engine: &Engine, digest: &Digest) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let digest = digest.to_string().replace(':', "-");
    format!("{digest}-{:016x}.bin", hasher.finish())
}

/// Makes a component of code that this engine compiled itself.
#[expect(
    unsafe_code,
    reason = "the code was kept by this engine, and nobody without its key could have changed it"
)]
fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what `Component::serialize` gave, authenticated by `Cache::kept`.
    unsafe { Component::deserialize(engine, code) }
}

/// The key of a folder. One that others may read, or that is none, is replaced: what was kept with
/// it is then compiled anew.
fn key(path: &Path) -> io::Result<hmac::Key> {
    let is_private = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 == 0);
    let known = fs::read(path).ok();
    let known = known.filter(|key| is_private && key.len() == LENGTH);
    let bytes = match known {
        Some(bytes) => bytes,
        None => {
            let mut bytes = vec![0; LENGTH];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| io::Error::other("there is no randomness"))?;
            // One that is there keeps its permissions: it goes first.
            let _ = fs::remove_file(path);
            private().create_new(true).open(path)?.write_all(&bytes)?;
            bytes
        }
    };
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// A file that its owner alone reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_was_kept_under_its_name_with_the_key_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        assert_eq!(cache.kept("a.bin"), None);
        cache.keep("a.bin", b"code").unwrap();
        assert_eq!(cache.kept("a.bin").unwrap(), b"code");
        // The same folder has the same key after a restart.
        let again = Cache::open(folder.path()).unwrap();
        assert_eq!(again.kept("a.bin").unwrap(), b"code");

        let path = folder.path().join("a.bin");
        let good = fs::read(&path).unwrap();
        for at in [0, LENGTH, good.len() - 1] {
            let mut turned = good.clone();
            turned[at] ^= 1;
            fs::write(&path, turned).unwrap();
            assert_eq!(cache.kept("a.bin"), None, "byte {at}");
        }
        fs::write(&path, &good[..LENGTH - 1]).unwrap();
        assert_eq!(cache.kept("a.bin"), None);
        // An entry of another plugin is not this one's.
        fs::write(folder.path().join("b.bin"), &good).unwrap();
        assert_eq!(cache.kept("b.bin"), None);
        // Nor is one of another folder.
        let other = tempfile::tempdir().unwrap();
        let theirs = Cache::open(other.path()).unwrap();
        fs::write(other.path().join("a.bin"), &good).unwrap();
        assert_eq!(theirs.kept("a.bin"), None);
    }

    #[test]
    fn a_key_that_others_may_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        Cache::open(folder.path())
            .unwrap()
            .keep("a.bin", b"code")
            .unwrap();
        let key = folder.path().join(KEY);
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        assert_eq!(cache.kept("a.bin"), None);
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
