//! Many writers of one log: sinks in one process and in many.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, BackpressureStrategy, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, within};

use crate::checker::{Found, check};
use crate::child::{Child, Running};
use crate::support::{
    Dir, Random, builder, close, event, log, number_of, open, record, tally, until,
};

/// The calls' numbers by their writer: a number is `writer * STEP + nth`.
pub(crate) const STEP: u64 = 1_000_000;

fn by_writer(found: &Found) -> HashMap<u64, Vec<u64>> {
    let mut writers: HashMap<u64, Vec<u64>> = HashMap::new();
    for number in found.numbers() {
        let numbers = writers.entry(number / STEP).or_default();
        numbers.push(number % STEP);
    }
    writers
}

#[test]
fn two_sinks_take_turns() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sinks = [open(&path), open(&path)];
        for number in 0..200 {
            record(&sinks[usize::from(number % 3 == 0)], [number]);
        }
        sinks.iter().for_each(close);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..200).collect::<Vec<_>>());
        assert_eq!(found.with("opened").len(), 2);
        assert_eq!(found.with("closed").len(), 2);
    });
}

#[test]
fn two_sinks_at_once() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sinks: Vec<_> = (0..2).map(|_| rotating(&path)).collect();
        std::thread::scope(|scope| {
            for (writer, sink) in (0..).zip(&sinks) {
                scope.spawn(move || {
                    record(sink, (0..3000).map(|nth| writer * STEP + nth));
                });
            }
        });
        sinks.iter().for_each(close);
        let found = check(&path).assert_whole();
        let writers = by_writer(&found);
        for writer in 0..2 {
            assert_eq!(writers[&writer], (0..3000).collect::<Vec<_>>());
        }
        assert!(found.files.len() > 3, "{:?}", found.files);
    });
}

pub(crate) fn rotating(path: &Path) -> JsonLinesAuditSink {
    builder(path).rotate_at_bytes(256 * 1024).open().unwrap()
}

#[test]
fn what_one_finds_the_other_does_not_tell_again() {
    within(DEADLINE, || {
        for text in [crate::support::lines_of([100]), "torn".to_owned()] {
            let (_dir, path) = Dir::with_log();
            log(&path, 0..2);
            crate::support::append(&path, &text);
            // All have seen it before one writes.
            let sinks = [open(&path), open(&path), open(&path)];
            for sink in &sinks {
                sink.reopen(DEADLINE).unwrap();
            }
            record(&sinks[1], [2]);
            record(&sinks[0], [3]);
            record(&sinks[2], [4]);
            sinks.iter().for_each(close);
            let found = check(&path).assert_whole();
            assert_eq!(found.numbers(), [0, 1, 2, 3, 4]);
            assert_eq!(found.with("plain").len() + found.with("torn").len(), 1);
        }
        let (_dir, path) = Dir::with_log();
        log(&path, 0..2);
        crate::support::cut_to(&path, 300);
        crate::head_file::Head::edit(&path, "boot", "another");
        let sinks = [open(&path), open(&path)];
        record(&sinks[0], [2]);
        record(&sinks[1], [3]);
        sinks.iter().for_each(close);
        assert_eq!(check(&path).assert_whole().with("gone").len(), 1);
    });
}

/// Starts a process that writes as a writer of that number until it is told to
/// end, and says after each flush how far it is.
fn start(path: &Path, writer: u64) -> Running {
    let child = Child::of("writer").arg(path).arg(writer.to_string());
    child.start()
}

/// Reads what a writer says until it has done so much more.
fn acknowledged(writer: &Running, at_least: u64) -> u64 {
    while let Some(line) = writer.line() {
        if let Some(done) = done(&line)
            && done >= at_least
        {
            return done;
        }
    }
    panic!("a writer ended");
}

fn done(line: &str) -> Option<u64> {
    line.strip_prefix("done ")?.parse().ok()
}

/// All that is in a log is held in memory at its end.
const KILLS_A_LOG: u64 = 24;

#[test]
fn eight_processes_and_one_is_killed_again_and_again() {
    let kills = number_of("AUDIT_TEST_WRITER_KILLS", 12);
    let logs = kills.div_ceil(KILLS_A_LOG);
    within(4 * DEADLINE * logs as u32, move || {
        let mut random = Random::new(number_of("AUDIT_TEST_SEED", 1));
        let mut promised = 0;
        for first in (0..kills).step_by(KILLS_A_LOG as usize) {
            promised += kill_one_of_eight(KILLS_A_LOG.min(kills - first), &mut random);
        }
        tally(kills, promised);
    });
}

/// How many calls were acknowledged; all of them are there.
fn kill_one_of_eight(kills: u64, random: &mut Random) -> u64 {
    let (_dir, path) = Dir::with_log();
    let mut steady: Vec<Running> = (0..7).map(|writer| start(&path, writer)).collect();
    // What was acknowledged, by writer.
    let mut least: HashMap<u64, u64> = HashMap::new();
    for kill in 0..kills {
        let writer = 100 + kill;
        let victim = start(&path, writer);
        let mut done_by_then = acknowledged(&victim, 1 + random.below(40));
        spin(random.below(400));
        for line in victim.kill() {
            done_by_then = done(&line).unwrap_or(done_by_then);
        }
        least.insert(writer, done_by_then);
    }
    for (writer, running) in (0..).zip(steady.drain(..)) {
        let rest = running.end();
        let ended = rest.iter().filter_map(|line| done(line)).max().unwrap();
        least.insert(writer, ended);
    }
    let found = check(&path).assert_whole();
    assert_eq!(found.streams().len(), 1);
    let writers = by_writer(&found);
    let promised = least.values().sum();
    for (writer, least) in least {
        let numbers = &writers[&writer];
        // Once, in order, without a gap, and all that was acknowledged.
        assert_eq!(*numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        let written = numbers.len() as u64;
        assert!(
            written >= least,
            "{writer}: {least} acknowledged, {written} written"
        );
        if writer < 7 {
            assert_eq!(written, least);
        }
    }
    assert_eq!(found.with("opened").len() as u64, 7 + kills);
    assert_eq!(found.with("closed").len(), 7);
    assert!(
        found.files.len() > 2,
        "it has not rotated: {:?}",
        found.files
    );
    promised
}

/// Passes so many microseconds without sleeping.
pub(crate) fn spin(microseconds: u64) {
    let end = Instant::now() + Duration::from_micros(microseconds);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

#[test]
fn a_stopped_holder_of_the_lock_stops_no_caller() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open(&path);
        record(&sink, 1..2);
        let mut holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        holder.signal("STOP");
        let begun = Instant::now();
        for number in 2..1002 {
            sink.on_call(&event(number));
        }
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "callers were stalled"
        );
        let waited = sink.flush(Duration::from_millis(20)).unwrap_err();
        assert!(waited.to_string().contains("1000"), "{waited}");
        assert!(sink.health().is_healthy(), "{}", sink.health());
        until("the patience is over", || {
            sink.health().to_string().contains("holds the lock")
        });
        let after = begun.elapsed();
        assert!(
            after >= Duration::from_secs(4),
            "it has no patience: {after:?}"
        );
        // Nothing is given up for that.
        assert_eq!(sink.counters().dropped, 0);
        holder.signal("CONT");
        holder.tell("go on");
        sink.flush(DEADLINE).unwrap();
        for number in 1002..1005 {
            record(&sink, [number]);
        }
        assert!(sink.health().is_healthy(), "{}", sink.health());
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..1005).collect::<Vec<_>>());
        holder.end();
    });
}

#[test]
fn a_full_queue_behind_a_held_lock_is_told_of() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = JsonLinesAuditSink::builder()
            .capacity(10)
            .strategy(BackpressureStrategy::Drop)
            .path(&path)
            .open()
            .unwrap();
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        for number in 1..101 {
            sink.on_call(&event(number));
        }
        assert_eq!(sink.drops(), 90);
        drop(holder);
        sink.flush(DEADLINE).unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..11).collect::<Vec<_>>());
        assert_eq!(found.sum("lost"), 90);
    });
}

#[test]
fn closing_behind_a_held_lock_ends_in_time_and_counts() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open(&path);
        record(&sink, 1..2);
        let before = fs::read(&path).unwrap();
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        for number in 2..12 {
            sink.on_call(&event(number));
        }
        // The writer has them in hand, and what comes now is queued behind.
        sink.flush(Duration::from_millis(20)).unwrap_err();
        let committed = std::thread::scope(|scope| {
            let committer = scope.spawn(|| sink.commit(&event(12), DEADLINE));
            until("it is queued", || sink.counters().queued == 11);
            let begun = Instant::now();
            let error = sink.close(Duration::from_millis(50)).unwrap_err();
            assert!(error.to_string().contains("11"), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(5));
            committer.join().unwrap()
        });
        // It is told so, and not left to wait for its deadline.
        assert_eq!(committed, Err(audit_jsonl::CommitError::NotRecorded));
        assert_eq!(fs::read(&path).unwrap(), before);
        until("all are counted", || sink.drops() == 11);
        drop(holder);
    });
}

#[test]
fn another_may_open_by_a_link_in_the_way() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (real, alias) = (dir.path("real"), dir.path("alias"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &alias).unwrap();
        let sinks = [
            open(&real.join("audit.jsonl")),
            open(&alias.join("audit.jsonl")),
        ];
        for number in 0..50 {
            record(&sinks[(number % 2) as usize], [number]);
        }
        sinks.iter().for_each(close);
        let found = check(&real.join("audit.jsonl")).assert_whole();
        assert_eq!(found.numbers(), (0..50).collect::<Vec<_>>());
    });
}
