//! Logs to ask.

use std::fs;
use std::path::Path;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, CallEvent, JsonLinesAuditSink, Outcome};

/// At so many bytes a log is rotated: the least that it can be.
pub(crate) const MOST_BYTES: u64 = 64 * 1024;

/// A call every ten minutes, the first at half past nine; each is another in some
/// way.
pub(crate) fn calls() -> Vec<CallEvent> {
    let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let outcomes = [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: "ENOENT".into(),
            retryable: false,
        },
        Outcome::Success,
        Outcome::CapabilityDenied {
            missing: own(&["fs.write", "net"]),
        },
        Outcome::RateLimited {
            retry_after_ms: Some(1_500),
        },
        Outcome::InvalidArgs {
            message: "path: missing".into(),
        },
        Outcome::Success,
        Outcome::ToolNotFound,
        Outcome::Unknown {
            kind: "deferred".into(),
        },
    ];
    let tools = ["files:read", "files:list", "shell:run"];
    let callers = [Some("assistant"), Some("editor"), None, Some("")];
    let made = outcomes.into_iter().zip(0_u64..).map(|(outcome, nth)| {
        let minutes = 30 + nth * 10;
        let ts = format!(
            "2026-11-20T{:02}:{:02}:00.000000Z",
            9 + minutes / 60,
            minutes % 60
        );
        let nth = nth as usize;
        CallEvent::new(
            ts,
            format!("c{nth}"),
            tools[nth % 3],
            10_u64.pow(nth as u32 % 5),
            outcome,
            "hot",
        )
        .with_caller_id(callers[nth % 4].map(str::to_owned))
        .with_granted_capabilities(own(&["fs.read"]))
        .with_dry_run(nth == 6)
    });
    made.collect()
}

/// Names that would do harm on a terminal, or break lines and columns.
pub(crate) fn hostile() -> Vec<CallEvent> {
    let names = [
        "plain".to_owned(),
        "red \x1b[31mtext\x07".to_owned(),
        "gpj\u{202e}exe.\u{2066}".to_owned(),
        "two\nlines\r\ttab".to_owned(),
        "長い名前のツール長い名前のツール長い名前のツール".to_owned(),
        "c1 \u{9b}2J \u{2028} \u{feff}".to_owned(),
        "a,\"quoted\";=1+1".to_owned(),
        "x".repeat(50 * 1024),
        format!("e{}", "\u{301}".repeat(9_000)),
    ];
    let made = names.into_iter().zip(0..).map(|(name, nth)| {
        let ts = format!("2026-11-20T09:30:{nth:02}.250000Z");
        let failed = Outcome::ExecutionFailed {
            code: name.clone(),
            retryable: true,
        };
        let outcome = if nth % 2 == 0 {
            Outcome::Success
        } else {
            failed
        };
        CallEvent::new(ts, format!("h{nth}"), name.clone(), 7, outcome, "hot")
            .with_caller_id(Some(name))
    });
    made.collect()
}

/// The events as plain lines.
pub(crate) fn plain(events: &[CallEvent]) -> String {
    let line = |event| serde_json::to_string(event).unwrap() + "\n";
    events.iter().map(line).collect()
}

/// The events in a chained log, in files of at most so many bytes.
pub(crate) fn chained(path: &Path, events: &[CallEvent], rotate_at_bytes: Option<u64>) {
    let builder = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(path);
    let builder = match rotate_at_bytes {
        Some(bytes) => builder.rotate_at_bytes(bytes),
        None => builder,
    };
    let sink = builder.open().unwrap();
    for event in events {
        sink.on_call(event);
        // A batch is never divided between two files.
        sink.flush(audit_testkit::DEADLINE).unwrap();
    }
    sink.close(Duration::from_secs(60)).unwrap();
}

/// All lines of a directory's logs but the log's own, in the order of their files'
/// first numbers.
pub(crate) fn lines_of(directory: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    // `audit-….jsonl` before `audit.jsonl`.
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    let lines: String = texts.collect();
    let calls = lines
        .lines()
        .filter(|line| !line.contains("\"tool_id\":\"audit:log\""));
    calls.map(|line| line.to_owned() + "\n").collect()
}
