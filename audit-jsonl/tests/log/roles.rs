//! What the children do.

use std::error::Error as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use audit_jsonl::{AuditSink, Durability, JsonLinesAuditSink};
use audit_testkit::DEADLINE;
use fork::ProcessFork;

use crate::direct;
use crate::head_file::Head;
use crate::support::{builder, close, commit, cut_to, event, event_of, record};
use crate::writers::{STEP, rotating};

pub(crate) fn play(role: &str, args: &[&str]) {
    match role {
        "one" => one(Path::new(args[0])),
        "hold" => hold(Path::new(args[0])),
        "writer" => writer(Path::new(args[0]), args[1].parse().unwrap()),
        "committer" => committer(Path::new(args[0]), args[1].parse().unwrap()),
        "batches" => batches(Path::new(args[0]), args[1].parse().unwrap()),
        "flushes" => flushes(Path::new(args[0]), args[1], args[2].parse().unwrap()),
        "idle" => idle(Path::new(args[0]), args[1]),
        "commits" => commits(Path::new(args[0]), args[1], args[2].parse().unwrap()),
        "crowd" => crowd(Path::new(args[0]), args[1], args[2].parse().unwrap()),
        "cut_and_commit" => cut_and_commit(Path::new(args[0])),
        "direct_writer" => direct_writer(Path::new(args[0]), args[1].parse().unwrap()),
        "direct_dies" => direct_dies(Path::new(args[0]), args[1].parse().unwrap()),
        "direct_syncs" => direct_syncs(Path::new(args[0]), args[1], args[2], args[3]),
        "direct_forks" => direct_forks(Path::new(args[0])),
        "forks" => forks(Path::new(args[0])),
        "static_closed" => static_closed(Path::new(args[0])),
        "static_open" => static_open(Path::new(args[0])),
        "abort" => abort(Path::new(args[0])),
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
            eprintln!("{error}: {:?}", error.source());
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

fn with_durability(path: &Path, durability: &str) -> JsonLinesAuditSink {
    let durability = durability_of(durability);
    builder(path).durability(durability).open().unwrap()
}

fn durability_of(word: &str) -> Durability {
    match word {
        "written" => Durability::Written,
        "every" => Durability::EveryBatch,
        milliseconds => Durability::Interval(Duration::from_millis(milliseconds.parse().unwrap())),
    }
}

/// As [`writer`], without a queue: what `on_call` returned for is acknowledged.
fn direct_writer(path: &Path, writer: u64) {
    let told = listener();
    let builder = direct::builder(path).rotate_at_bytes(256 * 1024);
    let sink = builder.open_direct().unwrap();
    let mut done = 0;
    while told.try_recv().is_err() {
        sink.on_call(&event(writer * STEP + done));
        assert_eq!(sink.drops(), 0);
        done += 1;
        say(format_args!("done {done}"));
    }
    sink.close(DEADLINE).unwrap();
    say(format_args!("done {done}"));
}

/// Records one call, and is dead at once.
fn direct_dies(path: &Path, number: u64) {
    let sink = direct::open_direct(path);
    sink.on_call(&event(number));
    process::abort();
}

fn direct_syncs(path: &Path, durability: &str, how: &str, times: &str) {
    let builder = direct::builder(path).durability(durability_of(durability));
    let sink = builder.open_direct().unwrap();
    for number in 0..times.parse().unwrap() {
        match how {
            "commit" => drop(sink.commit(&event(number), DEADLINE).unwrap()),
            _ => sink.on_call(&event(number)),
        }
        if how == "flush" {
            sink.flush(DEADLINE).unwrap();
        }
    }
    sink.close(DEADLINE).unwrap();
}

/// Uses a sink without a queue in a forked child, and in the parent afterwards.
fn direct_forks(path: &Path) {
    let sink = direct::open_direct(path);
    direct::write(&sink, [0]);
    match fork::fork_process().unwrap() {
        ProcessFork::Child => {
            let errors = [
                sink.write(&event(7), DEADLINE).unwrap_err().to_string(),
                sink.commit(&event(7), DEADLINE).unwrap_err().to_string(),
                sink.reopen(DEADLINE).unwrap_err().to_string(),
                sink.flush(DEADLINE).unwrap_err().to_string(),
                sink.close(DEADLINE).unwrap_err().to_string(),
                sink.health().to_string(),
            ];
            let good = errors.iter().all(|error| error.contains("fork"));
            sink.on_call(&event(8));
            let counts = sink.counters().offered == 1 && sink.drops() == 1;
            drop(sink);
            process::exit(if good && counts { 0 } else { 5 });
        }
        ProcessFork::Parent(child) => {
            assert_eq!(fork::waitpid(child.into()).unwrap(), 0);
            direct::write(&sink, [1, 2]);
            assert_eq!(sink.close(DEADLINE).unwrap().written, 3);
            say("parent ends");
        }
    }
}

/// Flushes after each call.
fn flushes(path: &Path, durability: &str, times: u64) {
    let sink = with_durability(path, durability);
    for number in 0..times {
        record(&sink, [number]);
    }
    close(&sink);
}

/// Records a call, and ends without closing a good while later.
fn idle(path: &Path, durability: &str) {
    let sink = with_durability(path, durability);
    record(&sink, [0]);
    // For the interval, and some more: there is nothing to wait for.
    thread::sleep(Duration::from_millis(500));
    process::exit(0);
}

fn commits(path: &Path, durability: &str, times: u64) {
    let sink = with_durability(path, durability);
    for number in 0..times {
        commit(&sink, number).unwrap();
    }
    close(&sink);
}

/// As [`commits`], on 32 threads.
fn crowd(path: &Path, durability: &str, times: u64) {
    let sink = with_durability(path, durability);
    thread::scope(|scope| {
        for thread in 0..32 {
            let sink = &sink;
            scope.spawn(move || {
                for number in 0..times {
                    commit(sink, thread * STEP + number).unwrap();
                }
            });
        }
    });
    close(&sink);
}

/// Commits before and after the log is cut by somebody.
fn cut_and_commit(path: &Path) {
    let sink = with_durability(path, "written");
    sink.commit(&event_of(0, 10_000), DEADLINE).unwrap();
    fs::copy(path, rotated_name(path)).unwrap();
    cut_to(path, 0);
    commit(&sink, 1).unwrap();
    close(&sink);
}

/// Where the checker looks for it.
fn rotated_name(path: &Path) -> std::path::PathBuf {
    path.with_file_name(format!("audit-{}-{:020}.jsonl", "00000000", 0))
}

/// Uses a sink in a forked child, and in the parent afterwards.
fn forks(path: &Path) {
    let sink = builder(path).open().unwrap();
    record(&sink, [0]);
    match fork::fork_process().unwrap() {
        ProcessFork::Child => {
            let errors = [
                sink.commit(&event(7), DEADLINE).unwrap_err().to_string(),
                sink.reopen(DEADLINE).unwrap_err().to_string(),
                sink.flush(DEADLINE).unwrap_err().to_string(),
            ];
            let good = errors.iter().all(|error| error.contains("fork"));
            sink.on_call(&event(8));
            drop(sink);
            process::exit(if good { 0 } else { 5 });
        }
        ProcessFork::Parent(child) => {
            assert_eq!(fork::waitpid(child.into()).unwrap(), 0);
            record(&sink, [1]);
            record(&sink, [2]);
            close(&sink);
            say("parent ends");
        }
    }
}

static SINK: OnceLock<JsonLinesAuditSink> = OnceLock::new();

/// Fills a sink in a static, and flushes some of it.
fn fill_static(path: &Path) -> &'static JsonLinesAuditSink {
    let sink = SINK.get_or_init(|| builder(path).open().unwrap());
    for number in 0..1000 {
        sink.on_call(&event(number));
        if number == 500 {
            sink.flush(DEADLINE).unwrap();
        }
    }
    sink
}

fn static_closed(path: &Path) {
    close(fill_static(path));
    process::exit(0);
}

fn static_open(path: &Path) {
    fill_static(path);
    process::exit(0);
}

fn abort(path: &Path) {
    fill_static(path);
    process::abort();
}
