use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

struct Bench {
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("rt")
    }

    fn keep(&self, key: &'static str, connection: &str) -> Keep {
        let refs = KeepRefs {
            path: self.path(),
            key: SecretRef::Env("KEY".to_owned()),
        };
        let secrets = Secrets::new(Arc::new(move |_| Some(key.to_owned())));
        let purpose = ["https://login.example", "tenant", "client", connection];
        Keep::new(refs, Arc::new(secrets), purpose)
    }
}

fn record(token: &str) -> Record {
    Record {
        session: "s".to_owned(),
        account: Account {
            user: "u".to_owned(),
            tenant: "t".to_owned(),
            name: None,
        },
        refresh_token: token.into(),
    }
}

fn token(keep: &Keep) -> Result<Option<String>, String> {
    let looked = keep.look().map_err(|error| error.reason)?;
    Ok(looked.map(|record| record.refresh_token.expose_secret().to_owned()))
}

async fn write(keep: &Keep, text: &str) {
    let lock = keep.lock().await.unwrap();
    keep.write(&record(text), &lock).unwrap();
}

#[tokio::test]
async fn what_was_written_is_read_by_another_process() {
    let bench = Bench::new();
    let keep = bench.keep(KEY, "a");
    assert_eq!(token(&keep), Ok(None));
    write(&keep, "first").await;
    let other = bench.keep(KEY, "a");
    assert_eq!(token(&other), Ok(Some("first".to_owned())));
    write(&other, "second").await;
    assert_eq!(token(&keep), Ok(Some("second".to_owned())));
    let lock = keep.lock().await.unwrap();
    keep.remove(&lock).unwrap();
    keep.remove(&lock).unwrap();
    assert_eq!(token(&other), Ok(None));
}

#[tokio::test]
async fn a_changed_file_does_not_open() {
    let bench = Bench::new();
    write(&bench.keep(KEY, "a"), "secret").await;
    let good = std::fs::read(bench.path()).unwrap();
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        std::fs::write(bench.path(), bad).unwrap();
        assert!(
            token(&bench.keep(KEY, "a")).is_err(),
            "byte {i} is not protected"
        );
    }
    for length in 0..good.len() {
        std::fs::write(bench.path(), &good[..length]).unwrap();
        assert!(token(&bench.keep(KEY, "a")).is_err(), "cut off at {length}");
    }
    std::fs::write(bench.path(), &good).unwrap();
    assert_eq!(token(&bench.keep(KEY, "a")), Ok(Some("secret".to_owned())));
}

#[tokio::test]
async fn a_file_of_another_connection_key_or_version_does_not_open() {
    let bench = Bench::new();
    write(&bench.keep(KEY, "a"), "secret").await;
    let shut =
        Err("the file of the refresh token does not open with this key, or was changed".to_owned());
    assert_eq!(token(&bench.keep(KEY, "b")), shut);
    assert_eq!(
        token(&bench.keep("fedcba9876543210fedcba9876543210", "a")),
        shut
    );
    let wrong = token(&bench.keep("short", "a")).unwrap_err();
    assert!(wrong.contains("is not 32 bytes"), "{wrong}");
    let mut old = std::fs::read(bench.path()).unwrap();
    old[3] = b'0';
    std::fs::write(bench.path(), old).unwrap();
    let version = token(&bench.keep(KEY, "a")).unwrap_err();
    assert!(version.contains("another version"), "{version}");
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused() {
    let bench = Bench::new();
    write(&bench.keep(KEY, "a"), "secret").await;
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        token(&bench.keep(KEY, "a"))
            .unwrap_err()
            .contains("chmod 600")
    );
}

#[tokio::test]
async fn two_files_of_the_same_record_are_different() {
    let bench = Bench::new();
    let keep = bench.keep(KEY, "a");
    write(&keep, "secret").await;
    let first = std::fs::read(bench.path()).unwrap();
    write(&keep, "secret").await;
    assert_ne!(first, std::fs::read(bench.path()).unwrap());
}

#[tokio::test]
async fn whoever_waits_for_the_lock_sees_what_the_one_before_wrote() {
    let bench = Arc::new(Bench::new());
    write(&bench.keep(KEY, "a"), "0").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move {
            let keep = bench.keep(KEY, "a");
            for _ in 0..5 {
                let lock = keep.lock().await.unwrap();
                let count: u32 = token(&keep).unwrap().unwrap().parse().unwrap();
                keep.write(&record(&(count + 1).to_string()), &lock)
                    .unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(token(&bench.keep(KEY, "a")), Ok(Some("40".to_owned())));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_leaves_the_old_record() {
    let bench = Bench::new();
    let keep = bench.keep(KEY, "a");
    write(&keep, "old").await;
    std::fs::create_dir_all(bench.directory.path().join("rt.next/full")).unwrap();
    let lock = keep.lock().await.unwrap();
    keep.write(&record("new"), &lock).unwrap_err();
    assert_eq!(token(&keep), Ok(Some("old".to_owned())));
}
