//! The bytes of the lines.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use audit_jsonl::{AuditSink, BackpressureStrategy, JsonLinesAuditSink};
use audit_testkit::strategies::call_event;
use audit_testkit::{DEADLINE, PanickingSink, RecordingSink, within};
use proptest::test_runner::{Config, TestRunner};

use crate::checker::check;
use crate::form::leaf_hash;
use crate::support::{
    Dir, append, builder, close, event, event_of, line_of, lines_of, log, open, record,
};

#[test]
fn a_small_log_byte_for_byte() {
    let (_dir, path) = Dir::with_log();
    log(&path, 0..3);
    let text = fs::read_to_string(&path).unwrap();
    let found = check(&path).assert_whole();
    let rows = &found.rows;
    let (stream, opened) = (&rows[0].stream, &rows[0].chain["opened"]);
    let mut expected = String::new();
    let mut prev = String::new();
    for (seq, row) in rows.iter().enumerate() {
        let event = line_of(&row.event);
        let line = event.strip_suffix("}\n").unwrap().to_owned()
            + &format!(",\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq}")
            + &match seq {
                0 => format!(",\"opened\":{opened}}}}}"),
                3 => format!(
                    ",\"prev\":\"{prev}\",\"closed\":{}}}}}",
                    rows[3].chain["closed"]
                ),
                _ => format!(",\"prev\":\"{prev}\"}}}}"),
            };
        prev = leaf_hash(line.as_bytes());
        expected += &(line + "\n");
    }
    assert_eq!(text, expected);
    assert_eq!(found.numbers(), [0, 1, 2]);
    assert!(text.starts_with(
        "{\"ts\":\"2026-11-20T09:30:00.000000Z\",\"call_id\":\"0\",\"tool_id\":\"files:read\",\
         \"granted_capabilities\":[],\"duration_ms\":3,\"outcome\":{\"kind\":\"success\"},\
         \"tier\":\"hot\",\"dry_run\":false,\"schema_version\":3,\"secrets_resolved\":false,\
         \"chain\":{\"stream\":\""
    ));
}

#[test]
fn a_link_is_checked_with_a_shell() {
    let (dir, path) = Dir::with_log();
    log(&path, 0..50);
    let found = check(&path).assert_whole();
    let script = "(printf '\\000'; sed -n 41p audit.jsonl | tr -d '\\n') | sha256sum";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(dir.path(""))
        .output()
        .unwrap();
    let hash = String::from_utf8(output.stdout).unwrap();
    assert_eq!(&hash[..64], found.rows[41].chain["prev"]);
}

#[test]
fn each_event_is_in_its_line_whatever_it_holds() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let mut runner = TestRunner::new(Config::with_cases(300));
        let sink = open(&path);
        let sent = std::cell::RefCell::new(Vec::new());
        runner
            .run(&call_event(), |event| {
                // An own record would be taken for a closing one.
                if line_of(&event).len() <= 60_000 && event.tool_id != "audit:log" {
                    sink.on_call(&event);
                    sink.flush(DEADLINE).unwrap();
                    sent.borrow_mut().push(event);
                }
                Ok(())
            })
            .unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        let rows = found.rows.into_iter().filter(|row| !row.is_own());
        let events: Vec<_> = rows.map(|row| row.event).collect();
        assert_eq!(events, sent.into_inner());
    });
}

#[test]
fn hostile_strings_stay_in_their_line() {
    let (_dir, path) = Dir::with_log();
    let sink = open(&path);
    let mut hostile = event(7);
    hostile.tool_id = "\n\r\u{1b}[2J\u{2028}\u{2029}\u{0}\u{feff}\u{202e}\"\\}".into();
    hostile.caller_id = Some("\",\"chain\":{\"stream\":\"\"},\"x\":\"".into());
    hostile.tier = "}}\n{\"ts\":\"\"}\n".into();
    sink.on_call(&hostile);
    close(&sink);
    let found = check(&path).assert_whole();
    assert_eq!(found.rows.len(), 2);
    assert_eq!(found.rows[0].event, hostile);
}

#[test]
fn plain_lines_are_taken_up() {
    let (_dir, path) = Dir::with_log();
    fs::write(&path, lines_of(100..105)).unwrap();
    log(&path, 0..2);
    let found = check(&path).assert_whole();
    assert_eq!(found.plain_numbers(), [100, 101, 102, 103, 104]);
    assert_eq!(found.numbers(), [0, 1]);
    assert_eq!(found.rows[0].chain["plain"]["lines"], 5);
    assert_eq!(found.with("plain").len(), 1);
    // And in between.
    append(&path, lines_of([200]));
    log(&path, 2..4);
    append(&path, lines_of(201..203));
    let found = check(&path);
    assert_eq!(found.plain_numbers().len(), 8);
    log(&path, 4..5);
    let found = check(&path).assert_whole();
    assert_eq!(found.numbers(), [0, 1, 2, 3, 4]);
    assert_eq!(found.with("plain").len(), 3);
}

#[test]
fn nothing_is_written_by_who_has_nothing_to_tell() {
    let (_dir, path) = Dir::with_log();
    close(&open(&path));
    assert_eq!(fs::read(&path).unwrap(), b"");
    log(&path, 0..2);
    let before = fs::read(&path).unwrap();
    for _ in 0..3 {
        let sink = open(&path);
        sink.flush(DEADLINE).unwrap();
        drop(sink);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    check(&path).assert_whole();
}

#[test]
fn each_writer_tells_once_that_it_opened_and_closed() {
    let (_dir, path) = Dir::with_log();
    for round in 0..3 {
        let sink = open(&path);
        for batch in 0..4 {
            record(&sink, [10 * round + batch]);
        }
        // Neither closing twice nor dropping tells anything more.
        close(&sink);
        close(&sink);
        drop(sink);
    }
    let found = check(&path).assert_whole();
    assert_eq!((found.rows.len(), found.streams().len()), (15, 1));
    let place = |member| -> Vec<u64> { found.with(member).iter().map(|row| row.seq).collect() };
    assert_eq!(place("opened"), [0, 5, 10]);
    assert_eq!(place("closed"), [4, 9, 14]);
    assert_eq!(found.rows[0].chain.keys().count(), 3);
}

#[test]
fn losses_are_told_once_and_in_full() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        // More than the queue takes at once is dropped sooner or later.
        let sink = JsonLinesAuditSink::builder()
            .capacity(2)
            .path(&path)
            .open()
            .unwrap();
        for number in 0..20_000 {
            sink.on_call(&event(number));
        }
        let counters = sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert!(counters.dropped > 0, "nothing was lost: {counters}");
        assert_eq!(found.sum("lost"), counters.dropped);
        assert_eq!(found.sum("elsewhere"), 0);
        assert_eq!(found.numbers().len() as u64, counters.written);
        assert_eq!(counters.offered, counters.written + counters.dropped);
    });
}

#[test]
fn what_went_to_the_fallback_is_told_of() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let kept = RecordingSink::new();
        let sink = JsonLinesAuditSink::builder()
            .capacity(2)
            .strategy(BackpressureStrategy::FallbackSink(Arc::new(kept.clone())))
            .path(&path)
            .open()
            .unwrap();
        for number in 0..20_000 {
            sink.on_call(&event(number));
        }
        let counters = sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert!(counters.fallen_back > 0, "nothing fell back: {counters}");
        assert_eq!(found.sum("elsewhere"), counters.fallen_back);
        assert_eq!(kept.events().len() as u64, counters.fallen_back);
        assert_eq!(found.sum("lost"), 0);
    });
}

#[test]
fn a_loss_at_the_end_is_told_by_the_closing_record() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        // Nothing but losses: the fallback panics, and the queue takes none.
        let sink = JsonLinesAuditSink::builder()
            .strategy(BackpressureStrategy::FallbackSink(Arc::new(PanickingSink)))
            .capacity(1)
            .capacity_bytes(4096)
            .path(&path)
            .open()
            .unwrap();
        sink.on_call(&event_of(0, 4000));
        for number in 1..1000 {
            sink.on_call(&event_of(number, 4000));
        }
        let counters = sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert!(counters.dropped > 0, "{counters}");
        assert_eq!(found.sum("lost"), counters.dropped);
        let last = found.rows.last().unwrap();
        assert!(last.is_own() && last.has("closed"));
        assert_eq!(
            (last.event.tier.as_str(), last.event.duration_ms),
            ("audit", 0)
        );
    });
}

#[test]
fn the_log_reads_as_plain_events_too() {
    let (_dir, path) = Dir::with_log();
    append_and_reopen(&path);
    let text = fs::read_to_string(&path).unwrap();
    for line in text.lines() {
        serde_json::from_str::<audit_jsonl::CallEvent>(line).unwrap();
    }
}

fn append_and_reopen(path: &std::path::Path) {
    fs::write(path, lines_of(0..3)).unwrap();
    let sink = builder(path).open().unwrap();
    record(&sink, 3..6);
    close(&sink);
    check(path).assert_whole();
}
