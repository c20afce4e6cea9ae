//! What the tests have in common.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{
    AuditSink, CallEvent, CommitError, Durability, JsonLinesAuditSink, LogBuilder, Outcome,
};
use audit_testkit::DEADLINE;

/// An event that is told from others by a number.
pub(crate) fn event(number: u64) -> CallEvent {
    let ts = "2026-11-20T09:30:00.000000Z";
    CallEvent::new(
        ts,
        number.to_string(),
        "files:read",
        3,
        Outcome::Success,
        "hot",
    )
}

/// An event whose plain line has exactly so many bytes, its line feed included.
#[track_caller]
pub(crate) fn event_of(number: u64, bytes: usize) -> CallEvent {
    let mut event = event(number);
    let least = line_of(&event).len();
    assert!(bytes >= least, "no event is as short as {bytes} bytes");
    event.tool_id += &"x".repeat(bytes - least);
    event
}

/// The plain line of an event, its line feed included.
pub(crate) fn line_of(event: &CallEvent) -> String {
    serde_json::to_string(event).unwrap() + "\n"
}

/// The plain lines of such events.
pub(crate) fn lines_of(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers
        .into_iter()
        .map(|number| line_of(&event(number)))
        .collect()
}

/// A builder that syncs nothing by itself.
pub(crate) fn builder(path: &Path) -> LogBuilder {
    JsonLinesAuditSink::builder()
        .capacity(4096)
        .path(path)
        .durability(Durability::Written)
}

#[track_caller]
pub(crate) fn open(path: &Path) -> JsonLinesAuditSink {
    builder(path).open().unwrap()
}

/// Records events, and waits until they are written.
#[track_caller]
pub(crate) fn record(sink: &JsonLinesAuditSink, numbers: impl IntoIterator<Item = u64>) {
    for (nth, number) in numbers.into_iter().enumerate() {
        sink.on_call(&event(number));
        // The queue is never full.
        if nth % 1000 == 999 {
            sink.flush(DEADLINE).unwrap();
        }
    }
    sink.flush(DEADLINE).unwrap();
}

#[track_caller]
pub(crate) fn close(sink: &JsonLinesAuditSink) {
    sink.close(DEADLINE).unwrap();
}

/// Opens, records and closes.
#[track_caller]
pub(crate) fn log(path: &Path, numbers: impl IntoIterator<Item = u64>) {
    let sink = open(path);
    record(&sink, numbers);
    close(&sink);
}

/// Waits for what nothing tells of.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < DEADLINE,
            "waited {DEADLINE:?} until {what}"
        );
        // What it waits for wakes nobody, so it has to look again and again.
        thread::sleep(Duration::from_millis(1));
    }
}

/// Commits, for as long as a test may take.
pub(crate) fn commit(
    sink: &JsonLinesAuditSink,
    number: u64,
) -> Result<audit_jsonl::Receipt, CommitError> {
    sink.commit(&event(number), DEADLINE)
}

pub(crate) fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

pub(crate) fn cut_to(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

pub(crate) fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Turns one bit of the byte at that place.
pub(crate) fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at as usize] ^= 1;
    // In place: the file stays the same one.
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(&bytes).unwrap();
}

/// Random numbers that are the same for the same seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % limit
    }
}

/// A number from the environment, for long runs.
pub(crate) fn number_of(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => default,
    }
}

/// Says aloud that a test can't be made here.
pub(crate) fn skip(why: &str) {
    tell(&format!("SKIPPED: {why}"));
}

/// Says for `cargo xtask crash` how many faults there were, and how many events had
/// been promised before them, of which none is lost.
pub(crate) fn tally(faults: u64, promised: u64) {
    tell(&format!(
        "tally: {faults} faults, {promised} promised, 0 lost, 0 false alarms"
    ));
}

/// Says something that the test harness doesn't swallow.
fn tell(text: &str) {
    // A closed stderr is no failure of what is tested.
    drop(io::stderr().write_all(format!("log: {text}\n").as_bytes()));
}

/// A directory of one's own, gone at the end unless the test has failed.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("log-{}-{nth}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// With a path for a log in it.
    pub(crate) fn with_log() -> (Self, PathBuf) {
        let dir = Self::new();
        let log = dir.path("audit.jsonl");
        (dir, log)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names in it, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The files whose names begin so.
    pub(crate) fn named(&self, prefix: &str) -> Vec<PathBuf> {
        let names = self.names().into_iter();
        let named = names.filter(|name| name.starts_with(prefix));
        named.map(|name| self.path(&name)).collect()
    }

    /// The only file whose name begins so.
    #[track_caller]
    pub(crate) fn only(&self, prefix: &str) -> PathBuf {
        let mut named = self.named(prefix);
        assert_eq!(named.len(), 1, "{prefix}: {:?}", self.names());
        named.remove(0)
    }

    /// Whether some file holds these bytes in a row.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        self.names().iter().any(|name| {
            let path = self.path(name);
            path.is_file() && find(&fs::read(path).unwrap(), bytes)
        })
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

fn find(text: &[u8], bytes: &[u8]) -> bool {
    bytes.is_empty() || text.windows(bytes.len()).any(|window| window == bytes)
}
