//! How a program may end, and what its global sink has recorded then: all of it.
//!
//! ```sh
//! cargo run -p audit-sink --example exits -- return | wc -l
//! cargo run -p audit-sink --example exits -- panic | wc -l
//! ```
//!
//! Each prints the number of calls, 1000, though the sink has a queue and a thread, and
//! nobody flushes it.

use std::env;
use std::io::{self, Write};
use std::process;
use std::thread;
use std::time::Duration;

use audit_sink::schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, MemorySink, Queued, Recorder, global};

const CALLS: usize = 1_000;

/// Prints each call's id, not too fast.
struct Lines;

impl AuditSink for Lines {
    fn on_call(&self, event: &CallEvent) {
        thread::sleep(Duration::from_micros(20));
        // Whoever reads it may have gone.
        drop(writeln!(io::stdout(), "{}", event.call_id));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let way = env::args().nth(1).unwrap_or_default();
    let guard = global::install(Queued::new(Lines, 2 * CALLS)?)?;
    // Nothing replaces it: whoever comes second gets his own back.
    let rejected = global::install(MemorySink::with_capacity(500)).err();
    let rejected = rejected.ok_or("a second sink was installed")?;
    assert!(rejected.to_string().contains("installed already"));
    assert_eq!(rejected.sink.capacity(), 500);

    let recorder = Recorder::with_sink(global::get());
    for _ in 0..CALLS {
        recorder.start("echo").finish(Outcome::Success);
    }
    // The queue is dropped by whoever lets it go last.
    drop(recorder);
    match way.as_str() {
        "return" => Ok(()),
        "error" => Err("main returns an error".into()),
        "exit" => global::exit(3),
        "exit-elsewhere" => {
            drop(thread::spawn(|| -> () { global::exit(3) }).join());
            Err("exit doesn't return".into())
        }
        "exit-twice" => {
            // While `main` waits for the sink, another thread exits.
            thread::spawn(|| {
                while global::try_get().is_some() {
                    thread::yield_now();
                }
                global::exit(3)
            });
            drop(guard);
            global::exit(3)
        }
        "panic" => panic!("main panics"),
        "panic-elsewhere" => {
            drop(thread::spawn(|| panic!("a thread panics")).join());
            Ok(())
        }
        "std-exit-after-the-guard" => {
            drop(guard);
            process::exit(3)
        }
        "std-exit-after-a-flush" => {
            global::flush(Duration::MAX)?;
            process::exit(3)
        }
        "late" => {
            drop(guard);
            assert!(global::try_get().is_none());
            for lost in 1..=2 {
                global::get().on_call(&CallEvent::new("", "late", "", 0, Outcome::Success, ""));
                assert_eq!(global::get().drops(), lost);
            }
            assert!(!global::get().health().is_healthy());
            assert!(global::flush(Duration::ZERO).is_err(), "into nothing");
            assert!(
                global::install(MemorySink::new()).is_err(),
                "once and for all"
            );
            Ok(())
        }
        _ => Err(
            "say how to end: return, error, exit, exit-elsewhere, exit-twice, panic, \
                  panic-elsewhere, std-exit-after-the-guard, std-exit-after-a-flush or late"
                .into(),
        ),
    }
}
