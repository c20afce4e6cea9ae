//! kill -9 of a writing process at random moments: what was acknowledged is
//! there, once, in order, and the chain is whole.
//!
//! For a long run, these variables of the environment:
//!
//! - `AUDIT_TEST_KILLS`: how many processes are killed; 300 unless given.
//! - `AUDIT_TEST_SEED`: of the random numbers; 1 unless given. A failure names
//!   the seed of its run.
//! - `AUDIT_TEST_WRITER_KILLS`: how many are killed among eight that write one
//!   log (`writers.rs`), which is begun anew after 24; 12 unless given.

use std::path::Path;

use audit_testkit::{DEADLINE, within};

use crate::checker::{Found, check};
use crate::child::Child;
use crate::support::{Dir, Random, close, number_of, record, tally};
use crate::writers::{STEP, rotating, spin};

/// So many processes write one log, one after the other.
const ROUNDS_A_LOG: u64 = 20;

#[test]
fn what_is_acknowledged_survives_the_process() {
    let rounds = number_of("AUDIT_TEST_KILLS", 300);
    let seed = number_of("AUDIT_TEST_SEED", 1);
    // Half a second a round at most.
    within(DEADLINE * (1 + rounds as u32 / 60), move || {
        let mut random = Random::new(seed);
        let mut promised = 0;
        for first in (0..rounds).step_by(ROUNDS_A_LOG as usize) {
            let (_dir, path) = Dir::with_log();
            let rounds = ROUNDS_A_LOG.min(rounds - first);
            let acknowledged: Vec<u64> = (0..rounds)
                .map(|round| write_and_kill(&path, round, &mut random))
                .collect();
            let sink = rotating(&path);
            record(&sink, [rounds * STEP]);
            close(&sink);
            let found = check(&path);
            let problems = &found.problems;
            assert!(
                problems.is_empty(),
                "seed {seed}, from {first}: {problems:#?}"
            );
            assert_acknowledged(&found, &acknowledged, seed);
            promised += acknowledged.iter().sum::<u64>();
        }
        tally(rounds, promised);
    });
}

/// How many calls were acknowledged before the process was killed.
fn write_and_kill(path: &Path, round: u64, random: &mut Random) -> u64 {
    let roles = ["writer", "committer", "batches", "direct_writer"];
    let role = roles[random.below(4) as usize];
    let child = Child::of(role).arg(path).arg(round.to_string()).start();
    let done = |line: &str| line.strip_prefix("done ")?.parse::<u64>().ok();
    let mut acknowledged = 0;
    // Now and then before it has begun.
    let wanted = random.below(30);
    while acknowledged < wanted {
        let line = child.line().unwrap();
        acknowledged = done(&line).unwrap_or(acknowledged);
    }
    spin(random.below(500));
    for line in child.kill() {
        acknowledged = done(&line).unwrap_or(acknowledged);
    }
    acknowledged
}

#[track_caller]
fn assert_acknowledged(found: &Found, acknowledged: &[u64], seed: u64) {
    assert_eq!(found.streams().len(), 1, "seed {seed}");
    let mut numbers = found.numbers().into_iter().peekable();
    for (round, &least) in (0..).zip(acknowledged) {
        let mut written = 0;
        while let Some(number) = numbers.next_if(|number| number / STEP == round) {
            assert_eq!(number % STEP, written, "seed {seed}, round {round}");
            written += 1;
        }
        assert!(
            written >= least,
            "seed {seed}, round {round}: {least} acknowledged, {written} written"
        );
    }
    assert_eq!(numbers.count(), 1);
    // None of them has closed, and each that wrote has told that it opened.
    assert_eq!(found.with("closed").len(), 1);
}
