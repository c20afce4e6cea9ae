//! Outcomes of each kind, and of kinds that this version doesn't know.

use audit_jsonl::form::{Line, Outcome};

use crate::form::chained;
use crate::support::event;

#[test]
fn a_kind_is_told_as_it_stands_in_the_line() {
    let line = chained(&event(1), 1, "");
    for (kind, more) in [
        ("success", ""),
        ("execution_failed", ",\"code\":\"x\",\"retryable\":true"),
        ("invalid_args", ",\"message\":\"x\""),
        ("capability_denied", ",\"missing\":[]"),
        ("rate_limited", ",\"retry_after_ms\":1"),
        ("tool_not_found", ""),
        ("deferred", ""),
    ] {
        let outcome = format!("{{\"kind\":\"{kind}\"{more}}}");
        let line = line.replace("{\"kind\":\"success\"}", &outcome);
        let Ok(Line::Record(record)) = Line::parse(line.as_bytes()) else {
            panic!("{line}");
        };
        assert_eq!(record.outcome.kind().unescaped(), kind);
        let is_known = !matches!(record.outcome, Outcome::Unknown { .. });
        assert_eq!(is_known, kind != "deferred", "{line}");
    }
}

#[test]
fn kinds_that_are_not_known_may_have_any_members() {
    let line = chained(&event(1), 1, "");
    let with = |outcome: &str| line.replace("{\"kind\":\"success\"}", outcome);
    for good in [
        "{\"kind\":\"deferred\"}",
        "{\"kind\":\"deferred\",\"until\":[\"noon\",{\"kind\":1}]}",
        // As `Outcome::Unknown` is written, whatever its kind.
        "{\"kind\":\"execution_failed\"}",
    ] {
        let line = with(good);
        let Ok(Line::Record(record)) = Line::parse(line.as_bytes()) else {
            panic!("{line}");
        };
        assert!(matches!(record.outcome, Outcome::Unknown { .. }));
    }
    let source = |source: &str| {
        let provenance = format!("[{{\"cap\":\"a\",\"source\":{source}}}]");
        let more = format!(",\"capability_provenance\":{provenance},\"chain\"");
        let line = line.replace(",\"chain\"", &more);
        Line::parse(line.as_bytes()).is_ok()
    };
    assert!(source("{\"kind\":\"string_allow_list\"}"));
    assert!(source("{\"kind\":\"new\",\"a\":1}"));
    assert!(!source("{\"kind\":\"string_allow_list\",\"a\":1}"));
    for bad in [
        "{\"kind\":\"deferred\",\"a\":1,\"a\":1}",
        "{\"kind\":\"deferred\",\"kind\":1}",
        "{\"kind\":\"deferred\", \"a\":1}",
        "{\"kind\":\"success\",\"a\":1}",
        "{\"kind\":\"execution_failed\",\"code\":\"x\"}",
        "{\"kind\":\"execution_failed\",\"retryable\":true,\"code\":\"x\"}",
        "{\"a\":1,\"kind\":\"deferred\"}",
        "null",
    ] {
        assert!(Line::parse(with(bad).as_bytes()).is_err(), "{bad}");
    }
}
