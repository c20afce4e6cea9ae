//! Damage is told of, and reading goes on after it.

use std::fs;
use std::io::{self, Read};

use audit_jsonl::{DamageKind, LogReader};
use audit_testkit::{DEADLINE, within};

use crate::made::{link, links, rotated, stream};
use crate::seen::{Seen, all, calls, find, kinds};
use crate::support::{Dir, Random, append, event, line_of, lines_of, log};

use DamageKind::{NotARecord, TooLong, Unfinished};

#[test]
fn a_line_that_is_no_record() {
    within(DEADLINE, || {
        let good = line_of(&event(7));
        let body = good.trim_end();
        let rows: [(&str, Vec<u8>); 12] = [
            ("junk", b"junk".into()),
            ("empty", b"".into()),
            ("a carriage return alone", b"\r".into()),
            ("NUL bytes", vec![0; 5000]),
            ("no text", b"\xff\xfe".into()),
            (
                "a byte-order mark",
                [b"\xef\xbb\xbf", body.as_bytes()].concat(),
            ),
            (
                "bytes that are no text inside",
                body.replace("hot", "h\u{1}t").into(),
            ),
            ("half a record", body.as_bytes()[..40].into()),
            ("two records", body.repeat(2).into()),
            ("JSON that is no object", b"[1]".into()),
            ("an object that is no record", b"{\"a\":1}".into()),
            (
                "a record of wrong types",
                body.replace("\"duration_ms\":3", "\"duration_ms\":-3")
                    .into(),
            ),
        ];
        for (what, bytes) in rows {
            let (_dir, path) = Dir::with_log();
            log(&path, 0..3);
            let before = fs::metadata(&path).unwrap().len();
            append(&path, [&bytes[..], b"\n"].concat());
            append(&path, lines_of(3..5));
            let seen = all(LogReader::open(&path).unwrap());
            assert_eq!(kinds(&seen), [NotARecord], "{what}");
            assert_eq!(calls(&seen), [0, 1, 2, 3, 4], "{what}");
            let damage = &seen[4];
            assert_eq!((damage.line, damage.byte), (Some(5), before), "{what}");
            assert_eq!(
                (&damage.bytes, damage.len),
                (&bytes, bytes.len() as u64 + 1),
                "{what}"
            );
        }
    });
}

#[test]
fn an_unfinished_line_at_the_end_of_any_file() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let stream = stream(1);
        let half = |seq| link(&stream, seq, "")[..50].to_owned();
        let first = dir.path(&rotated(&stream, 0));
        fs::write(&first, links(&stream, 0..2) + &half(2)).unwrap();
        fs::write(&path, links(&stream, 2..4) + &half(4)).unwrap();
        let seen = all(LogReader::open(&path).unwrap());
        assert_eq!(calls(&seen), [0, 1, 2, 3]);
        assert_eq!(kinds(&seen), [Unfinished, Unfinished]);
        assert_eq!((seen[2].line, seen[2].len), (Some(3), 50));
        assert_eq!(seen[2].bytes, half(2).as_bytes());
        // Nothing but the beginning of a line.
        fs::write(&path, half(2)).unwrap();
        let seen = all(LogReader::open(&path).unwrap());
        assert_eq!(kinds(&seen), [Unfinished, Unfinished]);
    });
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    const MIB: usize = 1024 * 1024;
    // Without optimisation, on a busy machine.
    within(4 * DEADLINE, || {
        let shorter = line_of(&event(0)).len();
        for (length, kinds_wanted) in [
            // The longest that is held: a plain record of 16 MiB with its line feed.
            (16 * MIB, vec![]),
            (16 * MIB + 1, vec![TooLong]),
            (17 * MIB + 7, vec![TooLong]),
        ] {
            let mut long = event(5);
            long.tool_id += &"x".repeat(length - shorter);
            let text = lines_of(0..2) + &line_of(&long) + &lines_of(6..8);
            let seen = all(LogReader::new(io::Cursor::new(text.clone())));
            assert_eq!(kinds(&seen), kinds_wanted, "{length}");
            assert_eq!(seen.len(), 5);
            assert_eq!((seen[2].len, seen[2].line), (length as u64, Some(3)));
            assert_eq!(seen[2].bytes.is_empty(), !kinds_wanted.is_empty());
            assert_eq!(seen[3].byte, (seen[2].byte + seen[2].len));
        }
        // Without an end, too.
        let endless = io::repeat(b'x').take(20 * MIB as u64);
        let seen = all(LogReader::new(endless));
        assert_eq!(
            (kinds(&seen), seen[0].len),
            (vec![TooLong], 20 * MIB as u64)
        );
    });
}

#[test]
fn whatever_stands_in_a_file_all_of_it_is_given_once() {
    within(DEADLINE, || {
        let mut random = Random::new(4);
        let (_dir, path) = Dir::with_log();
        let stream = stream(3);
        for _ in 0..300 {
            let mut text: Vec<u8> = Vec::new();
            for _ in 0..random.below(20) {
                let piece = match random.below(6) {
                    0 => line_of(&event(random.below(9))),
                    1 => link(&stream, random.below(9), ""),
                    2 => "\n".repeat(random.below(4) as usize),
                    3 => "\0".repeat(random.below(9) as usize),
                    4 => line_of(&event(1))[..random.below(100) as usize].into(),
                    _ => "{}\r\n".into(),
                };
                text.extend_from_slice(piece.as_bytes());
            }
            fs::write(&path, &text).unwrap();
            let seen = all(LogReader::of(&find(&[&path])));
            let mut at = 0;
            for Seen { byte, len, .. } in &seen {
                assert_eq!(*byte, at);
                at += len;
            }
            assert_eq!(at, text.len() as u64);
        }
    });
}
