use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use audit_jsonl::CallEvent;
use spdlog::formatter::{Formatter, FormatterContext};
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy};
use spdlog::{LevelFilter, Logger, Record, StringBuf, ThreadPool};

use super::text::with_text;
use crate::contender::{Contender, FILE_BUFFER_BYTES, Kind, Recorder};
use crate::written::Form;

pub(crate) const SPDLOG_RS: Contender = Contender {
    name: "spdlog-rs",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Lines,
    setup: "`spdlog::info!` to an `AsyncPoolSink`, a thread pool of one thread and 8,192 \
            records, `OverflowPolicy::Block`, over its `FileSink` with a buffer of 64 KiB and a \
            formatter that writes the message alone",
    unequal: "up to 64 KiB stay in its buffer until more comes",
    open: |setup| {
        let file = FileSink::builder()
            .path(setup.path)
            .capacity(FILE_BUFFER_BYTES)
            .formatter(MessageAlone)
            .build_arc()
            .map_err(io::Error::other)?;
        let capacity = NonZeroUsize::new(setup.capacity).ok_or(io::ErrorKind::InvalidInput)?;
        let pool = ThreadPool::builder()
            .capacity(capacity)
            .build_arc()
            .map_err(io::Error::other)?;
        let overflow = if setup.blocks {
            OverflowPolicy::Block
        } else {
            OverflowPolicy::DropIncoming
        };
        let sink = AsyncPoolSink::builder()
            .sink(file)
            .thread_pool(pool)
            .overflow_policy(overflow)
            // It tells of each lost record, and losing is what a run may be about.
            .error_handler(|_| ())
            .build_arc()
            .map_err(io::Error::other)?;
        let logger = Logger::builder()
            .sink(sink)
            .level_filter(LevelFilter::All)
            .error_handler(|_| ())
            .build()
            .map_err(io::Error::other)?;
        Ok(Box::new(Spdlog(Arc::new(logger))))
    },
};

struct Spdlog(Arc<Logger>);

impl Recorder for Spdlog {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| spdlog::info!(logger: self.0, "{text}"));
    }

    fn close(self: Box<Self>) {
        for sink in self.0.sinks() {
            // Ends the pool's thread when its queue is empty, and flushes the file.
            sink.flush_on_exit().expect("the disk takes the lines");
        }
    }
}

#[derive(Clone)]
struct MessageAlone;

impl Formatter for MessageAlone {
    fn format(
        &self,
        record: &Record<'_>,
        line: &mut StringBuf,
        _: &mut FormatterContext<'_>,
    ) -> spdlog::Result<()> {
        line.push_str(record.payload());
        line.push('\n');
        Ok(())
    }
}
