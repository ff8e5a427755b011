#![expect(clippy::disallowed_methods, reason = "every task of a test is awaited")]

use std::time::Duration;

use tokio::task::JoinHandle;

use super::*;

/// A database with one table, its writer, and a connection that looks at it.
struct Desk {
    writer: Arc<Writer>,
    onlooker: Connection,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let connection = Connection::open(folder.path().join("test.db")).unwrap();
            connection.busy_timeout(Duration::from_millis(50)).unwrap();
            connection
        };
        let connection = open();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .execute_batch("CREATE TABLE rows (n INTEGER PRIMARY KEY, body BLOB)")
            .unwrap();
        let writer = Arc::new(Writer::start(connection).unwrap());
        let onlooker = open();
        Self {
            writer,
            onlooker,
            _folder: folder,
        }
    }

    /// Whoever holds the answer keeps the writer busy, so that what is written meanwhile becomes
    /// one batch.
    async fn hold(&self) -> (std::sync::mpsc::Sender<()>, JoinHandle<()>) {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let writer = Arc::clone(&self.writer);
        let holding = tokio::spawn(async move {
            let wait = move |_: &Connection| {
                begin.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            };
            writer.write(wait).await.unwrap();
        });
        begun.await.unwrap();
        (release, holding)
    }

    /// Writes all of these in one batch; what each was told.
    async fn one_batch(&self, jobs: Vec<Work>) -> Vec<Result<(), StoreError>> {
        let (release, holding) = self.hold().await;
        let writes = jobs.into_iter().map(|job| {
            let writer = Arc::clone(&self.writer);
            tokio::spawn(async move { writer.write(job).await })
        });
        let mut queued = Vec::new();
        for write in writes {
            queued.push(write);
            // In this order.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        release.send(()).unwrap();
        holding.await.unwrap();
        let mut told = Vec::new();
        for write in queued {
            told.push(write.await.unwrap());
        }
        told
    }

    fn rows(&self) -> Vec<i64> {
        let mut select = self
            .onlooker
            .prepare("SELECT n FROM rows ORDER BY n")
            .unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

fn insert(n: i64) -> Work {
    Box::new(move |connection| {
        let sql = "INSERT INTO rows (n) VALUES (?1)";
        connection.execute(sql, [n]).map(drop)
    })
}

fn large(n: i64) -> Work {
    Box::new(move |connection| {
        let sql = "INSERT INTO rows (n, body) VALUES (?1, zeroblob(100000))";
        connection.execute(sql, [n]).map(drop)
    })
}

#[tokio::test]
async fn work_that_fails_leaves_the_others_of_its_batch_intact() {
    let desk = Desk::new();
    let half: Work = Box::new(|connection| {
        connection.execute("INSERT INTO rows (n) VALUES (20)", [])?;
        connection
            .execute("INSERT INTO rows (n) VALUES (1)", [])
            .map(drop)
    });
    let told = desk.one_batch(vec![insert(1), half, insert(3)]).await;
    assert_eq!(desk.writer.commits(), 2, "the three are one transaction");
    assert!(told[0].is_ok() && told[2].is_ok(), "{told:?}");
    assert!(told[1].is_err(), "{told:?}");
    assert_eq!(desk.rows(), [1, 3]);
}

#[tokio::test]
async fn work_that_ends_the_transaction_takes_its_batch_with_it_and_nobody_is_told_otherwise() {
    let desk = Desk::new();
    let lost: Work = Box::new(|connection| connection.execute_batch("ROLLBACK"));
    let told = desk.one_batch(vec![insert(1), lost, insert(3)]).await;
    assert!(told.iter().all(Result::is_err), "{told:?}");
    assert!(desk.rows().is_empty());
    desk.writer.write(insert(4)).await.unwrap();
    assert_eq!(desk.rows(), [4]);
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_nothing_is_told_to_be_durable_that_is_not() {
    let desk = Desk::new();
    let limit: Work = Box::new(|connection| {
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        connection
            .pragma_update_and_check(None, "max_page_count", pages + 10, |_| Ok(()))
            .map(drop)
    });
    desk.writer.write(limit).await.unwrap();
    let told = desk.one_batch(vec![insert(1), large(2), insert(3)]).await;
    let full = told[1].clone().unwrap_err();
    assert_eq!(full.code, code::ST0102);
    assert!(full.message.contains("full"), "{full}");
    let told = [1, 2, 3].into_iter().zip(told);
    let durable = told.filter(|(_, told)| told.is_ok()).map(|(n, _)| n);
    assert_eq!(desk.rows(), durable.collect::<Vec<_>>());
    desk.writer.write(insert(4)).await.unwrap();
}

#[tokio::test]
async fn a_locked_database_refuses_the_whole_batch_and_says_why() {
    let desk = Desk::new();
    desk.onlooker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = desk.writer.write(insert(1)).await.unwrap_err();
    assert_eq!(refused.code, code::ST0102);
    assert!(refused.message.contains("locked"), "{refused}");
    desk.onlooker.execute_batch("ROLLBACK").unwrap();
    assert!(desk.rows().is_empty());
    assert_eq!(desk.writer.commits(), 0);
    desk.writer.write(insert(1)).await.unwrap();
    assert_eq!(desk.rows(), [1]);
}

#[tokio::test]
async fn work_is_durable_even_where_its_asker_has_gone() {
    let desk = Desk::new();
    let (release, holding) = desk.hold().await;
    let writer = Arc::clone(&desk.writer);
    let gone = tokio::spawn(async move { writer.write(insert(1)).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    release.send(()).unwrap();
    holding.await.unwrap();
    desk.writer.write(insert(2)).await.unwrap();
    assert_eq!(desk.rows(), [1, 2]);
}
