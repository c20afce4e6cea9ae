//! Every byte of a log, changed.

use crate::expect::{Change, Expect, SET_ASIDE};
use crate::link::Line;
use crate::logs::Log;

/// What a byte becomes: each bit turned, and what means something in JSON or ends a
/// line.
fn values(byte: u8) -> Vec<u8> {
    let mut values: Vec<u8> = (0..8).map(|bit| byte ^ (1 << bit)).collect();
    values.extend(b"\n\0\"");
    values.sort_unstable();
    values.dedup();
    values.retain(|value| *value != byte);
    values
}

/// Each change of one byte of a file, from one place up to another.
pub(crate) fn each(log: &Log, file: usize, see: &mut dyn FnMut(Change)) {
    for at in 0..log.files[file].bytes.len() {
        for value in values(log.files[file].bytes[at]) {
            see(one(log, file, at, value));
        }
    }
}

/// The byte at that place becomes `value`.
pub(crate) fn one(log: &Log, file: usize, at: usize, value: u8) -> Change {
    let range = log.range(file);
    let nth = log.lines[range.clone()].partition_point(|line| line.end < at);
    let nth = range.start + nth;
    let mut bytes = log.files[file].bytes.clone();
    bytes[at] = value;
    let line = &log.lines[nth];
    let (what, expect) = if at == line.end {
        let expect = if nth + 1 == range.end {
            // It is unfinished then.
            log.lost(nth, nth + 1)
        } else {
            log.at("garbled", nth, 0)
        };
        ("a line feed becomes another byte", expect)
    } else if value == b'\n' {
        ("a byte becomes a line feed", log.at("garbled", nth, 0))
    } else {
        let expect = changed(log, nth, &bytes[line.start..line.end]);
        ("a byte becomes another", expect)
    };
    let files = log.with(file, bytes);
    Change {
        what,
        files,
        expect,
    }
}

/// The line has another body, of the same place.
pub(crate) fn changed(log: &Log, nth: usize, body: &[u8]) -> Expect {
    let (link, new) = match (log.link(nth), Line::read(body)) {
        (_, Line::Garbled) => return log.at("garbled", nth, 0),
        (None, _) => return log.other_plain(nth, |_| 0),
        // It is one line of the chain less, and one plain line more.
        (Some(_), Line::Plain) => {
            return match log.lost(nth, nth + 1) {
                Expect::Nothing(why) if why == SET_ASIDE => Expect::Nothing(why),
                Expect::First(..) | Expect::Nothing(_) => {
                    let kind = if log.link_before(nth).is_some() {
                        "missing"
                    } else {
                        "edited"
                    };
                    log.at(kind, log.link_from(nth + 1).unwrap(), 0)
                }
                other => other,
            };
        }
        (Some(link), Line::Link(new)) => (link, new),
    };
    let differs = |member: &str| link.chain.get(member) != new.chain.get(member);
    let is_first = log.link_before(nth).is_none();
    if (differs("stream") || differs("seq")) && log.orders(nth) {
        Expect::Any
    } else if differs("stream") && is_first {
        log.at("foreign", log.link_from(nth + 1).unwrap(), 0)
    } else if differs("stream") {
        log.at("foreign", nth, 0)
    } else if differs("seq") || differs("prev") || differs("plain") {
        log.at("edited", nth, 0)
    } else if differs("after") && log.link_before(nth).is_some() {
        let part = |name: &str| link.chain["after"][name] != new.chain["after"][name];
        if part("stream") {
            // The files are ordered by it.
            Expect::Any
        } else if part("hash")
            || new.chain["after"]["seq"].as_u64() < log.link(nth - 1).map(|link| link.seq)
        {
            log.at("edited", nth, 0)
        } else {
            log.other_hash(nth)
        }
    } else {
        log.other_hash(nth)
    }
}
