//! What the children do.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use audit_jsonl::AuditSink;
use audit_testkit::DEADLINE;

use crate::head_file::Head;
use crate::support::{builder, close, event, record};

pub(crate) fn play(role: &str, args: &[&str]) {
    match role {
        "one" => one(Path::new(args[0])),
        "hold" => hold(Path::new(args[0])),
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
