//! `audit record`: events as JSON Lines into a chained log, for programs in any
//! language.

mod event;
pub(crate) mod lines;
mod reading;
mod signals;
mod writing;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::exit::{self, Failure};
use crate::input::Stream;
use crate::output;
use crate::progress::Progress;
use crate::record::reading::{Counts, Reader, Stopped};
use crate::record::writing::Log;

/// How often the log is asked how it is, and the progress drawn.
const LOOK: Duration = Duration::from_millis(100);

/// What `audit record` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RecordOptions {
    /// The log, which other programs may write to as well; made if it isn't there
    #[arg(long, value_name = "PATH")]
    log: PathBuf,

    /// Syncs what was read before more is read, so that it survives a power loss
    #[arg(long)]
    durable: bool,

    /// Stops at the first line that is no event, or that has an unknown member
    #[arg(long)]
    strict: bool,

    /// Files of events, one JSON object a line; `-` for stdin
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

const AFTER_HELP: &str = "\
A line needs `tool_id`, `outcome`, `duration_ms`, `tier`, `granted_capabilities` and
`dry_run`; `ts`, `call_id` and `schema_version` are filled in. `audit schema` prints
the schema. Members that it doesn't know are not recorded, and told at the end.

Examples:
  my-agent | audit record --log audit.jsonl
  audit record --log audit.jsonl --strict old-calls.jsonl
  printf '%s\\n' \"$event\" | audit record --durable --log audit.jsonl

Exit code: 0 when every line was recorded; 1 when lines were no events, or with
--strict had unknown members; 2 when the log or the input failed; 130 or 143 after
SIGINT or SIGTERM, when what was read has been recorded and the log closed.";

/// What ends the recording.
pub(crate) enum Event {
    /// All was read, or reading has stopped, for this reason.
    Read(Result<(), Stopped>),
    /// A signal came.
    #[cfg_attr(not(unix), expect(dead_code, reason = "signals are Unix's"))]
    Signal(i32),
}

pub(crate) fn run(options: RecordOptions) -> Result<ExitCode, Failure> {
    let sources = sources(&options)?;
    let log = Arc::new(Log::open(&options.log, options.durable)?);
    let progress = Arc::new(Progress::of_events());
    let counts = Arc::new(Counts::default());
    let stop = Arc::new(AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    signals::watch(tell.clone())?;
    let reader = Reader {
        log: Arc::clone(&log),
        counts: Arc::clone(&counts),
        progress: Arc::clone(&progress),
        stop: Arc::clone(&stop),
        strict: options.strict,
    };
    // Reading can't be interrupted, so it is done where nobody waits for it.
    let spawned = thread::Builder::new().spawn(move || {
        // Nobody listens any more once a signal came.
        tell.send(Event::Read(reader.read(sources))).ok();
    });
    spawned.map_err(|error| Failure::could_not(format!("no thread could be started: {error}")))?;
    let ended = loop {
        match told.recv_timeout(LOOK) {
            Ok(event) => break event,
            Err(_) => {
                log.tell_trouble(&progress);
                progress.count(log.recorded());
            }
        }
    };
    stop.store(true, Ordering::Relaxed);
    let closed = log.close(&told, &progress, &ended);
    progress.finish();
    summary(&options, &log, &counts);
    closed?;
    match ended {
        Event::Signal(signal) => Ok(ExitCode::from(128u8.saturating_add(signal as u8))),
        Event::Read(Err(Stopped::Input(message))) => Err(Failure::could_not(message)),
        Event::Read(Err(Stopped::Strict)) => Ok(ExitCode::from(exit::FOUND_WRONG)),
        // `close` has said why.
        Event::Read(Err(Stopped::Log)) => Ok(ExitCode::from(Failure::USAGE)),
        Event::Read(Ok(())) if counts.bad() > 0 => Ok(ExitCode::from(exit::FOUND_WRONG)),
        Event::Read(Ok(())) => Ok(ExitCode::SUCCESS),
    }
}

/// Opened before anything is recorded, so that a wrong name stops all at once.
fn sources(options: &RecordOptions) -> Result<Vec<reading::Source>, Failure> {
    let same = |path: &PathBuf| {
        let real = path.canonicalize();
        real.is_ok_and(|path| options.log.canonicalize().is_ok_and(|log| log == path))
    };
    if let Some(path) = options.files.iter().find(|path| same(path)) {
        return Err(Failure::could_not(format!(
            "{}: it is the log itself, which would grow without end",
            path.display()
        )));
    }
    let open = |path: &PathBuf| {
        let stream = match path.as_os_str() == "-" {
            true => Stream::Stdin,
            false => Stream::File(path.clone()),
        };
        Ok(reading::Source {
            name: stream.name(),
            stream: stream.open()?,
        })
    };
    options.files.iter().map(open).collect()
}

/// Says what became of the lines, if anybody looks or something was wrong.
fn summary(options: &RecordOptions, log: &Log, counts: &Counts) {
    let unknown = counts.unknown();
    if let Some(unknown) = &unknown {
        output::warn(unknown);
    }
    let bad = counts.bad();
    if bad == 0 && unknown.is_none() && !output::is_watched() {
        return;
    }
    let recorded = log.recorded();
    let events = if recorded == 1 { "event" } else { "events" };
    let mut text = format!("{recorded} {events} recorded in {}", options.log.display());
    match bad {
        0 => {}
        1 => text.push_str("; 1 line was not"),
        _ => text += &format!("; {bad} lines were not"),
    }
    output::tell(text);
}
