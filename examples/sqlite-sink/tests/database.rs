//! What stands in the database.

use std::sync::Arc;
use std::time::Duration;

use audit_sink::schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, Filter, MemorySink, Tee};
use rusqlite::Connection;
use sqlite_sink::SqliteSink;

const TIMEOUT: Duration = Duration::from_secs(30);

fn call(id: &str, tool: &str, outcome: Outcome) -> CallEvent {
    CallEvent::new("2026-11-20T09:30:00.000000Z", id, tool, 12, outcome, "hot")
}

#[test]
fn a_call_is_a_row_to_ask_by() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let sink = SqliteSink::open(&path).unwrap();
    let denied = Outcome::CapabilityDenied {
        missing: vec!["fs.write".into()],
    };
    let event = call("1", "files:write", denied).with_caller_id(Some("it's \"me\"\0".into()));
    sink.on_call(&event);
    let mut longest = call("2", "files:read", Outcome::Success);
    longest.duration_ms = u64::MAX;
    sink.on_call(&longest);
    sink.flush(TIMEOUT).unwrap();

    let database = Connection::open(&path).unwrap();
    let row: (String, String, String, i64, String) = database
        .query_row(
            "SELECT ts, tool_id, caller_id, duration_ms, record FROM calls
             WHERE outcome = 'capability_denied'",
            [],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            },
        )
        .unwrap();
    assert_eq!(row.0, event.ts);
    assert_eq!(
        (row.1.as_str(), row.2.as_str(), row.3),
        ("files:write", "it's \"me\"\0", 12)
    );
    assert_eq!(serde_json::from_str::<CallEvent>(&row.4).unwrap(), event);
    let mode: String = database
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_second_sink_goes_on_where_the_first_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    for id in ["1", "2"] {
        let sink = SqliteSink::open(&path).unwrap();
        sink.on_call(&call(id, "echo", Outcome::Success));
        // Dropping delivers.
    }
    let database = Connection::open(&path).unwrap();
    let count: i64 = database
        .query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
}

#[test]
fn it_stands_in_a_stack_as_any_sink_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let memory = MemorySink::new();
    let sqlite = Filter::new(SqliteSink::open(&path).unwrap()).without_tools(["health:*"]);
    let tee = Arc::new(
        Tee::new()
            .required("sqlite", sqlite)
            .optional("memory", memory.clone()),
    );
    for tool in ["files:read", "health:ping"] {
        tee.on_call(&call("1", tool, Outcome::Success));
    }
    tee.flush(TIMEOUT).unwrap();
    let database = Connection::open(&path).unwrap();
    let count: i64 = database
        .query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
        .unwrap();
    assert_eq!((count, memory.count()), (1, 2));
}

#[test]
fn a_place_that_cant_be_opened_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    assert!(SqliteSink::open(directory.path()).is_err());
}
