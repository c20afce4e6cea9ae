//! Devices, pipes and files that fail for real.

use super::*;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use crate::support::{Scratch, event_of, fifo};

#[test]
fn a_device_that_is_full() {
    within(DEADLINE, || {
        let sinks = [Drop, Block].map(|strategy| {
            let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
            JsonLinesAuditSink::with_strategy(Box::new(full), 4, strategy)
        });
        let [dropping, waiting] = sinks;
        for number in 0..10 {
            dropping.on_call(&event(number));
        }
        assert_eq!(fates(&dropping), (0, 6, 0, 4));
        until("it is degraded", || !dropping.health().is_healthy());
        let reason = dropping.health().to_string();
        assert!(reason.contains("No space left"), "{reason}");
        dropping.close(Duration::from_millis(50)).unwrap_err();
        until("all are given up", || dropping.drops() == 10);

        thread::scope(|scope| {
            let caller = scope.spawn(|| {
                for number in 0..10 {
                    waiting.on_call(&event(number));
                }
            });
            until("it is degraded", || !waiting.health().is_healthy());
            waiting.close(Duration::from_millis(50)).unwrap_err();
            caller.join().unwrap();
        });
        until("all are given up", || waiting.drops() == 10);
    });
}

#[test]
fn a_file_on_a_device_that_is_full() {
    within(DEADLINE, || {
        let direct = DirectJsonLinesSink::file(Path::new("/dev/full")).unwrap();
        direct.on_call(&event(0));
        direct.on_call(&event(1));
        assert_eq!(direct.drops(), 2);
        assert!(!direct.health().is_healthy());
    });
}

#[test]
fn a_pipe_whose_reader_is_slow_and_which_never_waits() {
    const NONBLOCK: i32 = 0o4000;
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let path = fifo(&scratch);
        let mut options = OpenOptions::new();
        options.custom_flags(NONBLOCK);
        let mut reader = options.clone().read(true).open(&path).unwrap();
        let writer = options.write(true).open(&path).unwrap();
        let builder = holding(1_000).strategy(Block);
        let sink = builder.build(Box::new(writer)).unwrap();
        // A pipe holds 64 KiB.
        for number in 0..300 {
            sink.on_call(&event_of(number, 1_000));
        }
        until("the pipe is full", || sink.counters().write_errors > 3);
        let mut read = Vec::new();
        until("all is read", || {
            match reader.read_to_end(&mut read) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), WouldBlock),
            }
            read.len() == 300_000
        });
        sink.flush(DEADLINE).unwrap();
        let text = String::from_utf8(read).unwrap();
        assert_eq!(numbers(&text), Vec::from_iter(0..300));
        assert_eq!(fates(&sink), (300, 0, 0, 0));
    });
}

#[test]
fn a_pipe_whose_reader_goes_away() {
    within(DEADLINE, || {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut probe = writer.try_clone().unwrap();
        let sink = JsonLinesAuditSink::new(Box::new(writer));
        sink.on_call(&event(0));
        sink.flush(DEADLINE).unwrap();
        let mut line = vec![0; line_of(&event(0)).len()];
        reader.read_exact(&mut line).unwrap();
        drop(reader);
        // A process that another test starts may have it for a moment.
        until("the reader is gone", || probe.write(b"\n").is_err());
        for number in 1..4 {
            sink.on_call(&event(number));
        }
        sink.flush(DEADLINE).unwrap_err();
        assert_eq!(fates(&sink), (1, 3, 0, 0));
        let reason = sink.health().to_string();
        assert!(reason.contains("Broken pipe"), "{reason}");
    });
}

#[test]
fn a_file_that_is_deleted_or_cut_under_the_sink() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        let sink = JsonLinesAuditSink::file(&path).unwrap();
        sink.on_call(&event(0));
        sink.flush(DEADLINE).unwrap();
        // As logrotate's copytruncate does: appending goes on at the new end.
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&path)
            .unwrap();
        sink.on_call(&event(1));
        sink.flush(DEADLINE).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), lines_of([1]));
        fs::remove_file(&path).unwrap();
        sink.on_call(&event(2));
        sink.flush(DEADLINE).unwrap();
        sink.close(DEADLINE).unwrap();
    });
}
