//! Files that were fetched, kept by what they hold.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use actions_contract::KeptFile;
use sha2::{Digest as _, Sha256};

/// Where an answer is kept, and how long it may be.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub(crate) folder: PathBuf,
    pub(crate) bytes_max: u64,
}

/// A file that is arriving. It has no name before it is whole, and none at all when it never is.
pub(crate) struct Arriving {
    folder: PathBuf,
    unnamed: PathBuf,
    file: File,
    hash: Sha256,
    size_bytes: u64,
}

impl Arriving {
    /// A file that begins to arrive; `number` tells it from others that do.
    pub(crate) fn begin(folder: &Path, number: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let unnamed = folder.join(format!(".arriving-{}-{number}", std::process::id()));
        Ok(Self {
            folder: folder.to_owned(),
            file: File::create(&unnamed)?,
            unnamed,
            hash: Sha256::new(),
            size_bytes: 0,
        })
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)?;
        self.hash.update(chunk);
        self.size_bytes += chunk.len() as u64;
        Ok(())
    }

    /// Gives the file its name. The same content again is the same file.
    pub(crate) fn end(mut self, media_type: Option<String>) -> io::Result<KeptFile> {
        self.file.sync_all()?;
        let digest = std::mem::take(&mut self.hash).finalize();
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let place = self.folder.join(&sha256[..2]);
        std::fs::create_dir_all(&place)?;
        std::fs::rename(&self.unnamed, place.join(&sha256))?;
        Ok(KeptFile {
            sha256,
            size_bytes: self.size_bytes,
            media_type,
        })
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // Gone already when it was given its name.
        let _ = std::fs::remove_file(&self.unnamed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_same_content_is_the_same_file_and_half_a_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |number, chunks: &[&[u8]]| {
            let mut arriving = Arriving::begin(folder.path(), number).unwrap();
            for chunk in chunks {
                arriving.write(chunk).unwrap();
            }
            arriving
        };
        let first = keep(1, &[b"ab", b"c"]).end(None).unwrap();
        let again = keep(2, &[b"abc"]).end(None).unwrap();
        assert_eq!(first, again);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((first.sha256.as_str(), first.size_bytes), (abc, 3));
        drop(keep(3, &[b"half"]));
        assert_eq!(names(folder.path()), ["ba"]);
        assert_eq!(
            std::fs::read(folder.path().join("ba").join(abc)).unwrap(),
            b"abc"
        );
    }
}
