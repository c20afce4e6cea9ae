//! The heads at hand, compared with the lines as they come.

use crate::chain::StreamId;
use crate::verify::block::{Fact, Link};
use crate::verify::found::Place;
use crate::verify::{Head, HeadSource};

/// A head, and what was seen of its line.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) head: Head,
    pub(super) source: HeadSource,
    /// Its stream, if that is known.
    pub(super) stream: Option<StreamId>,
    pub(super) seen: Sighting,
}

/// Greater ones count for more.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sighting {
    None,
    /// Its number is one of those that are missing.
    Missing,
    /// It may have stood in a file that was removed meanwhile.
    Vanished,
    /// Another line of the chain has its number.
    Other(Place),
    /// A line says that its stream ended so.
    SetAside,
    Agrees,
}

#[derive(Debug, Default)]
pub(super) struct Heads(pub(super) Vec<Compared>);

impl Heads {
    pub(super) fn add(&mut self, head: Head, source: HeadSource, stream: Option<StreamId>) {
        self.0.push(Compared {
            head,
            source,
            stream,
            seen: Sighting::None,
        });
    }

    /// A line of the chain.
    pub(super) fn line(&mut self, link: &Link, place: Place) {
        for compared in &mut self.0 {
            if compared.is_about(link) {
                compared.note(if compared.head.hash == link.hash {
                    Sighting::Agrees
                } else {
                    Sighting::Other(place)
                });
            }
        }
    }

    /// A run of lines of the chain, behind the one at `place`.
    pub(super) fn run(&mut self, facts: &[Fact], place: Place, byte_of: impl Fn(&Fact) -> u64) {
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else {
            return;
        };
        let range = first.link.seq..=last.link.seq;
        if !self
            .0
            .iter()
            .any(|compared| range.contains(&compared.head.seq))
        {
            return;
        }
        for (fact, nth) in facts.iter().zip(1..) {
            let place = Place {
                line: place.line + nth,
                byte: byte_of(fact),
                ..place
            };
            self.line(&fact.link, place);
        }
    }

    /// A line that the chain doesn't go over.
    pub(super) fn stray(&mut self, link: &Link) {
        for compared in &mut self.0 {
            if compared.is_about(link) && compared.head.hash == link.hash {
                compared.note(Sighting::Agrees);
            }
        }
    }

    /// The end of a stream, as a line tells of it.
    pub(super) fn told(&mut self, end: &Link) {
        for compared in &mut self.0 {
            if compared.is_about(end) && compared.head.hash == end.hash {
                compared.note(Sighting::SetAside);
            }
        }
    }

    /// Lines that are missing, which is told, or that vanished.
    pub(super) fn missing(&mut self, stream: StreamId, first: u64, last: u64, seen: Sighting) {
        for compared in &mut self.0 {
            let of_stream = compared.stream.is_none_or(|its| its == stream);
            if of_stream && (first..=last).contains(&compared.head.seq) {
                compared.note(seen);
            }
        }
    }

    /// The log's last files vanished, those after the line `tip`.
    pub(super) fn vanished_after(&mut self, tip: Option<Link>) {
        for compared in &mut self.0 {
            let stood_before = tip.is_some_and(|tip| {
                let of_stream = compared.stream.is_none_or(|its| its == tip.stream);
                of_stream && compared.head.seq <= tip.seq
            });
            if !stood_before {
                compared.note(Sighting::Vanished);
            }
        }
    }
}

impl Compared {
    fn is_about(&self, link: &Link) -> bool {
        self.head.seq == link.seq && self.stream.is_none_or(|stream| stream == link.stream)
    }

    fn note(&mut self, seen: Sighting) {
        if seen.weight() > self.seen.weight() {
            self.seen = seen;
        }
    }
}

impl Sighting {
    fn weight(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Missing => 1,
            Self::Vanished => 2,
            Self::Other(_) => 3,
            Self::SetAside => 4,
            Self::Agrees => 5,
        }
    }
}
