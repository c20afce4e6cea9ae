//! Disks that are full for real: of bytes, of inodes, up to a reserve; and a limit
//! on the size of files.
//!
//! Under [`BackpressureStrategy::Block`] nothing is lost once there is room again,
//! under [`BackpressureStrategy::Drop`] what is lost is told, and at no time does
//! half a line stand in the log.
//!
//! - `AUDIT_FAULTS_FULL_EVENTS`: how many events each test offers; 600 by default.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use audit_jsonl::{
    AuditSink, BackpressureStrategy, CommitError, Counters, Durability, JsonLinesAuditSink,
    LogBuilder, WriteError,
};
use audit_testkit::DEADLINE;
use rustix::fs::{FlockOperation, flock};

use crate::calls::{go_on, keeps_word};
use crate::checker::{Found, check};
use crate::child::{self, Said};
use crate::head;
use crate::mounts::{Mount, can_mount};
use crate::tools::{Directory, can, event, none_of, setting, tally, until};

/// On Linux, but for a few machines.
const SIGXFSZ: i32 = 25;

fn events() -> u64 {
    setting("AUDIT_FAULTS_FULL_EVENTS", 600)
}

fn builder(log: &Path, strategy: BackpressureStrategy) -> LogBuilder {
    let builder = JsonLinesAuditSink::builder()
        .capacity(32)
        .strategy(strategy);
    builder.path(log).durability(Durability::Written)
}

/// Offers all the events; their ids.
fn offer(sink: &JsonLinesAuditSink) -> Vec<String> {
    let ids = (0..events()).map(|number| format!("{number:06}"));
    ids.inspect(|id| sink.on_call(&event(id, 0))).collect()
}

fn is_in_trouble(sink: &JsonLinesAuditSink) -> bool {
    !sink.health().is_healthy() && sink.counters().write_errors > 2
}

/// Whoever has the lock finds whole lines, however often others try to write one.
#[track_caller]
fn no_half_line(log: &Path) {
    let head = File::open(head::path_of(log)).expect("the head file");
    flock(&head, FlockOperation::LockShared).expect("the lock");
    let bytes = fs::read(log).expect("the log");
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "half a line");
}

/// Closes a log that works again, and checks it against its counters.
#[track_caller]
fn close_and_check(sink: &JsonLinesAuditSink, log: &Path) -> (Counters, Found) {
    // Three good writes in a row.
    for number in 0..3 {
        sink.on_call(&event(&format!("later-{number}"), 0));
        sink.flush(DEADLINE).expect("there is room again");
    }
    let health = sink.health();
    assert!(health.is_healthy(), "{health}");
    let counters = sink.close(DEADLINE).expect("it closes");
    let found = check(log);
    none_of(&found.wrong(), "the log");
    none_of(&found.unfinished, "the log");
    assert_eq!(counters.written, found.ids.len() as u64);
    assert_eq!(counters.offered, counters.written + counters.dropped);
    assert_eq!(found.lost, counters.dropped, "what is lost is told");
    tally(counters.write_errors, counters.written, &[]);
    (counters, found)
}

/// Lets a blocked caller go when the test fails, which would wait for it.
struct ClosedOnPanic<'a>(&'a JsonLinesAuditSink);

impl Drop for ClosedOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // The failure is told already.
            drop(self.0.close(Duration::ZERO));
        }
    }
}

/// Offers events under `Block` until the disk is full, makes room, and expects all
/// of them.
fn blocks_until_there_is_room(mount: &Mount, build: LogBuilder, room: &str) {
    let sink = build.open().expect("a log");
    let ids = thread::scope(|scope| {
        let offering = scope.spawn(|| offer(&sink));
        let _closed = ClosedOnPanic(&sink);
        until("the disk is full", || is_in_trouble(&sink));
        if let Ok(bytes) = fs::read(mount.log()) {
            assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "half a line");
        }
        mount.remount(room);
        offering.join().expect("the offering thread")
    });
    let (counters, found) = close_and_check(&sink, &mount.log());
    assert_eq!(counters.dropped, 0);
    assert_eq!(found.ids[..ids.len()], ids);
    drop(sink);
    go_on(&mount.log()).expect("it is opened again");
}

#[test]
fn a_full_disk_under_drop() {
    if !can_mount("full::a_full_disk_under_drop") {
        return;
    }
    let mount = Mount::tmpfs("size=64k");
    let sink = builder(&mount.log(), BackpressureStrategy::Drop)
        .open()
        .expect("a log");
    until("the disk is full and events are lost", || {
        sink.on_call(&event("early", 0));
        is_in_trouble(&sink) && sink.drops() > 0
    });
    no_half_line(&mount.log());
    mount.remount("size=4m");
    sink.flush(DEADLINE).expect("there is room");
    // `early` is many events.
    for number in 0..3 {
        sink.on_call(&event(&format!("later-{number}"), 0));
        sink.flush(DEADLINE).expect("there is room");
    }
    assert!(sink.health().is_healthy());
    let counters = sink.close(DEADLINE).expect("it closes");
    let found = check(&mount.log());
    let wrong = found.wrong();
    let wrong: Vec<String> = wrong
        .into_iter()
        .filter(|problem| !problem.contains("early"))
        .collect();
    none_of(&wrong, "the log");
    assert_eq!(found.lost, counters.dropped, "what is lost is told");
    assert_eq!(found.ids.len() as u64, counters.written);
}

#[test]
fn a_full_disk_under_block() {
    if can_mount("full::a_full_disk_under_block") {
        let mount = Mount::tmpfs("size=64k");
        let build = builder(&mount.log(), BackpressureStrategy::Block);
        blocks_until_there_is_room(&mount, build, "size=4m");
    }
}

#[test]
fn a_full_disk_without_a_queue() {
    if !can_mount("full::a_full_disk_without_a_queue") {
        return;
    }
    let mount = Mount::tmpfs("size=64k");
    let log = JsonLinesAuditSink::builder().path(mount.log());
    let sink = log.durability(Durability::Written).open_direct();
    let sink = sink.expect("a log");
    let mut ids = Vec::new();
    let refused = loop {
        let id = format!("{:06}", ids.len());
        let written = sink.write(&event(&id, 0), DEADLINE);
        ids.push(id);
        if let Err(error) = written {
            break error;
        }
    };
    // At once, and the event is still the caller's.
    assert!(
        matches!(&refused, WriteError::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
    );
    no_half_line(&mount.log());
    assert_eq!(sink.counters().offered, ids.len() as u64 - 1);
    sink.on_call(&event("lost", 0));
    assert_eq!(sink.drops(), 1);
    assert!(!sink.health().is_healthy());
    mount.remount("size=4m");
    for id in &ids[ids.len() - 1..] {
        sink.write(&event(id, 0), DEADLINE).expect("there is room");
    }
    let counters = sink.close(DEADLINE).expect("it closes");
    let found = check(&mount.log());
    none_of(&found.wrong(), "the log");
    assert_eq!(found.ids, ids);
    assert_eq!((found.lost, counters.dropped), (1, 1));
}

#[test]
fn a_disk_that_fills_up_again_and_again() {
    if !can_mount("full::a_disk_that_fills_up_again_and_again") {
        return;
    }
    let mount = Mount::tmpfs("size=64k");
    let sink = builder(&mount.log(), BackpressureStrategy::Block)
        .open()
        .expect("a log");
    let ids = thread::scope(|scope| {
        let offering = scope.spawn(|| offer(&sink));
        let _closed = ClosedOnPanic(&sink);
        for size in 17..100 {
            let before = sink.counters().write_errors;
            until("it is full again, or all is written", || {
                sink.counters().write_errors > before || sink.counters().written == events()
            });
            no_half_line(&mount.log());
            mount.remount(&format!("size={}k", size * 4));
        }
        // However many events there are.
        mount.remount("size=64m");
        offering.join().expect("the offering thread")
    });
    let (_, found) = close_and_check(&sink, &mount.log());
    assert_eq!(found.ids[..ids.len()], ids);
}

#[test]
fn a_full_disk_under_commit() {
    if !can_mount("full::a_full_disk_under_commit") {
        return;
    }
    let mount = Mount::tmpfs("size=64k");
    let sink = builder(&mount.log(), BackpressureStrategy::Block)
        .open()
        .expect("a log");
    let mut receipts = Vec::new();
    let timeout = Duration::from_millis(200);
    let error = loop {
        let id = format!("commit-{:05}", receipts.len());
        match sink.commit(&event(&id, 100), timeout) {
            Ok(receipt) => receipts.push((id, receipt)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CommitError::Timeout { .. }), "{error}");
    no_half_line(&mount.log());
    mount.remount("size=4m");
    let id = String::from("commit-later");
    receipts.push((
        id.clone(),
        sink.commit(&event(&id, 0), DEADLINE)
            .expect("there is room"),
    ));
    let (_, found) = close_and_check(&sink, &mount.log());
    for (id, receipt) in receipts {
        let key = (receipt.stream.to_string(), receipt.seq);
        assert_eq!(
            found.hashes.get(&key),
            Some(&receipt.hash.to_string()),
            "{id}"
        );
        assert!(found.ids.contains(&id));
    }
}

#[test]
fn no_inode_for_a_rotation() {
    if can_mount("full::no_inode_for_a_rotation") {
        // The directory, the log, and its head file.
        let mount = Mount::tmpfs("size=4m,nr_inodes=3");
        let build = builder(&mount.log(), BackpressureStrategy::Block).rotate_at_bytes(65_536);
        blocks_until_there_is_room(&mount, build, "nr_inodes=50");
        assert!(check(&mount.log()).rotated_files > 1);
    }
}

#[test]
fn no_inode_for_the_head_file() {
    if can_mount("full::no_inode_for_the_head_file") {
        let mount = Mount::tmpfs("size=4m,nr_inodes=1");
        let error = builder(&mount.log(), BackpressureStrategy::Block)
            .open()
            .err();
        let error = error.expect("no log without an inode").to_string();
        assert!(error.contains("audit.jsonl"), "{error}");
        mount.remount("nr_inodes=50");
        go_on(&mount.log()).expect("it is opened");
    }
}

#[test]
fn a_reserve_is_left_free() {
    if !can_mount("full::a_reserve_is_left_free") {
        return;
    }
    let mount = Mount::tmpfs("size=256k");
    let sink = builder(&mount.log(), BackpressureStrategy::Block)
        .reserve_bytes(128 * 1024)
        .open()
        .expect("a log");
    let free = || {
        let statistics = rustix::fs::statvfs(mount.path()).expect("statistics");
        statistics.f_bavail * statistics.f_frsize
    };
    let ids = thread::scope(|scope| {
        let offering = scope.spawn(|| offer(&sink));
        let _closed = ClosedOnPanic(&sink);
        until("the reserve is reached", || is_in_trouble(&sink));
        assert!(free() >= 128 * 1024, "{} bytes are left", free());
        let health = sink.health().to_string();
        assert!(health.contains("are to be left free"), "{health}");
        no_half_line(&mount.log());
        mount.remount("size=4m");
        offering.join().expect("the offering thread")
    });
    let (counters, found) = close_and_check(&sink, &mount.log());
    assert_eq!(counters.dropped, 0);
    assert_eq!(found.ids[..ids.len()], ids);
}

/// A child whose files may not be larger than that, with the signal ignored or
/// not.
fn with_limit(log: &Path, script: &str, ignored: bool) -> (Said, Option<i32>) {
    let mut command = Command::new("prlimit");
    let shell = if ignored {
        "trap '' XFSZ; exec \"$@\""
    } else {
        "exec \"$@\""
    };
    command.args(["--fsize=20000", "sh", "-c", shell, "sh"]);
    child::set_up(&mut command, script, log);
    let output = command
        .args(child::arguments())
        .output()
        .expect("prlimit runs");
    (Said::parse(&output.stdout), output.status.signal())
}

/// The log goes on in a new file when one may not be larger.
#[test]
fn a_limit_on_the_size_of_files() {
    if !can(
        "a_limit_on_the_size_of_files",
        false,
        &[("prlimit", "util-linux")],
    ) {
        return;
    }
    let directory = Directory::new();
    let script = "event commit ".repeat(30);
    let (said, _) = with_limit(&directory.log(), &format!("open {script} close"), true);
    none_of(&said.complaints, "the child");
    assert!(said.ended && said.closed);
    go_on(&directory.log()).expect("it is opened without the limit");
    let found = check(&directory.log());
    none_of(&found.wrong(), "the log");
    none_of(&keeps_word(&said, &found), "what was promised");
    // On a busy machine a commit or two take longer than their timeout.
    assert!(said.acknowledged.len() > 15);
    assert!(found.rotated_files > 0);
}

/// A batch that fits in no file: the log fails, and says so.
#[test]
fn a_limit_under_which_a_batch_fits_in_no_file() {
    if !can("a_limit_under_which", false, &[("prlimit", "util-linux")]) {
        return;
    }
    let directory = Directory::new();
    let (said, _) = with_limit(
        &directory.log(),
        "open event flush large commit close",
        true,
    );
    none_of(&said.complaints, "the child");
    assert!(said.ended);
    go_on(&directory.log()).expect("it is opened without the limit");
    let found = check(&directory.log());
    none_of(&found.wrong(), "the log");
    none_of(&keeps_word(&said, &found), "what was promised");
}

/// Whoever doesn't ignore the signal is killed by it, as documented; what was
/// promised is there.
#[test]
fn a_limit_whose_signal_kills() {
    if !can(
        "a_limit_whose_signal_kills",
        false,
        &[("prlimit", "util-linux")],
    ) {
        return;
    }
    let directory = Directory::new();
    let script = "event commit ".repeat(60);
    let (said, signal) = with_limit(&directory.log(), &format!("open {script} close"), false);
    assert_eq!(signal, Some(SIGXFSZ), "it isn't ignored");
    assert!(!said.ended && !said.acknowledged.is_empty());
    go_on(&directory.log()).expect("it is opened without the limit");
    let found = check(&directory.log());
    none_of(&found.wrong(), "the log");
    none_of(&keeps_word(&said, &found), "what was promised");
}
