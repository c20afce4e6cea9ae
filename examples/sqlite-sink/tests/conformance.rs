//! The sink keeps the contract of `AuditSink`, clause by clause.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use audit_sink::schema::CallEvent;
use audit_testkit::conformance::{Harness, Overflows, Reads, Refuses, Stalls};
use audit_testkit::conformance_suite;
use rusqlite::Connection;
use sqlite_sink::SqliteSink;
use tempfile::TempDir;

/// A database of its own for each test.
struct Database {
    directory: TempDir,
    /// Another program that has the database open.
    other: Mutex<Option<Connection>>,
}

impl Database {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            other: Mutex::new(None),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("calls.db")
    }

    fn connect(&self) -> Connection {
        let database = Connection::open(self.path()).unwrap();
        database.busy_timeout(Duration::from_secs(30)).unwrap();
        database
    }
}

impl Harness for Database {
    type Sink = SqliteSink;

    fn open(&self) -> SqliteSink {
        SqliteSink::open(self.path()).unwrap()
    }
}

impl Reads for Database {
    fn recorded(&self) -> Vec<CallEvent> {
        let database = self.connect();
        let mut select = database
            .prepare("SELECT record FROM calls ORDER BY id")
            .unwrap();
        let records = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        records
            .map(|record| serde_json::from_str(&record.unwrap()).unwrap())
            .collect()
    }
}

impl Stalls for Database {
    /// Somebody else writes, and takes his time.
    fn stall(&self) {
        let database = self.connect();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        *self.other.lock().unwrap() = Some(database);
    }

    fn resume(&self) {
        let database = self.other.lock().unwrap().take().unwrap();
        database.execute_batch("ROLLBACK").unwrap();
    }
}

impl Overflows for Database {
    fn overflow(&self) -> usize {
        5_000
    }
}

impl Refuses for Database {
    fn refuse(&self) {
        self.connect()
            .execute_batch(
                "CREATE TRIGGER refuse BEFORE INSERT ON calls
                 BEGIN SELECT RAISE(ABORT, 'the test refuses it'); END",
            )
            .unwrap();
    }

    fn heal(&self) {
        self.connect().execute_batch("DROP TRIGGER refuse").unwrap();
    }
}

conformance_suite!(sqlite, Database::new(), [reads, stalls, overflows, refuses]);
