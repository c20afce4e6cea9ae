//! Counting calls.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use audit_sink::counts::Row;
use audit_sink::schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, Counts};

fn call(tool: &str, caller: Option<&str>, duration_ms: u64, outcome: Outcome) -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00Z",
        "1",
        tool,
        duration_ms,
        outcome,
        "hot",
    )
    .with_caller_id(caller.map(Into::into))
}

fn failed() -> Outcome {
    Outcome::ExecutionFailed {
        code: "x".into(),
        retryable: false,
    }
}

fn key(row: &Row) -> (&str, &str, &str, u64) {
    (&row.tool, &row.caller, &row.outcome, row.calls)
}

#[test]
fn by_tool_caller_and_outcome() {
    let counts = Counts::new();
    for event in [
        call("files:read", Some("editor"), 3, Outcome::Success),
        call("files:read", Some("editor"), 5, Outcome::Success),
        call("files:read", Some("editor"), 1, failed()),
        call(
            "files:read",
            None,
            1,
            Outcome::CapabilityDenied { missing: vec![] },
        ),
        call(
            "files:list",
            None,
            1,
            Outcome::RateLimited {
                retry_after_ms: None,
            },
        ),
        call("files:list", None, 1, Outcome::ToolNotFound),
        call(
            "files:list",
            None,
            1,
            Outcome::Unknown {
                kind: "later\u{202e}".into(),
            },
        ),
    ] {
        counts.on_call(&event);
    }
    let snapshot = counts.snapshot();
    let rows: Vec<_> = snapshot.rows().iter().map(key).collect();
    assert_eq!(
        rows,
        [
            ("files:list", "", "rate_limited", 1),
            ("files:list", "", "tool_not_found", 1),
            ("files:list", "", "unknown", 1),
            ("files:read", "", "capability_denied", 1),
            ("files:read", "editor", "execution_failed", 1),
            ("files:read", "editor", "success", 2),
        ]
    );
    assert_eq!(
        (snapshot.calls(), snapshot.failures(), snapshot.denials()),
        (7, 1, 2)
    );
    assert_eq!(snapshot.rows()[5].time, Duration::from_millis(8));
    assert_eq!(snapshot.others(), 0);
}

#[test]
fn quantiles_are_right_to_one_part_in_a_hundred() {
    let counts = Counts::new();
    for ms in 1..=10_000 {
        counts.on_call(&call("echo", None, ms, Outcome::Success));
    }
    counts.on_call(&call("slow", None, u64::MAX, Outcome::Success));
    let snapshot = counts.snapshot();
    let row = &snapshot.rows()[0];
    for (found, exact) in [
        (row.p50, 5_000),
        (row.p90, 9_000),
        (row.p99, 9_900),
        (row.max, 10_000),
    ] {
        let found = found.as_millis() as f64;
        assert!(
            (found / f64::from(exact) - 1.0).abs() < 0.01,
            "{found} for {exact}"
        );
    }
    // A day, and no more, so that the histogram stays small.
    let day = 24.0 * 3_600.0;
    assert!((snapshot.rows()[1].max.as_secs_f64() / day - 1.0).abs() < 0.01);
}

#[test]
fn made_up_names_dont_fill_the_memory() {
    let counts = Counts::with_keys(10);
    for nth in 0..1_000 {
        let outcome = if nth % 2 == 0 {
            Outcome::Success
        } else {
            failed()
        };
        counts.on_call(&call(&format!("tool {nth}"), Some("mallory"), 1, outcome));
    }
    let snapshot = counts.snapshot();
    assert_eq!(snapshot.rows().len(), 12);
    assert_eq!(
        (snapshot.calls(), snapshot.others(), snapshot.failures()),
        (1_000, 990, 500)
    );
    let rest: Vec<_> = snapshot.rows()[10..].iter().map(key).collect();
    assert_eq!(
        rest,
        [
            ("_others", "_others", "execution_failed", 495),
            ("_others", "_others", "success", 495),
        ]
    );
    // A key that is known is counted as itself.
    counts.on_call(&call("tool 0", Some("mallory"), 1, Outcome::Success));
    assert_eq!(counts.snapshot().rows()[0].calls, 2);

    let long = Counts::new();
    // Cut to 128 bytes, but never within a character.
    for (name, kept) in [
        ("é".repeat(1_000_000), 128),
        (format!("x{}", "é".repeat(64)), 127),
    ] {
        long.on_call(&call(&name, None, 1, Outcome::Success));
        let snapshot = long.snapshot();
        assert!(snapshot.rows().iter().any(|row| row.tool == name[..kept]));
    }
}

#[test]
fn counts_are_exact_over_many_threads() {
    let counts = Counts::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for nth in 0..500 {
                    let tool = format!("tool {}", nth % 7);
                    counts.on_call(&call(&tool, None, 1, Outcome::Success));
                    drop(counts.snapshot());
                }
            });
        }
    });
    assert_eq!(counts.snapshot().calls(), 4_000);
    assert_eq!(counts.snapshot().rows().len(), 7);
}

fn of_all_sorts() -> Counts {
    let counts = Counts::with_keys(6);
    for tool in ["files:read", "say \"hi\"\\\n", "", "crab 🦀\r\t\u{2028}"] {
        for (ms, outcome) in [(1, Outcome::Success), (1_500, failed())] {
            counts.on_call(&call(tool, Some("a{b}=\"c\",d"), ms, outcome));
        }
        counts.on_call(&call(
            tool,
            None,
            2,
            Outcome::CapabilityDenied { missing: vec![] },
        ));
    }
    counts
}

#[test]
fn openmetrics_text_has_every_row() {
    let counts = Counts::new();
    counts.on_call(&call("a\"b\\c\nd", Some("me"), 1_500, Outcome::Success));
    counts.on_call(&call("a\"b\\c\nd", Some("me"), 1, failed()));
    let text = counts.snapshot().openmetrics();
    let labels = r#"tool="a\"b\\c\nd",caller="me""#;
    for line in [
        "# TYPE audit_calls counter".to_owned(),
        format!("audit_calls_total{{{labels},outcome=\"success\"}} 1"),
        format!("audit_failures_total{{{labels}}} 1"),
        format!("audit_denials_total{{{labels}}} 0"),
        "# UNIT audit_call_duration_seconds seconds".to_owned(),
        format!("audit_call_duration_seconds_count{{{labels},outcome=\"success\"}} 1"),
        format!("audit_call_duration_seconds_sum{{{labels},outcome=\"success\"}} 1.500"),
        "audit_folded_calls_total 0".to_owned(),
    ] {
        let found = text.lines().filter(|found| *found == line);
        assert_eq!(found.count(), 1, "{line}\n{text}");
    }
    assert!(text.ends_with("\n# EOF\n"));
    let nothing = Counts::new().snapshot().openmetrics();
    assert!(
        nothing.ends_with("audit_folded_calls_total 0\n# EOF\n"),
        "{nothing}"
    );
}

/// By the parser of Prometheus' own Python client, where that is installed.
#[test]
fn openmetrics_text_is_read_by_another_parser() {
    const READ: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
text = sys.stdin.buffer.read().decode('utf-8')
for family in parse(text):
    for sample in family.samples:
        labels = sample.labels
        tool, caller = ascii(labels.get('tool')), ascii(labels.get('caller'))
        print(sample.name, tool, caller, labels.get('outcome'), labels.get('quantile'), sample.value)
";
    let python = env::var("AUDIT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python)
        .args(["-c", "import prometheus_client"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        let skipped = "openmetrics_text_is_read_by_another_parser skipped: python3 with \
                       prometheus_client isn't there; pip install prometheus_client, and name \
                       that python in AUDIT_TEST_PYTHON\n";
        // Past what captures the output of tests: a skip is said aloud.
        drop(std::io::stderr().write_all(skipped.as_bytes()));
        return;
    }
    let mut child = Command::new(python)
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = of_all_sorts().snapshot().openmetrics();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    let read = String::from_utf8(output.stdout).unwrap();
    for line in [
        "audit_calls_total 'files:read' 'a{b}=\"c\",d' success None 1",
        "audit_calls_total 'say \"hi\"\\\\\\n' 'a{b}=\"c\",d' execution_failed None 1",
        "audit_denials_total 'files:read' '' None None 1",
        "audit_call_duration_seconds_sum 'files:read' 'a{b}=\"c\",d' execution_failed None 1.5",
        "audit_call_duration_seconds '_others' '_others' success 0.99 0.001",
        "audit_call_duration_seconds_count '_others' '_others' success None 2",
        "audit_folded_calls_total None None None None 6",
    ] {
        assert!(read.lines().any(|found| found == line), "{line}\n{read}");
    }
}
