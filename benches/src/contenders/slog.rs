use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::sync::Mutex;

use audit_jsonl::CallEvent;
use slog::{Drain, Logger, Never, OwnedKVList, Record, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use super::text::with_text;
use crate::contender::{Contender, FILE_BUFFER_BYTES, Kind, Recorder};
use crate::written::Form;

pub(crate) const SLOG_ASYNC: Contender = Contender {
    name: "slog-async",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Lines,
    setup: "`slog::info!` to `slog_async::Async`, 8,192 records, `OverflowStrategy::Block`, \
            over a drain of ours that writes the message to a `BufWriter` of 64 KiB",
    unequal: "up to 64 KiB stay in its buffer until more comes",
    open: |setup| {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(setup.path)?;
        let lines = Lines(Mutex::new(BufWriter::with_capacity(
            FILE_BUFFER_BYTES,
            file,
        )));
        let overflow = if setup.blocks {
            OverflowStrategy::Block
        } else {
            OverflowStrategy::Drop
        };
        let (drain, guard) = Async::new(lines)
            .chan_size(setup.capacity)
            .overflow_strategy(overflow)
            .build_with_guard();
        let logger = Logger::root(drain.ignore_res(), o!());
        Ok(Box::new(Slog { logger, guard }))
    },
};

struct Slog {
    logger: Logger,
    guard: AsyncGuard,
}

impl Recorder for Slog {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| slog::info!(self.logger, "{}", text));
    }

    fn close(self: Box<Self>) {
        // It joins the thread, which drops the drain, which flushes.
        drop(self.guard);
    }
}

/// slog has no drain that writes a message and nothing else.
struct Lines(Mutex<BufWriter<File>>);

impl Drain for Lines {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
        let mut file = self.0.lock().expect("nobody panics with it");
        writeln!(file, "{}", record.msg()).expect("the disk takes the line");
        Ok(())
    }
}
