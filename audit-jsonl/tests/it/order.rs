//! Lines stand in the order of the calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;

use audit_jsonl::BackpressureStrategy::{self, Block, Drop, FallbackSink};
use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, RecordingSink, SharedBuf, within};

use crate::support::{event, fates, number_of, numbers};

const THREADS: u64 = 8;
const EACH: u64 = 2_000;

#[test]
fn calls_that_come_one_after_the_other_stand_so_whatever_thread_they_come_from() {
    within(DEADLINE, || {
        for (capacity, strategy) in [(1 << 16, Drop), (1, Block), (64, Block)] {
            let buf = SharedBuf::new();
            let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), capacity, strategy);
            let turn = Mutex::new(0);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..500 {
                            let mut turn = turn.lock().unwrap();
                            sink.on_call(&event(*turn));
                            *turn += 1;
                        }
                    });
                }
            });
            sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&buf.text()), Vec::from_iter(0..2_000));
        }
    });
}

#[test]
fn each_thread_finds_its_calls_in_order_when_calls_are_dropped() {
    within(DEADLINE, || {
        let (sink, buf) = loaded(8, Drop);
        let written = numbers(&buf.text());
        assert_in_order(&written);
        let (lines, offered) = (written.len() as u64, THREADS * EACH);
        assert_eq!(fates(&sink), (lines, offered - lines, 0, 0));
    });
}

#[test]
fn each_thread_finds_all_its_calls_in_order_when_callers_wait() {
    within(DEADLINE, || {
        for capacity in [1, 3, 100] {
            let (sink, buf) = loaded(capacity, Block);
            let written = numbers(&buf.text());
            assert_in_order(&written);
            assert_all_once(written);
            assert_eq!(fates(&sink), (THREADS * EACH, 0, 0, 0));
        }
    });
}

#[test]
fn each_thread_finds_its_calls_in_order_in_the_log_and_in_the_fallback() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let (sink, buf) = loaded(8, FallbackSink(Arc::new(kept.clone())));
        let written = numbers(&buf.text());
        let fallen: Vec<u64> = kept.events().iter().map(number_of).collect();
        assert_in_order(&written);
        assert_in_order(&fallen);
        let (in_log, in_fallback) = (written.len() as u64, fallen.len() as u64);
        assert_eq!(fates(&sink), (in_log, 0, in_fallback, 0));
        assert_all_once([written, fallen].concat());
    });
}

#[test]
fn every_field_arrives_as_it_was_offered() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::new(Box::new(buf.clone()));
        let hostile = "\n\r\0\u{1b}[2J\u{2028}\u{202e}\"\\";
        let offered = event(1)
            .with_caller_id(Some(hostile.into()))
            .with_granted_capabilities(vec![hostile.into(), String::new()])
            .with_dry_run(true)
            .with_secrets_resolved(true)
            .with_cursor_page(Some(u32::MAX))
            .with_capability_provenance(Some(Vec::new()));
        sink.on_call(&offered);
        sink.flush(DEADLINE).unwrap();
        let lines = buf.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0], serde_json::to_string(&offered).unwrap());
        let read: CallEvent = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(read, offered);
    });
}

/// A sink to which many threads have offered their calls, and what it wrote.
/// Calls of the same thread are in the same thousands' block.
fn loaded(capacity: usize, strategy: BackpressureStrategy) -> (JsonLinesAuditSink, SharedBuf) {
    let buf = SharedBuf::new();
    let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), capacity, strategy);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let sink = &sink;
            scope.spawn(move || {
                for nth in 0..EACH {
                    sink.on_call(&event(thread * EACH + nth));
                }
            });
        }
    });
    sink.flush(DEADLINE).unwrap();
    (sink, buf)
}

#[track_caller]
fn assert_in_order(numbers: &[u64]) {
    let mut last = HashMap::new();
    for number in numbers {
        if let Some(before) = last.insert(number / EACH, number) {
            assert!(before < number, "{before} stands before {number}");
        }
    }
}

#[track_caller]
fn assert_all_once(mut numbers: Vec<u64>) {
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(0..THREADS * EACH));
}
