#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::time::Duration;

use audit_schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, Health};

use crate::direct_log::books::Books;
use crate::{CloseError, DirectLogSink, JsonLinesAuditSink, WriteError};

const LONG: Duration = Duration::from_secs(30);

fn event() -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00Z",
        "1",
        "echo",
        3,
        Outcome::Success,
        "hot",
    )
}

fn with_sink(name: &str, test: impl FnOnce(&DirectLogSink)) {
    let name = format!("audit-direct-{name}-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("audit.jsonl");
    test(
        &JsonLinesAuditSink::builder()
            .path(path)
            .open_direct()
            .unwrap(),
    );
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_panic_while_the_log_is_written_ends_the_sink_and_no_caller() {
    with_sink("panic", |sink| {
        sink.on_call(&event());
        let failed = sink.with_log(LONG, |_| -> Result<(), WriteError> { panic!("on purpose") });
        assert!(
            matches!(failed, Err(WriteError::Failed { .. })),
            "{failed:?}"
        );
        assert!(matches!(sink.health(), Health::Failed { .. }));
        sink.on_call(&event());
        assert_eq!((sink.counters().written, sink.drops()), (1, 1));
        let closed = sink.close(LONG);
        assert!(
            matches!(closed, Err(CloseError::NoClosingRecord { .. })),
            "{closed:?}"
        );
    });
}

#[test]
fn a_call_from_inside_a_write_is_refused_and_waits_for_nobody() {
    with_sink("inside", |sink| {
        sink.with_log(LONG, |_| {
            let here = sink.write(&event(), Duration::MAX);
            assert!(matches!(here, Err(WriteError::Unusable { .. })), "{here:?}");
            sink.on_call(&event());
            assert_eq!(sink.drops(), 1);
            sink.flush(Duration::MAX).unwrap();
            assert!(matches!(
                sink.close(Duration::MAX),
                Err(CloseError::Unusable { .. })
            ));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_sync_beside_another_counts_nothing_twice() {
    let books = Books::default();
    let write = |events| (0..events).for_each(|_| books.note_written(100));
    write(5);
    books.sync_begins();
    write(1);
    // Somebody commits, and others write on before the first is through.
    books.note_synced();
    write(3);
    books.sync_ends(true);
    assert_eq!(books.unsynced(), 3);
    books.sync_begins();
    write(1);
    books.sync_ends(false);
    assert_eq!(books.unsynced(), 4);
    books.sync_begins();
    write(1);
    books.sync_ends(true);
    assert_eq!(books.unsynced(), 1);
}
