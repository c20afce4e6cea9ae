//! Reading the sources, on a thread of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::output;
use crate::progress::Progress;
use crate::record::event;
use crate::record::lines::{LONGEST, Line, Lines};
use crate::record::writing::Log;

/// How many names of unknown members are told.
const NAMES_TOLD: usize = 10;
/// How many are kept apart; whoever makes up names has only so much memory.
const NAMES_KEPT: usize = 1_000;

/// Where events come from.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) stream: Box<dyn Read + Send>,
}

/// Why reading has stopped before the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// At what `--strict` doesn't let pass, which is told.
    Strict,
    /// The log takes no more.
    Log,
    /// A source can't be read, as is said here.
    Input(String),
}

/// What was found on the way.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    bad: AtomicU64,
    unknown: Mutex<Unknown>,
}

#[derive(Debug, Default)]
struct Unknown {
    /// How many members.
    members: u64,
    /// How often each, of the first so many.
    names: BTreeMap<String, u64>,
}

impl Counts {
    /// How many lines were no events.
    pub(crate) fn bad(&self) -> u64 {
        self.bad.load(Ordering::Relaxed)
    }

    /// What to say of unknown members, if there were any.
    pub(crate) fn unknown(&self) -> Option<String> {
        let unknown = self.unknown.lock();
        if unknown.members == 0 {
            return None;
        }
        let mut names: Vec<(&String, &u64)> = unknown.names.iter().collect();
        names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let members = match unknown.members {
            1 => "1 unknown member was".to_owned(),
            members => format!("{members} unknown members were"),
        };
        let mut text = format!("{members} not recorded:");
        for (nth, (name, count)) in names.iter().take(NAMES_TOLD).enumerate() {
            let sign = if nth == 0 { "" } else { "," };
            // Writing to a string doesn't fail.
            write!(text, "{sign} {name} ({count})").ok();
        }
        if names.len() > NAMES_TOLD {
            text.push_str(" and others");
        }
        Some(text)
    }

    fn add(&self, name: String) {
        let mut unknown = self.unknown.lock();
        unknown.members += 1;
        if unknown.names.len() < NAMES_KEPT || unknown.names.contains_key(&name) {
            *unknown.names.entry(name).or_default() += 1;
        }
    }
}

/// Reads and records.
pub(crate) struct Reader {
    pub(crate) log: Arc<Log>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) progress: Arc<Progress>,
    /// Nothing more is to be read.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) strict: bool,
}

impl Reader {
    /// Reads all sources to their ends, or until it is stopped.
    pub(crate) fn read(&self, sources: Vec<Source>) -> Result<(), Stopped> {
        sources
            .into_iter()
            .try_for_each(|source| self.read_one(&source.name, Lines::new(source.stream)))
    }

    fn read_one(&self, name: &str, mut lines: Lines<impl Read>) -> Result<(), Stopped> {
        let mut number = 0;
        loop {
            while let Some(line) = lines.at_hand() {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                number += 1;
                self.line(name, number, &line)?;
            }
            self.log.before_waiting(&self.stop)?;
            let more = lines.read_more();
            if !more.map_err(|error| Stopped::Input(format!("{name}: {error}")))? {
                return Ok(());
            }
        }
    }

    fn line(&self, name: &str, number: u64, line: &Line<'_>) -> Result<(), Stopped> {
        let bad = |column: usize, what: &str| {
            self.counts.bad.fetch_add(1, Ordering::Relaxed);
            self.progress.suspend(|| {
                output::error(format_args!("{name}:{number}:{column}: {what}"));
            });
            if self.strict {
                Err(Stopped::Strict)
            } else {
                Ok(())
            }
        };
        let bytes = match line {
            Line::Bytes(bytes) if bytes.trim_ascii().is_empty() => return Ok(()),
            Line::Bytes(bytes) => bytes,
            Line::TooLong => {
                return bad(LONGEST + 1, "a line of more than 16 MiB is no event");
            }
        };
        let mut unknown = Vec::new();
        match event::parse(bytes, |name| unknown.push(name)) {
            Err(wrong) => return bad(wrong.column, &wrong.what),
            Ok(_) if self.strict && !unknown.is_empty() => {
                let what = format!("the member `{}` is unknown", unknown[0]);
                return bad(1, &what);
            }
            Ok(event) => self.log.record(&event)?,
        }
        unknown.into_iter().for_each(|name| self.counts.add(name));
        Ok(())
    }
}
