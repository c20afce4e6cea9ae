use std::fs::File;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, JsonLinesAuditSink};

use crate::seed::SeedSink;

/// Events that may be queued, in both designs.
const CAPACITY: usize = 8_192;

/// Which recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Design {
    Ours,
    Seed,
}

impl Design {
    pub(crate) const ALL: [Self; 2] = [Self::Ours, Self::Seed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Seed => "seed",
        }
    }

    pub(crate) fn open(self, file: File, blocks: bool) -> Recorder {
        match self {
            Self::Ours => {
                let strategy = if blocks {
                    BackpressureStrategy::Block
                } else {
                    BackpressureStrategy::Drop
                };
                let sink = JsonLinesAuditSink::builder()
                    .capacity(CAPACITY)
                    .strategy(strategy)
                    .build(Box::new(file))
                    .expect("the sink starts");
                Recorder::Ours(sink)
            }
            Self::Seed => Recorder::Seed(SeedSink::new(Box::new(file), CAPACITY, blocks)),
        }
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
