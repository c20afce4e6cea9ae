//! What `audit wrap` adds to a call, side by side with no proxy, and with one that only
//! copies bytes.
//!
//! `cargo bench -p audit-cli --bench wrap`; the numbers after `--` choose how many
//! rounds, and how many calls in each.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that can't go on says where, and prints what it measured"
)]

mod copy;
mod peer;
mod server;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::peer::Peer;

/// What stands before the server.
enum Proxy {
    None,
    /// Copies bytes, by two threads, and does nothing else.
    Copy,
    Wrap(&'static [&'static str]),
}

/// Each way of starting the same server.
const WAYS: [(&str, Proxy); 5] = [
    ("no proxy", Proxy::None),
    ("bare copy", Proxy::Copy),
    ("wrap", Proxy::Wrap(&[])),
    ("wrap, refuse", Proxy::Wrap(&["--on-log-failure", "refuse"])),
    ("wrap, durable", Proxy::Wrap(&["--durable"])),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "serve") {
        return server::serve();
    }
    if let Some((_, server)) = args.split_first().filter(|(first, _)| *first == "copy") {
        return copy::copy(server);
    }
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(7);
    let calls = numbers.next().unwrap_or(3000);
    let directory = std::env::temp_dir().join(format!("audit-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();

    let mut small = vec![Vec::new(); WAYS.len()];
    let mut slow = vec![Vec::new(); WAYS.len()];
    let mut large = vec![Vec::new(); WAYS.len()];
    // All ways in each round, so that what else the machine does hits all alike.
    for _ in 0..rounds {
        for (at, (_, proxy)) in WAYS.iter().enumerate() {
            let mut peer = Peer::start(command(proxy, &directory));
            peer.times("tiny", calls / 10);
            small[at].push(peer.times("work", calls));
            slow[at].push(peer.times("hard_work", calls / 10));
            large[at].push(peer.times("ten_megabytes", 10));
            peer.end();
        }
    }
    let median = |of: &[Vec<Duration>], part: f64| quantile(of.concat(), part);
    let added = |of: &[Vec<Vec<Duration>>], at: usize| {
        micros(median(&of[at], 0.5)) - micros(median(&of[0], 0.5))
    };
    println!(
        "{rounds} rounds of {calls} calls, one after another; of {} that take 1 ms; and of 10 \
         results of 10 MB\n",
        calls / 10
    );
    println!(
        "{:<14}{:>10}{:>10}{:>10}{:>13}{:>14}{:>12}",
        "", "p50", "added", "p99", "1 ms, added", "10 MB p50", "MB/s"
    );
    for (at, (name, _)) in WAYS.iter().enumerate() {
        let ten = median(&large[at], 0.5);
        println!(
            "{name:<14}{:>7.1} µs{:>7.1} µs{:>7.1} µs{:>10.1} µs{:>11.1} ms{:>12.0}",
            micros(median(&small[at], 0.5)),
            added(&small, at),
            micros(median(&small[at], 0.99)),
            added(&slow, at),
            micros(ten) / 1000.0,
            10.0 / ten.as_secs_f64(),
        );
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

/// The server, with what stands before it.
fn command(proxy: &Proxy, directory: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match proxy {
        Proxy::None => Command::new(&this),
        Proxy::Copy => {
            let mut command = Command::new(&this);
            command.arg("copy").arg(&this);
            command
        }
        Proxy::Wrap(options) => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
            command
                .args(["wrap", "--log"])
                .arg(directory.join("audit.jsonl"))
                .args(*options);
            command.arg("--").arg(&this);
            command
        }
    };
    command.arg("serve");
    command
}

fn quantile(mut times: Vec<Duration>, part: f64) -> Duration {
    times.sort_unstable();
    let last = times.len() - 1;
    times[(last as f64 * part).round() as usize]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
