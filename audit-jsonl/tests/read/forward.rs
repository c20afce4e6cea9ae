//! Each record of a log, once and in order.

use std::fs;
use std::io::{self, Read};

use audit_jsonl::{DamageKind, Entry, LogFiles, LogReader};
use audit_testkit::{DEADLINE, within};

use crate::made::{link, rotated_log, stream};
use crate::seen::{all, calls, find, kinds, try_all};
use crate::support::{Dir, append, builder, close, event, line_of, lines_of, log, record};

#[test]
fn every_record_of_a_rotated_log() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(50);
        let seen = all(LogReader::open(&path).unwrap());
        assert_eq!(calls(&seen), (0..50).collect::<Vec<_>>());
        let seqs: Vec<u64> = seen.iter().map(|seen| seen.seq.unwrap()).collect();
        assert_eq!(seqs, (0..51).collect::<Vec<_>>());
        // All bytes of all files.
        let files = find(&[&path]);
        assert_eq!(
            seen.iter().map(|seen| seen.len).sum::<u64>(),
            files.total_len()
        );
        let own: Vec<bool> = seen.iter().map(|seen| seen.is_own).collect();
        assert_eq!(own.iter().position(|&is_own| is_own), Some(50));
        assert_eq!(all(LogReader::open(dir.path("")).unwrap()), seen);
        assert_eq!(all(LogReader::of(&files)), seen);
    });
}

#[test]
fn the_logs_of_a_directory_one_after_another() {
    within(DEADLINE, || {
        let dir = Dir::new();
        log(&dir.path("b.jsonl"), 10..13);
        log(&dir.path("a.jsonl"), 0..3);
        fs::write(dir.path("c.jsonl"), lines_of(20..22)).unwrap();
        let seen = all(LogReader::open(dir.path("")).unwrap());
        assert_eq!(calls(&seen), [0, 1, 2, 10, 11, 12, 20, 21]);
    });
}

#[test]
fn a_line_gives_its_event_and_its_place_in_the_chain() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).open().unwrap();
        record(&sink, 0..2);
        close(&sink);
        append(&path, line_of(&event(2)));
        let lines = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let mut reader = LogReader::open(&path).unwrap();
        let mut hash = None;
        for (nth, text) in lines.iter().enumerate() {
            let Some(Entry::Line(line)) = reader.next_entry().unwrap() else {
                panic!("line {nth}");
            };
            assert_eq!(line.bytes(), text.as_bytes());
            assert!(line.form().is_ok());
            assert_eq!(line.is_own(), nth == 2);
            let position = line.position();
            assert_eq!(
                (position.path, position.line),
                (Some(&*path), Some(nth as u64 + 1))
            );
            assert_eq!(
                position.to_string(),
                format!("{}:{}", path.display(), nth + 1)
            );
            match line.chain() {
                Some(chain) => {
                    assert_eq!((chain.seq, chain.prev), (nth as u64, hash));
                    assert_eq!(chain.opened.is_some(), nth == 0);
                    assert_eq!(chain.closed.is_some(), nth == 2);
                    assert_eq!(
                        line.event().unwrap().call_id.len(),
                        if nth < 2 { 1 } else { 26 }
                    );
                }
                None => assert_eq!((nth, line.event().unwrap()), (3, event(2))),
            }
            hash = Some(line.leaf_hash());
        }
        assert!(reader.next_entry().unwrap().is_none());
        assert!(reader.next_entry().unwrap().is_none());
    });
}

#[test]
fn records_that_are_not_in_form_are_given_all_the_same() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let chained = link(&stream(1), 0, "");
        let spaced = chained.replace("\"seq\":", "\"seq\" : ");
        let plain = line_of(&event(1)).replace(':', " : ");
        let newer = link(&stream(1), 1, "").replace("\"success\"", "\"new\",\"x\":[1]");
        let unreadable = chained.replace("\"duration_ms\":3", "\"duration_ms\":-3");
        fs::write(&path, [&*spaced, &plain, &newer, &unreadable].concat()).unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        for (nth, (in_form, reads)) in [(false, true), (true, true), (true, true), (false, false)]
            .into_iter()
            .enumerate()
        {
            let Some(Entry::Line(line)) = reader.next_entry().unwrap() else {
                panic!("line {nth}");
            };
            assert_eq!(line.form().is_ok(), in_form, "line {nth}");
            assert_eq!(line.event().is_ok(), reads, "line {nth}");
            if let Err(error) = line.event() {
                let place = format!("{}:4: ", path.display());
                assert!(error.to_string().starts_with(&place), "{error}");
            }
        }
    });
}

#[test]
fn any_stream_however_it_comes() {
    struct Trickle(Vec<u8>, usize);
    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = self.0.len().min(buffer.len()).min(self.1 % 7 + 1);
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0.drain(..length);
            Ok(length)
        }
    }
    within(DEADLINE, || {
        let (_dir, path) = rotated_log(20);
        let bytes = [fs::read(&path).unwrap(), b"junk\n\nhalf".to_vec()].concat();
        let at_once = all(LogReader::new(io::Cursor::new(bytes.clone())));
        assert_eq!(all(LogReader::new(Trickle(bytes.clone(), 0))), at_once);
        let wanted = [
            DamageKind::NotARecord,
            DamageKind::NotARecord,
            DamageKind::Unfinished,
        ];
        assert_eq!(kinds(&at_once), wanted);
        let first = &at_once[0];
        assert_eq!((&first.path, first.line, first.byte), (&None, Some(1), 0));
        let text: Vec<u8> = at_once
            .iter()
            .flat_map(|seen| {
                [
                    &seen.bytes[..],
                    &b"\n"[..(seen.len as usize - seen.bytes.len())],
                ]
                .concat()
            })
            .collect();
        assert_eq!(text, bytes);
    });
}

#[test]
fn parts_give_together_what_the_whole_gives() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(40);
        append(&path, "junk\n");
        append(&path, "half");
        // The next file begins with lines of this one.
        let last = dir.named("audit-").pop().unwrap();
        let text = fs::read_to_string(&last).unwrap();
        let copied: Vec<&str> = text.split_inclusive('\n').skip(2).collect();
        let with_copies = copied.concat() + &fs::read_to_string(&path).unwrap();
        fs::write(&path, with_copies).unwrap();
        let files = find(&[&path]);
        let mut whole = all(LogReader::of(&files));
        assert_eq!(calls(&whole), (0..40).collect::<Vec<_>>());
        for seen in &mut whole {
            seen.line = None;
        }
        for count in [0, 1, 2, 3, 4, 5, 6, 7, 13, 50, 1000] {
            let parts = LogReader::split(&files, count).unwrap();
            assert!(parts.len() <= count.max(1));
            let threads = parts
                .into_iter()
                .map(|part| std::thread::spawn(|| all(part)));
            let threads: Vec<_> = threads.collect();
            let mut seen: Vec<_> = threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect();
            for seen in &mut seen {
                seen.line = None;
            }
            assert_eq!(seen, whole, "{count} parts");
        }
        // About the same size.
        let parts = LogReader::split(&files, 4).unwrap();
        assert_eq!(parts.len(), 4);
    });
}

#[test]
fn a_live_log_is_read_up_to_where_it_ended() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).open().unwrap();
        record(&sink, 0..10);
        let files = find(&[&path]);
        record(&sink, 10..20);
        assert_eq!(
            calls(&all(LogReader::of(&files))),
            (0..10).collect::<Vec<_>>()
        );
        close(&sink);
        assert_eq!(all(LogReader::open(&path).unwrap()).len(), 21);
    });
}

#[test]
fn files_that_are_renamed_or_removed_meanwhile() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(50);
        let files = find(&[&path]);
        let before = all(LogReader::of(&files));
        let rotated = dir.named("audit-");
        let mut reader = LogReader::of(&files);
        reader.next_entry().unwrap();
        // As a writer rotates, and retention removes.
        fs::rename(&path, dir.path("audit-elsewhere.jsonl")).unwrap();
        fs::write(&path, "junk\n").unwrap();
        fs::remove_file(&rotated[1]).unwrap();
        // Under its name another file is none of this log.
        fs::remove_file(&rotated[2]).unwrap();
        fs::write(&rotated[2], "junk\n").unwrap();
        let seen = try_all(reader).unwrap();
        assert_eq!(kinds(&seen), [DamageKind::FileGone, DamageKind::FileGone]);
        let gone: Vec<_> = seen.iter().filter(|seen| seen.damage.is_some()).collect();
        assert_eq!(gone[0].path.as_ref(), Some(&rotated[1]));
        let left: Vec<u64> = before[1..]
            .iter()
            .filter(|seen| {
                seen.path
                    .as_ref()
                    .is_none_or(|path| !rotated[1..3].contains(path))
            })
            .map(|seen| seen.seq.unwrap())
            .collect();
        let seqs: Vec<u64> = seen.iter().filter_map(|seen| seen.seq).collect();
        assert_eq!(seqs, left);
        assert_eq!(LogFiles::find(&[&path]).unwrap().len(), 1);
    });
}
