//! `reopen` while the writer gives memory back.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use audit_jsonl::{AuditSink, Durability, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, within};
use rustix::fs::{FlockOperation, flock};

use crate::head::path_of;
use crate::tools::{Directory, event};

/// After a burst an idle writer frees its buffers, which takes it some time, and
/// sleeps. Somebody may ask for a look at the log's name in between.
#[test]
fn a_writer_that_frees_buffers_looks_at_the_name_in_time() {
    within(DEADLINE * 2, || {
        let directory = Directory::new();
        let log = directory.log();
        let builder = JsonLinesAuditSink::builder().capacity(4096).path(&log);
        let sink = builder.durability(Durability::Written);
        let sink = sink.open().expect("a log");
        let head = File::open(path_of(&log)).expect("a head file");
        for round in 0..40 {
            // Whatever the writer can't write yet stands in buffers.
            flock(&head, FlockOperation::LockExclusive).expect("the lock");
            for _ in 0..1500 {
                sink.on_call(&event("burst", 2_000));
            }
            flock(&head, FlockOperation::Unlock).expect("no lock");
            sink.flush(DEADLINE).expect("a flush");
            let pause = Duration::from_micros(12_000 + round * 50);
            thread::park_timeout(pause);
            let moved = log.with_extension(format!("jsonl.{round}"));
            fs::rename(&log, &moved).expect("a rename");
            let asked = sink.reopen(Duration::from_secs(5));
            assert!(asked.is_ok() && log.exists(), "{round}: {asked:?}");
            fs::remove_file(moved).expect("a file");
        }
        assert_eq!(sink.drops(), 0);
        sink.close(DEADLINE).expect("it closes");
    });
}
