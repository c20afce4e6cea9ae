//! Memory stays bounded, and is given back.

use std::fs;
use std::thread;

use audit_jsonl::BackpressureStrategy::{Block, Drop};
use audit_jsonl::{AuditSink, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, SharedBuf, gate};

use crate::idle::wait_until_idle;
use crate::support::{child, event, event_of, fates, output_of};

const MIB: usize = 1024 * 1024;

#[test]
fn a_burst_of_large_lines_takes_little_more_than_the_bound() {
    let Some(child) = child("memory::a_burst_of_large_lines_takes_little_more_than_the_bound")
    else {
        const BOUND: usize = 16 * MIB;
        let (gate, writer) = gate::pair(std::io::sink());
        let sink = JsonLinesAuditSink::builder()
            .capacity(1_000_000)
            .capacity_bytes(BOUND)
            .strategy(Drop)
            .build(Box::new(writer))
            .unwrap();
        // Sizes that fit badly into a segment, and ones that have their own.
        let events: Vec<_> = [70_000, 300, 131_000, 200_000, 1_000_000, 500]
            .iter()
            .map(|bytes| event_of(0, *bytes))
            .collect();
        let before = peak_bytes();
        for _ in 0..200 {
            for event in &events {
                sink.on_call(event);
            }
        }
        let after = peak_bytes();
        assert!(sink.drops() > 0);
        let queued = sink.counters().queued_bytes as usize;
        assert!((BOUND / 2..=BOUND).contains(&queued), "{queued}");
        let taken = after - before;
        assert!(taken <= 2 * BOUND + 8 * MIB, "{} MiB", taken / MIB);
        gate.open();
        sink.close(DEADLINE).unwrap();
        return;
    };
    output_of(steady(child));
}

#[test]
fn what_a_burst_took_is_given_back() {
    let Some(child) = child("memory::what_a_burst_took_is_given_back") else {
        const BOUND: usize = 64 * MIB;
        let (gate, writer) = gate::pair(std::io::sink());
        let sink = JsonLinesAuditSink::builder()
            .capacity(1_000_000)
            .capacity_bytes(BOUND)
            .strategy(Drop)
            .build(Box::new(writer))
            .unwrap();
        sink.on_call(&event(0));
        let before = present_bytes();
        let event = event_of(1, 1_000);
        for _ in 0..60_000 {
            sink.on_call(&event);
        }
        assert!(present_bytes() - before > 50 * MIB);
        gate.open();
        sink.flush(DEADLINE).unwrap();
        assert_eq!(fates(&sink), (60_001, 0, 0, 0));
        wait_until_idle();
        let kept = present_bytes().saturating_sub(before);
        assert!(kept < 4 * MIB, "{} MiB are kept", kept / MIB);
        return;
    };
    output_of(steady(child));
}

#[test]
fn an_idle_sink_takes_less_than_a_mebibyte() {
    let Some(child) = child("memory::an_idle_sink_takes_less_than_a_mebibyte") else {
        let before = present_bytes();
        let sink = JsonLinesAuditSink::new(Box::new(std::io::sink()));
        sink.on_call(&event(0));
        sink.flush(DEADLINE).unwrap();
        wait_until_idle();
        let taken = present_bytes().saturating_sub(before);
        assert!(taken < MIB, "{taken} bytes");
        return;
    };
    output_of(steady(child));
}

#[test]
fn threads_that_once_made_a_large_event_keep_nothing_of_it() {
    let Some(child) = child("memory::threads_that_once_made_a_large_event_keep_nothing_of_it")
    else {
        let sink = JsonLinesAuditSink::builder()
            .capacity_bytes(8 * MIB)
            .strategy(Block)
            .build(Box::new(Nothing))
            .unwrap();
        let large = event_of(0, 3 * MIB);
        let before = present_bytes();
        let barrier = std::sync::Barrier::new(17);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    sink.on_call(&large);
                    sink.on_call(&event(1));
                    barrier.wait();
                    barrier.wait();
                });
            }
            barrier.wait();
            sink.flush(DEADLINE).unwrap();
            let kept = present_bytes().saturating_sub(before);
            assert!(kept < 16 * MIB, "{} MiB are kept", kept / MIB);
            barrier.wait();
        });
        return;
    };
    output_of(steady(child));
}

/// Takes everything and keeps nothing.
struct Nothing;

impl std::io::Write for Nothing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is freed goes back to the system at once, so that it can be seen. It
/// is glibc that needs to be told; others ignore it.
fn steady(mut child: std::process::Command) -> std::process::Command {
    child.env("MALLOC_MMAP_THRESHOLD_", "65536");
    child
}

/// Without pages of the program itself, which come in as it runs.
fn present_bytes() -> usize {
    memory("RssAnon:")
}

fn peak_bytes() -> usize {
    memory("VmHWM:")
}

fn memory(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn lines_come_out_whole_whatever_segments_they_are_in() {
    audit_testkit::within(DEADLINE, || {
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 1_000, Block);
        let sizes = [
            300, 131_072, 131_071, 131_073, 400, 65_536, 65_537, 1_000_000, 300,
        ];
        let mut expected = String::new();
        for round in 0..5 {
            for (nth, bytes) in sizes.into_iter().enumerate() {
                let event = event_of(round * 10 + nth as u64, bytes);
                expected += &crate::support::line_of(&event);
                sink.on_call(&event);
            }
        }
        sink.flush(DEADLINE).unwrap();
        assert!(buf.contents() == expected.as_bytes());
    });
}
