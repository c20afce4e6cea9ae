//! What a crash may leave of a small log, its head file and its rotated files:
//! each state is laid down in files, gone on with, and checked.
//!
//! The files are real, and lie in memory where there is a file system for that.
//! The log's bytes are those of a real writer. The states are every prefix of
//! them with every head that was ever written, with none, and with a torn one;
//! tails of NUL bytes; every step of a rotation, of what follows a failed sync and
//! of a recovery. Each is opened and written to twice, every other one with a
//! rotation before each batch. Then no line is lost that stood whole in the state,
//! the chain is whole, nothing is called damaged, and what was found is told once.
//!
//! - `AUDIT_IMAGES`: how many images; 50,000 unless given. No two are the same.
//!   They are drawn from some 300,000 states of a history, and for each 2,500th
//!   that is drawn, all are tried in which its recovery may be stopped, some
//!   thousands. When those of a history are used up, another follows.
//! - `AUDIT_IMAGES_SEED`: 1 unless given. A failure names the seed of its history.

mod check;
mod history;
mod lay;
mod spec;
mod support;

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;

use self::check::{Found, Known, check};
use self::history::History;
use self::lay::{Image, Place, Shown};
use self::spec::Spec;
use self::support::{Directory, Numbers, OPENED, line, say, setting};
use crate::chain::Notes;
use crate::log::head_file::Record;
use crate::log::names::with_suffix;
use crate::log::{Fault, Item, Log, Rotation, Seen, sleeping};
use crate::repair::{Action, Step};

/// Most wait for a millisecond, for a line that somebody may be writing.
const THREADS_A_CORE: usize = 8;

/// The crashes during a recovery are many for each image.
const DEEP: usize = 2_500;

#[test]
fn whatever_a_crash_leaves_is_gone_on_with() {
    let begun = Instant::now();
    let wanted = setting("AUDIT_IMAGES", 50_000) as usize;
    let first_seed = setting("AUDIT_IMAGES_SEED", 1);
    let campaign = Campaign::default();
    let mut histories = 0;
    while campaign.tried() < wanted && campaign.problems.lock().is_empty() {
        campaign.try_history(first_seed + histories, wanted);
        histories += 1;
    }
    let problems = campaign.problems.into_inner();
    let tried = campaign.seen.into_inner().len();
    let seconds = begun.elapsed().as_secs_f64();
    let rate = tried as f64 / seconds;
    say(&format!(
        "{tried} different crash images of {histories} histories, {} of them of recoveries, \
         seeds from {first_seed}; {seconds:.0} s, {rate:.0} a second; {} problems",
        campaign.recoveries.into_inner(),
        problems.len()
    ));
    let lost = problems
        .iter()
        .filter(|problem| problem.contains(" is lost"));
    let lost = lost.count();
    let promised = campaign.promised.into_inner();
    let others = problems.len() - lost;
    say(&format!(
        "tally: {tried} faults, {promised} promised, {lost} lost, {others} false alarms"
    ));
    let first = problems[..problems.len().min(12)].join("\n");
    assert!(problems.is_empty(), "{} problems:\n{first}", problems.len());
}

#[derive(Debug, Default)]
struct Campaign {
    /// The images that were tried.
    seen: Mutex<HashSet<u64>>,
    recoveries: AtomicUsize,
    /// Lines that stood whole in them.
    promised: AtomicUsize,
    problems: Mutex<Vec<String>>,
}

impl Campaign {
    fn tried(&self) -> usize {
        self.seen.lock().len()
    }

    /// Tries the states of a history, in no order, until there are enough.
    fn try_history(&self, seed: u64, wanted: usize) {
        let mut numbers = Numbers::new(seed);
        let history = History::new(&mut numbers);
        let mut specs = spec::all(&history);
        for at in (1..specs.len()).rev() {
            specs.swap(at, numbers.below(at as u64 + 1) as usize);
        }
        let states = States {
            next: AtomicUsize::new(0),
            specs,
            recoveries: Mutex::default(),
        };
        let cores = thread::available_parallelism().map_or(2, usize::from);
        thread::scope(|scope| {
            for _ in 0..cores * THREADS_A_CORE {
                scope.spawn(|| {
                    let here = Directory::new();
                    while self.tried() < wanted
                        && let Some((at, recovery)) = states.next()
                    {
                        let trial = Trial {
                            here: &here,
                            known: &history.known,
                            spec: &states.specs[at],
                            rotates: at % 2 == 1,
                            deep: at % DEEP == 0 && recovery.is_none(),
                        };
                        let is_recovery = recovery.is_some();
                        let image = recovery.unwrap_or_else(|| trial.spec.image(&history));
                        if !self.seen.lock().insert(image.fingerprint()) {
                            continue;
                        }
                        self.recoveries
                            .fetch_add(usize::from(is_recovery), Ordering::Relaxed);
                        self.promised.fetch_add(image.must.len(), Ordering::Relaxed);
                        let problems = trial.check(&image);
                        if trial.deep && problems.is_empty() {
                            let found = during_recovery(&image, &here);
                            let found = found.into_iter().map(|image| (at, image));
                            states.recoveries.lock().extend(found);
                        }
                        let what = if is_recovery { "in recovery: " } else { "" };
                        let spec = trial.spec;
                        let named = problems
                            .iter()
                            .map(|problem| format!("seed {seed}, {spec:?}: {what}{problem}"));
                        self.problems.lock().extend(named);
                    }
                });
            }
        });
    }
}

/// What is still to be tried of a history.
struct States {
    specs: Vec<Spec>,
    next: AtomicUsize,
    /// With the place of the state that was recovered from.
    recoveries: Mutex<Vec<(usize, Image)>>,
}

impl States {
    fn next(&self) -> Option<(usize, Option<Image>)> {
        if let Some((at, image)) = self.recoveries.lock().pop() {
            return Some((at, Some(image)));
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        (at < self.specs.len()).then_some((at, None))
    }
}

struct Trial<'a> {
    here: &'a Directory,
    known: &'a Known,
    spec: &'a Spec,
    rotates: bool,
    /// The crashes during its recovery are to be tried too.
    deep: bool,
}

impl Trial<'_> {
    fn check(&self, image: &Image) -> Vec<String> {
        let log = self.here.log();
        image.lay(self.here.path());
        // What the first has put right, the second must not find again.
        for (writer, batches) in [(1, 2), (2, 1)] {
            if let Err(problem) = go_on(&log, writer, batches, self.rotates) {
                return vec![problem];
            }
        }
        self.problems(image, check(&log, self.known))
    }

    fn problems(&self, image: &Image, found: Found) -> Vec<String> {
        let mut problems = Vec::new();
        for line in &image.must {
            if found.hash(line.link.seq) != Some(&line.link.hash) {
                problems.push(format!("line {} is lost", line.link.seq));
            }
        }
        if let Some(gone) = image.gone
            && gone != (found.gone() > 0)
        {
            problems.push(format!("lines are gone: {gone}; {} tell so", found.gone()));
        }
        // What a recovery that was stopped has told stays told.
        let most = if image.gone.is_some() { 1 } else { 2 };
        for (what, times) in [("gone", found.gone()), ("torn", found.torn())] {
            if times > most {
                problems.push(format!("{what} is told {times} times"));
            }
        }
        problems.extend(found.problems);
        // What was not synced before the power went is not touched any more.
        if !matches!(self.spec, Spec::Spoilt { .. }) {
            problems.extend(found.unfinished);
        }
        problems
    }
}

/// Opens the log and writes so many batches.
fn go_on(path: &Path, writer: u64, batches: u64, rotates: bool) -> Result<(), String> {
    let told = |fault: Fault| format!("writer {writer}: {fault:?}");
    let rotation = Rotation {
        size: rotates.then_some(1),
        ..Rotation::default()
    };
    let planned = match Log::see(path).map_err(told)? {
        Seen::Chained(steps) | Seen::Headless(_, steps) => Some(steps),
        Seen::Unchained | Seen::Nothing => None,
    };
    let mut log = Log::open(path, rotation, 0).map_err(told)?;
    log.tell_opened(OPENED.into());
    for batch in 1..=batches {
        let line = line(&format!("afterwards-{writer}-{batch}"), 0);
        let items = std::iter::once(Item::new(&line));
        let mut first = 0;
        log.append(items, Notes::default(), &mut sleeping, |head| {
            first = head.seq;
        })
        .map_err(told)?;
        if batch == 1
            && let Some(planned) = &planned
        {
            hold_to(planned, &log.steps, first == 0)?;
        }
    }
    log.sync(&mut sleeping).map_err(told)
}

/// What a repair would have said is what was done.
fn hold_to(planned: &[Step], done: &[Step], begins: bool) -> Result<(), String> {
    let untimed = |step: &Step| {
        let mut step = step.clone();
        if step.action == Action::MoveAside {
            step.aside = None;
        }
        step
    };
    let planned: Vec<Step> = planned.iter().map(untimed).collect();
    let done: Vec<Step> = done.iter().map(untimed).collect();
    // Where a chain only begins, nothing is to be put right.
    if planned == done || (begins && planned.is_empty()) {
        return Ok(());
    }
    Err(format!("planned {planned:?}, done {done:?}"))
}

/// The states in between an image and what is made of it, each as a second crash
/// may leave it.
fn during_recovery(image: &Image, here: &Directory) -> Vec<Image> {
    image.lay(here.path());
    go_on(&here.log(), 1, 2, false).expect("it went well before");
    let after = here.path();
    let read = |name: &str| fs::read(after.join(name)).unwrap_or_default();
    let names = fs::read_dir(after).expect("the directory");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let mut aside = names.map(|name| name.to_string_lossy().into_owned());
    let aside = aside.find(|name| name.contains(".torn-"));
    let before = image.log.clone().unwrap_or_default();
    let log = read("audit.jsonl");
    let same = before.iter().zip(&log);
    let same = same.take_while(|(one, other)| one == other).count();
    // What was torn off may begin as the next line does.
    let cut = log[..same].iter().rposition(|&byte| byte == b'\n');
    let cut = cut.map_or(0, |at| at + 1);
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
    let head = File::open(with_suffix(&after.join("audit.jsonl"), ".head"));
    let head = head.and_then(|mut head| Record::read(&mut head));
    if let Some(record) = head.expect("the head can be read") {
        states.push(Image {
            log: Some(log.clone()),
            others,
            head: Shown::Head(record, Place::Log),
            must: must(log.len()),
            gone: None,
        });
    }
    states
}
