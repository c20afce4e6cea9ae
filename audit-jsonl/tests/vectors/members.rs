//! A log for each member of `chain`, and for what a line may hold.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use audit_jsonl::{
    AuditSink, BackpressureStrategy, CallEvent, CapProvenance, JsonLinesAuditSink, Outcome,
    ProvSource,
};
use audit_testkit::RecordingSink;

use crate::head_file::Head;
use crate::list::{Expect, INTACT, Vector, WHOLE};
use crate::support::{append, close, cut_to, event, event_of, flip, lines_of, log, open, record};

/// Name, what it is about, how it is made, and what is found.
type Made = (&'static str, &'static str, fn(&Path), Expect);

pub(crate) fn all() -> Vec<Vector> {
    let vector = |name, about, make, expect| Vector {
        name,
        about,
        make,
        expect,
        row: None,
    };
    let rows: [Made; 14] = [
        (
            "stream-seq-prev",
            "three calls; `opened` and `closed` as well",
            |path| log(path, 0..3),
            WHOLE,
        ),
        ("lost", "events that a full queue dropped", lost, INTACT),
        (
            "elsewhere",
            "events that went to the fallback",
            elsewhere,
            INTACT,
        ),
        (
            "cut",
            "an event that is too large",
            |path| log_events(path, &[event_of(0, 60_500)]),
            INTACT,
        ),
        (
            "opened-closed",
            "two writers one after the other",
            |path| {
                log(path, 0..2);
                log(path, 2..3);
            },
            WHOLE,
        ),
        (
            "opened",
            "a writer that did not close",
            |path| {
                let sink = open(path);
                record(&sink, 0..2);
                let kept = fs::read(path).unwrap();
                close(&sink);
                fs::write(path, kept).unwrap();
                fs::remove_file(Head::path(path)).unwrap();
            },
            INTACT,
        ),
        (
            "plain",
            "plain lines before the chain and in it",
            |path| {
                fs::write(path, lines_of([100, 101])).unwrap();
                log(path, 0..1);
                append(path, lines_of([102]));
                log(path, 1..2);
            },
            WHOLE,
        ),
        (
            "plain-untold",
            "plain lines that no chained line comes after",
            |path| {
                log(path, 0..2);
                append(path, lines_of([100]));
            },
            INTACT,
        ),
        (
            "torn",
            "bytes that were no record",
            |path| {
                log(path, 0..2);
                append(path, "{\"ts\":\"2026");
                log(path, 2..3);
            },
            INTACT,
        ),
        (
            "gone",
            "a power loss that took lines",
            |path| {
                log(path, 0..4);
                let text = fs::read(path).unwrap();
                let two = text
                    .split_inclusive(|byte| *byte == b'\n')
                    .take(2)
                    .map(<[u8]>::len)
                    .sum::<usize>();
                cut_to(path, two as u64);
                Head::edit(path, "boot", "another");
                log(path, 4..5);
            },
            INTACT,
        ),
        (
            "after",
            "a file that was damaged, and the stream that replaces its own",
            |path| {
                log(path, 0..2);
                flip(path, fs::metadata(path).unwrap().len() - 30);
                log(path, 2..3);
            },
            INTACT,
        ),
        (
            "rotated",
            "three files",
            |path| {
                log(path, 0..1);
                rotate(path);
                log(path, 1..3);
                rotate(path);
                log(path, 3..4);
            },
            WHOLE,
        ),
        (
            "overlap",
            "a file that begins with lines of the one before, and with its plain lines",
            |path| {
                log(path, 0..2);
                append(path, lines_of([100]));
                let lines = fs::read_to_string(path).unwrap();
                rotate(path);
                log(path, 2..3);
                let rest = fs::read_to_string(path).unwrap();
                // As a failed sync leaves it: the plain line stands in both.
                let from = lines.match_indices('\n').next().unwrap().0 + 1;
                fs::write(
                    path,
                    lines[from..].to_owned() + rest.trim_start_matches(&lines_of([100])),
                )
                .unwrap();
                fs::remove_file(Head::path(path)).unwrap();
            },
            WHOLE,
        ),
        (
            "strings",
            "every outcome, both sources, and strings that are hard to write",
            |path| {
                log_events(path, &odd_events());
            },
            WHOLE,
        ),
    ];
    let named = rows
        .into_iter()
        .map(|(name, about, make, expect)| vector(name, about, make, expect));
    named.collect()
}

pub(crate) fn log_events(path: &Path, events: &[CallEvent]) {
    let sink = open(path);
    for event in events {
        sink.on_call(event);
    }
    close(&sink);
}

/// Renames the active file as rotation does.
pub(crate) fn rotate(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("\"chain\":"))
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let stream = line["chain"]["stream"].as_str().unwrap();
    let name = format!(
        "audit-{}-{:020}.jsonl",
        &stream[..8],
        line["chain"]["seq"].as_u64().unwrap()
    );
    fs::rename(path, path.with_file_name(name)).unwrap();
}

fn lost(path: &Path) {
    overflow(path, BackpressureStrategy::Drop);
}

fn elsewhere(path: &Path) {
    overflow(
        path,
        BackpressureStrategy::FallbackSink(Arc::new(RecordingSink::new())),
    );
}

/// More than a queue of two takes, until not all of it was taken, and few lines.
fn overflow(path: &Path, strategy: BackpressureStrategy) {
    loop {
        let sink = JsonLinesAuditSink::builder()
            .capacity(2)
            .strategy(strategy.clone())
            .path(path)
            .open()
            .unwrap();
        for number in 0..8 {
            sink.on_call(&event(number));
        }
        let counters = sink.close(audit_testkit::DEADLINE).unwrap();
        if counters.offered > counters.written {
            return;
        }
        fs::remove_file(path).unwrap();
        fs::remove_file(Head::path(path)).unwrap();
    }
}

fn odd_events() -> Vec<CallEvent> {
    let outcomes = [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: "\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}".into(),
            retryable: true,
        },
        Outcome::InvalidArgs {
            message: "ü \u{2028} \u{1f600} \u{202e}".into(),
        },
        Outcome::CapabilityDenied { missing: vec![] },
        Outcome::RateLimited {
            retry_after_ms: None,
        },
        Outcome::RateLimited {
            retry_after_ms: Some(u64::MAX),
        },
        Outcome::ToolNotFound,
        Outcome::Unknown {
            kind: "of a later version".into(),
        },
    ];
    let provenance = vec![
        CapProvenance {
            cap: "a".into(),
            source: ProvSource::StringAllowList,
        },
        CapProvenance {
            cap: "b".into(),
            source: ProvSource::UcanChain {
                issuer_did: "did:web:example.org".into(),
                chain_depth: 255,
            },
        },
        CapProvenance {
            cap: "c".into(),
            source: ProvSource::Unknown {
                kind: "later".into(),
            },
        },
    ];
    let with = |(number, outcome)| {
        let mut event = event(number).with_cursor_page((number % 2 == 0).then_some(u32::MAX));
        event.outcome = outcome;
        event.duration_ms = u64::MAX - number;
        event
            .with_caller_id((number % 3 == 0).then(|| "}},\"chain\":{".into()))
            .with_capability_provenance((number % 4 == 0).then(|| provenance.clone()))
    };
    (0..).zip(outcomes).map(with).collect()
}
