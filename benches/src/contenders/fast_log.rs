use std::io;

use audit_jsonl::CallEvent;
use fast_log::Config;

use super::text::with_line;
use crate::contender::{Contender, Kind, Recorder};
use crate::written::Form;

pub(crate) const FAST_LOG: Contender = Contender {
    name: "fast_log",
    kind: Kind::Peer,
    can_drop: false,
    form: Form::Lines,
    setup: "`fast_log::print`, which takes a line as it is, `chan_len(8192)`, over its file \
            appender, which writes what has gathered at once",
    unequal: "8,192 lines may wait in its first channel, and as many batches of them in the \
              second: its memory is hardly bounded",
    open: |setup| {
        let path = setup.path.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let config = Config::new().chan_len(Some(setup.capacity)).file(path);
        fast_log::init(config).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Box::new(FastLog))
    },
};

struct FastLog;

impl Recorder for FastLog {
    fn record(&self, event: &CallEvent) {
        let sent = with_line(event, |line| fast_log::print(line.to_owned()).is_ok());
        assert!(sent, "its thread lives");
    }

    fn close(self: Box<Self>) {
        fast_log::flush().expect("its thread lives").wait();
    }
}
