//! Plain lines, to any `Write`.

use crate::destination::{Destination, Panicked};
use crate::patience::Patience;
use crate::queue::Queue;
use crate::writer::Undelivered;

#[derive(Debug)]
pub(crate) struct Plain {
    destination: Destination,
    /// The destination took part of a line whose rest was given up.
    inside_a_line: bool,
    /// The last lines were given up, so the next get one try.
    given_up: bool,
}

/// Why the rest of some lines is not delivered.
enum Stopped {
    GivenUp,
    Panicked,
}

impl From<Panicked> for Stopped {
    fn from(Panicked: Panicked) -> Self {
        Self::Panicked
    }
}

impl Plain {
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            inside_a_line: false,
            given_up: false,
        }
    }

    pub(crate) fn end(self) {
        self.destination.end();
    }

    /// Writes lines, for as long as it takes, and flushes.
    pub(crate) fn write(&mut self, queue: &Queue, lines: &[u8]) -> Result<(), Undelivered> {
        let mut taken = 0;
        let delivered = self.deliver(queue, lines, &mut taken);
        self.given_up = delivered.is_err();
        match delivered {
            Ok(()) => Ok(()),
            // What it took before may be in a buffer of its own that nobody will
            // flush any more.
            Err(Stopped::Panicked) => Err(Panicked.into()),
            Err(Stopped::GivenUp) => {
                let whole = lines[..taken]
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(0, |line_feed| line_feed + 1);
                self.inside_a_line = whole < taken || (self.inside_a_line && taken == 0);
                // Only what was flushed counts as written.
                let flushed = whole > 0 && self.destination.flush()?.is_ok();
                Err(Undelivered::GivenUp {
                    written: if flushed { whole } else { 0 },
                })
            }
        }
    }

    /// Gives `bytes` to the destination and flushes it. `taken` of them were
    /// taken when it fails.
    fn deliver(&mut self, queue: &Queue, bytes: &[u8], taken: &mut usize) -> Result<(), Stopped> {
        if self.inside_a_line {
            // The next line must not stick to the fragment.
            self.deliver_all(queue, b"\n", &mut 0)?;
            self.inside_a_line = false;
        }
        self.deliver_all(queue, bytes, taken)?;
        let mut patience = Patience::new(self.given_up);
        while let Err(failure) = self.destination.flush()? {
            if !patience.wait_after(queue, failure) {
                return Err(Stopped::GivenUp);
            }
        }
        Ok(())
    }

    fn deliver_all(
        &mut self,
        queue: &Queue,
        bytes: &[u8],
        taken: &mut usize,
    ) -> Result<(), Stopped> {
        let mut patience = Patience::new(self.given_up);
        while *taken < bytes.len() {
            match self.destination.write_some(&bytes[*taken..])? {
                Ok(more) => {
                    *taken += more;
                    patience = Patience::new(false);
                }
                // `Write` promises that a failing call took nothing.
                Err(failure) => {
                    if !patience.wait_after(queue, failure) {
                        return Err(Stopped::GivenUp);
                    }
                }
            }
        }
        Ok(())
    }
}
