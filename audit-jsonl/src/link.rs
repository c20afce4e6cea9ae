//! Linking: events become lines of the chain.
//!
//! A line is drafted first: all of it but the hash of the line before, which stands near
//! its end. What is before that place is hashed at once, together with a neighbour's, see
//! [`leaf`](crate::leaf). Then line after line gets the hash of the one before, and its
//! own hash is finished, over the last bytes alone.

#[cfg(test)]
mod tests;

use memchr::memchr_iter;

use crate::chain::{Head, LONGEST_LINE, Notes, StreamId, Tip, write_number};
use crate::leaf::Begun;

/// The digits of a hash.
const DIGITS: usize = 64;

/// One event of a batch.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The plain line, with its line feed.
    pub(crate) line: &'a [u8],
    /// So many bytes of the event were cut.
    pub(crate) cut: u64,
}

impl<'a> Item<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Self {
        Self { line, cut: 0 }
    }

    pub(crate) fn event(&self, notes: Option<&'a Notes>) -> Event<'a> {
        Event {
            line: self.line,
            notes,
        }
    }
}

/// An event that is to become a line of the chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    /// The plain line, with its line feed.
    pub(crate) line: &'a [u8],
    pub(crate) notes: Option<&'a Notes>,
}

/// A line that does not name the one before it yet: where it stands in a buffer.
#[derive(Debug, Clone, Copy, Default)]
struct Draft {
    start: usize,
    /// Where the hash of the line before is to stand; the first line of a stream names
    /// none, and ends here.
    prev: usize,
    end: usize,
    begun: Begun,
}

impl Tip {
    /// Appends events as the next lines of the chain, and gives the place of each. The
    /// tip is the last of them then.
    pub(crate) fn link<const N: usize>(
        &mut self,
        events: [Event<'_>; N],
        out: &mut Vec<u8>,
    ) -> [Head; N] {
        let drafts = Draft::write_all(events, self.stream(), self.next_seq(), out);
        drafts.map(|draft| draft.link(self, out))
    }
}

impl Draft {
    /// Appends drafts of lines that follow one another.
    fn write_all<const N: usize>(
        events: [Event<'_>; N],
        stream: &StreamId,
        seq: u64,
        out: &mut Vec<u8>,
    ) -> [Self; N] {
        let mut drafts = [Self::default(); N];
        for ((draft, event), seq) in drafts.iter_mut().zip(events).zip(seq..) {
            *draft = Self::write(event, stream, seq, out);
        }
        let mut begun = [Begun::NOTHING; N];
        Begun::advance(
            &mut begun,
            drafts.map(|draft| &out[draft.start..draft.prev]),
        );
        for (draft, begun) in drafts.iter_mut().zip(begun) {
            draft.begun = begun;
        }
        drafts
    }

    fn write(event: Event<'_>, stream: &StreamId, seq: u64, out: &mut Vec<u8>) -> Self {
        let start = out.len();
        let open = event.line.strip_suffix(b"}\n").unwrap_or(event.line);
        out.extend_from_slice(open);
        out.extend_from_slice(b",\"chain\":{\"stream\":\"");
        out.extend_from_slice(stream.as_bytes());
        out.extend_from_slice(b"\",\"seq\":");
        write_number(seq, out);
        let mut prev = None;
        if seq > 0 {
            out.extend_from_slice(b",\"prev\":\"");
            prev = Some(out.len());
            out.extend_from_slice(&[b'0'; DIGITS]);
            out.push(b'"');
        }
        if let Some(notes) = event.notes {
            notes.write_to(out);
        }
        out.extend_from_slice(b"}}\n");
        let end = out.len();
        debug_assert!(end - start <= LONGEST_LINE, "a line is too long");
        Self {
            start,
            prev: prev.unwrap_or(end - 1),
            end,
            begun: Begun::NOTHING,
        }
    }

    /// Makes it the next line of the chain, and the tip that line.
    fn link(&self, tip: &mut Tip, out: &mut [u8]) -> Head {
        if let Tip::After(before) = tip {
            out[self.prev..self.prev + DIGITS].copy_from_slice(&before.hash.digits());
        }
        let line = &out[self.start..self.end - 1];
        let [hash] = Begun::finish([self.begun], [line]);
        let (stream, seq) = (*tip.stream(), tip.next_seq());
        let head = Head { stream, seq, hash };
        *tip = Tip::After(head);
        head
    }
}

/// Drafts of many lines without notes, for a place in a chain where they may or may not
/// come to stand.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    /// The stream, and the number of the first.
    place: Option<(StreamId, u64)>,
    bytes: Vec<u8>,
    drafts: Vec<Draft>,
}

impl Drafts {
    /// Drafts lines that come after `head`, of events that are plain lines, each with its
    /// line feed.
    pub(crate) fn write(&mut self, after: &Head, events: &[u8]) {
        self.clear();
        let (stream, first) = (after.stream, after.seq + 1);
        self.place = Some((stream, first));
        let mut start = 0;
        let mut events = memchr_iter(b'\n', events).map(|feed| {
            let line = &events[start..=feed];
            start = feed + 1;
            Event { line, notes: None }
        });
        let out = &mut self.bytes;
        while let Some(event) = events.next() {
            let seq = first + self.drafts.len() as u64;
            match events.next() {
                None => self
                    .drafts
                    .extend(Draft::write_all([event], &stream, seq, out)),
                Some(second) => {
                    let both = [event, second];
                    self.drafts
                        .extend(Draft::write_all(both, &stream, seq, out));
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.place = None;
        self.bytes.clear();
        self.drafts.clear();
    }

    /// Makes them the next lines of the chain, and tells of each. False, and nothing is
    /// done, if they were drafted for another place.
    pub(crate) fn link(&mut self, tip: &mut Tip, mut linked: impl FnMut(&Head)) -> bool {
        if self.place != Some((*tip.stream(), tip.next_seq())) {
            return false;
        }
        for draft in &self.drafts {
            linked(&draft.link(tip, &mut self.bytes));
        }
        true
    }

    /// The lines, once they are linked.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
