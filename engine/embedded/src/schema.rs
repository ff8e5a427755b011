//! The database file: its tables, its version, its lock.

use std::fs::{DirBuilder, File, OpenOptions};
use std::path::{Path, PathBuf};

use engine_model::{Code, code};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// The version of the tables below; a newer database is refused, an older one is migrated.
const VERSION: i64 = 7;

/// One step per version, each from the one before it.
const MIGRATIONS: [&str; 7] = [
    "
    CREATE TABLE playbooks (
        digest TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        text TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE alerts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        tenant TEXT NOT NULL,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        digest TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        body TEXT NOT NULL,
        runs TEXT NOT NULL,
        UNIQUE (id, source, tenant, revision)
    );
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        digest TEXT NOT NULL,
        trigger TEXT NOT NULL,
        cause TEXT NOT NULL,
        status TEXT NOT NULL,
        live INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER
    );
    CREATE INDEX runs_unfinished ON runs (live) WHERE status = 'running';
    CREATE TABLE events (
        run INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        body TEXT NOT NULL,
        alert INTEGER REFERENCES alerts (seq),
        PRIMARY KEY (run, seq)
    );
    CREATE TABLE timers (
        run INTEGER NOT NULL,
        cid INTEGER NOT NULL,
        wake_at INTEGER NOT NULL,
        PRIMARY KEY (run, cid)
    ) WITHOUT ROWID;
    CREATE TABLE watermarks (
        poller TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE planned (
        playbook TEXT NOT NULL,
        trigger TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (playbook, trigger)
    ) WITHOUT ROWID;
",
    "
    CREATE TABLE awaits (
        run INTEGER NOT NULL,
        cid INTEGER NOT NULL,
        name TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, cid)
    ) WITHOUT ROWID;
    CREATE TABLE signals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run INTEGER NOT NULL,
        name TEXT NOT NULL,
        sender TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX signals_by_run ON signals (run, name);
",
    "
    CREATE TABLE run_alerts (
        run INTEGER NOT NULL,
        place INTEGER NOT NULL,
        alert INTEGER NOT NULL REFERENCES alerts (seq),
        PRIMARY KEY (run, place)
    ) WITHOUT ROWID;
    CREATE TABLE storm_cells (
        id BLOB PRIMARY KEY,
        keep_until INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX storm_cells_old ON storm_cells (keep_until);
    CREATE TABLE storm_queue (
        cell BLOB NOT NULL,
        number INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (cell, number)
    ) WITHOUT ROWID;
    CREATE TABLE storm_due (
        cell BLOB PRIMARY KEY,
        at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX storm_due_next ON storm_due (at);
    CREATE TABLE storm_verdicts (
        alert INTEGER NOT NULL REFERENCES alerts (seq),
        playbook TEXT NOT NULL,
        trigger TEXT NOT NULL,
        verdict TEXT NOT NULL,
        run TEXT,
        PRIMARY KEY (alert, playbook, trigger)
    ) WITHOUT ROWID;
    CREATE TABLE storm_counts (
        playbook TEXT NOT NULL,
        trigger TEXT NOT NULL,
        word TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (playbook, trigger, word)
    ) WITHOUT ROWID;
    CREATE TABLE letters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        trigger TEXT NOT NULL,
        occasion TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL,
        replayed_as TEXT
    );
",
    "
    CREATE INDEX awaits_by_name ON awaits (name);
    CREATE TABLE calls (
        parent INTEGER NOT NULL,
        cid INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (parent, cid)
    ) WITHOUT ROWID;
    CREATE TABLE children (
        run INTEGER PRIMARY KEY,
        parent INTEGER NOT NULL,
        cid INTEGER NOT NULL,
        waits INTEGER NOT NULL
    );
    CREATE INDEX children_by_parent ON children (parent, cid);
    CREATE TABLE turns (
        run INTEGER PRIMARY KEY,
        cid INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        key TEXT NOT NULL,
        together INTEGER NOT NULL,
        active INTEGER NOT NULL
    );
    CREATE INDEX turns_by_key ON turns (tenant, playbook, key, run);
",
    "
    ALTER TABLE runs ADD COLUMN hops INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE ends (
        run INTEGER PRIMARY KEY
    );
    CREATE TRIGGER runs_ended AFTER UPDATE OF ended_at ON runs
    WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL
    BEGIN INSERT OR IGNORE INTO ends VALUES (NEW.seq); END;
    CREATE TRIGGER runs_ended_at_once AFTER INSERT ON runs WHEN NEW.ended_at IS NOT NULL
    BEGIN INSERT OR IGNORE INTO ends VALUES (NEW.seq); END;
    CREATE TABLE planned_waiting (
        playbook TEXT NOT NULL,
        trigger TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (playbook, trigger, at)
    ) WITHOUT ROWID;
",
    crate::tables::GUARDS,
    crate::tables::PEOPLE,
];

/// Why the database did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({code})")]
pub struct StoreError {
    /// The code.
    pub code: Code,
    /// One line for people.
    pub message: String,
}

impl StoreError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        if let rusqlite::Error::FromSqlConversionFailure(_, _, why) = &error {
            return Self::new(
                code::ST0103,
                format!("what is stored cannot be read: {why}"),
            );
        }
        let code = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => code::ST0103,
            _ => code::ST0102,
        };
        Self::new(code, format!("the database refused: {error}"))
    }
}

/// The folder of a database.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// The right to write to a folder, for as long as it lives. Readers do not share it: one that is
/// slow to end must not keep the next engine out.
#[derive(Debug)]
pub(crate) struct Taken {
    _lock: File,
}

impl Folder {
    /// Takes the folder for writing; refused while another engine has it.
    pub(crate) fn lock(path: &Path) -> Result<(Self, Taken), StoreError> {
        let refused = |what: &str, error: &dyn std::fmt::Display| {
            StoreError::new(
                code::ST0102,
                format!("{what} `{}`: {error}", path.display()),
            )
        };
        private_folder(path).map_err(|error| refused("cannot create", &error))?;
        let file = private_file(&path.join("quell.lock"))
            .map_err(|error| refused("cannot write to", &error))?;
        // The database makes its side files with the permissions of the file itself.
        private_file(&path.join("quell.db")).map_err(|error| refused("cannot write to", &error))?;
        file.try_lock()
            .map_err(|error| refused("another engine uses", &error))?;
        let folder = Self {
            path: path.to_owned(),
        };
        Ok((folder, Taken { _lock: file }))
    }

    /// Looks into the folder without taking it; for reading only.
    pub(crate) fn look(path: &Path) -> Result<Self, StoreError> {
        let folder = Self {
            path: path.to_owned(),
        };
        if !folder.database().exists() {
            let message = format!("there is no database in `{}`", path.display());
            return Err(StoreError::new(code::ST0102, message));
        }
        known_version(&folder.reader()?)?;
        Ok(folder)
    }

    fn database(&self) -> PathBuf {
        self.path.join("quell.db")
    }

    /// The one connection that writes, with the tables of this version.
    pub(crate) fn writer(&self) -> Result<Connection, StoreError> {
        let mut connection = Connection::open(self.database())?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let version = known_version(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let done = usize::try_from(version).unwrap_or(0);
        for (step, migration) in MIGRATIONS.iter().enumerate().skip(done) {
            let tx = connection.transaction()?;
            tx.execute_batch(migration)?;
            tx.pragma_update(None, "user_version", step + 1)?;
            tx.commit()?;
        }
        keep_statements(&connection, 64)?;
        Ok(connection)
    }

    /// A connection that reads.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.database(), flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        keep_statements(&connection, 32)?;
        Ok(connection)
    }
}

/// Keeps prepared statements, and lets no bound value expire them: SQLite would plan each anew for
/// every value, to look whether it is a rare one.
fn keep_statements(connection: &Connection, count: usize) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(count);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The version of the tables; an error when this engine does not know it.
fn known_version(connection: &Connection) -> Result<i64, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(StoreError::new(
            code::ST0101,
            format!("the database has version {version}, this engine knows up to {VERSION}"),
        ));
    }
    Ok(version)
}

/// Makes the folder for its owner alone: alerts name people and machines.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file, made for its owner alone where it is missing: whoever may read the lock can hold
/// it, and keep the engine from starting.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a file that was not there, for its owner alone.
pub(crate) fn new_private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn nobody_else_reads_the_database_or_holds_its_lock() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data");
        let (folder, _taken) = Folder::lock(&path).unwrap();
        let writer = folder.writer().unwrap();
        writer
            .execute_batch("INSERT INTO watermarks VALUES ('p', 1)")
            .unwrap();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}: {mode:o}", entry.file_name());
            names.push(entry.file_name());
        }
        assert_eq!(
            names.len(),
            4,
            "lock, database and its two side files: {names:?}"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}
