//! The program that the faults happen to: this test binary, run again.
//!
//! It says on stdout what it was promised, a word and its arguments a line.

#![expect(clippy::print_stdout, reason = "it is how the child reports")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{
    AuditSink, CallEvent, CloseError, Counters, DirectLogSink, Durability, FlushError,
    JsonLinesAuditSink, Receipt,
};

use crate::tools::event;

const SCRIPT: &str = "AUDIT_FAULTS_SCRIPT";
const LOG: &str = "AUDIT_FAULTS_LOG";

/// How long a call may take, and how much longer it may take than that.
const TIMEOUT: Duration = Duration::from_millis(250);
const GRACE: Duration = Duration::from_millis(3_000);

/// No sync is due before that.
const LATER: Duration = Duration::from_secs(3_600);

/// A run of the child, to be given to a tool or started as it is.
///
/// The script is a list of steps: `open`, `every` (open with a sync for each
/// batch), `keep` (open, and keep one rotated file), `direct`, `direct-every` and
/// `direct-later` (open without a queue), `event`, `large`, `flush`, `beside` (another
/// thread flushes while this one goes on), `commit`, `reopen`, `close`.
pub(crate) fn arguments() -> Vec<String> {
    let program = std::env::current_exe().expect("the test binary");
    let mut arguments = vec![program.to_string_lossy().into_owned()];
    arguments.extend(
        [
            "child::the_child",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ]
        .map(String::from),
    );
    arguments
}

/// Tells a command what its child is to do.
pub(crate) fn set_up(command: &mut Command, script: &str, log: &Path) {
    command.env(SCRIPT, script).env(LOG, log);
}

/// What a child has said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Ids that `flush` or `commit` acknowledged.
    pub(crate) acknowledged: Vec<String>,
    /// Stream, seq and leaf hash by id.
    pub(crate) receipts: BTreeMap<String, (String, u64, String)>,
    /// Everything that was offered.
    pub(crate) offered: Vec<String>,
    /// Calls that took longer than they may, and counters that don't add up.
    pub(crate) complaints: Vec<String>,
    /// The counters at the end: offered, written, dropped, fallen back, queued.
    pub(crate) counters: Option<[u64; 5]>,
    /// Every event and the closing record were written.
    pub(crate) closed: bool,
    pub(crate) opened: bool,
    pub(crate) ended: bool,
}

impl Said {
    pub(crate) fn parse(stdout: &[u8]) -> Self {
        let mut said = Self::default();
        for line in String::from_utf8_lossy(stdout).lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["#opened"] => said.opened = true,
                ["#offered", id] => said.offered.push(id.into()),
                ["#acknowledged", id] => said.acknowledged.push(id.into()),
                ["#receipt", id, stream, seq, hash] => {
                    let seq = seq.parse().expect("a number");
                    said.receipts
                        .insert(id.into(), (stream.into(), seq, hash.into()));
                    said.acknowledged.push(id.into());
                }
                ["#counters", offered, written, dropped, fallen_back, queued] => {
                    let number = |text: &str| text.parse().expect("a number");
                    let numbers = [offered, written, dropped, fallen_back, queued];
                    said.counters = Some(numbers.map(number));
                }
                ["#closed"] => said.closed = true,
                ["#end"] => said.ended = true,
                ["#complaint", ..] => said.complaints.push(line.into()),
                _ => {}
            }
        }
        said
    }
}

#[test]
fn the_child() {
    let (Ok(script), Some(log)) = (std::env::var(SCRIPT), std::env::var_os(LOG)) else {
        return;
    };
    // The harness has begun a line.
    println!();
    let mut child = Child {
        log: log.into(),
        sink: None,
        made: 0,
        offered: 0,
        unflushed: Vec::new(),
    };
    for step in script.split_whitespace() {
        if !child.timed(step) {
            break;
        }
    }
    println!("#end");
}

enum Sink {
    Queued(JsonLinesAuditSink),
    Direct(Box<DirectLogSink>),
}

impl Sink {
    fn counters(&self) -> Counters {
        match self {
            Self::Queued(sink) => sink.counters(),
            Self::Direct(sink) => sink.counters(),
        }
    }

    fn flush(&self) -> Result<(), FlushError> {
        match self {
            Self::Queued(sink) => sink.flush(TIMEOUT),
            Self::Direct(sink) => sink.flush(TIMEOUT),
        }
    }

    fn commit(&self, event: &CallEvent) -> Result<Receipt, String> {
        match self {
            Self::Queued(sink) => sink
                .commit(event, TIMEOUT)
                .map_err(|error| error.to_string()),
            Self::Direct(sink) => sink.commit(event, TIMEOUT).map_err(|error| {
                if !error.is_recorded() {
                    sink.count_lost(1);
                }
                error.to_string()
            }),
        }
    }

    fn reopen(&self) -> io::Result<()> {
        match self {
            Self::Queued(sink) => sink.reopen(TIMEOUT),
            Self::Direct(sink) => sink.reopen(TIMEOUT),
        }
    }

    fn close(&self) -> Result<Counters, CloseError> {
        match self {
            Self::Queued(sink) => sink.close(TIMEOUT),
            Self::Direct(sink) => sink.close(TIMEOUT),
        }
    }
}

struct Child {
    log: PathBuf,
    sink: Option<Arc<Sink>>,
    /// Events made so far, and those that this sink was offered.
    made: u64,
    offered: u64,
    unflushed: Vec<String>,
}

impl Child {
    fn timed(&mut self, step: &str) -> bool {
        let begun = Instant::now();
        let go_on = self.step(step);
        let taken = begun.elapsed();
        if taken > TIMEOUT + GRACE {
            println!("#complaint {step} took {taken:?}");
        }
        if let Some(sink) = &self.sink {
            let counters = sink.counters();
            let sum = counters.written + counters.dropped + counters.fallen_back + counters.queued;
            // A commit that gave up in line counts as dropped at that moment.
            if counters.offered != sum || counters.offered != self.offered {
                println!("#complaint {} were offered, and {counters}", self.offered);
            }
        }
        go_on
    }

    fn step(&mut self, step: &str) -> bool {
        match step {
            "open" => self.open(Durability::Written, None),
            "direct" => self.open_direct(Durability::Written),
            "direct-every" => self.open_direct(Durability::EveryBatch),
            "direct-later" => self.open_direct(Durability::Interval(LATER)),
            "keep" => self.open(Durability::Written, Some(1)),
            "every" => self.open(Durability::EveryBatch, None),
            "event" => self.offer(0),
            "large" => self.offer(30_000),
            "flush" => self.flush(),
            "beside" => self.flush_beside(),
            "commit" => self.commit(),
            "reopen" => {
                if let Some(sink) = &self.sink {
                    // That it can fail is the test.
                    drop(sink.reopen());
                }
                true
            }
            "close" => self.close(),
            other => panic!("{other} is no step"),
        }
    }

    fn open(&mut self, durability: Durability, keep: Option<usize>) -> bool {
        let builder = JsonLinesAuditSink::builder().path(&self.log);
        let mut builder = builder.durability(durability).rotate_at_bytes(65_536);
        if let Some(files) = keep {
            builder = builder.keep_files(files);
        }
        match builder.open() {
            Ok(sink) => {
                println!("#opened");
                self.sink = Some(Arc::new(Sink::Queued(sink)));
                true
            }
            Err(error) => {
                println!("#refused {error}");
                false
            }
        }
    }

    fn open_direct(&mut self, durability: Durability) -> bool {
        let builder = JsonLinesAuditSink::builder().path(&self.log);
        let builder = builder.durability(durability).rotate_at_bytes(65_536);
        match builder.open_direct() {
            Ok(sink) => {
                println!("#opened");
                self.sink = Some(Arc::new(Sink::Direct(Box::new(sink))));
                true
            }
            Err(error) => {
                println!("#refused {error}");
                false
            }
        }
    }

    fn next_id(&mut self) -> String {
        let id = format!("{}-{:04}", std::process::id(), self.made);
        println!("#offered {id}");
        self.made += 1;
        self.offered += 1;
        id
    }

    fn offer(&mut self, bytes: usize) -> bool {
        let id = self.next_id();
        match self.sink.as_deref() {
            Some(Sink::Queued(sink)) => sink.on_call(&event(&id, bytes)),
            Some(Sink::Direct(sink)) => {
                let lost = sink.drops();
                sink.on_call(&event(&id, bytes));
                // Written already, or counted.
                if sink.drops() == lost {
                    println!("#acknowledged {id}");
                }
                return true;
            }
            None => {}
        }
        self.unflushed.push(id);
        true
    }

    fn flush(&mut self) -> bool {
        let Some(sink) = &self.sink else { return true };
        let flushed = sink.flush();
        // An event may have been lost before the flush began.
        let lost = sink.counters().dropped > 0;
        for id in std::mem::take(&mut self.unflushed) {
            if flushed.is_ok() && !lost {
                println!("#acknowledged {id}");
            }
        }
        true
    }

    fn flush_beside(&mut self) -> bool {
        let Some(sink) = self.sink.clone() else {
            return true;
        };
        let flushing = thread::spawn({
            // That it can fail is the test; what was written is acknowledged already.
            move || drop(sink.flush())
        });
        for _ in 0..3 {
            self.offer(0);
            self.commit();
            self.offer(30_000);
        }
        flushing.join().expect("no panic");
        true
    }

    fn commit(&mut self) -> bool {
        let id = self.next_id();
        let Some(sink) = &self.sink else { return true };
        match sink.commit(&event(&id, 0)) {
            Ok(receipt) => {
                println!(
                    "#receipt {id} {} {} {}",
                    receipt.stream, receipt.seq, receipt.hash
                );
            }
            Err(error) => println!("#uncommitted {id} {error}"),
        }
        true
    }

    fn close(&mut self) -> bool {
        let Some(sink) = self.sink.take() else {
            return true;
        };
        let closed = sink.close();
        let counters = sink.counters();
        println!(
            "#counters {} {} {} {} {}",
            counters.offered,
            counters.written,
            counters.dropped,
            counters.fallen_back,
            counters.queued
        );
        match closed {
            Ok(_) => println!("#closed"),
            Err(error) => println!("#unclosed {error}"),
        }
        self.offered = 0;
        true
    }
}
