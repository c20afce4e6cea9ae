//! Small programs that use the queue, by the sink and its writer, which a checker takes
//! through their executions: loom through every one up to a number of preemptions,
//! shuttle through random ones, and through larger programs. Run by `cargo xtask loom`
//! and `cargo xtask shuttle`.
//!
//! A timer is no clock here: it ends a wait at once or never, as the model says or as
//! the checker likes, and the checker holds up whoever comes late. So that few events and
//! threads reach every state, a model's writer dozes once, segments are small and lanes
//! are few (`MODELLED`). A model that is stuck, or wrong while it unwinds, aborts the
//! test; the first panic names the model.
//!
//! What each was seen to find, when the queue was broken on purpose, stands in
//! `docs/guarantees.md`.

mod block;
mod closing;
mod commit;
mod counters;
mod flush;
#[cfg(audit_shuttle)]
mod larger;
mod support;
mod wake_ups;

use std::any::type_name;
use std::env;
use std::time::{Duration, Instant};

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

/// Checks a model in all executions with that many preemptions: changes of thread where
/// the one that ran could have gone on.
#[cfg(audit_loom)]
fn check<F: Fn() + Copy + Send + Sync + 'static>(preemptions: usize, timers: Timers, model: F) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::sync::coins::with_coins;

    let bound = number("AUDIT_LOOM_BOUND").unwrap_or(preemptions);
    let executions = Arc::new(AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 10_000;
    builder.max_duration =
        number("AUDIT_LOOM_SECONDS").map(|limit| Duration::from_secs(limit as u64));
    builder.checkpoint_interval = 1_000;
    builder.expect_explicit_explore = timers.has_coins();
    let limit = builder.max_duration;
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
    let took = begun.elapsed();
    // Loom says nothing when it stops by the clock.
    let complete = limit.is_none_or(|limit| took < limit);
    tell::<F>(Told {
        bound: Some(bound),
        executions: executions.load(Ordering::Relaxed),
        took,
        complete,
    });
}

/// Checks a model in random executions, half of them with few preemptions in random
/// places.
#[cfg(audit_shuttle)]
fn check<F: Fn() + Copy + Send + Sync + 'static>(_preemptions: usize, timers: Timers, model: F) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler};
    use shuttle::{Config, Runner};

    /// So many changes of priority are made in an execution.
    const DEPTH: usize = 3;

    let half = number("AUDIT_SHUTTLE_ITERATIONS")
        .unwrap_or(1_000)
        .div_ceil(2);
    let seed = number("AUDIT_SHUTTLE_SEED").unwrap_or(1) as u64;
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    let begun = Instant::now();
    timers.set();
    let random = RandomScheduler::new_from_seed(seed, half);
    let executions = Runner::new(random, config.clone()).run(model);
    let pct = PctScheduler::new_from_seed(seed, DEPTH, half);
    let executions = executions + Runner::new(pct, config).run(model);
    tell::<F>(Told {
        bound: None,
        executions: executions as u64,
        took: begun.elapsed(),
        complete: false,
    });
}

struct Told {
    bound: Option<usize>,
    executions: u64,
    took: Duration,
    complete: bool,
}

/// For the table that xtask makes of it.
fn tell<F>(told: Told) {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let name = path.trim_start_matches("audit_jsonl::models::");
    let bound = told.bound.map_or("none".into(), |bound| bound.to_string());
    let Told {
        executions,
        complete,
        ..
    } = told;
    let seconds = told.took.as_secs_f64();
    let complete = if complete { "yes" } else { "no" };
    eprintln!(
        "model: {name}; bound {bound}; {executions} executions; {seconds:.1} s; complete {complete}"
    );
}

fn number(variable: &str) -> Option<usize> {
    let value = env::var(variable).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}: `{value}` is no number")))
}
