//! What a crash may leave of a small log, its head file and its rotated files:
//! each state is laid down in files, opened, written to, and checked.
//!
//! The log's bytes are those of a real writer. The states are every prefix of
//! them with every head that was ever written, with none, and with a torn one;
//! tails of NUL bytes; every step of a rotation, of what follows a failed sync and
//! of a recovery. After each: no line is lost that stood whole in the state, the
//! chain is whole, nothing is called damaged, and opening again changes nothing.
//!
//! - `AUDIT_FAULTS_IMAGES`: how many images a round, taken from all by the seed;
//!   0 for all, about 300,000. 6,000 by default. For each six-hundredth, all states
//!   in which its recovery may be stopped are tried too, some thousands.
//! - `AUDIT_FAULTS_ROUNDS`: how many rounds, each with another history; 1 by
//!   default.
//! - `AUDIT_FAULTS_SEED`: 1 by default.

mod history;
mod lay;
mod spec;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use self::history::History;
use self::lay::{Image, Place, Shown};
use self::spec::Spec;
use crate::calls::go_on;
use crate::checker::{Found, check};
use crate::tools::{Directory, Numbers, for_each, none_of, say, setting};

#[test]
fn whatever_a_crash_leaves_is_gone_on_with() {
    let begun = Instant::now();
    let wanted = setting("AUDIT_FAULTS_IMAGES", 6_000) as usize;
    let seed = setting("AUDIT_FAULTS_SEED", 1);
    let mut images = 0;
    let mut all = 0;
    let mut problems = Vec::new();
    for round in 0..setting("AUDIT_FAULTS_ROUNDS", 1) {
        let mut numbers = Numbers::new(seed + round);
        let history = History::new(&mut numbers);
        let mut specs = spec::all(&history);
        all += specs.len();
        while wanted > 0 && specs.len() > wanted {
            let at = numbers.below(specs.len() as u64) as usize;
            specs.swap_remove(at);
        }
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let results = for_each(&specs, threads, |at, spec| {
            // The crashes during a recovery are many for each image.
            let deep = at % 600 == 0;
            thread_local!(static HERE: Directory = Directory::new());
            HERE.with(|here| try_image(here, &history, spec, deep))
        });
        for (tried, wrong) in results {
            images += tried;
            problems.extend(wrong);
        }
    }
    let rate = images as f64 / begun.elapsed().as_secs_f64();
    say(&format!(
        "{images} crash images ({all} states and recoveries of some), {rate:.0} a second, {} \
         problems",
        problems.len()
    ));
    none_of(&problems, "crash images");
}

/// How many images were tried, and what went wrong.
fn try_image(here: &Directory, history: &History, spec: &Spec, deep: bool) -> (usize, Vec<String>) {
    let image = spec.image(history);
    let mut problems = try_once(here, spec, &image);
    let mut tried = 1;
    if deep && problems.is_empty() {
        image.lay(here.path());
        drop(go_on(&here.log()));
        for again in during_recovery(&image, here.path()) {
            tried += 1;
            let wrong = try_once(here, spec, &again);
            problems.extend(
                wrong
                    .iter()
                    .map(|problem| format!("in recovery: {problem}")),
            );
        }
    }
    let named = problems
        .iter()
        .map(|problem| format!("{spec:?}: {problem}"));
    (tried, named.collect())
}

fn try_once(here: &Directory, spec: &Spec, image: &Image) -> Vec<String> {
    let log = here.log();
    image.lay(here.path());
    if let Err(problem) = go_on(&log) {
        return vec![problem];
    }
    let first = check(&log);
    let mut problems = first.wrong();
    // What was not synced before the power went is not touched any more.
    if !matches!(spec, Spec::Spoilt { .. }) {
        problems.extend(first.unfinished.clone());
    }
    for line in &image.must {
        let key = (line.stream.clone(), line.seq);
        if first.hashes.get(&key) != Some(&line.hash) {
            problems.push(format!("line {} is lost", line.seq));
        }
    }
    if let Some(gone) = image.gone
        && gone != (first.gone > 0)
    {
        problems.push(format!(
            "lines are gone: {gone}; told of {} times",
            first.gone
        ));
    }
    if problems.is_empty() {
        problems.extend(again(&log, &first));
    }
    problems
}

/// Opening again finds nothing to put right.
fn again(log: &Path, first: &Found) -> Vec<String> {
    let Some(sink) = audit_jsonl::JsonLinesAuditSink::builder()
        .path(log)
        .open()
        .ok()
    else {
        return vec!["it can't be opened again".into()];
    };
    drop(sink);
    let second = check(log);
    let mut problems = second.wrong();
    if (second.gone, second.torn_files, second.ids.len())
        != (first.gone, first.torn_files, first.ids.len())
    {
        problems.push("opening it again changed it".into());
    }
    problems
}

/// The states in between an image and what was made of it in a directory, each as
/// a second crash may leave it.
fn during_recovery(image: &Image, after: &Path) -> Vec<Image> {
    let read = |name: &str| fs::read(after.join(name)).unwrap_or_default();
    let names = fs::read_dir(after).expect("the directory");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let mut aside = names.map(|name| name.to_string_lossy().into_owned());
    let aside = aside.find(|name| name.contains(".torn-"));
    let before = image.log.clone().unwrap_or_default();
    let log = read("audit.jsonl");
    let cut = before
        .iter()
        .zip(&log)
        .take_while(|(one, other)| one == other)
        .count();
    let mut states = Vec::new();
    let mut others = image.others.clone();
    if let Some(aside) = aside {
        let bytes = read(&aside);
        for length in 0..=bytes.len() {
            let mut state = image.clone();
            state.others.push((aside.clone(), bytes[..length].to_vec()));
            state.gone = None;
            states.push(state);
        }
        others.push((aside, bytes));
    }
    let written = history::lines_of(&log);
    let must = |end: usize| {
        let new = written.iter().filter(|line| line.end <= end).cloned();
        image.must.iter().cloned().chain(new).collect()
    };
    for end in cut..=log.len() {
        states.push(Image {
            log: Some(log[..end].to_vec()),
            others: others.clone(),
            must: must(end),
            gone: None,
            ..image.clone()
        });
    }
    if let Some(head) = crate::head::Head::read(&after.join("audit.jsonl")) {
        states.push(Image {
            log: Some(log.clone()),
            others,
            head: Shown::Head(head, Place::Log),
            must: must(log.len()),
            gone: None,
        });
    }
    states
}
