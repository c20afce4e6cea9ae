//! The sink keeps the contract of `AuditSink`, clause by clause, on a real log.

use std::fs;
use std::path::PathBuf;

use audit_jsonl::{CallEvent, DirectLogSink, Entry, LogReader};
use audit_testkit::conformance::{Harness, Reads, Refuses};
use audit_testkit::conformance_suite;

use super::builder;
use crate::support::{Dir, line_of};

/// The longest line, its line feed included, of an event that isn't cut.
const LONGEST_LINE: usize = 60_416 + 1;

struct Log {
    dir: Dir,
}

impl Log {
    fn new() -> Self {
        let dir = Dir::new();
        fs::create_dir(dir.path("log")).unwrap();
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path("log/audit.jsonl")
    }
}

impl Harness for Log {
    type Sink = DirectLogSink;

    fn open(&self) -> DirectLogSink {
        builder(&self.path()).open_direct().unwrap()
    }
}

impl Reads for Log {
    fn recorded(&self) -> Vec<CallEvent> {
        let mut events = Vec::new();
        let mut reader = LogReader::open(self.path()).unwrap();
        while let Some(entry) = reader.next_entry().unwrap() {
            if let Entry::Line(line) = entry {
                events.push(line.event().unwrap());
            }
        }
        events.retain(|event| event.tool_id != "audit:log");
        events
    }

    fn keeps(&self, event: &CallEvent) -> bool {
        line_of(event).len() <= LONGEST_LINE
    }
}

impl Refuses for Log {
    fn refuse(&self) {
        fs::rename(self.dir.path("log"), self.dir.path("away")).unwrap();
    }

    fn heal(&self) {
        fs::rename(self.dir.path("away"), self.dir.path("log")).unwrap();
    }
}

conformance_suite!(direct_log, Log::new(), [reads, refuses]);
