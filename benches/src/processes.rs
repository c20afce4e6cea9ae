//! Several processes that write one log.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{AuditSink, BackpressureStrategy, JsonLinesAuditSink, verify};

use crate::contender::CAPACITY;
use crate::contenders::open_chained;
use crate::event;
use crate::load;
use crate::machine;
use crate::written::{self, Form, wrong};

/// All of them together.
const EVENTS: u64 = 400_000;
const QUICK_EVENTS: u64 = 8_000;

const PATIENCE: Duration = Duration::from_secs(60);

/// What one run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) events: u64,
    /// Until all processes had ended.
    pub(crate) elapsed: Duration,
    /// Processor time of all processes.
    pub(crate) processor: Duration,
}

/// Has so many processes write a log, which is looked at and removed afterwards.
pub(crate) fn run(processes: u64, form: Form, path: &Path, quick: bool) -> io::Result<Run> {
    let events = if quick { QUICK_EVENTS } else { EVENTS };
    let each = events / processes;
    let line = event::line(&event::event());
    load::fill_page_cache(path, events as usize * form.bytes(line.len()))?;
    let mut writers = Vec::new();
    for _ in 0..processes {
        writers.push(Writer::start(form, path, each)?);
    }
    let began = Instant::now();
    for writer in &mut writers {
        writer.go()?;
    }
    let mut processor = Duration::ZERO;
    for writer in writers {
        processor += writer.end()?;
    }
    let elapsed = began.elapsed();
    let events = each * processes;
    match form {
        Form::Chained => {
            let report = verify(&[path], &VerifyOptions::new()).map_err(io::Error::other)?;
            let is_whole = report.integrity == Integrity::Intact && report.complete;
            // Each writer's last line is the record of its end.
            if !is_whole || report.logs[0].lines != events + processes {
                return Err(io::Error::other(report.to_string()));
            }
        }
        _ if written::count(form, path, &line)? != events => return wrong("events are missing"),
        _ => {}
    }
    written::remove(form, path)?;
    Ok(Run {
        events,
        elapsed,
        processor,
    })
}

/// A process that has opened the log and waits to be told to begin.
struct Writer {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Writer {
    fn start(form: Form, path: &Path, events: u64) -> io::Result<Self> {
        let how = if form == Form::Chained {
            "chained"
        } else {
            "plain"
        };
        let mut child = Command::new(env::current_exe()?)
            .args(["--writer", how, &events.to_string()])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut writer = Self {
            child,
            answers: BufReader::new(output),
        };
        writer.answer()?;
        Ok(writer)
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn go(&mut self) -> io::Result<()> {
        let input = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(b"go\n")
    }

    /// Waits for its end; the processor time that it used.
    fn end(mut self) -> io::Result<Duration> {
        let used = self.answer()?;
        let status = self.child.wait()?;
        match used.parse() {
            Ok(nanoseconds) if status.success() => Ok(Duration::from_nanos(nanoseconds)),
            _ => Err(io::Error::other(format!("a writer: {status}"))),
        }
    }
}

/// What such a process does.
pub(crate) fn write(how: &str, events: u64, path: &Path) -> io::Result<()> {
    let sink = match how {
        "chained" => open_chained(path, true)?,
        _ => {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)?;
            JsonLinesAuditSink::builder()
                .capacity(CAPACITY)
                .strategy(BackpressureStrategy::Block)
                .build(Box::new(file))
                .map_err(io::Error::other)?
        }
    };
    let event = event::event();
    println!("ready");
    io::stdin().lock().read_line(&mut String::new())?;
    let before = machine::processor_time();
    for _ in 0..events {
        sink.on_call(&event);
    }
    sink.close(PATIENCE).map_err(io::Error::other)?;
    let used = machine::processor_time().zip(before);
    let used = used.map_or(Duration::ZERO, |(after, before)| after - before);
    println!("{}", used.as_nanos());
    Ok(())
}
