//! The writer thread, which alone has the database.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::queue::Queue;
use crate::row::Row;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// How long a dropped sink tries to write what is left.
const LAST_TRIES: Duration = Duration::from_secs(5);

/// Between those tries.
const LAST_PAUSES: Duration = Duration::from_millis(10);

/// Opens the database, and makes the table if it isn't there.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // The pauses between tries are our own.
    database.busy_timeout(Duration::ZERO)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS calls (
             id INTEGER PRIMARY KEY,
             ts TEXT NOT NULL,
             call_id TEXT NOT NULL,
             tool_id TEXT NOT NULL,
             caller_id TEXT,
             outcome TEXT NOT NULL,
             duration_ms INTEGER NOT NULL,
             record TEXT NOT NULL
         );
         CREATE INDEX IF NOT EXISTS calls_by_tool ON calls (tool_id, ts);
         CREATE INDEX IF NOT EXISTS calls_by_caller ON calls (caller_id, ts);",
    )?;
    Ok(database)
}

/// Writes until the sink is dropped.
pub(crate) fn run(mut database: Connection, queue: &Queue) {
    // Once the sink is dropped, there is an end to trying again.
    let mut give_up_at = None;
    while let Some(rows) = queue.take() {
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = insert(&mut database, &rows) else {
                queue.committed(&rows);
                break;
            };
            // SQLite's messages name tables and files, never values.
            let is_closed = queue.failed_once(error.to_string(), pause);
            pause = (pause * 2).min(LAST_PAUSE);
            if is_closed {
                let until = *give_up_at.get_or_insert_with(|| Instant::now() + LAST_TRIES);
                if Instant::now() >= until {
                    queue.give_up(&rows);
                    break;
                }
                thread::sleep(LAST_PAUSES);
            }
        }
    }
}

/// All of them, or none.
fn insert(database: &mut Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO calls (ts, call_id, tool_id, caller_id, outcome, duration_ms, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for row in rows {
            insert.execute(params![
                row.ts,
                row.call_id,
                row.tool_id,
                row.caller_id,
                row.outcome,
                row.duration_ms,
                row.record,
            ])?;
        }
    }
    transaction.commit()
}
