//! Ours, with plain and with chained lines.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, CallEvent, Durability, JsonLinesAuditSink};

use crate::contender::{CAPACITY, Contender, Kind, Recorder};
use crate::written::Form;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PLAIN: Contender = Contender {
    name: "ours",
    kind: Kind::Ours,
    can_drop: true,
    form: Form::Lines,
    setup: "`builder().capacity(8192).strategy(Block).build(file)`",
    unequal: "",
    open: |setup| {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(setup.path)?;
        let sink = JsonLinesAuditSink::builder()
            .capacity(setup.capacity)
            .strategy(strategy(setup.blocks))
            .build(Box::new(file));
        Ok(Box::new(Ours(sink.map_err(io::Error::other)?)))
    },
};

pub(crate) const CHAINED: Contender = Contender {
    name: "ours, chained",
    kind: Kind::Ours,
    can_drop: true,
    form: Form::Chained,
    setup: "`builder().capacity(8192).strategy(Block).path(path).durability(Written).open()`",
    unequal: "writes about 142 bytes more a line, hashes each line, and locks and writes the \
              head file for each batch",
    open: |setup| {
        let sink = open_chained(setup.path, setup.blocks)?;
        Ok(Box::new(Ours(sink)))
    },
};

pub(crate) fn open_chained(path: &Path, blocks: bool) -> io::Result<JsonLinesAuditSink> {
    JsonLinesAuditSink::builder()
        .capacity(CAPACITY)
        .strategy(strategy(blocks))
        .path(path)
        .durability(Durability::Written)
        .open()
        .map_err(io::Error::other)
}

fn strategy(blocks: bool) -> BackpressureStrategy {
    if blocks {
        BackpressureStrategy::Block
    } else {
        BackpressureStrategy::Drop
    }
}

struct Ours(JsonLinesAuditSink);

impl Recorder for Ours {
    fn record(&self, event: &CallEvent) {
        self.0.on_call(event);
    }

    fn dropped(&self) -> Option<u64> {
        Some(self.0.drops())
    }

    fn flush(&self) -> bool {
        self.0.flush(PATIENCE).is_ok()
    }

    fn close(self: Box<Self>) {
        self.0.close(PATIENCE).expect("all is written");
    }
}
