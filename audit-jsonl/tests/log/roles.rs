//! What the children do.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use audit_jsonl::AuditSink;
use audit_testkit::DEADLINE;

use crate::head_file::Head;
use crate::support::{builder, close, commit, event_of, record};
use crate::writers::{STEP, rotating};

pub(crate) fn play(role: &str, args: &[&str]) {
    match role {
        "one" => one(Path::new(args[0])),
        "hold" => hold(Path::new(args[0])),
        "writer" => writer(Path::new(args[0]), args[1].parse().unwrap()),
        "committer" => committer(Path::new(args[0]), args[1].parse().unwrap()),
        "batches" => batches(Path::new(args[0]), args[1].parse().unwrap()),
        other => panic!("there is no role {other}"),
    }
}

/// Says a line at once.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut stdout = io::stdout().lock();
    // Whoever listens may have gone.
    drop(stdout.write_all(format!("{line}\n").as_bytes()));
    drop(stdout.flush());
}

fn listen() {
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// Records one call.
fn one(path: &Path) {
    match builder(path).open() {
        Ok(sink) => {
            record(&sink, [0]);
            close(&sink);
        }
        Err(error) => {
            eprintln!("{error}");
            process::exit(3);
        }
    }
}

/// Holds the lock.
fn hold(path: &Path) {
    let head = OpenOptions::new()
        .write(true)
        .open(Head::path(path))
        .unwrap();
    rustix::fs::flock(&head, rustix::fs::FlockOperation::LockExclusive).unwrap();
    say("holding");
    listen();
}

/// Records one call after the other until it is told to end, and says after each
/// how many are acknowledged.
fn writer(path: &Path, writer: u64) {
    let told = listener();
    let sink = rotating(path);
    let mut done = 0;
    while told.try_recv().is_err() {
        record(&sink, [writer * STEP + done]);
        done += 1;
        say(format_args!("done {done}"));
    }
    close(&sink);
    say(format_args!("done {done}"));
}

/// As [`writer`], by `commit`; and the receipts are looked at.
fn committer(path: &Path, writer: u64) {
    let told = listener();
    let sink = rotating(path);
    let mut done = 0;
    let mut last = None;
    while told.try_recv().is_err() {
        let receipt = commit(&sink, writer * STEP + done).unwrap();
        assert!(last < Some(receipt.seq));
        last = Some(receipt.seq);
        done += 1;
        say(format_args!("done {done}"));
    }
}

/// As [`writer`], with many calls at once.
fn batches(path: &Path, writer: u64) {
    let told = listener();
    let sink = rotating(path);
    let mut done = 0;
    while told.try_recv().is_err() {
        for nth in done..done + 40 {
            sink.on_call(&event_of(writer * STEP + nth, 600));
        }
        done += 40;
        sink.flush(DEADLINE).unwrap();
        say(format_args!("done {done}"));
    }
}

/// Hears when standard input has something to say, or ends.
fn listener() -> Receiver<()> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        listen();
        tell.send(()).ok();
    });
    told
}
