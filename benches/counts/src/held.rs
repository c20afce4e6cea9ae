//! Sinks whose writer is held still until the case lets it go on, so that neither
//! thread's work depends on how the two are scheduled.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use audit_jsonl::{AuditSink, CallEvent, Durability, JsonLinesAuditSink};

use crate::events::{EVENTS, usual};

/// More than any case queues.
const CAPACITY: usize = 8_192;

/// A sink, and what holds its writer.
pub(crate) struct Held {
    // First, as it is dropped first: the sink waits for its writer.
    hold: Hold,
    sink: JsonLinesAuditSink,
    event: CallEvent,
}

/// What holds the writer until it is dropped.
enum Hold {
    Gate { _open: Sender<Infallible> },
    Lock { _head: File },
}

/// Plain lines to nowhere.
pub(crate) fn plain() -> Held {
    let (open, gate) = channel();
    let (reached, arrived) = sync_channel(1);
    let gated = Gated { reached, gate };
    let sink = JsonLinesAuditSink::new_with_capacity(Box::new(gated), CAPACITY);
    let held = Held::new(Hold::Gate { _open: open }, sink);
    held.sink.on_call(&held.event);
    arrived.recv().expect("the writer writes");
    held.warmed()
}

/// A chained log on disk. What holds its writer is the log's lock, as another process
/// would.
pub(crate) fn chained() -> Held {
    let directory = scratch("chained");
    let path = directory.join("audit.jsonl");
    let sink = JsonLinesAuditSink::builder()
        .capacity(CAPACITY)
        .path(&path)
        .durability(Durability::Written)
        .open()
        .expect("a log in an empty directory can be opened");
    let head = File::open(directory.join("audit.jsonl.head")).expect("an open log has a head");
    head.lock().expect("nobody else is there for long");
    Held::new(Hold::Lock { _head: head }, sink).warmed()
}

/// An empty directory.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("what an earlier run left can be removed");
    }
    fs::create_dir_all(&directory).expect("a directory can be made");
    directory
}

impl Held {
    fn new(hold: Hold, sink: JsonLinesAuditSink) -> Self {
        let event = usual();
        Self { hold, sink, event }
    }

    /// After so many calls the thread's buffer is there, and the writer has turned to
    /// its work.
    fn warmed(self) -> Self {
        self.record();
        self
    }

    pub(crate) fn record(&self) {
        for _ in 0..EVENTS {
            self.sink.on_call(&self.event);
        }
    }

    /// Lets the writer write all that is queued, and end.
    pub(crate) fn release(self) {
        drop(self.hold);
        self.sink
            .close(Duration::from_secs(60))
            .expect("all is written");
        assert_eq!(self.sink.drops(), 0);
    }
}

/// A destination that takes nothing before its gate is opened.
struct Gated {
    reached: SyncSender<()>,
    gate: Receiver<Infallible>,
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Once is enough; later there is nobody who listens.
        self.reached.try_send(()).ok();
        // Nothing ever comes: it ends when the other end is dropped.
        self.gate.recv().ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
