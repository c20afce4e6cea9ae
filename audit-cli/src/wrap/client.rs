//! What goes to the client: the server's bytes, and between its lines answers of our
//! own.

use std::fs::File;
use std::io;

use parking_lot::{Condvar, Mutex};

use crate::wrap::stdio;

/// The client's end, for the pump and for those who answer in the server's place.
#[derive(Debug)]
pub(crate) struct Client {
    output: Mutex<Output>,
    boundary: Condvar,
}

#[derive(Debug)]
struct Output {
    /// `None` once it is closed.
    file: Option<File>,
    is_at_line_start: bool,
}

impl Client {
    pub(crate) fn new(file: File) -> Self {
        Self {
            output: Mutex::new(Output {
                file: Some(file),
                is_at_line_start: true,
            }),
            boundary: Condvar::new(),
        }
    }

    /// Bytes of the server.
    pub(crate) fn pass(&self, bytes: &[u8]) -> io::Result<()> {
        let mut output = self.output.lock();
        let Some(file) = &mut output.file else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        stdio::write_all(file, bytes)?;
        output.is_at_line_start = bytes.ends_with(b"\n");
        if output.is_at_line_start {
            self.boundary.notify_one();
        }
        Ok(())
    }

    /// A line of our own, when the server has ended the line that it is at.
    pub(crate) fn answer(&self, line: &[u8]) {
        let mut output = self.output.lock();
        while !output.is_at_line_start && output.file.is_some() {
            self.boundary.wait(&mut output);
        }
        if let Some(file) = &mut output.file {
            // If the client has gone, the pump finds out.
            stdio::write_all(file, line).ok();
        }
    }

    pub(crate) fn close(&self) {
        self.output.lock().file = None;
        self.boundary.notify_all();
    }
}
