//! What is synced when, and `commit`.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use audit_jsonl::{
    AuditSink, BackpressureStrategy, CallEvent, CommitError, Durability, JsonLinesAuditSink,
    Receipt,
};
use audit_testkit::{DEADLINE, RecordingSink, SharedBuf, within};

use crate::checker::{check, check_with};
use crate::child::Child;
use crate::support::{
    Dir, builder, close, commit, cut_to, event, event_of, log, open, record, skip, until,
};

/// The receipts are those of the lines in the log, each for its own call.
#[track_caller]
fn assert_true(path: &Path, receipts: &[(u64, Receipt)]) {
    let found = check(path).assert_whole();
    for (number, receipt) in receipts {
        let row = found
            .rows
            .iter()
            .find(|row| row.seq == receipt.seq)
            .unwrap();
        assert_eq!(row.event.call_id, number.to_string());
        assert_eq!(row.hash.parse(), Ok(receipt.hash));
        assert_eq!(row.stream.parse(), Ok(receipt.stream));
        assert_eq!(receipt.to_string(), format!("{}:{}", row.seq, row.hash));
        let bytes = receipt.hash.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(row.hash, hex);
    }
}

#[test]
fn receipts_are_true() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).rotate_at_bytes(65_536).open().unwrap();
        let mut receipts = Vec::new();
        for number in 0..200 {
            if number % 3 == 0 {
                sink.on_call(&event_of(number, 900));
            } else {
                let event = event_of(number, 900);
                receipts.push((number, sink.commit(&event, DEADLINE).unwrap()));
            }
        }
        // It is there when the call returns.
        let found = check(&path);
        assert_eq!(
            found.rows.last().unwrap().seq,
            receipts.last().unwrap().1.seq
        );
        close(&sink);
        assert_true(&path, &receipts);
        assert_eq!(check(&path).numbers(), (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn an_event_that_is_cut_has_a_receipt() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        let receipt = sink.commit(&event_of(0, 1_000_000), DEADLINE).unwrap();
        close(&sink);
        assert_true(&path, &[(0, receipt)]);
    });
}

#[test]
fn sixty_four_threads_commit() {
    within(DEADLINE, || {
        for capacity in [1, 8, 4096] {
            let (_dir, path) = Dir::with_log();
            let sink = JsonLinesAuditSink::builder()
                .capacity(capacity)
                .path(&path)
                .rotate_at_bytes(65_536)
                .open()
                .unwrap();
            let receipts: Vec<(u64, Receipt)> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..64)
                    .map(|thread| {
                        let sink = &sink;
                        scope.spawn(move || {
                            let numbers = thread * 5..thread * 5 + 5;
                            numbers
                                .map(|number| (number, commit(sink, number).unwrap()))
                                .collect::<Vec<_>>()
                        })
                    })
                    .collect();
                let joined = threads.into_iter().map(|thread| thread.join().unwrap());
                joined.flatten().collect()
            });
            assert_eq!(receipts.len(), 320);
            assert_eq!(sink.counters().written, 320);
            close(&sink);
            assert_true(&path, &receipts);
        }
    });
}

/// The syncs of data that a child made while it did this many of that.
fn syncs(role: &'static str, durability: &str, times: u64) -> Option<usize> {
    let (dir, path) = Dir::with_log();
    let child = Child::of(role)
        .arg(&path)
        .arg(durability)
        .arg(times.to_string());
    let trace = child.traced(&dir, "fdatasync,fsync")?;
    check(&path).assert_whole();
    Some(trace.matches("fdatasync(").count())
}

#[test]
fn what_is_asked_for_is_synced() {
    within(DEADLINE, || {
        let Some(written) = syncs("flushes", "written", 20) else {
            return skip("needs `strace`");
        };
        assert_eq!(written, 0);
        let every = syncs("flushes", "every", 20).unwrap();
        assert!(every >= 20, "{every} syncs for 20 flushes");
        // One by itself, after its time, and one at the end.
        let hour = syncs("flushes", "3600000", 20).unwrap();
        assert_eq!(hour, 1);
        let often = syncs("flushes", "0", 20).unwrap();
        assert!(often >= 20, "{often} syncs for 20 flushes");
        let idle = syncs("idle", "20", 1).unwrap();
        assert!(idle >= 1, "an idle sink does not sync what it wrote");
    });
}

#[test]
fn each_commit_waits_for_a_sync_and_many_share_one() {
    within(DEADLINE, || {
        for durability in ["written", "3600000", "every"] {
            let Some(alone) = syncs("commits", durability, 10) else {
                return skip("needs `strace`");
            };
            assert!(alone >= 10, "{alone} syncs for 10 commits");
        }
        let shared = syncs("crowd", "written", 20).unwrap();
        assert!(
            shared * 4 < 32 * 20,
            "{shared} syncs for {} commits",
            32 * 20
        );
    });
}

#[test]
fn what_is_written_to_a_log_that_was_cut_is_synced() {
    within(DEADLINE, || {
        let Some(syncs) = syncs("cut_and_commit", "written", 1) else {
            return skip("needs `strace`");
        };
        assert_eq!(syncs, 2);
    });
}

#[test]
fn a_timeout_gives_no_receipt() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open(&path);
        record(&sink, [1]);
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        let timeout = Duration::from_millis(30);
        let begun = Instant::now();
        let error = sink.commit(&event(2), timeout).unwrap_err();
        assert!(matches!(error, CommitError::Timeout { timeout: told, .. } if told == timeout));
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(sink.commit(&event(3), Duration::ZERO).is_err());
        drop(holder);
        // It is recorded all the same, once.
        let receipt = commit(&sink, 4).unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 4]);
        assert_true(&path, &[(4, receipt)]);
    });
}

#[test]
fn who_gives_up_leaves_the_others_their_receipts() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open(&path);
        record(&sink, [1]);
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        let receipts = std::thread::scope(|scope| {
            let patient = [2, 3].map(|number| {
                let sink = &sink;
                scope.spawn(move || (number, commit(sink, number).unwrap()))
            });
            until("both are queued", || sink.counters().queued == 2);
            let short = Duration::from_millis(30);
            let error = sink.commit(&event(4), short).unwrap_err();
            assert!(matches!(error, CommitError::Timeout { .. }), "{error}");
            drop(holder);
            patient.map(|committer| committer.join().unwrap())
        });
        close(&sink);
        check(&path).assert_whole();
        assert_true(&path, &receipts);
    });
}

#[test]
fn a_full_queue_is_waited_for_and_then_told_of() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let kept = RecordingSink::new();
        for strategy in [
            BackpressureStrategy::Drop,
            BackpressureStrategy::Block,
            BackpressureStrategy::FallbackSink(Arc::new(kept.clone())),
        ] {
            let sink = JsonLinesAuditSink::builder()
                .capacity(1)
                .strategy(strategy)
                .path(&path)
                .open()
                .unwrap();
            record(&sink, [1]);
            let holder = Child::of("hold").arg(&path).start();
            holder.wait_for("holding");
            sink.on_call(&event(2));
            let error = sink
                .commit(&event(3), Duration::from_millis(30))
                .unwrap_err();
            assert_eq!(error, CommitError::NotRecorded);
            std::thread::scope(|scope| {
                let committer = scope.spawn(|| commit(&sink, 4));
                drop(holder);
                committer.join().unwrap().unwrap();
            });
            let counters = sink.close(DEADLINE).unwrap();
            assert_eq!((counters.written, counters.dropped), (3, 1));
        }
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 4, 1, 2, 4, 1, 2, 4]);
        assert_eq!(found.sum("lost"), 3);
    });
}

#[test]
fn where_it_can_not_be() {
    within(DEADLINE, || {
        let plain = JsonLinesAuditSink::new(Box::new(SharedBuf::new()));
        let error = commit(&plain, 0).unwrap_err();
        assert!(matches!(error, CommitError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains("plain"), "{error}");
        assert_eq!(plain.counters().offered, 0);

        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        close(&sink);
        assert_eq!(commit(&sink, 0), Err(CommitError::NotRecorded));
        assert_eq!(sink.drops(), 1);
        check(&path).assert_whole();
    });
}

/// A fallback that calls its own sink, from its writer's thread.
#[derive(Default)]
struct Reaching {
    sink: OnceLock<std::sync::Weak<JsonLinesAuditSink>>,
    told: std::sync::Mutex<Vec<String>>,
}

impl AuditSink for Reaching {
    fn on_call(&self, event: &CallEvent) {
        if let Some(sink) = self.sink.get().and_then(std::sync::Weak::upgrade) {
            let committed = sink.commit(event, DEADLINE).unwrap_err();
            let reopened = sink.reopen(DEADLINE).unwrap_err();
            let told = [committed.to_string(), reopened.to_string()];
            self.told.lock().unwrap().extend(told);
        }
    }
}

#[test]
fn on_the_writers_own_thread_it_is_an_error() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let fallback = Arc::new(Reaching::default());
        let sink = JsonLinesAuditSink::builder()
            .strategy(BackpressureStrategy::FallbackSink(fallback.clone()))
            .path(&path)
            .open()
            .unwrap();
        let sink = Arc::new(sink);
        fallback.sink.set(Arc::downgrade(&sink)).unwrap();
        record(&sink, [0]);
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        fs::create_dir(&path).unwrap();
        let begun = Instant::now();
        sink.on_call(&event(1));
        // Given up, and handed to the fallback by the writer.
        until("it fell back", || sink.counters().fallen_back == 1);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it waited for itself"
        );
        let told = fallback.told.lock().unwrap().clone();
        assert_eq!(told.len(), 2);
        assert!(
            told.iter().all(|told| told.contains("own writer thread")),
            "{told:?}"
        );
        fs::remove_dir(&path).unwrap();
        record(&sink, [2]);
        close(&sink);
        let found = check_with(&path, &[dir.path("audit.jsonl.1")]).assert_whole();
        assert_eq!((found.numbers(), found.sum("elsewhere")), (vec![0, 2], 1));
    });
}

#[test]
fn in_a_forked_child_it_is_an_error() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let output = Child::of("forks").arg(&path).run();
        assert!(output.success, "{output:?}");
        assert!(output.stdout.contains("parent ends"), "{output:?}");
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2]);
        assert_eq!(found.with("closed").len(), 1);
    });
}

#[test]
fn while_the_log_can_not_be_written() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, [0]);
        let moved = dir.path("audit.jsonl.1");
        fs::rename(&path, &moved).unwrap();
        fs::create_dir(&path).unwrap();
        let error = sink
            .commit(&event(1), Duration::from_millis(30))
            .unwrap_err();
        assert!(matches!(error, CommitError::Timeout { .. }), "{error:?}");
        assert_eq!(commit(&sink, 2), Err(CommitError::NotRecorded));
        std::thread::scope(|scope| {
            let committer = scope.spawn(|| commit(&sink, 3));
            until("it is offered", || sink.counters().offered == 4);
            fs::remove_dir(&path).unwrap();
            // Recorded, or not: the answer is true.
            let committed = committer.join().unwrap();
            let receipt = commit(&sink, 4).unwrap();
            close(&sink);
            let found = check_with(&path, &[moved]).assert_whole();
            let last = found.rows.iter().find(|row| row.seq == receipt.seq);
            assert_eq!(last.unwrap().event.call_id, "4");
            assert_eq!(found.numbers().contains(&3), committed.is_ok());
            let lost = found.sum("lost") as usize;
            assert_eq!(found.numbers().len() + lost, 5, "{:?}", found.numbers());
        });
    });
}

#[test]
fn a_receipt_stays_true_when_the_log_is_cut_later() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        let first = commit(&sink, 0).unwrap();
        assert_true(&path, &[(0, first)]);
        cut_to(&path, 0);
        let second = commit(&sink, 1).unwrap();
        close(&sink);
        assert_eq!(second.seq, first.seq + 1);
        let found = check(&path).assert_only("front");
        assert_eq!(found.rows[0].chain["prev"], first.hash.to_string());
    });
}

#[test]
fn every_batch_is_synced_before_flush_returns() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path)
            .durability(Durability::EveryBatch)
            .open()
            .unwrap();
        for number in 0..20 {
            record(&sink, [number]);
        }
        close(&sink);
        assert_eq!(check(&path).assert_whole().numbers().len(), 20);
    });
}
