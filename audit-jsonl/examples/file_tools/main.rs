//! A small tool runtime that records every call: tools over the files below a
//! directory, callers with different rights, several threads.
//!
//! ```sh
//! cargo run --release --example file_tools
//! cargo run --release --example file_tools -- --help
//! ```
//!
//! It reads files, and changes none: all that it writes is the log, `audit.jsonl`
//! and its head file in the current directory. The calls are made up from what it
//! finds below the directory; their outcomes are not. A call is denied because its
//! caller lacks the right, limited because its caller was too fast, and failed
//! because the file couldn't be read.
//!
//! Where to look first: `run` below opens the log, puts other sinks before it, closes
//! and verifies it, and checks its work; `Runtime::dispatch` in `runtime.rs` makes the
//! record of a call.

mod callers;
mod log;
mod options;
mod report;
mod runtime;
mod tools;
mod workload;

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{BackpressureStrategy, JsonLinesAuditSink, verify};
use audit_sink::redact::{Action, Pattern, Redact};
use audit_sink::{MemorySink, Tee};

use crate::options::{HELP, Options};
use crate::report::{Report, Tally};
use crate::runtime::Runtime;
use crate::tools::Root;
use crate::workload::Workload;

/// How long the end of the run waits for the log.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let result = match options::parse(env::args_os().skip(1)) {
        Ok(Some(options)) => run(&options),
        Ok(None) => print(HELP),
        Err(message) => {
            complain(&format!("{message}; see --help"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = Root::open(&options.root)?;
    let workload = Workload::below(&root);

    // A runtime that must not lose a record lets its callers wait when the queue
    // is full.
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(&options.log)
        .open()?;
    let sink = Arc::new(sink);

    // The latest calls stay in memory, too, as for a status page. Nobody sees what
    // looks like a secret: callers put such things where they don't belong.
    let memory = MemorySink::new();
    let tee = Tee::new()
        .required("log", sink.clone())
        .optional("memory", memory.clone());
    let redact = Redact::new(tee).patterns(Pattern::ALL, Action::Mask);

    // The runtime has a recorder: where the records go is not its business.
    let runtime = Runtime::new(root, redact);
    let begun = Instant::now();
    let tally = work(&runtime, &workload, options)?;
    let wall = begun.elapsed();

    let counters = sink.close(CLOSE_TIMEOUT)?;
    // As anybody can who has the log. Whoever kept a head gives that as well.
    let verified = verify(&[&options.log], &VerifyOptions::new())?;
    if verified.integrity != Integrity::Intact {
        return Err(format!("the log was altered\n{verified}").into());
    }
    let reread = log::reread(&options.log, |call_id| runtime.made(call_id))?;

    let report = Report {
        options,
        workload: &workload,
        tally: &tally,
        wall,
        counters,
        memory: &memory,
        reread: &reread,
        verified: &verified,
    };
    print(&report.to_string())?;
    report.verdict().map_err(Into::into)
}

/// Makes the calls, on as many threads as were asked for.
fn work(
    runtime: &Runtime,
    workload: &Workload,
    options: &Options,
) -> Result<Tally, Box<dyn Error>> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut tally = Tally::default();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= options.calls {
                return tally;
            }
            let call = workload.call(n);
            tally.add(call.tool, &runtime.dispatch(&call));
        }
    };
    thread::scope(|scope| {
        let workers = (0..options.threads)
            .map(|n| {
                let name = format!("worker-{n}");
                thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, worker)
            })
            .collect::<io::Result<Vec<_>>>()?;
        let mut all = Tally::default();
        for worker in workers {
            all.merge(worker.join().map_err(|_| "a worker thread panicked")?);
        }
        Ok(all)
    })
}

/// Prints to standard output. A reader that has gone, as `head` does, is no
/// error.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}").into())
        }
        _ => Ok(()),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn complain(message: &str) {
    // When standard error is closed, the exit code has to say it alone.
    drop(writeln!(io::stderr(), "file_tools: {message}"));
}
