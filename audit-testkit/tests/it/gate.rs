use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use audit_testkit::{DEADLINE, SharedBuf, gate, within};

use crate::panic_of;

#[test]
fn each_pass_lets_one_write_in() {
    let buf = SharedBuf::new();
    let (gate, mut writer) = gate::pair(buf.clone());
    let thread = thread::spawn(move || {
        for nth in 0..6 {
            writer.write_all(format!("{nth}\n").as_bytes()).unwrap();
        }
    });
    gate.wait_until_blocked(DEADLINE);
    assert_eq!((gate.waiting(), gate.admitted(), buf.writes()), (1, 0, 0));

    gate.allow(1);
    gate.wait_until_blocked(DEADLINE);
    assert_eq!((gate.waiting(), gate.admitted(), buf.writes()), (1, 1, 1));

    gate.allow(2);
    gate.wait_until_blocked(DEADLINE);
    assert_eq!((gate.waiting(), gate.admitted(), buf.writes()), (1, 3, 3));

    gate.open();
    thread.join().unwrap();
    assert_eq!((gate.waiting(), gate.admitted(), buf.writes()), (0, 6, 6));
}

#[test]
fn passes_wait_for_their_writes() {
    let (gate, mut writer) = gate::pair(SharedBuf::new());
    gate.allow(1);
    gate.allow(1);
    writer.write_all(b"a").unwrap();
    writer.write_all(b"b").unwrap();
    assert_eq!(gate.admitted(), 2);
}

#[test]
fn closing_takes_passes_back() {
    let buf = SharedBuf::new();
    let (gate, mut writer) = gate::pair(buf.clone());
    gate.open();
    writer.write_all(b"a").unwrap();
    gate.allow(5);
    gate.close();
    let thread = thread::spawn(move || writer.write_all(b"b"));
    gate.wait_until_blocked(DEADLINE);
    assert_eq!(buf.text(), "a");
    gate.open();
    thread.join().unwrap().unwrap();
}

#[test]
fn flushing_is_never_held_back() {
    let buf = SharedBuf::new();
    let (_gate, mut writer) = gate::pair(buf.clone());
    within(DEADLINE, move || writer.flush()).unwrap();
    assert_eq!(buf.flushes(), 1);
}

#[test]
fn clones_stand_at_the_same_gate() {
    let buf = SharedBuf::new();
    let (gate, writer) = gate::pair(buf.clone());
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let mut writer = writer.clone();
            thread::spawn(move || writer.write_all(b"x"))
        })
        .collect();
    gate.allow(2);
    gate.wait_until_blocked(DEADLINE);
    assert_eq!(gate.waiting(), 1);
    gate.allow(1);
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(buf.text(), "xxx");
}

#[test]
fn a_test_that_panics_leaves_nobody_at_the_gate() {
    let (gate, mut writer) = gate::pair(SharedBuf::new());
    let thread = thread::spawn(move || writer.write_all(b"x"));
    let failed = panic::catch_unwind(AssertUnwindSafe(move || {
        gate.wait_until_blocked(DEADLINE);
        panic!("as a failing test does");
    }));
    assert!(failed.is_err());
    within(DEADLINE, || thread.join()).unwrap().unwrap();
}

#[test]
fn waiting_in_vain_says_how_the_gate_stands() {
    let (gate, mut writer) = gate::pair(SharedBuf::new());
    gate.allow(3);
    writer.write_all(b"x").unwrap();
    assert_eq!(
        panic_of(|| gate.wait_until_blocked(Duration::from_millis(1))),
        "waited 1ms for a write at the gate; none came. The gate is closed with 2 passes left, \
         and has let 1 writes in"
    );
}
