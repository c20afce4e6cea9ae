//! Events that a reader of this version can't make sense of, in our own lines.

use std::fs;
use std::path::Path;

use audit_jsonl::{AuditSink, CallEvent, Outcome};
use audit_testkit::{DEADLINE, within};
use serde_json::Value;

use crate::head_file::Head;
use crate::support::{Dir, close, event, log, open, record};

/// An outcome of a kind that is known, without the members that belong to it.
fn odd(number: u64, kind: &str) -> CallEvent {
    let mut event = event(number);
    event.outcome = Outcome::Unknown { kind: kind.into() };
    event
}

/// The stream and the number of each line.
fn links(log: &Path) -> Vec<(String, u64)> {
    let text = fs::read_to_string(log).unwrap();
    let links = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let chain = &line["chain"];
        let stream = chain["stream"].as_str().unwrap().to_owned();
        (stream, chain["seq"].as_u64().unwrap())
    });
    links.collect()
}

#[test]
fn an_outcome_that_does_not_read_back_damages_nothing() {
    within(DEADLINE, || {
        let lags: [fn(&Path, &[u8]); 3] = [
            |_, _| {},
            // Its writer was killed before it wrote the head.
            |path, earlier| fs::write(Head::path(path), earlier).unwrap(),
            |path, _| fs::remove_file(Head::path(path)).unwrap(),
        ];
        for kind in ["execution_failed", "invalid_args", "rate_limited", "new"] {
            for lag in lags {
                let (dir, path) = Dir::with_log();
                log(&path, 0..2);
                let earlier = fs::read(Head::path(&path)).unwrap();
                let killed = open(&path);
                killed.on_call(&odd(2, kind));
                killed.flush(DEADLINE).unwrap();
                lag(&path, &earlier);
                let sink = open(&path);
                record(&sink, 3..4);
                sink.on_call(&odd(4, kind));
                sink.commit(&odd(5, kind), DEADLINE).unwrap();
                close(&sink);
                log(&path, 6..7);
                assert_eq!(dir.names(), ["audit.jsonl", "audit.jsonl.head"], "{kind}");
                let links = links(&path);
                // 7 calls, and the closing lines of three.
                assert_eq!(links.len(), 10, "{kind}");
                for (nth, (stream, seq)) in links.iter().enumerate() {
                    assert_eq!((stream, *seq), (&links[0].0, nth as u64), "{kind}");
                }
            }
        }
    });
}
