//! Lines that the chain doesn't go over: of another stream, or from before.

use crate::verify::ProblemKind;
use crate::verify::block::{Block, Link};
use crate::verify::found::Place;
use crate::verify::index::Seen;
use crate::verify::judge::{Judge, Step, missing, wrong_seq};

/// Lines of another stream in a row, in one file.
#[derive(Debug)]
pub(super) struct Stray {
    tip: Link,
    first_seq: u64,
    lines: u64,
    /// Their problem, if it is listed.
    listed: Option<usize>,
}

impl Judge<'_> {
    /// A line of a stream that nothing announces.
    pub(super) fn foreign(&mut self, block: &Block, at: usize, place: Place) {
        let link = block.facts[at].link;
        let Some(stray) = self
            .stray
            .as_mut()
            .filter(|stray| stray.tip.stream == link.stream)
        else {
            let message = "a line of another stream, which nothing announces".to_owned();
            let listed = self
                .problems
                .add(ProblemKind::Foreign, place, Some(link.seq), message);
            self.stray = Some(Stray {
                tip: link,
                first_seq: link.seq,
                lines: 1,
                listed,
            });
            return;
        };
        stray.lines += 1;
        if let Some(listed) = stray.listed {
            self.problems.list[listed].message = format!(
                "{} lines of another stream, from its line #{} on, which nothing announces",
                stray.lines, stray.first_seq
            );
        }
        let tip = stray.tip;
        let next = match Step::of(&tip, &link) {
            Step::Next => link,
            Step::WrongPrev => {
                let message = format!("line #{} names another line before it", link.seq);
                self.edited(place, link.seq, message);
                link
            }
            Step::WrongSeq => {
                self.edited(place, link.seq, wrong_seq(&tip, &link));
                Link {
                    seq: tip.seq.saturating_add(1),
                    ..link
                }
            }
            Step::Ahead => {
                let message = missing(tip.seq + 1, link.seq - 1);
                self.problems
                    .add(ProblemKind::Missing, place, Some(link.seq), message);
                link
            }
            Step::Back => {
                let seen = self.index.look(block, at);
                let (kind, message) = went_back(seen, &tip, &link);
                self.problems.add(kind, place, Some(link.seq), message);
                tip
            }
        };
        if let Some(stray) = &mut self.stray {
            stray.tip = next;
        }
    }
}

/// Whether it may be a copy of an earlier line. What can't be found out was most
/// likely one.
pub(super) fn is_copy(seen: Seen) -> bool {
    matches!(seen, Seen::Same | Seen::Unknown)
}

/// What a line is whose number is not beyond that of the last.
pub(super) fn went_back(seen: Seen, tip: &Link, link: &Link) -> (ProblemKind, String) {
    let (seq, last) = (link.seq, tip.seq);
    match seen {
        Seen::Same => (
            ProblemKind::Repeated,
            format!("line #{seq} stands here once more, after line #{last}"),
        ),
        Seen::Other => (
            ProblemKind::Forked,
            format!("another line #{seq}, after line #{last}"),
        ),
        Seen::Never => (
            ProblemKind::Misplaced,
            format!("line #{seq} stands after line #{last}"),
        ),
        Seen::Unknown => (
            ProblemKind::Misplaced,
            format!(
                "line #{seq} stands after line #{last}; so many do that it was not looked \
                 whether it is a copy"
            ),
        ),
    }
}
