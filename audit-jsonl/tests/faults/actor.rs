//! A child with up to a few sinks on one log, and somebody who meddles with it:
//! this test binary, run again under `strace`.

#![expect(clippy::print_stdout, reason = "it is how the child reports")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, Durability, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, RecordingSink};

use crate::child::Said;
use crate::head::Head;
use crate::tools::{Directory, event, until};

const STEPS: &str = "AUDIT_FAULTS_STEPS";
const LOG: &str = "AUDIT_FAULTS_LOG";

/// What `close` may take.
const CLOSING: Duration = Duration::from_secs(2);

const TRACED: &str = "openat,write,fdatasync,fsync,ftruncate,rename,unlink";

/// What a child did, and how that ended.
#[derive(Debug)]
pub(crate) struct Acted {
    pub(crate) said: Said,
    /// Each step, and how it ended: `ok`, or an error.
    pub(crate) steps: Vec<(String, String)>,
    states: BTreeMap<String, State>,
    pub(crate) trace: String,
}

/// What a sink said of itself after a step.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) health: String,
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    pub(crate) fallen_back: u64,
    pub(crate) write_errors: u64,
    /// What its fallback holds.
    pub(crate) elsewhere: u64,
}

impl Acted {
    /// How a step ended; the last one, when there are more.
    #[track_caller]
    pub(crate) fn result(&self, step: &str) -> &str {
        let mut steps = self.steps.iter().rev();
        let found = steps.find(|(name, _)| name == step);
        &found.unwrap_or_else(|| panic!("{step}: {self:#?}")).1
    }

    /// After its last step but `close`.
    #[track_caller]
    pub(crate) fn state(&self, sink: &str) -> &State {
        let state = self.states.get(sink);
        state.unwrap_or_else(|| panic!("{sink}: {self:#?}"))
    }

    /// Every step was made, and ended well.
    #[track_caller]
    pub(crate) fn all_went_well(&self) {
        assert!(self.said.ended, "{self:#?}");
        assert!(self.steps.iter().all(|(_, end)| end == "ok"), "{self:#?}");
    }
}

/// Makes these steps with these faults in the calls on the log's files, but for
/// its head: `a.open:written`, `a.open:every`, `a.open:fallback`, `a.open:rotate`,
/// `a.open:parents` (which makes missing directories), `a.open:<milliseconds>`,
/// `a.event`, `a.large`, `a.flush`, `a.commit`,
/// `a.troubled` (waits until an error was counted), `a.moved` (until the sink has
/// given the file another name), `a.reopen`, `a.close`;
/// `rename`, `outsider`, `outsiders` (20 lines), `junk`, `tear`, `alter` (another
/// word in the first line), `abort`.
pub(crate) fn act(log: &Path, steps: &str, faults: &[&str]) -> Acted {
    act_on(log, &[], steps, faults)
}

/// As [`act`], with what is done to these files and directories as well.
pub(crate) fn act_on(log: &Path, more: &[PathBuf], steps: &str, faults: &[&str]) -> Acted {
    let directory = Directory::new();
    let trace = directory.path().join("trace");
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", "strace", "-f", "-y", "-qq"]);
    command.arg("-o").arg(&trace);
    command.args(["-e", &format!("trace={TRACED}")]);
    for fault in faults {
        command.args(["-e", &format!("inject={fault}")]);
    }
    for path in files(log).iter().chain(more) {
        command.arg("-P").arg(path);
    }
    command.arg(std::env::current_exe().expect("the test binary"));
    command.args(["actor::the_actor", "--exact", "--nocapture"]);
    command.env(STEPS, steps).env(LOG, log);
    let output = command.output().expect("strace runs");

    let mut acted = Acted {
        said: Said::parse(&output.stdout),
        steps: Vec::new(),
        states: BTreeMap::new(),
        trace: fs::read_to_string(&trace).unwrap_or_default(),
    };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words[..] {
            ["#did", step, end] => acted.steps.push((step.into(), end.into())),
            ["#state", sink, text] => {
                acted.states.insert(sink.into(), State::parse(text));
            }
            _ => {}
        }
    }
    acted
}

impl State {
    fn parse(text: &str) -> Self {
        let mut words = text.splitn(6, ' ');
        let mut number = || {
            let word = words.next().and_then(|word| word.parse().ok());
            word.expect("a number")
        };
        let [written, dropped, fallen_back, write_errors, elsewhere] = [(); 5].map(|()| number());
        Self {
            health: words.next().expect("a health").into(),
            written,
            dropped,
            fallen_back,
            write_errors,
            elsewhere,
        }
    }
}

/// The names that the log's files can have, but for its head.
fn files(log: &Path) -> Vec<PathBuf> {
    let mut files = vec![log.to_owned(), log.with_extension("jsonl.1")];
    if let Some(head) = Head::read(log) {
        let stream = &head.stream[..8];
        let names = (0..40).map(|seq| format!("audit-{stream}-{seq:020}.jsonl"));
        files.extend(names.map(|name| log.with_file_name(name)));
    }
    files
}

#[test]
fn the_actor() {
    let (Ok(steps), Some(log)) = (std::env::var(STEPS), std::env::var_os(LOG)) else {
        return;
    };
    // The harness has begun a line.
    println!();
    let mut actor = Actor {
        sinks: BTreeMap::new(),
        fallback: Arc::new(RecordingSink::new()),
        renamed_before: renamed_files(Path::new(&log)),
        log: log.into(),
        made: 0,
    };
    for step in steps.split_whitespace() {
        let end = match step.split_once('.') {
            Some((sink, what)) => actor.step(sink, what),
            None => actor.meddle(step),
        };
        println!("#did {step} {}", end.err().unwrap_or_else(|| "ok".into()));
    }
    println!("#end");
}

struct Actor {
    log: PathBuf,
    sinks: BTreeMap<String, JsonLinesAuditSink>,
    fallback: Arc<RecordingSink>,
    renamed_before: usize,
    /// Events so far.
    made: u64,
}

impl Actor {
    fn step(&mut self, name: &str, what: &str) -> Result<(), String> {
        if let Some(how) = what.strip_prefix("open:") {
            let sink = self.open(how).map_err(text)?;
            self.sinks.insert(name.into(), sink);
            return Ok(());
        }
        self.made += 1;
        let id = format!("{}-{:04}", std::process::id(), self.made);
        let Some(sink) = self.sinks.get(name) else {
            return Err("it could not be opened".into());
        };
        let end = match what {
            "event" | "large" => {
                println!("#offered {id}");
                sink.on_call(&event(&id, if what == "large" { 30_000 } else { 0 }));
                Ok(())
            }
            "flush" => sink.flush(DEADLINE).map_err(text),
            "commit" => {
                println!("#offered {id}");
                let committed = sink.commit(&event(&id, 0), DEADLINE);
                if let Ok(receipt) = &committed {
                    let (stream, seq, hash) = (receipt.stream, receipt.seq, receipt.hash);
                    println!("#receipt {id} {stream} {seq} {hash}");
                }
                committed.map(drop).map_err(text)
            }
            "troubled" => {
                until("an error is counted", || sink.counters().write_errors > 0);
                Ok(())
            }
            "moved" => {
                let renamed = || renamed_files(&self.log) > self.renamed_before;
                until("the file has another name", renamed);
                until("the next one has its lines", || {
                    fs::metadata(&self.log).is_ok_and(|log| log.len() > 0)
                });
                Ok(())
            }
            "reopen" => sink.reopen(DEADLINE).map_err(text),
            "close" => return sink.close(CLOSING).map(drop).map_err(text),
            other => panic!("{other} is no step"),
        };
        let counters = sink.counters();
        println!(
            "#state {name} {} {} {} {} {} {}",
            counters.written,
            counters.dropped,
            counters.fallen_back,
            counters.write_errors,
            self.fallback.events().len(),
            sink.health(),
        );
        end
    }

    fn open(&self, how: &str) -> Result<JsonLinesAuditSink, audit_jsonl::OpenError> {
        let mut builder = JsonLinesAuditSink::builder();
        if how == "fallback" {
            builder = builder.strategy(BackpressureStrategy::FallbackSink(self.fallback.clone()));
        }
        let builder = builder.path(&self.log);
        let builder = match how {
            "written" => builder.durability(Durability::Written),
            "rotate" => builder
                .durability(Durability::Written)
                .rotate_at_bytes(65_536),
            "every" | "fallback" => builder.durability(Durability::EveryBatch),
            "parents" => builder.create_parents(),
            other => {
                let time = other.parse().expect("a number of milliseconds");
                builder.durability(Durability::Interval(Duration::from_millis(time)))
            }
        };
        builder.open()
    }

    fn meddle(&self, step: &str) -> Result<(), String> {
        // In a thread of its own: faults are counted by thread, and are the sinks'.
        let append = |bytes: &[u8]| {
            let write = || {
                let file = OpenOptions::new().append(true).open(&self.log);
                file.and_then(|mut file| file.write_all(bytes))
            };
            let written = thread::scope(|scope| scope.spawn(write).join());
            written.expect("a thread that doesn't panic").map_err(text)
        };
        match step {
            "rename" => fs::rename(&self.log, self.log.with_extension("jsonl.1")).map_err(text),
            "outsider" | "outsiders" => {
                let mut line = serde_json::to_vec(&event("outsider", 0)).expect("a record");
                line.push(b'\n');
                append(&line.repeat(if step == "outsiders" { 20 } else { 1 }))
            }
            "tear" => append(b"{\"ts\":\"2026-11-20T09:"),
            "junk" => append(b"no record\n"),
            "alter" => {
                let text = fs::read_to_string(&self.log).map_err(text)?;
                let at = text.find("\"hot\"").ok_or("nothing is hot")? as u64;
                let file = OpenOptions::new().write(true).open(&self.log);
                file.and_then(|file| file.write_all_at(b"\"hat\"", at))
                    .map_err(self::text)
            }
            "abort" => std::process::abort(),
            other => panic!("{other} is no step"),
        }
    }
}

fn renamed_files(log: &Path) -> usize {
    let directory = log.parent().expect("a directory");
    // It may have to be made first.
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("audit-")).count()
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}
