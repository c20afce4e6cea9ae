//! Models of the queue, with the sink and the writer around it.

mod block;
mod closing;
mod commit;
mod counters;
mod flush;
mod support;
mod wake_ups;

use std::any::type_name;
use std::env;
use std::time::Instant;

use crate::sync::coins::{Timer, Timers};

/// The writer looks again by itself whenever it dozes; no caller's deadline comes.
const AWAKE: Timers = Timers {
    parks: Timer::Fires,
    deadlines: Timer::Rests,
};

/// The writer looks again by itself, or not before it is woken.
const DOZING: Timers = Timers {
    parks: Timer::Either,
    deadlines: Timer::Rests,
};

/// Callers' deadlines come or don't.
const IMPATIENT: Timers = Timers {
    parks: Timer::Fires,
    deadlines: Timer::Either,
};

/// Checks a model.
#[cfg(audit_loom)]
fn check<F: Fn() + Copy + Send + Sync + 'static>(bound: usize, timers: Timers, model: F) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::sync::coins::with_coins;

    let bound = number("AUDIT_LOOM_BOUND").unwrap_or(bound);
    let executions = Arc::new(AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 10_000;
    builder.expect_explicit_explore = timers.has_coins();
    let begun = Instant::now();
    let count = Arc::clone(&executions);
    timers.set();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        if timers.has_coins() {
            with_coins(model);
        } else {
            model();
        }
    });
    let name = name::<F>();
    let executions = executions.load(Ordering::Relaxed);
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("model: {name}; bound {bound}; {executions} executions; {seconds:.1} s; complete");
}

/// Of the test that has this closure.
fn name<F>() -> &'static str {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    path.trim_start_matches("audit_jsonl::models::")
}

fn number(variable: &str) -> Option<usize> {
    let value = env::var(variable).ok()?;
    Some(value.parse().expect("a number"))
}
