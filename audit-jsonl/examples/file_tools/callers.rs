//! Who may call what, and how often.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_jsonl::{CapProvenance, ProvSource};

/// Somebody who calls tools, as the runtime knows them once they have logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) id: &'static str,
    grants: Vec<CapProvenance>,
    /// None for those who are trusted not to overdo it.
    bucket: Option<Mutex<Bucket>>,
}

impl Caller {
    /// May do everything.
    pub(crate) fn editor() -> Self {
        Self {
            id: "editor",
            grants: ["fs.list", "fs.read", "fs.search"].map(allowed).into(),
            bucket: None,
        }
    }

    /// May not search.
    pub(crate) fn indexer() -> Self {
        Self {
            id: "indexer",
            grants: ["fs.list", "fs.read"].map(allowed).into(),
            bucket: None,
        }
    }

    /// Reads by a right that the editor's owner handed on, and not too often.
    pub(crate) fn assistant() -> Self {
        let source = ProvSource::UcanChain {
            issuer_did: "did:web:editor.example".into(),
            chain_depth: 1,
        };
        let cap = "fs.read".into();
        Self {
            id: "assistant",
            grants: vec![allowed("fs.list"), CapProvenance { cap, source }],
            bucket: Some(Mutex::new(Bucket {
                tokens: BUCKET_SIZE,
                at: Instant::now(),
            })),
        }
    }

    /// The grants by which the caller has what a tool needs, or what is missing.
    pub(crate) fn grants_for(&self, needs: &[&str]) -> Result<Vec<CapProvenance>, Vec<String>> {
        let grant = |need: &str| self.grants.iter().find(|grant| grant.cap == need);
        let missing = needs.iter().filter(|need| grant(need).is_none());
        let missing: Vec<String> = missing.map(ToString::to_string).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        Ok(needs
            .iter()
            .filter_map(|need| grant(need).cloned())
            .collect())
    }

    /// Takes leave for one call, or says how long to wait for it.
    pub(crate) fn take_turn(&self) -> Result<(), Duration> {
        match &self.bucket {
            Some(bucket) => bucket.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => Ok(()),
        }
    }
}

fn allowed(cap: &str) -> CapProvenance {
    CapProvenance {
        cap: cap.into(),
        source: ProvSource::StringAllowList,
    }
}

/// So many calls at once, and so many a second in the long run.
const BUCKET_SIZE: f64 = 30.0;
const PER_SECOND: f64 = 100.0;

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * PER_SECOND;
        self.tokens = (self.tokens + gained).min(BUCKET_SIZE);
        self.at = now;
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / PER_SECOND));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}
