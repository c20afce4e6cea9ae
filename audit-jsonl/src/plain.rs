//! Plain lines, to any `Write`.

use std::io;
use std::time::Duration;

use crate::destination::{Destination, Panicked, text_of};
use crate::queue::Queue;
use crate::writer::{FIRST_PAUSE, Undelivered, wait_after};

#[derive(Debug)]
pub(crate) struct Plain {
    destination: Destination,
    /// The destination took part of a line whose rest was given up.
    inside_a_line: bool,
}

impl Plain {
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            inside_a_line: false,
        }
    }

    pub(crate) fn end(self) {
        self.destination.end();
    }

    /// Writes lines, for as long as it takes, and flushes.
    pub(crate) fn write(&mut self, queue: &Queue, lines: &[u8]) -> Result<(), Undelivered> {
        let mut taken = 0;
        match self.deliver(queue, lines, &mut taken) {
            Ok(()) => Ok(()),
            // What it took before may be in a buffer that nobody will flush.
            Err(Stopped::Panicked) => Err(Panicked.into()),
            Err(Stopped::GivenUp) => {
                let whole = lines[..taken]
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(0, |line_feed| line_feed + 1);
                self.inside_a_line = whole < taken || (self.inside_a_line && taken == 0);
                // Only what was flushed counts as written.
                let flushed = whole > 0 && matches!(self.destination.flush(), Ok(Ok(())));
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
        let mut pause = FIRST_PAUSE;
        loop {
            match self.destination.flush()? {
                Ok(()) => return Ok(()),
                Err(error) => wait(queue, &error, &mut pause, false)?,
            }
        }
    }

    fn deliver_all(
        &mut self,
        queue: &Queue,
        bytes: &[u8],
        taken: &mut usize,
    ) -> Result<(), Stopped> {
        let mut pause = FIRST_PAUSE;
        let mut progress = false;
        while *taken < bytes.len() {
            match self.destination.write_some(&bytes[*taken..])? {
                Ok(more) => {
                    *taken += more;
                    pause = FIRST_PAUSE;
                    progress = true;
                }
                Err(error) => {
                    // `Write` promises that a failing call took nothing.
                    wait(queue, &error, &mut pause, progress)?;
                    progress = false;
                }
            }
        }
        Ok(())
    }
}

enum Stopped {
    GivenUp,
    Panicked,
}

impl From<Panicked> for Stopped {
    fn from(Panicked: Panicked) -> Self {
        Self::Panicked
    }
}

fn wait(
    queue: &Queue,
    error: &io::Error,
    pause: &mut Duration,
    progress: bool,
) -> Result<(), Stopped> {
    if wait_after(queue, text_of(error), error.kind(), pause, progress) {
        Ok(())
    } else {
        Err(Stopped::GivenUp)
    }
}
