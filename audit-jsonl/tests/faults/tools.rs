//! What the tests need of the machine, and its cleaning up.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{CallEvent, Outcome};
use audit_testkit::DEADLINE;

/// Says something that the test harness doesn't swallow.
pub(crate) fn say(text: &str) {
    // A closed stderr is no failure of what is tested.
    drop(io::stderr().write_all(format!("faults: {text}\n").as_bytes()));
}

/// Says for `cargo xtask crash` how many faults there were, how much had been
/// promised before them, and what was wrong afterwards.
pub(crate) fn tally(faults: u64, promised: u64, problems: &[String]) {
    let of_loss = |problem: &&String| problem.contains(" is lost") || problem.contains("receipt");
    let lost = problems.iter().filter(of_loss).count();
    let others = problems.len() - lost;
    say(&format!(
        "tally: {faults} faults, {promised} promised, {lost} lost, {others} false alarms"
    ));
}

/// The value of an environment variable, else the default.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => match value.parse() {
            Ok(value) => value,
            Err(_) => panic!("{name}={value} is no number"),
        },
        Err(_) => default,
    }
}

/// Whether all these tools are there, and this is root if it has to be. What is
/// missing is said aloud.
pub(crate) fn can(test: &str, root: bool, tools: &[(&str, &str)]) -> bool {
    let mut missing = Vec::new();
    if root && !is_root() {
        missing.push("root (run the tests with sudo)".to_owned());
    }
    for (tool, package) in tools {
        if !has_tool(tool) {
            missing.push(format!("{tool} (apt-get install {package})"));
        }
    }
    if !missing.is_empty() {
        say(&format!("SKIPPED {test}: needs {}", missing.join(", ")));
    }
    missing.is_empty()
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn has_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .any(|directory| directory.join(name).is_file())
}

/// Runs a tool to its end; `false` and a word on stderr when it fails.
pub(crate) fn run<S: AsRef<OsStr>>(tool: &str, arguments: &[S]) -> Result<String, String> {
    let output = output(tool, arguments)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("{tool}: {}: {error}", output.status))
    }
}

fn output<S: AsRef<OsStr>>(tool: &str, arguments: &[S]) -> Result<Output, String> {
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(tool)
        .args(arguments)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .output()
        .map_err(|error| format!("{tool}: {error}"))
}

/// A directory that goes when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        Self::under(&base())
    }

    pub(crate) fn under(base: &Path) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("audit-faults-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind stands in a directory for temporary files.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn base() -> PathBuf {
    if let Some(given) = std::env::var_os("AUDIT_FAULTS_DIR") {
        return given.into();
    }
    let memory = Path::new("/dev/shm");
    let probe = memory.join(format!("audit-faults-probe-{}", std::process::id()));
    if fs::create_dir(&probe).is_ok() {
        drop(fs::remove_dir(&probe));
        return memory.to_owned();
    }
    std::env::temp_dir()
}

/// Works on all items with that many threads; what the items came to, in no
/// order.
pub(crate) fn for_each<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut results = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = items.get(at) else {
                            return results;
                        };
                        results.push(work(at, item));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker that doesn't panic"))
            .collect()
    })
}

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// An event with that id, whose line has at least so many bytes.
pub(crate) fn event(id: &str, bytes: usize) -> CallEvent {
    let tool = format!("tool:{}", "x".repeat(bytes));
    CallEvent::new("2026-11-20T09:30:00Z", id, tool, 3, Outcome::Success, "hot")
}

/// Waits until something holds; panics when it doesn't for half a minute.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain until {what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// Panics with the first few of what went wrong.
#[track_caller]
pub(crate) fn none_of(problems: &[String], what: &str) {
    assert!(
        problems.is_empty(),
        "{what}: {} went wrong:\n{}",
        problems.len(),
        problems[..problems.len().min(12)].join("\n"),
    );
}
