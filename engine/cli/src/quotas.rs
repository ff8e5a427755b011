//! Keeps the counts of calls in the data folder, so that a restart does not begin the hour anew.

use std::path::{Path, PathBuf};

use engine_broker::{Bucket, QuotaKeeper, QuotaState};
use serde::{Deserialize, Serialize};

/// A file per bucket, beside the database.
#[derive(Debug)]
pub(crate) struct QuotaFiles {
    folder: PathBuf,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    bucket: Bucket,
    state: QuotaState,
}

impl QuotaFiles {
    pub(crate) fn in_data_dir(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("quotas"),
        }
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        // Only inside a data folder that exists: a look at the configuration leaves nothing behind.
        match std::fs::create_dir(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let name = file_name(&kept.bucket);
        let draft = self
            .folder
            .join(format!("{name}.{}.draft", std::process::id()));
        std::fs::write(&draft, serde_json::to_vec(kept)?)?;
        std::fs::rename(&draft, self.folder.join(format!("{name}.json")))
    }
}

impl QuotaKeeper for QuotaFiles {
    fn kept(&self) -> Vec<(Bucket, QuotaState)> {
        let Ok(folder) = std::fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let files = folder.flatten().map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
        files
            .filter_map(|path| {
                let kept = std::fs::read(path).ok()?;
                let kept: Kept = serde_json::from_slice(&kept).ok()?;
                Some((kept.bucket, kept.state))
            })
            .collect()
    }

    fn keep(&self, bucket: &Bucket, state: &QuotaState) {
        let kept = Kept {
            bucket: bucket.clone(),
            state: state.clone(),
        };
        if let Err(error) = self.write(&kept) {
            tracing::debug!(%bucket, %error, "quota.not_kept");
        }
    }
}

/// The names in a bucket, with everything replaced that has a meaning in a path.
fn file_name(bucket: &Bucket) -> String {
    let parts = [
        bucket.authority.as_str(),
        &bucket.tenant,
        &bucket.client_id,
        bucket.api.as_str(),
        &bucket.class,
    ];
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = parts.join("_").chars().map(plain).collect();
    name.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use actions_contract::Api;
    use engine_broker::QuotaChange;

    use super::*;

    #[test]
    fn counts_come_back_after_a_restart_and_a_broken_file_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = QuotaFiles::in_data_dir(folder.path());
        assert!(files.kept().is_empty());
        let bucket = |class: &str| Bucket {
            authority: "https://login.example/".to_owned(),
            tenant: "../../t".to_owned(),
            client_id: "app".to_owned(),
            api: Api::Mde,
            class: class.to_owned(),
        };
        let mut state = QuotaState::default();
        state.apply(QuotaChange::Charge, 60_000);
        files.keep(&bucket("usual"), &QuotaState::default());
        files.keep(&bucket("usual"), &state);
        files.keep(&bucket("defender.run-advanced-query"), &state);
        std::fs::write(folder.path().join("quotas/broken.json"), "{").unwrap();
        let mut kept = files.kept();
        kept.sort_by(|a, b| b.0.cmp(&a.0));
        let wanted = [
            (bucket("usual"), state.clone()),
            (bucket("defender.run-advanced-query"), state),
        ];
        assert_eq!(kept, wanted);
    }

    #[test]
    fn without_a_data_folder_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("data");
        let bucket = Bucket {
            authority: String::new(),
            tenant: String::new(),
            client_id: String::new(),
            api: Api::Graph,
            class: String::new(),
        };
        QuotaFiles::in_data_dir(&nowhere).keep(&bucket, &QuotaState::default());
        assert!(!nowhere.exists());
    }
}
