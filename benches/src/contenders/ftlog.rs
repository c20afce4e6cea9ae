use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, BufWriter};

use audit_jsonl::CallEvent;
use ftlog::{FtLogFormat, LevelFilter, LogTimezone, LoggerGuard};

use super::text::with_text;
use crate::contender::{Contender, FILE_BUFFER_BYTES, Kind, Recorder};
use crate::written::Form;

pub(crate) const FTLOG: Contender = Contender {
    name: "ftlog",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Prefixed,
    setup: "`log::info!` to ftlog, `bounded(8192, true)`, times in UTC, a format of the message \
            alone, over a `BufWriter` of 64 KiB",
    unequal: "it can't write the line alone: a time and a delay stand before each, about 35 \
              bytes; what is buffered is flushed after a second",
    open: |setup| {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(setup.path)?;
        let guard = ftlog::builder()
            .max_log_level(LevelFilter::Info)
            .bounded(setup.capacity, setup.blocks)
            .timezone(LogTimezone::Utc)
            .format(MessageAlone)
            .root(BufWriter::with_capacity(FILE_BUFFER_BYTES, file))
            .build()
            .map_err(io::Error::other)?
            .init()
            .map_err(io::Error::other)?;
        Ok(Box::new(Ftlog(guard)))
    },
};

struct Ftlog(LoggerGuard);

impl Recorder for Ftlog {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| log::info!("{text}"));
    }

    fn close(self: Box<Self>) {
        drop(self.0);
    }
}

struct MessageAlone;

impl FtLogFormat for MessageAlone {
    fn msg(&self, record: &log::Record<'_>) -> Box<dyn Send + Sync + Display> {
        Box::new(record.args().to_string())
    }
}
