//! Small logs, changed in every way.

use crate::bytes;
use crate::judge::{Judge, Tally};
use crate::lines;
use crate::logs::{self, Log};
use crate::python::Python;

fn all() -> [Log; 4] {
    [logs::single(), logs::rotated(), logs::plain(), logs::members()]
}

#[test]
fn every_byte() {
    let mut judge = Python::start().unwrap();
    let mut tally = Tally::default();
    for log in all() {
        for file in 0..log.files.len() {
            bytes::each(&log, file, &mut |change| tally.see(log.name, &mut judge, &log.head, &change));
        }
    }
    eprintln!("{}", tally.table());
    tally.assert_right();
}

#[test]
fn every_line() {
    let mut judge = Python::start().unwrap();
    let mut tally = Tally::default();
    for log in all() {
        assert_eq!(judge.judge(&log.files, &[&log.head]).verdict, "intact", "{}", log.name);
        lines::each(&log, &mut |change| tally.see(log.name, &mut judge, &log.head, &change));
    }
    eprintln!("{}", tally.table());
    tally.assert_right();
}
