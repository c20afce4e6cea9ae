//! Plain lines that no link has told of yet.

use sha2::{Digest, Sha256};

use crate::form::Told;

/// Plain lines since the last link, those of this file apart from those of the
/// files before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// In earlier files.
    before: Measure,
    /// In this file.
    here: Measure,
    /// All of them; unless none were in earlier files, for it is `here` then.
    all: Option<Measure>,
}

#[derive(Debug, Clone, Default)]
struct Measure {
    lines: u64,
    hash: Sha256,
}

impl Measure {
    fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.hash.update(line);
    }

    fn is(&self, told: &Told) -> bool {
        let hash: [u8; 32] = self.hash.clone().finalize().into();
        self.lines == told.count && hash == told.sha256
    }
}

/// How what a link says agrees with the plain lines before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// It tells of all but so many, which stand at the ends of earlier files.
    Untold(u64),
    /// It tells of others.
    Contradiction,
}

impl Pending {
    /// Another file begins.
    pub(super) fn next_file(&mut self) {
        if let Some(all) = self.all.take() {
            self.before = all;
        } else {
            self.before = std::mem::take(&mut self.here);
        }
        self.here = Measure::default();
        if self.before.lines > 0 {
            self.all = Some(self.before.clone());
        }
    }

    /// A plain line, with its line feed.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.here.add(line);
        if let Some(all) = &mut self.all {
            all.add(line);
        }
    }

    /// Those of this file are copies.
    pub(super) fn forget_here(&mut self) {
        self.here = Measure::default();
        if self.all.is_some() {
            self.all = Some(self.before.clone());
        }
    }

    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    /// A link comes, which says this of the plain lines before it.
    pub(super) fn settle(&mut self, told: Option<&Told>) -> Agreement {
        let agreement = match told {
            None if self.here.lines == 0 => Agreement::Untold(self.before.lines),
            None => Agreement::Contradiction,
            Some(told) if self.all.as_ref().unwrap_or(&self.here).is(told) => Agreement::Untold(0),
            Some(told) if self.here.is(told) => Agreement::Untold(self.before.lines),
            Some(_) => Agreement::Contradiction,
        };
        if self.before.lines + self.here.lines > 0 {
            self.forget_all();
        }
        agreement
    }

    /// How many there are.
    pub(super) fn lines(&self) -> u64 {
        self.before.lines + self.here.lines
    }
}
