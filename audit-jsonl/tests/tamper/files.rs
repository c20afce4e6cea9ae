//! Files removed, renamed and copied, cut at every byte, and joined in the middle of
//! lines.

use crate::bytes::changed;
use crate::expect::{COPY, Change, Expect, SAME};
use crate::link::Line;
use crate::logs::{ACTIVE, Log, Part};

pub(crate) fn each(log: &Log, see: &mut dyn FnMut(Change)) {
    for file in 0..log.files.len() {
        if log.files.len() > 1 {
            see(removed(log, file));
        }
        see(copied(log, file));
        for length in 0..log.files[file].bytes.len() {
            see(cut(log, file, length));
        }
        for from in log.range(file) {
            for to in from..log.range(file).end {
                for at in [1, 30, 200] {
                    see(spliced(log, (from, at), (to, at)));
                    see(spliced(log, (from, at), (to, at + 61)));
                }
            }
        }
    }
    see(renamed(log));
}

pub(crate) fn removed(log: &Log, file: usize) -> Change {
    let mut files = log.files.clone();
    files.remove(file);
    let range = log.range(file);
    let expect = log.lost(range.start, range.end);
    Change {
        what: "a file is removed",
        files,
        expect,
    }
}

/// Under a name that rotation gives when one is taken.
pub(crate) fn copied(log: &Log, file: usize) -> Change {
    let mut files = log.files.clone();
    let mut copy = files[file].clone();
    copy.name = "audit-00000000-00000000000000000000.jsonl.7".into();
    files.push(copy);
    let expect = Expect::Nothing(COPY);
    Change {
        what: "a file is copied",
        files,
        expect,
    }
}

/// The rotated files' names are exchanged, or given anew: they say nothing.
pub(crate) fn renamed(log: &Log) -> Change {
    let mut files = log.files.clone();
    let count = files.len();
    for (nth, part) in files.iter_mut().enumerate() {
        if part.name != ACTIVE {
            part.name = format!("audit-0a0a0a0a-{:020}.jsonl", count - nth);
        }
    }
    Change {
        what: "files are renamed",
        files,
        expect: Expect::Nothing(SAME),
    }
}

/// The file has so many bytes from then on.
pub(crate) fn cut(log: &Log, file: usize, length: usize) -> Change {
    let mut bytes = log.files[file].bytes.clone();
    bytes.truncate(length);
    let range = log.range(file);
    // The first line that is not whole.
    let from = range
        .clone()
        .find(|at| log.lines[*at].end >= length)
        .unwrap_or(range.end);
    let expect = log.lost(from, range.end);
    Change {
        what: "a file is cut",
        files: log.with(file, bytes),
        expect,
    }
}

/// What stands from a byte of one line up to a byte of another is taken out.
pub(crate) fn spliced(log: &Log, from: (usize, usize), to: (usize, usize)) -> Change {
    let place = |(line, byte): (usize, usize)| {
        let line = &log.lines[line];
        (line.start + byte).min(line.end)
    };
    let (first, last) = (&log.lines[from.0], &log.lines[to.0]);
    let (start, end) = (place(from), place(to).max(place(from)));
    let Part { mut bytes, .. } = log.files[first.file].clone();
    let mut body = bytes[first.start..start].to_vec();
    body.extend_from_slice(&bytes[end..last.end]);
    bytes.drain(start..end);
    let expect = if start == end {
        Expect::Nothing(SAME)
    } else if from.0 == to.0 {
        changed(log, from.0, &body)
    } else {
        joined(log, from.0, to.0, &body)
    };
    Change {
        what: "bytes are taken out",
        files: log.with(first.file, bytes),
        expect,
    }
}

/// Lines became one, of these bytes.
fn joined(log: &Log, from: usize, to: usize, body: &[u8]) -> Expect {
    let whole = |at: usize| log.bytes(at).strip_suffix(b"\n") == Some(body);
    match Line::read(body) {
        Line::Garbled => log.at("garbled", from, 0),
        // They began alike, or ended alike.
        _ if whole(to) => log.lost(from, to),
        _ if whole(from) => log.lost(from + 1, to + 1),
        Line::Plain if (from..=to).all(|at| log.link(at).is_none()) => log.lost(from, to),
        _ => Expect::Any,
    }
}
