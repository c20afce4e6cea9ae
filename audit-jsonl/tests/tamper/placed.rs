//! Lines put in and moved.

use crate::expect::{BEYOND, COPY, Change, Expect, SAME, UNTOLD};
use crate::lines::{Place, forged_event, has_plain, insert, moved_by, orders, stream};
use crate::link::Tip;
use crate::logs::{Log, after};
use crate::support::line_of;

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

/// A chained line stands behind those that follow it.
fn misplaced(log: &Log, at: usize, place: Place) -> Expect {
    let (file, before) = place;
    // In its own file, it is no more where it was.
    let before = if log.lines[at].file == file {
        before - 1
    } else {
        before
    };
    put_in(log, "misplaced", (file, before))
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

fn put_in(log: &Log, kind: &'static str, (file, before): Place) -> Expect {
    let line = before - log.range(file).start + 1;
    Expect::First(kind, log.files[file].name.clone(), line)
}

fn put_plain(log: &Log, place: Place) -> Expect {
    let (file, before) = place;
    let end = log.range(file).end;
    let since = log.link_before(before).map_or(0, |link| link + 1);
    // The next link stands in another file, and may tell of that file's plain lines alone.
    if log.link_from(before).is_some_and(|next| next >= end) && !has_plain(log, since, end) {
        return Expect::Nothing(UNTOLD);
    }
    log.other_plain(before, |next| moved_by(log, next, place, 1))
}
