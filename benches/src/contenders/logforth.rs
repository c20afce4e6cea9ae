use std::io;
use std::path::Path;

use audit_jsonl::CallEvent;
use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::FileBuilder;
use logforth::core::Logger;
use logforth::record::Record;
use logforth::{Diagnostic, Error, Layout};

use super::text::with_text;
use crate::contender::{Contender, Kind, Recorder};
use crate::written::Form;

pub(crate) const LOGFORTH: Contender = Contender {
    name: "logforth",
    kind: Kind::Peer,
    can_drop: true,
    form: Form::Lines,
    setup: "a record to a `Logger` with an `Async` appender, 8,192 records, `overflow_block()`, \
            over its file appender, which has no buffer, with a layout of the message alone",
    unequal: "",
    open: |setup| {
        let directory = setup.path.parent().unwrap_or(Path::new("."));
        let name = setup.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or(io::ErrorKind::InvalidFilename)?;
        let file = FileBuilder::new(directory, name)
            .layout(MessageAlone)
            .build()
            .map_err(io::Error::other)?;
        let appender = AsyncBuilder::new("logforth")
            .buffered_lines_limit(Some(setup.capacity))
            .append(file);
        let appender = if setup.blocks {
            appender.overflow_block()
        } else {
            appender.overflow_drop_incoming()
        };
        let logger = logforth::core::builder()
            .dispatch(|dispatch| dispatch.append(appender.build()))
            .build();
        Ok(Box::new(Logforth(logger)))
    },
};

struct Logforth(Logger);

impl Recorder for Logforth {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| {
            let payload = format_args!("{text}");
            self.0.log(&Record::builder().payload(payload).build());
        });
    }

    fn close(self: Box<Self>) {
        // It joins the thread.
        drop(self.0);
    }
}

#[derive(Debug)]
struct MessageAlone;

impl Layout for MessageAlone {
    fn format(&self, record: &Record<'_>, _: &[Box<dyn Diagnostic>]) -> Result<Vec<u8>, Error> {
        Ok(record.payload().to_string().into_bytes())
    }
}
