//! What the images need of the machine.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use audit_schema::{CallEvent, Outcome};

use crate::chain::LONGEST_EVENT;
use crate::encode::encode;

/// When a writer opened the log.
pub(super) const OPENED: &str = "2026-11-20T09:30:00.000000Z";

/// Says something that the test harness doesn't swallow.
pub(super) fn say(text: &str) {
    // A closed stderr is no failure of what is tested.
    drop(io::stderr().write_all(format!("images: {text}\n").as_bytes()));
}

/// The value of an environment variable, else the default.
pub(super) fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => match value.parse() {
            Ok(value) => value,
            Err(_) => panic!("{name}={value} is no number"),
        },
        Err(_) => default,
    }
}

/// A plain line with that id and a tool's name of so many bytes or a few more.
pub(super) fn line(id: &str, bytes: usize) -> Vec<u8> {
    let tool = format!("tool:{}", "x".repeat(bytes));
    let event = CallEvent::new("2026-11-20T09:30:00Z", id, tool, 3, Outcome::Success, "hot");
    let mut buffer = Vec::new();
    let line = encode(&event, &mut buffer, LONGEST_EVENT);
    line.expect("it is not long").to_vec()
}

/// A directory, in memory where there is one for that, that goes when it is
/// dropped.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("audit-images-{}-{number}", std::process::id());
        let in_memory = Path::new("/dev/shm").join(&name);
        if fs::create_dir(&in_memory).is_ok() {
            return Self(in_memory);
        }
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind stands in a directory for temporary files.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Numbers that look random and are the same for the same seed.
#[derive(Debug)]
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
