//! Every system call of a log fails in turn, once and for ever, and the process
//! is killed at each of them.
//!
//! A child opens a log in some state, writes, commits, rotates and closes under
//! `strace`, which makes the n-th call of a kind on the log's files fail. Then the
//! log is opened without faults and checked: what the child was promised is there,
//! once and in order. A file on which a sync or a write has failed is neither synced
//! nor written to again.
//!
//! - `AUDIT_FAULTS_CALLS`: how many runs, taken from all by the seed; 0 for all
//!   (some thousands). 600 by default.
//! - `AUDIT_FAULTS_SEED`: 1 by default.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_jsonl::{AuditSink, Durability, JsonLinesAuditSink};

use crate::checker::{Found, check};
use crate::child::{self, Said};
use crate::head::{Head, path_of};
use crate::tools::{Directory, Numbers, can, event, for_each, none_of, say, setting, tally};
use crate::trace::{broken_rules, calls};

const CALLS: [&str; 13] = [
    "openat",
    "read",
    "write",
    "lseek",
    "fdatasync",
    "fsync",
    "ftruncate",
    "flock",
    "rename",
    "unlink",
    "statx",
    "close",
    "getdents64",
];

const ERRORS: [&str; 8] = [
    "EIO", "ENOSPC", "EDQUOT", "EINTR", "EACCES", "EROFS", "EMFILE", "EFBIG",
];

/// A state of the log to begin with, and what the child does.
struct Scenario {
    name: &'static str,
    prepare: fn(&Path),
    script: &'static str,
    /// A fault that is there besides the one that is tried.
    also: Option<(&'static str, &'static str)>,
    /// What is there is damaged.
    damaged: bool,
    /// Lines are missing, and nothing can be done about that.
    missing: bool,
}

const PLAIN: Scenario = Scenario {
    name: "a new log",
    prepare: |_| {},
    script: "open event event flush commit large flush large flush large commit reopen \
             event flush close open event commit close",
    also: None,
    damaged: false,
    missing: false,
};

const SCENARIOS: [Scenario; 15] = [
    PLAIN,
    Scenario {
        name: "a sync for each batch",
        script: "every event flush large flush large flush large flush commit close",
        ..PLAIN
    },
    Scenario {
        name: "a torn tail",
        prepare: |log| append(log, b"{\"ts\":\"2026-11-20T09:"),
        script: "every event commit event close",
        ..PLAIN
    },
    Scenario {
        name: "a bad line",
        prepare: |log| append(log, b"this is no record\n"),
        script: "every event commit event close",
        damaged: true,
        ..PLAIN
    },
    Scenario {
        name: "plain lines",
        prepare: |log| {
            let mut line = serde_json::to_vec(&event("plain", 0)).expect("a record");
            line.push(b'\n');
            append(log, &line);
        },
        script: "every event commit event close",
        ..PLAIN
    },
    Scenario {
        name: "a power loss",
        prepare: |log| {
            write_some(log, 5);
            let head = Head::read(log).expect("a head");
            let bytes = fs::read(log).expect("the log");
            let cut = bytes.len() * 2 / 3;
            let file = OpenOptions::new().write(true).open(log).expect("the log");
            file.set_len(cut as u64).expect("a cut");
            head.of_another_boot().write(log);
        },
        script: "every event commit event close",
        ..PLAIN
    },
    Scenario {
        name: "a log that somebody cut",
        prepare: |log| {
            write_some(log, 5);
            let size = fs::metadata(log).expect("the log").len();
            let file = OpenOptions::new().write(true).open(log);
            file.expect("the log").set_len(size / 3).expect("a cut");
        },
        script: "every event commit event close",
        missing: true,
        ..PLAIN
    },
    Scenario {
        name: "a log moved away",
        prepare: |log| {
            write_some(log, 5);
            fs::rename(log, log.with_extension("jsonl.1")).expect("a rename");
        },
        script: "every event commit event close",
        ..PLAIN
    },
    Scenario {
        name: "a head file that is gone",
        prepare: |log| {
            write_some(log, 5);
            fs::remove_file(path_of(log)).expect("a head file");
        },
        script: "open event commit event close",
        ..PLAIN
    },
    Scenario {
        name: "a failed sync",
        script: "open event commit event commit event commit close",
        also: Some(("fdatasync", "error=EIO:when=2")),
        ..PLAIN
    },
    Scenario {
        name: "a new log without a queue",
        script: "direct event event commit large event large large commit reopen event \
                 close direct event commit close",
        ..PLAIN
    },
    Scenario {
        name: "a sync for each event, without a queue",
        script: "direct-every event event large flush large large event close",
        ..PLAIN
    },
    Scenario {
        name: "a failed sync without a queue",
        script: "direct event commit event commit event commit close",
        also: Some(("fdatasync", "error=EIO:when=2")),
        ..PLAIN
    },
    Scenario {
        name: "syncs beside what is written",
        script: "direct-later event beside event beside event flush event close",
        ..PLAIN
    },
    Scenario {
        name: "a failed sync beside what is written",
        script: "direct-later event beside event beside event flush event close",
        also: Some(("fdatasync", "error=EIO:when=1")),
        ..PLAIN
    },
];

const RETENTION: Scenario = Scenario {
    name: "a rotation that removes a file",
    prepare: |log| {
        let sink = builder(log).open().expect("an opened log");
        for number in 0..7 {
            sink.on_call(&event(&format!("before-{number}"), 30_000));
            sink.flush(DEADLINE).expect("a flush");
        }
        sink.close(DEADLINE).expect("a close");
    },
    script: "keep large flush large flush large flush commit close",
    missing: true,
    ..PLAIN
};

const DEADLINE: Duration = Duration::from_secs(30);

struct Run<'a> {
    scenario: &'a Scenario,
    /// The call, what happens to it, and when.
    inject: Option<(&'static str, String)>,
}

struct Performed {
    /// How often each call was made.
    counts: Vec<usize>,
    problems: Vec<String>,
    /// The child was to be killed, and was.
    kills: bool,
    killed: bool,
    /// So many events the child was told to be safe.
    promised: u64,
}

#[test]
fn every_call_fails_in_turn() {
    let tools = [("strace", "strace"), ("timeout", "coreutils")];
    if !can("every_call_fails_in_turn", false, &tools) {
        return;
    }
    let scenarios: Vec<&Scenario> = SCENARIOS.iter().chain([&RETENTION]).collect();
    let mut runs = Vec::new();
    for scenario in &scenarios {
        let run = Run {
            scenario,
            inject: None,
        };
        let performed = run.perform();
        none_of(&performed.problems, scenario.name);
        for (call, count) in CALLS.into_iter().zip(performed.counts) {
            let ways = ways(call, count).into_iter();
            let also = scenario.also.is_some_and(|(also, _)| also == call);
            runs.extend(ways.filter(|_| !also).map(|how| Run {
                scenario,
                inject: Some((call, how)),
            }));
        }
    }
    let all = runs.len();
    let wanted = setting("AUDIT_FAULTS_CALLS", 600) as usize;
    let mut numbers = Numbers::new(setting("AUDIT_FAULTS_SEED", 1));
    while wanted > 0 && runs.len() > wanted {
        let at = numbers.below(runs.len() as u64) as usize;
        runs.swap_remove(at);
    }
    // Most of the time of most runs is spent in pauses.
    let performed = for_each(&runs, 24, |_, run| run.perform());
    let (mut kills, mut killed, mut promised) = (0, 0, 0);
    let mut problems = Vec::new();
    for run in performed {
        kills += usize::from(run.kills);
        killed += usize::from(run.killed);
        promised += run.promised;
        problems.extend(run.problems);
    }
    say(&format!(
        "{} of {all} faults in system calls, {killed} of {kills} kills, {} problems",
        runs.len(),
        problems.len()
    ));
    tally(runs.len() as u64, promised, &problems);
    none_of(&problems, "faults in system calls");
    // The threads share the calls differently in each run.
    assert!(killed * 4 >= kills, "{killed} of {kills} were killed");
}

/// All faults of a call that is made so often.
fn ways(call: &str, count: usize) -> Vec<String> {
    let mut ways = Vec::new();
    for n in 1..=count {
        ways.push(format!("signal=SIGKILL:when={n}"));
        // A closed handle is closed, whatever is said of it.
        if call == "close" {
            continue;
        }
        for error in ERRORS {
            ways.push(format!("error={error}:when={n}"));
            // The standard library makes these calls again without end.
            let again = ["openat", "fsync", "fdatasync", "ftruncate"].contains(&call);
            if !(error == "EINTR" && again) {
                ways.push(format!("error={error}:when={n}+"));
            }
        }
    }
    ways
}

impl Run<'_> {
    fn perform(&self) -> Performed {
        let directory = Directory::new();
        let log = directory.log();
        (self.scenario.prepare)(&log);
        let before = check_before(&log);
        let trace = Directory::new();
        let trace_file = trace.path().join("trace");

        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "20", "strace", "-f", "-y", "-qq"]);
        let kills = matches!(&self.inject, Some((_, how)) if how.starts_with("signal"));
        if !kills {
            // Faster, and it sends no signals.
            command.arg("--seccomp-bpf");
        }
        command
            .arg("-o")
            .arg(&trace_file)
            .arg("-e")
            .arg(format!("trace={}", CALLS.join(",")));
        let also = self.scenario.also.map(|(call, how)| (call, how.to_owned()));
        for (call, how) in also.into_iter().chain(self.inject.clone()) {
            command.arg("-e").arg(format!("inject={call}:{how}"));
        }
        for path in paths(&log) {
            command.arg("-P").arg(path);
        }
        child::set_up(&mut command, self.scenario.script, &log);
        let output = command
            .args(child::arguments())
            .output()
            .expect("strace runs");
        let said = Said::parse(&output.stdout);

        let trace = fs::read_to_string(&trace_file).unwrap_or_default();
        let made = |call: &str| trace.matches(&format!(" {call}(")).count();
        let counts = CALLS.iter().map(|call| made(call)).collect();
        let of_log = calls(&trace, &log);
        let unseen = self.inject.is_none() && of_log.is_empty();
        let killed = kills && trace.contains("+++ killed by SIGKILL +++");
        let mut problems = said.complaints.clone();
        if !said.ended && !killed {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            problems.push(format!("the child didn't come to its end: {error}"));
        }
        problems.extend(broken_rules(&of_log));
        problems.extend(unseen.then(|| "no call was seen".to_owned()));
        problems.extend(self.check(&log, &said, before));
        let what = format!("{}, {:?}", self.scenario.name, self.inject);
        let named = problems.iter().map(|problem| format!("{what}: {problem}"));
        Performed {
            counts,
            problems: named.collect(),
            kills,
            killed,
            promised: said.acknowledged.len() as u64,
        }
    }

    fn check(&self, log: &Path, said: &Said, before: Vec<String>) -> Vec<String> {
        if let Err(problem) = go_on(log) {
            return vec![problem];
        }
        let found = check(log);
        let mut problems = found.problems.clone();
        if !self.scenario.missing {
            problems.extend(found.missing.clone());
            problems.extend(kept(&before, &found));
        }
        if !self.scenario.damaged {
            problems.extend(found.damaged_files.clone());
        }
        problems.extend(found.unfinished.clone());
        problems.extend(keeps_word(said, &found));
        problems
    }
}

/// That everything that was promised is there, once and in order.
pub(crate) fn keeps_word(said: &Said, found: &Found) -> Vec<String> {
    let mut problems = kept(&said.acknowledged, found);
    for (id, (stream, seq, hash)) in &said.receipts {
        if found.hashes.get(&(stream.clone(), *seq)) != Some(hash) {
            problems.push(format!(
                "the receipt of {id} is for another line than {stream}:{seq}"
            ));
        }
    }
    let ours: Vec<&String> = found
        .ids
        .iter()
        .filter(|id| said.offered.contains(id))
        .collect();
    if !ours.is_sorted() {
        problems.push(format!("events stand in another order: {ours:?}"));
    }
    problems
}

/// The ids that are not there.
pub(crate) fn kept(ids: &[String], found: &Found) -> Vec<String> {
    let lost = ids.iter().filter(|id| !found.ids.contains(id));
    lost.map(|id| format!("{id} is lost")).collect()
}

/// Opens the log without faults, and records one event.
pub(crate) fn go_on(log: &Path) -> Result<(), String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let sink = builder(log)
        .open()
        .map_err(|error| format!("can't open: {error}"))?;
    let id = format!("afterwards-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    sink.commit(&event(&id, 0), DEADLINE)
        .map_err(|error| error.to_string())?;
    let health = sink.health();
    if !health.is_healthy() {
        return Err(format!("afterwards it is {health}"));
    }
    sink.close(DEADLINE)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn builder(log: &Path) -> audit_jsonl::LogBuilder {
    let builder = JsonLinesAuditSink::builder().path(log);
    builder
        .durability(Durability::Written)
        .rotate_at_bytes(65_536)
}

fn write_some(log: &Path, events: usize) {
    let sink = builder(log).open().expect("an opened log");
    for number in 0..events {
        sink.on_call(&event(&format!("before-{number}"), 0));
        sink.flush(DEADLINE).expect("a flush");
    }
    sink.close(DEADLINE).expect("a close");
}

fn append(log: &Path, bytes: &[u8]) {
    write_some(log, 3);
    let mut file = OpenOptions::new().append(true).open(log).expect("the log");
    file.write_all(bytes).expect("more bytes");
}

/// The events that are in the log now.
fn check_before(log: &Path) -> Vec<String> {
    if log
        .parent()
        .is_some_and(|parent| fs::read_dir(parent).is_ok_and(|mut all| all.next().is_none()))
    {
        return Vec::new();
    }
    check(log).ids
}

/// All paths on which calls may fail.
fn paths(log: &Path) -> Vec<String> {
    let name = log.display();
    let mut paths = vec![name.to_string(), format!("{name}.head")];
    let directory = log.parent().expect("a directory");
    paths.push(directory.display().to_string());
    let entries = fs::read_dir(directory).expect("the directory");
    let files = entries.map(|entry| entry.expect("an entry").path().display().to_string());
    paths.extend(files);
    paths.extend((0..12).map(|seq| format!("{name}.torn-{seq}")));
    // A file keeps its faults when it gets another name.
    if let Some(head) = Head::read(log) {
        let names = (0..40).map(|seq| format!("audit-{}-{seq:020}.jsonl", &head.stream[..8]));
        paths.extend(names.map(|name| directory.join(name).display().to_string()));
    }
    paths
}
