//! How often a call allocates, on the caller's thread, once warm.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::contender::{CAPACITY, Setup, named};
use crate::event;
use crate::written;

/// Enough calls that each buffer of a queue has come round.
const WARM_UP: u64 = 100_000;
const CALLS: u64 = 10_000;

/// The main function of the program whose allocator counts. Times would be spoilt by
/// it, so it is another one than that of all other cases.
///
/// `count` says how often what it is given allocates.
pub fn count_allocations(count: fn(&mut dyn FnMut()) -> u64) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [contender, path] = &arguments[..] else {
        eprintln!("usage: allocations CONTENDER FILE");
        return ExitCode::from(2);
    };
    match measure(contender, Path::new(path), count) {
        Ok(each) => {
            println!("{}", json!({ "allocations": each }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("allocations of {contender}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(
    contender: &str,
    path: &Path,
    count: fn(&mut dyn FnMut()) -> u64,
) -> Result<f64, Box<dyn std::error::Error>> {
    let contender = named(contender).ok_or("there is no such contender")?;
    let recorder = (contender.open)(&Setup {
        path,
        capacity: CAPACITY,
        blocks: true,
    })?;
    let event = event::event();
    for _ in 0..WARM_UP {
        recorder.record(&event);
    }
    let mut allocations = 0;
    for _ in 0..CALLS {
        allocations += count(&mut || recorder.record(&event));
    }
    recorder.close();
    let written = written::count(contender.form, path, &event::line(&event))?;
    written::remove(contender.form, path)?;
    if written != WARM_UP + CALLS {
        return Err(format!("{written} events are in the file, not all").into());
    }
    Ok(allocations as f64 / CALLS as f64)
}
