//! Lines taken out, exchanged, doubled, put in and moved.

use audit_jsonl::CallEvent;

use crate::expect::{BEYOND, COPY, Change, Expect, SAME, UNTOLD};
use crate::link::Tip;
use crate::logs::{Log, Part, after};
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
type Place = (usize, usize);

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

/// The line holds another event, under the same number and after the same line.
pub(crate) fn forged(log: &Log, at: usize) -> Change {
    let Some(link) = log.link(at) else {
        let Part { mut bytes, .. } = log.files[log.lines[at].file].clone();
        bytes.splice(
            log.lines[at].start..=log.lines[at].end,
            line_of(&forged_event()).into_bytes(),
        );
        let files = log.with(log.lines[at].file, bytes);
        return Change {
            what: "a line is replaced",
            files,
            expect: log.other_plain(at, |_| 0),
        };
    };
    let body = String::from_utf8(log.bytes(at).to_vec()).unwrap();
    let (_, chain) = body.rsplit_once(",\"chain\":").unwrap();
    let mut line = line_of(&forged_event());
    line.truncate(line.len() - 2);
    line += &format!(",\"chain\":{chain}");
    let Part { mut bytes, .. } = log.files[log.lines[at].file].clone();
    bytes.splice(log.lines[at].start..=log.lines[at].end, line.into_bytes());
    let files = log.with(log.lines[at].file, bytes);
    let _ = link;
    Change {
        what: "a line is replaced",
        files,
        expect: log.other_hash(at),
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
fn orders(log: &Log, at: usize) -> bool {
    let start = log.range(log.lines[at].file).start;
    log.orders(at) || log.link_before(at).is_none_or(|link| link < start)
}

/// A line goes to another place, in its file or in another.
pub(crate) fn moved(log: &Log, at: usize, place: Place) -> Change {
    let line = &log.lines[at];
    let mut files = insert(log, place, log.bytes(at));
    let shift = if place.0 == line.file && place.1 <= at {
        line.end + 1 - line.start
    } else {
        0
    };
    files[line.file]
        .bytes
        .drain(line.start + shift..=line.end + shift);
    let (_, before) = place;
    let expect = if before == at || before == at + 1 {
        let same_file = line.file == place.0;
        if same_file || !log.orders(at) {
            Expect::Nothing(SAME)
        } else {
            Expect::Either(SAME)
        }
    } else if log.files.len() > 1 && (orders(log, at) || orders_place(log, place)) {
        Expect::Any
    } else if log.link(at).is_none() {
        let [from, to] = if before < at {
            [before, at + 1]
        } else {
            [at, before]
        };
        match log.link_from(from).filter(|next| *next < to) {
            // Among plain lines that one link tells of.
            None if (from..to).all(|other| log.bytes(other) == log.bytes(at)) => {
                Expect::Nothing(SAME)
            }
            None => log.other_plain(to, |_| 0),
            Some(_) if before < at => match put_plain(log, place) {
                // It is missed where it was.
                Expect::Nothing(_) => {
                    log.other_plain(at, |next| moved_by(log, next, (line.file, at), -1))
                }
                expect => expect,
            },
            Some(_) => log.other_plain(from, |next| moved_by(log, next, (line.file, at), -1)),
        }
    } else if before < at {
        early(log, at, place)
    } else {
        match log.lost(at, at + 1) {
            // Those after it come after a gap, and it comes after them.
            Expect::First(kind, name, nth) if log.link_from(at + 1).unwrap() < before => {
                Expect::First(kind, name, nth)
            }
            Expect::Nothing(_)
                if !has_plain(log, 0, before) && stream(log, at) == around(log, place) =>
            {
                misplaced(log, at, place)
            }
            _ => Expect::Any,
        }
    };
    Change {
        what: "a line is moved",
        files,
        expect,
    }
}

/// A chained line stands at a place before those that it follows.
fn early(log: &Log, at: usize, place: Place) -> Expect {
    let (_, before) = place;
    let replaces = log.link(at).is_some_and(|link| after(link).is_some());
    if log.files.len() > 1 && (orders_place(log, place) || replaces) {
        return Expect::Any;
    }
    let next = log.link_from(before).unwrap();
    match log.link_before(before) {
        None if next < at && !has_plain(log, 0, at) => {
            log.at("misplaced", next, moved_by(log, next, place, 1))
        }
        None => Expect::Any,
        // Plain lines that it tells of stand behind it.
        Some(_) if next == at => put_in(log, "edited", place),
        Some(tip) if log.link(tip).unwrap().stream == log.link(at).unwrap().stream => {
            put_in(log, "missing", place)
        }
        Some(_) => put_in(log, "foreign", place),
    }
}

fn misplaced(log: &Log, at: usize, place: Place) -> Expect {
    let moved = if log.lines[at].file == place.0 { 0 } else { 1 };
    match put_in(log, "misplaced", place) {
        Expect::First(kind, name, line) => Expect::First(kind, name, line + moved - 1),
        other => other,
    }
}

fn has_plain(log: &Log, from: usize, to: usize) -> bool {
    (from..to).any(|at| log.link(at).is_none())
}

fn orders_place(log: &Log, (file, before): Place) -> bool {
    let start = log.range(file).start;
    log.link_before(before).is_none_or(|link| link < start)
}

/// A line of the log, once more and further down.
pub(crate) fn replayed(log: &Log, at: usize, place: Place) -> Change {
    let (file, before) = place;
    let files = insert(log, place, log.bytes(at));
    let start = log.range(file).start;
    let expect = if log.link(at).is_none() {
        put_plain(log, place)
    } else if before == at && file == log.lines[at].file {
        log.at("repeated", at, 1)
    } else if before == at {
        // The file before ends with it.
        Expect::Nothing(COPY)
    } else if before < at {
        early(log, at, place)
    } else if stream(log, at) != around(log, place) {
        if log.link(at).is_some_and(|link| after(link).is_some()) {
            Expect::Any
        } else if orders_place(log, place) {
            Expect::Either(COPY)
        } else {
            put_in(log, "foreign", place)
        }
    } else if log.link_before(before).is_none_or(|link| link < start) {
        let next = log.link_from(before);
        // The plain lines before a copy are those of the other file.
        let told = next.is_some_and(|next| {
            has_plain(log, start, before)
                || log.link_before(next) == Some(at) && has_plain(log, at + 1, start)
        });
        match next {
            // The files' order is another, or isn't.
            _ if log.lines[at].file + 1 < file => Expect::Either(COPY),
            Some(next) if told => log.at("edited", next, moved_by(log, next, place, 1)),
            _ => Expect::Nothing(COPY),
        }
    } else {
        put_in(log, "repeated", place)
    };
    Change {
        what: "a line is replayed",
        files,
        expect,
    }
}

fn stream(log: &Log, at: usize) -> Option<&str> {
    log.link(at).map(|link| link.stream.as_str())
}

/// The stream that a place is in: between two, that of the line after it.
fn around(log: &Log, (file, before): Place) -> Option<&str> {
    let behind = log
        .link_before(before)
        .filter(|_| before > log.range(file).start);
    behind
        .or(log.link_from(before))
        .and_then(|link| stream(log, link))
}

/// A line of another log.
pub(crate) fn stranger(log: &Log, place: Place) -> Change {
    let mut tip = Tip {
        stream: "5".repeat(32),
        seq: 7,
        prev: Some("6".repeat(64)),
    };
    let files = insert(log, place, &tip.link(&forged_event(), ""));
    let expect = if log.link_before(place.1).is_none() && has_plain(log, 0, place.1) {
        put_in(log, "edited", place)
    } else if log.link_before(place.1).is_none() && log.files.len() == 1 {
        // All that comes after is foreign to it.
        let next = log.link_from(place.1).unwrap();
        log.at("foreign", next, 1)
    } else if orders_place(log, place) {
        Expect::Any
    } else {
        put_in(log, "foreign", place)
    };
    Change {
        what: "a line of another log is put in",
        files,
        expect,
    }
}

/// A line that nobody recorded, without a link.
pub(crate) fn plain(log: &Log, place: Place) -> Change {
    let files = insert(log, place, line_of(&forged_event()).as_bytes());
    Change {
        what: "a plain line is put in",
        files,
        expect: put_plain(log, place),
    }
}

/// A line that nobody recorded, with a good link to the one before.
pub(crate) fn continued(log: &Log, place: Place) -> Change {
    let (file, before) = place;
    let tip = log.link_before(before);
    let mut new = match tip {
        Some(tip) => {
            let link = log.link(tip).unwrap();
            Tip {
                stream: link.stream.clone(),
                seq: link.seq + 1,
                prev: Some(link.hash.clone()),
            }
        }
        None => {
            let first = log.link(log.link_from(0).unwrap()).unwrap();
            Tip {
                stream: first.stream.clone(),
                seq: 0,
                prev: None,
            }
        }
    };
    let files = insert(log, place, &new.link(&forged_event(), ""));
    let expect = if has_plain(log, tip.map_or(0, |tip| tip + 1), before) {
        put_in(log, "edited", place)
    } else {
        match log.link_from(before) {
            None => Expect::Nothing(BEYOND),
            Some(next) if log.link(next).unwrap().stream == new.stream => {
                log.at("forked", next, moved_by(log, next, (file, before), 1))
            }
            // The stream doesn't end as the next one says.
            Some(next) => log.at("edited", next, moved_by(log, next, (file, before), 1)),
        }
    };
    Change {
        what: "a forged line is put in",
        files,
        expect,
    }
}

fn forged_event() -> CallEvent {
    event(999)
}

fn put_in(log: &Log, kind: &'static str, (file, before): Place) -> Expect {
    let line = before - log.range(file).start + 1;
    Expect::First(kind, log.files[file].name.clone(), line)
}

fn put_plain(log: &Log, place: Place) -> Expect {
    let (file, before) = place;
    let end = log.range(file).end;
    let next = log.link_from(before).filter(|next| *next >= end);
    // The next link stands in another file, and tells of that file's plain lines.
    if let Some(next) = next
        && !has_plain(log, log.link_before(before).map_or(0, |link| link + 1), end)
    {
        let _ = next;
        return Expect::Nothing(UNTOLD);
    }
    log.other_plain(place.1, |next| moved_by(log, next, place, 1))
}

/// By how much a line moves when `lines` are put in there.
fn moved_by(log: &Log, at: usize, (file, before): Place, lines: isize) -> isize {
    if log.lines[at].file == file && at >= before {
        lines
    } else {
        0
    }
}

/// The files with a line put in.
fn insert(log: &Log, (file, before): Place, line: &[u8]) -> Vec<Part> {
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
