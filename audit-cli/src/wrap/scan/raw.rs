//! A value whose JSON text is kept.

use crate::wrap::scan::message::{Id, Marker, Marking};

#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) level: usize,
    text: Vec<u8>,
    most: usize,
    marking: Marking,
    /// Of the letters, if it is a string.
    pub(crate) string: Option<Marking>,
}

impl Raw {
    pub(crate) fn new(level: usize, most: usize, marker: &Marker) -> Self {
        Self {
            level,
            text: Vec::new(),
            most,
            marking: marker.begin(),
            string: None,
        }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.marking.add(bytes);
        let room = (self.most + 1).saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(crate) fn end(self) -> Id {
        let fits = self.text.len() <= self.most;
        // `"1"` is not `1`.
        let string = self.string.map(|mut string| {
            string.add(b"\"");
            string.end()
        });
        Id {
            mark: string.unwrap_or(self.marking.end()),
            raw: fits.then(|| String::from_utf8_lossy(&self.text).into_owned()),
        }
    }
}
