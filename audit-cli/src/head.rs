//! `audit head`: the head of a log, to be kept elsewhere.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit_jsonl::verify::Head;
use audit_jsonl::{DamageKind, Entry, LeafHash, LogFiles, LogLine, LogReader};
use clap::Args;

use crate::compressed;
use crate::exit::{self, Failure};
use crate::input::Stream;
use crate::output::{self, Output};

/// So many lines at most are looked at, to find that of the head file: a writer
/// updates it with every batch.
const LOOKED_AT: u64 = 100_000;

/// What `audit head` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct HeadOptions {
    /// A log, or `-` for stdin
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Syncs the log first: a power loss can't take that line any more
    #[arg(long)]
    sync: bool,
}

const AFTER_HELP: &str = "\
The head is the number and the hash of the log's last line. Whoever keeps it where
the log's writers can't reach it can tell later, with `audit verify --head`, whether
the log up to that line is still what it was. Without --sync, the line may not have
reached the disk: after a power loss, a log that lacks it is called truncated.

Only the lines since the head file was written are checked; `audit verify` checks all.

Examples:
  audit head --sync audit.jsonl | ssh keeper 'cat >> heads'
  audit verify --head \"$(audit head audit.jsonl)\" audit.jsonl

Exit code: 0; 1 when the log doesn't end as its head file says; 2 when there is no
head, or the log can't be read.";

/// What was found at the end of a log.
struct End {
    head: Head,
    stream: String,
    /// The file that the line stands in.
    file: Option<PathBuf>,
}

pub(crate) fn run(options: &HeadOptions) -> Result<ExitCode, Failure> {
    let found = match Stream::of(&options.path) {
        Some(stream) => of_stream(&stream)?,
        None => of_log(options)?,
    };
    let Some(head) = found else {
        return Ok(ExitCode::from(exit::FOUND_WRONG));
    };
    let mut output = Output::new();
    output.line(head)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn of_stream(stream: &Stream) -> Result<Option<Head>, Failure> {
    let mut reader = LogReader::new(stream.open()?);
    let mut last = None;
    while let Some(entry) = reader.next_entry()? {
        if let Entry::Line(line) = entry
            && let Some(chain) = line.chain()
        {
            let hash = line.leaf_hash();
            last = Some(Head {
                seq: chain.seq,
                hash,
            });
        }
    }
    last.map(Some).ok_or_else(|| no_chain(&stream.name()))
}

/// `None` when something is wrong, which is told.
fn of_log(options: &HeadOptions) -> Result<Option<Head>, Failure> {
    // Before the log, which may grow meanwhile.
    let kept = kept_beside(&options.path);
    compressed::refuse(&options.path)?;
    let logs = LogFiles::find(&[&options.path])?;
    let [log] = &logs[..] else {
        return Err(Failure::could_not(format!(
            "{}: there are {} logs in it; give the path of one",
            options.path.display(),
            logs.len()
        )));
    };
    let kept = kept.or_else(|| kept_beside(log.path()));
    let Some(end) = end_of(log, kept.as_ref())? else {
        return Ok(None);
    };
    if options.sync
        && let Some(file) = &end.file
    {
        let synced = sync(file);
        synced.map_err(|error| {
            Failure::could_not(format!("{}: can't be synced: {error}", file.display()))
        })?;
    }
    Ok(Some(end.head))
}

/// The last link, if those before it lead to what the head file says.
fn end_of(log: &LogFiles, kept: Option<&Kept>) -> Result<Option<End>, Failure> {
    let path = log.path().display();
    let mut reader = LogReader::backward(log);
    let mut end: Option<End> = None;
    // By which the line after names the one that comes next.
    let mut wanted: Option<(u64, LeafHash)> = None;
    let (mut looked_at, mut damaged) = (0, 0);
    while let Some(entry) = reader.next_entry()? {
        let line = match entry {
            Entry::Line(line) => line,
            Entry::Damage(damage) => {
                // A last line that is being written is no news.
                let counts = end.is_none() && damage.kind() != DamageKind::Unfinished;
                damaged += u64::from(counts);
                continue;
            }
            _ => continue,
        };
        let Some(chain) = line.chain() else { continue };
        let (seq, hash, stream) = (chain.seq, line.leaf_hash(), chain.stream.as_str());
        if let Some((after, prev)) = wanted
            && (seq + 1 != after || hash != prev)
        {
            output::error(format_args!(
                "{path}: line #{after} of the chain doesn't follow what stands before it; \
                 `audit verify` says more"
            ));
            return Ok(None);
        }
        let found = end.get_or_insert_with(|| End {
            head: Head { seq, hash },
            stream: stream.to_owned(),
            file: file_of(&line),
        });
        let Some(kept) = kept.filter(|kept| kept.stream == found.stream) else {
            break;
        };
        if seq <= kept.seq {
            if (seq, hash.to_string()) == (kept.seq, kept.hash.clone()) {
                break;
            }
            let what = if seq < kept.seq {
                "ends before"
            } else {
                "has another line than"
            };
            output::error(format_args!(
                "{path}: the log {what} line #{}, of which its head file tells; \
                 `audit verify` says more",
                kept.seq
            ));
            return Ok(None);
        }
        wanted = chain.prev.map(|prev| (seq, prev));
        looked_at += 1;
        if looked_at == LOOKED_AT {
            break;
        }
    }
    if end.is_some() && damaged > 0 {
        let lines = if damaged == 1 { "line" } else { "lines" };
        output::warn(format_args!(
            "{path}: {damaged} {lines} after that one can't be read; `audit verify` says more"
        ));
    }
    let end = end.ok_or_else(|| no_chain(&path.to_string()))?;
    Ok(Some(end))
}

fn file_of(line: &LogLine<'_>) -> Option<PathBuf> {
    line.position().path.map(Path::to_owned)
}

fn no_chain(name: &str) -> Failure {
    Failure::could_not(format!(
        "{name}: there is no head, for no line of it is part of a chain"
    ))
}

/// What the head file says.
struct Kept {
    stream: String,
    seq: u64,
    hash: String,
}

/// `None` when there is none, or it isn't whole.
fn kept_beside(path: &Path) -> Option<Kept> {
    let mut name = OsString::from(path);
    name.push(".head");
    let text = fs::read(name).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(Kept {
        stream: value.get("stream")?.as_str()?.to_owned(),
        seq: value.get("seq")?.as_u64()?,
        hash: value.get("hash")?.as_str()?.to_owned(),
    })
}

/// The file, and that it has its name.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    if cfg!(unix) {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
