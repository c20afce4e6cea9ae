//! The very lines of the log.

use std::borrow::Cow;

use audit_jsonl::LogLine;

use crate::calls::Call;
use crate::calls::filter::Filter;
use crate::exit::Failure;
use crate::output::Output;
use crate::query::{Printer, Wanted};
use crate::scan::Visitor;

/// Takes the lines of calls that are asked for.
pub(super) struct Chosen<'a> {
    filter: &'a Filter,
}

/// Some lines, each with its line feed.
#[derive(Debug, Default)]
pub(super) struct Found {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Found {
    /// Adds a line, by whoever writes it.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn line(&self, nth: usize) -> &[u8] {
        let start = nth.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[nth]]
    }
}

impl<'a> Chosen<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        Self { filter }
    }
}

impl Visitor for Chosen<'_> {
    type Found = Found;

    fn visit(
        &mut self,
        call: &Call<'_>,
        line: &LogLine<'_>,
        found: &mut Found,
    ) -> Result<bool, Failure> {
        if !self.filter.takes(call) {
            return Ok(false);
        }
        found.add(|bytes| {
            bytes.extend_from_slice(line.bytes());
            bytes.push(b'\n');
        });
        Ok(true)
    }
}

/// Prints lines as they are; on a terminal in a form that is harmless there.
pub(super) struct Lines<'a> {
    output: &'a mut Output,
    /// Makes a line harmless.
    shown: Shown,
}

type Shown = fn(&[u8]) -> Cow<'_, [u8]>;

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a mut Output, shown: Shown) -> Self {
        Self { output, shown }
    }
}

impl Printer for Lines<'_> {
    type Found = Found;

    fn print(&mut self, found: Found, wanted: &mut Wanted) -> Result<(), Failure> {
        for nth in wanted.of(found.ends.len()) {
            let line = found.line(nth);
            if self.output.is_terminal() {
                self.output.bytes(&(self.shown)(line))?;
            } else {
                self.output.bytes(line)?;
            }
        }
        Ok(())
    }
}
