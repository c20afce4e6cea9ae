//! The encoder on any event: the bytes of `serde_json`; and the chained log's, which
//! shortens what is too long for a line.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::Unstructured;
use audit_jsonl::form::Line;
use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{
    AuditSink, CallEvent, CapProvenance, DirectJsonLinesSink, Durability, JsonLinesAuditSink,
    Outcome, ProvSource, verify,
};

use crate::dir::Dir;
use crate::events::event;
use crate::logs::{ACTIVE, Tip};

/// Of the event part of a chained line, its braces included.
const LONGEST_EVENT: usize = 60_416;

/// Of a chained line with its line feed.
const LONGEST_LINE: usize = 61_440;

/// So long may anything take that doesn't depend on anybody.
const DEADLINE: Duration = Duration::from_secs(30);

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(event) = event(&mut u) else { return };
    let theirs = serde_json::to_string(&event).expect("an event is JSON");
    check_plain(&event, &theirs);
    if theirs.len() <= LONGEST_EVENT {
        check_linked(&event, &theirs);
    }
    // Opening a log takes a hundred times as long as all else.
    let is_chosen = u.arbitrary::<u8>().is_ok_and(|choice| choice % 16 == 1);
    if theirs.len() > LONGEST_EVENT - 100 || is_chosen {
        check_chained(&event, &theirs);
    }
}

/// A line that a sink writes.
fn check_plain(event: &CallEvent, theirs: &str) {
    let written = Shared::default();
    let sink = DirectJsonLinesSink::new(Box::new(written.clone()));
    sink.on_call(event);
    assert_eq!(sink.drops(), 0);
    drop(sink);
    let ours = written.take();
    assert_eq!(String::from_utf8_lossy(&ours), format!("{theirs}\n"));
    check_read(event, theirs);
}

/// The event is what is read.
fn check_read(event: &CallEvent, line: &str) {
    if !is_true(event) {
        return;
    }
    let read: CallEvent = serde_json::from_str(line).expect("an event's line is a record");
    assert_eq!(&read, event);
    let Ok(Line::Record(record)) = Line::parse(line.as_bytes()) else {
        panic!("an event's line is not in form: {line}");
    };
    assert_eq!(&record.to_event(), event);
}

/// Whoever calls a known kind unknown has written another event.
fn is_true(event: &CallEvent) -> bool {
    let outcomes = [
        "success",
        "execution_failed",
        "invalid_args",
        "capability_denied",
        "rate_limited",
        "tool_not_found",
    ];
    let sources = ["string_allow_list", "ucan_chain"];
    let outcome = match &event.outcome {
        Outcome::Unknown { kind } => !outcomes.contains(&kind.as_str()),
        _ => true,
    };
    let provenance = event.capability_provenance.iter().flatten();
    outcome
        && provenance
            .map(|item| &item.source)
            .all(|source| match source {
                ProvSource::Unknown { kind } => !sources.contains(&kind.as_str()),
                _ => true,
            })
}

/// With a link behind it, it is in form.
fn check_linked(event: &CallEvent, theirs: &str) {
    if !is_true(event) {
        return;
    }
    let line = Tip::new(1).link(theirs, "");
    let body = line.strip_suffix(b"\n").expect("a line");
    match Line::parse(body) {
        Ok(Line::Record(record)) => {
            assert_eq!(&record.to_event(), event);
            assert_eq!(record.chain.map(|chain| chain.seq), Some(0));
        }
        other => panic!("{other:?} of {}", String::from_utf8_lossy(body)),
    }
}

/// The line of a chained log.
fn check_chained(event: &CallEvent, theirs: &str) {
    let dir = Dir::new();
    let path = dir.path(ACTIVE);
    let sink = JsonLinesAuditSink::builder()
        .path(&path)
        .durability(Durability::Written)
        .open()
        .expect("a new log");
    sink.on_call(event);
    let counters = sink.close(DEADLINE).expect("a log in memory");
    assert_eq!((counters.written, counters.dropped), (1, 0), "{counters:?}");
    let bytes = std::fs::read(&path).expect("the log");
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    assert!(line.len() < LONGEST_LINE);
    let text = std::str::from_utf8(line).expect("a log is UTF-8");
    let read: CallEvent = match serde_json::from_str(text) {
        Ok(read) => read,
        Err(_) if !is_true(event) => return,
        Err(error) => panic!("{error}: {text}"),
    };
    let (bare, _) = text.rsplit_once(",\"chain\":").expect("a chained line");
    assert!(bare.len() < LONGEST_EVENT);
    if !is_true(event) {
        return;
    }
    let Ok(Line::Record(record)) = Line::parse(line) else {
        panic!("a line of a log is not in form: {text}");
    };
    let chain = record.chain.expect("a chained line");
    if chain.cut > 0 {
        assert!(theirs.len() >= LONGEST_EVENT, "cut without need");
        check_cut(event, &read);
    } else {
        assert_eq!(format!("{bare}}}"), theirs, "cut without a word");
    }
    let report = verify(&[&path], &VerifyOptions::new()).expect("the log is there");
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.complete, chain.cut == 0, "{report}");
}

/// Strings are shortened and lists end early, and what is left is as it was.
fn check_cut(event: &CallEvent, read: &CallEvent) {
    let pairs = [
        (&event.ts, &read.ts),
        (&event.call_id, &read.call_id),
        (&event.tool_id, &read.tool_id),
        (&event.tier, &read.tier),
    ];
    for (whole, short) in pairs {
        assert_short(whole, short);
    }
    assert_eq!(event.caller_id.is_some(), read.caller_id.is_some());
    for (whole, short) in event.caller_id.iter().zip(&read.caller_id) {
        assert_short(whole, short);
    }
    assert_short_list(&event.granted_capabilities, &read.granted_capabilities);
    assert_short(event.outcome.kind(), read.outcome.kind());
    if let (Outcome::CapabilityDenied { missing: whole }, Outcome::CapabilityDenied { missing }) =
        (&event.outcome, &read.outcome)
    {
        assert_short_list(whole, missing);
    }
    let whole: &[CapProvenance] = event.capability_provenance.as_deref().unwrap_or_default();
    let short = read.capability_provenance.as_deref().unwrap_or_default();
    assert!(short.len() <= whole.len());
    for (whole, short) in whole.iter().zip(short) {
        assert_short(&whole.cap, &short.cap);
    }
    let numbers = |event: &CallEvent| {
        let flags = (event.dry_run, event.secrets_resolved);
        (
            event.duration_ms,
            event.cursor_page,
            event.schema_version,
            flags,
        )
    };
    assert_eq!(numbers(event), numbers(read));
}

fn assert_short(whole: &str, short: &str) {
    let kept = short.strip_suffix('…').unwrap_or(short);
    assert!(whole == short || whole.starts_with(kept) && short.len() < whole.len());
}

fn assert_short_list(whole: &[String], short: &[String]) {
    assert!(short.len() <= whole.len());
    for (whole, short) in whole.iter().zip(short) {
        assert_short(whole, short);
    }
}

/// What was written, for whoever asks.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().expect("nobody panics with it");
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
