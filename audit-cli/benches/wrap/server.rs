//! A server whose `work` takes so long that a call without a proxy takes 80 µs where
//! nobody sleeps; and `hard_work` a millisecond.

use std::hint;
use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

/// The rest is the way there and back.
const WORK: Duration = Duration::from_micros(76);
const HARD_WORK: Duration = Duration::from_millis(1);

pub(crate) fn serve() {
    let mut stdout = io::stdout().lock();
    let megabytes = "x".repeat(10_000_000);
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let began = Instant::now();
        let id = line
            .split("\"id\":")
            .nth(1)
            .and_then(|rest| rest.split(',').next());
        let text = if line.contains("ten_megabytes") {
            megabytes.as_str()
        } else {
            "5"
        };
        let work = if line.contains("hard_work") {
            HARD_WORK
        } else if line.contains("work") {
            WORK
        } else {
            Duration::ZERO
        };
        while began.elapsed() < work {
            hint::spin_loop();
        }
        let answer = format!(
            "{{\"jsonrpc\":\"2.0\",\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\
             \"serverInfo\":{{\"name\":\"bench\"}}}},\"id\":{}}}\n",
            id.unwrap(),
        );
        stdout.write_all(answer.as_bytes()).unwrap();
        stdout.flush().unwrap();
    }
}
