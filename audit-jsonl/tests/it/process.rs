//! A process that ends, forks or loses its streams.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::BackpressureStrategy::Block;
use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, SharedBuf, gate, within};

use crate::support::{
    Scratch, child, end_of, event, fates, line_of, lines_of, numbers, output_of, settle,
};

/// What a child writes before its own output: the test harness writes as well.
const BEGIN: &str = "-- the output begins --";

static SINK: OnceLock<JsonLinesAuditSink> = OnceLock::new();

mod that_ends {
    use super::*;

    const PATH: &str = "AUDIT_JSONL_PATH";
    const EVENTS: u64 = 1_000;

    #[test]
    fn by_exit_has_written_everything_once_its_sink_is_closed() {
        let Some(mut child) =
            child("process::that_ends::by_exit_has_written_everything_once_its_sink_is_closed")
        else {
            offer_all().close(DEADLINE).unwrap();
            process::exit(0);
        };
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        child.env(PATH, &path);
        output_of(child);
        assert_eq!(fs::read_to_string(path).unwrap(), lines_of(0..EVENTS));
    }

    #[test]
    fn by_return_has_written_everything_once_its_sink_is_closed() {
        let Some(mut child) =
            child("process::that_ends::by_return_has_written_everything_once_its_sink_is_closed")
        else {
            offer_all().close(DEADLINE).unwrap();
            return;
        };
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        child.env(PATH, &path);
        output_of(child);
        assert_eq!(fs::read_to_string(path).unwrap(), lines_of(0..EVENTS));
    }

    #[test]
    fn by_abort_has_written_what_was_flushed() {
        let Some(mut child) = child("process::that_ends::by_abort_has_written_what_was_flushed")
        else {
            offer_all().flush(DEADLINE).unwrap();
            process::abort();
        };
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        child.env(PATH, &path);
        assert!(!end_of(child).0.success());
        assert_eq!(fs::read_to_string(path).unwrap(), lines_of(0..EVENTS));
    }

    fn offer_all() -> &'static JsonLinesAuditSink {
        let path = std::env::var_os(PATH).unwrap();
        let file = fs::File::create(path).unwrap();
        let sink =
            SINK.get_or_init(|| JsonLinesAuditSink::with_strategy(Box::new(file), 64, Block));
        for number in 0..EVENTS {
            sink.on_call(&event(number));
        }
        sink
    }
}

mod that_drops_a_sink {
    use super::*;

    #[test]
    fn hears_on_stderr_what_could_not_be_written_in_time() {
        let name = "process::that_drops_a_sink::hears_on_stderr_what_could_not_be_written_in_time";
        let Some(child) = child(name) else {
            let (_gate, writer) = gate::pair(SharedBuf::new());
            let builder = JsonLinesAuditSink::builder().drop_timeout(Duration::from_millis(50));
            let sink = builder.build(Box::new(writer)).unwrap();
            for number in 0..3 {
                sink.on_call(&event(number));
            }
            let begun = Instant::now();
            drop(sink);
            assert!(begun.elapsed() >= Duration::from_millis(50));
            process::exit(0);
        };
        let (_, stderr) = output_of(child);
        assert_eq!(
            stderr,
            "audit-jsonl: a sink was dropped and 3 events were not written within 50ms\n"
        );
    }

    #[test]
    fn hears_nothing_when_all_is_well_or_was_told_before() {
        let name = "process::that_drops_a_sink::hears_nothing_when_all_is_well_or_was_told_before";
        let Some(child) = child(name) else {
            let sink = JsonLinesAuditSink::new(Box::new(SharedBuf::new()));
            sink.on_call(&event(0));
            drop(sink);
            let (_gate, writer) = gate::pair(SharedBuf::new());
            let sink = JsonLinesAuditSink::new(Box::new(writer));
            sink.on_call(&event(0));
            sink.close(Duration::from_millis(1)).unwrap_err();
            drop(sink);
            process::exit(0);
        };
        let (_, stderr) = output_of(child);
        assert_eq!(stderr, "");
    }

    #[cfg(unix)]
    #[test]
    fn survives_a_stderr_that_is_closed() {
        let name = "process::that_drops_a_sink::survives_a_stderr_that_is_closed";
        let Some(mut child) = child(name) else {
            io::stdin().read_line(&mut String::new()).unwrap();
            until_nobody_reads(io::stderr());
            let (_gate, writer) = gate::pair(SharedBuf::new());
            let builder = JsonLinesAuditSink::builder().drop_timeout(Duration::ZERO);
            let sink = builder.build(Box::new(writer)).unwrap();
            sink.on_call(&event(0));
            drop(sink);
            let sink = JsonLinesAuditSink::stderr();
            sink.on_call(&event(0));
            settle(&sink);
            assert_eq!(fates(&sink), (0, 1, 0, 0));
            process::exit(0);
        };
        child.stdin(Stdio::piped()).stderr(Stdio::piped());
        within(DEADLINE, move || {
            let mut child = child.stdout(Stdio::null()).spawn().unwrap();
            drop(child.stderr.take());
            child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
            assert!(child.wait().unwrap().success());
        });
    }
}

mod with_streams {
    use super::*;

    #[test]
    fn lines_of_a_sink_to_stdout_stand_between_those_of_println_and_never_inside() {
        const EACH: u64 = 2_000;
        let name = "process::with_streams::lines_of_a_sink_to_stdout_stand_between_those_of_println_and_never_inside";
        let Some(child) = child(name) else {
            println!("\n{BEGIN}");
            let sink = JsonLinesAuditSink::builder()
                .strategy(Block)
                .capacity(100)
                .build(Box::new(io::stdout()))
                .unwrap();
            let plain = JsonLinesAuditSink::stdout();
            thread::scope(|scope| {
                for thread in 0..2 {
                    let sink = &sink;
                    scope.spawn(move || {
                        for nth in 0..EACH {
                            sink.on_call(&event(thread * EACH + nth));
                        }
                    });
                    scope.spawn(move || {
                        for nth in 0..EACH {
                            println!("plain {}", thread * EACH + nth);
                        }
                    });
                }
            });
            plain.on_call(&event(2 * EACH));
            plain.close(DEADLINE).unwrap();
            sink.close(DEADLINE).unwrap();
            process::exit(0);
        };
        let (stdout, _) = output_of(child);
        let own = stdout.split_once(&format!("{BEGIN}\n")).unwrap().1;
        let (plain, records): (Vec<&str>, Vec<&str>) =
            own.lines().partition(|line| line.starts_with("plain "));
        let mut records = numbers(&(records.join("\n") + "\n"));
        records.sort_unstable();
        assert_eq!(records, Vec::from_iter(0..=2 * EACH));
        let mut plain: Vec<u64> = plain
            .iter()
            .map(|line| line["plain ".len()..].parse().unwrap())
            .collect();
        plain.sort_unstable();
        assert_eq!(plain, Vec::from_iter(0..2 * EACH));
    }

    #[test]
    fn a_sink_to_stderr_writes_there() {
        let Some(child) = child("process::with_streams::a_sink_to_stderr_writes_there") else {
            let sink = JsonLinesAuditSink::stderr();
            sink.on_call(&event(0));
            sink.close(DEADLINE).unwrap();
            let direct = audit_jsonl::DirectJsonLinesSink::stderr();
            direct.on_call(&event(1));
            process::exit(0);
        };
        assert_eq!(output_of(child).1, lines_of(0..2));
    }

    #[cfg(unix)]
    #[test]
    fn a_reader_of_stdout_that_goes_away_costs_events_and_no_panic() {
        let name =
            "process::with_streams::a_reader_of_stdout_that_goes_away_costs_events_and_no_panic";
        let Some(mut child) = child(name) else {
            println!("\n{BEGIN}");
            let sink = JsonLinesAuditSink::stdout();
            let direct = audit_jsonl::DirectJsonLinesSink::stdout();
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            io::stdin().read_line(&mut String::new()).unwrap();
            until_nobody_reads(io::stdout());
            for number in 1..4 {
                sink.on_call(&event(number));
                direct.on_call(&event(number));
            }
            settle(&sink);
            assert_eq!(fates(&sink), (1, 3, 0, 0));
            assert_eq!(direct.drops(), 3);
            sink.close(DEADLINE).unwrap();
            process::exit(0);
        };
        child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let stderr = within(DEADLINE, move || {
            let mut child = child.spawn().unwrap();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            while line != line_of(&event(0)) {
                line.clear();
                assert!(stdout.read_line(&mut line).unwrap() > 0, "it wrote nothing");
            }
            drop(stdout);
            child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
            let mut stderr = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut stderr)
                .unwrap();
            assert!(child.wait().unwrap().success(), "{stderr}");
            stderr
        });
        assert_eq!(stderr, "");
    }

    #[cfg(unix)]
    #[test]
    fn a_stdout_that_was_never_open_is_no_panic() {
        let name = "process::with_streams::a_stdout_that_was_never_open_is_no_panic";
        let Some(test) = child(name) else {
            let sink = JsonLinesAuditSink::stdout();
            sink.on_call(&event(0));
            drop(sink.flush(DEADLINE));
            assert_eq!(sink.counters().queued, 0);
            process::exit(0);
        };
        let mut shell = process::Command::new("sh");
        shell
            .args(["-c", "exec \"$@\" >&-", "sh"])
            .arg(test.get_program());
        shell.args(test.get_args());
        for (name, value) in test.get_envs() {
            shell.env(name, value.unwrap());
        }
        output_of(shell);
    }
}

#[cfg(target_os = "linux")]
mod that_forks;

#[test]
fn a_record_reads_as_it_was_written() {
    let line = line_of(&event(7));
    let read: CallEvent = serde_json::from_str(&line).unwrap();
    assert_eq!(read, event(7));
}

/// A process that another test starts may have the reader's end for a moment.
#[cfg(unix)]
fn until_nobody_reads(mut stream: impl Write) {
    crate::support::until("the reader is gone", || {
        let written = stream.write(b"\n").and_then(|_| stream.flush());
        written.is_err()
    });
}
