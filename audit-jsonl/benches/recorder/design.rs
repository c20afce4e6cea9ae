use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, Durability, JsonLinesAuditSink};

use crate::chain;
use crate::event;
use crate::load;
use crate::seed::SeedSink;

/// Events that may be queued, in all designs.
const CAPACITY: usize = 8_192;

/// Which recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Design {
    /// Plain lines.
    Ours,
    /// Chained lines.
    Chained,
    Seed,
}

impl Design {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Chained, Self::Seed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Chained => "chained",
            Self::Seed => "seed",
        }
    }

    /// About so many bytes of file for an event.
    pub(crate) fn line_bytes(self) -> usize {
        match self {
            Self::Chained => chain::LINE_BYTES,
            _ => event::LINE_BYTES,
        }
    }

    pub(crate) fn open(self, path: &Path, blocks: bool) -> io::Result<Recorder> {
        Ok(match self {
            Self::Ours => Recorder::Ours(
                JsonLinesAuditSink::builder()
                    .capacity(CAPACITY)
                    .strategy(strategy(blocks))
                    .build(Box::new(create(path)?))
                    .expect("the sink starts"),
            ),
            Self::Chained => Recorder::Ours(open_chained(path, blocks, Durability::Written)),
            Self::Seed => {
                let file = Box::new(create(path)?);
                Recorder::Seed(SeedSink::new(file, CAPACITY, blocks))
            }
        })
    }

    /// Whether the file holds that many events, and nothing else; removes it.
    pub(crate) fn check_and_remove(self, path: &Path, events: u64) -> io::Result<()> {
        if self == Self::Chained {
            chain::check(path, events)?;
            return chain::remove(path);
        }
        load::check(path, events)?;
        fs::remove_file(path)
    }
}

pub(crate) fn open_chained(
    path: &Path,
    blocks: bool,
    durability: Durability,
) -> JsonLinesAuditSink {
    JsonLinesAuditSink::builder()
        .capacity(CAPACITY)
        .strategy(strategy(blocks))
        .path(path)
        .durability(durability)
        .open()
        .expect("the sink starts")
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create_new(true).append(true).open(path)
}

fn strategy(blocks: bool) -> BackpressureStrategy {
    if blocks {
        BackpressureStrategy::Block
    } else {
        BackpressureStrategy::Drop
    }
}

/// A recorder at work. Callers see a trait object, as a runtime does.
pub(crate) enum Recorder {
    Ours(JsonLinesAuditSink),
    Seed(SeedSink),
}

impl Recorder {
    pub(crate) fn sink(&self) -> &dyn AuditSink {
        match self {
            Self::Ours(sink) => sink,
            Self::Seed(sink) => sink,
        }
    }

    /// Waits until all is written.
    pub(crate) fn close(self) {
        match self {
            Self::Ours(sink) => {
                sink.close(Duration::from_secs(60)).expect("all is written");
            }
            Self::Seed(sink) => sink.close(),
        }
    }
}
