//! Lines taken out, exchanged, doubled and replaced; and each way to change lines.

use audit_jsonl::CallEvent;

use crate::expect::{Change, Expect, SAME};
use crate::logs::{Log, Part};
use crate::placed::{continued, moved, plain, replayed, stranger};
use crate::support::{event, line_of};

/// Each way to change whole lines of a log.
pub(crate) fn each(log: &Log, see: &mut dyn FnMut(Change)) {
    let lines = log.lines.len();
    for from in 0..lines {
        for to in from + 1..=log.range(log.lines[from].file).end {
            see(deleted(log, from, to));
        }
        see(doubled(log, from));
        see(forged(log, from));
        for other in 0..lines {
            if from < other {
                see(swapped(log, from, other));
            }
        }
        for place in places(log) {
            see(moved(log, from, place));
            see(replayed(log, from, place));
        }
    }
    for place in places(log) {
        see(stranger(log, place));
        see(plain(log, place));
        see(continued(log, place));
    }
}

/// Where a line may be put in: before the line with that number, in that file.
pub(crate) type Place = (usize, usize);

/// All of them; between two files there are two.
pub(crate) fn places(log: &Log) -> Vec<Place> {
    let of_file = |file| {
        let range = log.range(file);
        (range.start..=range.end).map(move |at| (file, at))
    };
    (0..log.files.len()).flat_map(of_file).collect()
}

pub(crate) fn deleted(log: &Log, from: usize, to: usize) -> Change {
    let (first, last) = (&log.lines[from], &log.lines[to - 1]);
    let mut bytes = log.files[first.file].bytes.clone();
    bytes.drain(first.start..=last.end);
    let what = if to == from + 1 {
        "a line is deleted"
    } else {
        "lines are deleted"
    };
    Change {
        what,
        files: log.with(first.file, bytes),
        expect: log.lost(from, to),
    }
}

pub(crate) fn doubled(log: &Log, at: usize) -> Change {
    let file = log.lines[at].file;
    let expect = match log.link(at) {
        Some(_) => log.at("repeated", at, 1),
        None => log.other_plain(at, |next| moved_by(log, next, (file, at), 1)),
    };
    Change {
        what: "a line is doubled",
        files: insert(log, (file, at), log.bytes(at)),
        expect,
    }
}

/// The line holds another event, in a chained line under the same number and after the
/// same line.
pub(crate) fn forged(log: &Log, at: usize) -> Change {
    let mut line = line_of(&forged_event());
    let expect = if log.link(at).is_some() {
        let body = String::from_utf8(log.bytes(at).to_vec()).unwrap();
        let (_, chain) = body.rsplit_once(",\"chain\":").unwrap();
        line.truncate(line.len() - 2);
        line += &format!(",\"chain\":{chain}");
        log.other_hash(at)
    } else {
        log.other_plain(at, |_| 0)
    };
    let place = &log.lines[at];
    let mut bytes = log.files[place.file].bytes.clone();
    bytes.splice(place.start..=place.end, line.into_bytes());
    Change {
        what: "a line is replaced",
        files: log.with(place.file, bytes),
        expect,
    }
}

pub(crate) fn swapped(log: &Log, first: usize, second: usize) -> Change {
    let (one, other) = (&log.lines[first], &log.lines[second]);
    let mut files = log.files.clone();
    // The later one first, so that the earlier one stays where it is.
    files[other.file]
        .bytes
        .splice(other.start..=other.end, log.bytes(first).iter().copied());
    files[one.file]
        .bytes
        .splice(one.start..=one.end, log.bytes(second).iter().copied());
    let next = log.link_from(first + 1);
    let (links, is_first) = (
        (log.link(first), log.link(second)),
        log.link_before(first).is_none(),
    );
    let expect = match links {
        _ if log.bytes(first) == log.bytes(second) => Expect::Nothing(SAME),
        (None, None) => log.other_plain(first, |_| 0),
        // Which file comes first may be another then.
        _ if log.files.len() > 1 && (orders(log, first) || orders(log, second)) => Expect::Any,
        (Some(link), Some(later)) if link.stream != later.stream => Expect::Any,
        (Some(link), Some(later))
            if is_first && link.chain.get("plain") != later.chain.get("plain") =>
        {
            log.at("edited", first, 0)
        }
        // The first one that stands after a later one.
        (Some(_), Some(_)) if is_first => log.at("misplaced", next.unwrap(), 0),
        (Some(_), Some(_)) => log.at("missing", first, 0),
        (Some(_), None) if next.is_some_and(|next| stream(log, next) != stream(log, first)) => {
            Expect::Any
        }
        (Some(_), None) if next.is_some_and(|next| next < second) => match is_first {
            // The log begins later, and with a plain line that is told of nowhere.
            true => log.at("edited", next.unwrap(), 0),
            false => log.at("missing", next.unwrap(), 0),
        },
        // It has plain lines before it that it doesn't tell of.
        (Some(_), None) => log.at("edited", second, 0),
        (None, Some(_)) if is_first && next != Some(second) => Expect::Any,
        (None, Some(_)) if next == Some(second) => log.at("edited", first, 0),
        (None, Some(_)) => log.at("missing", first, 0),
    };
    Change {
        what: "two lines are exchanged",
        files,
        expect,
    }
}

/// Whether the order of the files depends on a line, or would on a link in its place.
pub(crate) fn orders(log: &Log, at: usize) -> bool {
    let start = log.range(log.lines[at].file).start;
    log.orders(at) || log.link_before(at).is_none_or(|link| link < start)
}

pub(crate) fn forged_event() -> CallEvent {
    event(999)
}

/// By how much a line moves when `lines` are put in there.
pub(crate) fn moved_by(log: &Log, at: usize, (file, before): Place, lines: isize) -> isize {
    if log.lines[at].file == file && at >= before {
        lines
    } else {
        0
    }
}

/// The files with a line put in.
pub(crate) fn insert(log: &Log, (file, before): Place, line: &[u8]) -> Vec<Part> {
    let range = log.range(file);
    let mut bytes = log.files[file].bytes.clone();
    let at = if before < range.end {
        log.lines[before].start
    } else {
        bytes.len()
    };
    bytes.splice(at..at, line.iter().copied());
    log.with(file, bytes)
}

pub(crate) fn stream(log: &Log, at: usize) -> Option<&str> {
    log.link(at).map(|link| link.stream.as_str())
}

pub(crate) fn has_plain(log: &Log, from: usize, to: usize) -> bool {
    (from..to).any(|at| log.link(at).is_none())
}
