use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

use audit_testkit::DEADLINE;

use crate::made::{MOST_BYTES, calls, chained, plain};
use crate::support::{Dir, audit, kill, path_text, reading, run, run_with, until, wait};

#[test]
fn the_last_calls_oldest_first() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    chained(&log, &calls(), None);
    let log = path_text(&log);
    let ids = |args: &[&str]| {
        let mut all = vec!["tail", &log, "--format", "jsonl"];
        all.extend(args);
        let (_, out) = run(&all).quiet();
        let ids = out.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["call_id"].as_str().unwrap().to_owned()
        });
        ids.collect::<Vec<String>>().join(" ")
    };
    assert_eq!(ids(&["-n", "3"]), "c6 c7 c8");
    assert_eq!(ids(&["-n", "0"]), "");
    assert_eq!(ids(&[]), "c0 c1 c2 c3 c4 c5 c6 c7 c8");
    assert_eq!(ids(&["-n", "2", "--outcome", "success"]), "c2 c6");
    let (_, out) = run_with(
        &["tail", "-", "-n", "2", "--format", "jsonl"],
        plain(&calls()),
    )
    .quiet();
    assert_eq!(out, plain(&calls()[7..]));
}

#[test]
fn a_line_says_who_what_when_and_how_it_ended() {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", plain(&calls()[..7])));
    let (_, out) = run(&["tail", &log]).quiet();
    assert_eq!(out, include_str!("pictures/tail.txt"));
}

/// `audit tail -f`, and the lines that it prints.
struct Following {
    child: Child,
    lines: mpsc::Receiver<String>,
    err: mpsc::Receiver<String>,
}

impl Following {
    fn of(log: &Path) -> Self {
        let args = ["tail", "-f", "-n", "1", "--format", "jsonl"];
        let mut command = audit(&args);
        command.arg(log).stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let err = reading(child.stderr.take().unwrap());
        Self { child, lines, err }
    }

    #[track_caller]
    fn sees(&self, id: &str) {
        let line = self.lines.recv_timeout(DEADLINE).unwrap();
        assert!(
            line.contains(&format!("\"call_id\":\"{id}\"")),
            "{id}: {line}"
        );
    }

    /// A signal ends it as it ends any command. Not SIGINT: whoever is started in the
    /// background of a script ignores that.
    fn stop(mut self) -> String {
        kill(self.child.id(), "TERM");
        let status = wait(&mut self.child);
        assert_eq!(status.signal(), Some(15), "{status}");
        assert!(self.lines.recv().is_err());
        self.err.recv().unwrap()
    }
}

fn append(log: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn line(nth: usize) -> String {
    plain(&calls()[nth..=nth])
}

#[test]
fn it_follows_through_rotation_truncation_and_removal() {
    let dir = Dir::new();
    let log = dir.write("calls.jsonl", line(0));
    let following = Following::of(&log);
    following.sees("c0");
    // In two writes: a line is given when it is whole.
    let (begin, end) = (&line(1)[..20], &line(1)[20..]);
    append(&log, begin);
    append(&log, end);
    following.sees("c1");
    // Moved away, as logrotate does.
    fs::rename(&log, dir.path("calls.jsonl.1")).unwrap();
    append(&log, &line(2));
    following.sees("c2");
    // Copied and cut.
    fs::write(&log, "").unwrap();
    until("the cut is seen, or nothing is", || {
        fs::metadata(&log).unwrap().len() == 0
    });
    append(&log, &line(3));
    following.sees("c3");
    fs::remove_file(&log).unwrap();
    append(&log, &(line(4) + "no call\n" + &line(5)));
    following.sees("c4");
    following.sees("c5");
    let err = following.stop();
    assert!(
        err.contains("no record of a tool call, 8 bytes; passed over"),
        "{err}"
    );
}

#[test]
fn it_follows_our_own_rotation() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    chained(&log, &calls()[..1], None);
    let following = Following::of(&log);
    following.sees("c0");
    let events: Vec<_> = (0..60).flat_map(|_| calls()).collect();
    chained(&log, &events, Some(MOST_BYTES));
    for event in &events {
        following.sees(&event.call_id);
    }
    assert_eq!(following.stop(), "");
}

#[test]
fn it_waits_for_a_log_that_is_not_there_yet() {
    let dir = Dir::new();
    let log = dir.path("calls.jsonl");
    let mut following = Following::of(&log);
    // It has looked once when it says so.
    append(&log, &line(0));
    following.sees("c0");
    append(&log, &line(1));
    following.sees("c1");
    assert!(following.child.try_wait().unwrap().is_none());
    let err = following.stop();
    assert!(
        err.is_empty() || err.contains("not there yet; waiting for it"),
        "{err}"
    );
}

#[test]
fn it_ends_when_nobody_reads_even_if_nothing_comes() {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", line(0)));
    let mut command = audit(&["tail", "-f", &log]);
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert!(first.contains("c0"), "{first}");
    drop(out);
    let err = reading(child.stderr.take().unwrap());
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(err.recv().unwrap(), "");
}
