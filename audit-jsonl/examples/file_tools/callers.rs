//! Who may call what, and how often.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_jsonl::{CapProvenance, ProvSource};

/// Somebody who calls tools, as the runtime knows them once they have logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) id: &'static str,
    grants: Vec<CapProvenance>,
    bucket: Bucket,
}

impl Caller {
    /// May do everything, and is trusted not to overdo it.
    pub(crate) fn editor() -> Self {
        Self {
            id: "editor",
            grants: vec![allowed("fs.list"), allowed("fs.read"), allowed("fs.search")],
            bucket: Bucket::new(100_000, 1_000_000),
        }
    }

    /// May not search.
    pub(crate) fn indexer() -> Self {
        Self {
            id: "indexer",
            grants: vec![allowed("fs.list"), allowed("fs.read")],
            bucket: Bucket::new(100_000, 1_000_000),
        }
    }

    /// Reads by a right that the editor's owner handed on, and not too often.
    pub(crate) fn assistant() -> Self {
        Self {
            id: "assistant",
            grants: vec![
                allowed("fs.list"),
                CapProvenance {
                    cap: "fs.read".into(),
                    source: ProvSource::UcanChain {
                        issuer_did: "did:web:editor.example".into(),
                        chain_depth: 1,
                    },
                },
            ],
            bucket: Bucket::new(30, 100),
        }
    }

    /// The grants by which the caller has what a tool needs, or what is missing.
    pub(crate) fn grants_for(&self, needs: &[&str]) -> Result<Vec<CapProvenance>, Vec<String>> {
        let mut granted = Vec::new();
        let mut missing = Vec::new();
        for &need in needs {
            match self.grants.iter().find(|grant| grant.cap == need) {
                Some(grant) => granted.push(grant.clone()),
                None => missing.push(need.to_owned()),
            }
        }
        if missing.is_empty() {
            Ok(granted)
        } else {
            Err(missing)
        }
    }

    /// Takes leave for one call, or says how long to wait for it.
    pub(crate) fn take_turn(&self) -> Result<(), Duration> {
        self.bucket.take()
    }
}

fn allowed(cap: &str) -> CapProvenance {
    CapProvenance {
        cap: cap.into(),
        source: ProvSource::StringAllowList,
    }
}

/// A token bucket: so many calls at once, and so many a second in the long run.
#[derive(Debug)]
struct Bucket {
    size: f64,
    per_second: f64,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(size: u32, per_second: u32) -> Self {
        Self {
            size: size.into(),
            per_second: per_second.into(),
            level: Mutex::new(Level {
                tokens: size.into(),
                at: Instant::now(),
            }),
        }
    }

    fn take(&self) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = now.duration_since(level.at).as_secs_f64() * self.per_second;
        level.tokens = (level.tokens + gained).min(self.size);
        level.at = now;
        if level.tokens < 1.0 {
            let seconds = (1.0 - level.tokens) / self.per_second;
            return Err(Duration::from_secs_f64(seconds));
        }
        level.tokens -= 1.0;
        Ok(())
    }
}
