//! tracing-appender by itself, and behind tracing's macros.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};

use audit_jsonl::CallEvent;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::text::{with_line, with_text};
use crate::contender::{Contender, FILE_BUFFER_BYTES, Kind, Recorder, Setup};
use crate::written::Form;

pub(crate) const TRACING_APPENDER: Contender = Contender {
    name: "tracing-appender",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Lines,
    setup: "`NonBlockingBuilder`, 8,192 lines, `lossy(false)`, over a `BufWriter` of 64 KiB, \
            which its thread flushes whenever its queue is empty; called without tracing, by \
            `write_all`",
    unequal: "its guard waits a second at most for what is queued",
    open: |setup| {
        let (writer, guard) = appender(setup)?;
        let errors = writer.error_counter();
        Ok(Box::new(Appender {
            writer,
            errors,
            guard,
        }))
    },
};

pub(crate) const TRACING: Contender = Contender {
    name: "tracing",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Lines,
    setup: "`tracing::info!` to a `fmt` subscriber whose format is the message alone, over \
            tracing-appender as above",
    unequal: "as above",
    open: |setup| {
        let (writer, guard) = appender(setup)?;
        let errors = writer.error_counter();
        let subscriber = tracing_subscriber::fmt()
            .event_format(MessageAlone)
            .with_writer(writer)
            .finish();
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        Ok(Box::new(Tracing { errors, guard }))
    },
};

fn appender(setup: &Setup<'_>) -> io::Result<(NonBlocking, WorkerGuard)> {
    let file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(setup.path)?;
    let writer: BufWriter<File> = BufWriter::with_capacity(FILE_BUFFER_BYTES, file);
    Ok(NonBlockingBuilder::default()
        .buffered_lines_limit(setup.capacity)
        .lossy(!setup.blocks)
        .finish(writer))
}

struct Appender {
    writer: NonBlocking,
    errors: ErrorCounter,
    guard: WorkerGuard,
}

impl Recorder for Appender {
    fn record(&self, event: &CallEvent) {
        // A writer of its own for each event, as tracing makes them too.
        let mut writer = self.writer.clone();
        with_line(event, |line| writer.write_all(line.as_bytes())).expect("its thread lives");
    }

    fn dropped(&self) -> Option<u64> {
        Some(self.errors.dropped_lines() as u64)
    }

    fn close(self: Box<Self>) {
        drop(self.guard);
    }
}

struct Tracing {
    errors: ErrorCounter,
    guard: WorkerGuard,
}

impl Recorder for Tracing {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| tracing::info!("{text}"));
    }

    fn dropped(&self) -> Option<u64> {
        Some(self.errors.dropped_lines() as u64)
    }

    fn close(self: Box<Self>) {
        drop(self.guard);
    }
}

struct MessageAlone;

impl<S, N> FormatEvent<S, N> for MessageAlone
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut message = Message(&mut writer, Ok(()));
        event.record(&mut message);
        message.1?;
        writer.write_char('\n')
    }
}

struct Message<'a, 'w>(&'a mut Writer<'w>, fmt::Result);

impl Visit for Message<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.1 = write!(self.0, "{value:?}");
        }
    }
}
