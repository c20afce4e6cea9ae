use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use audit_testkit::{DEADLINE, Destination, within};

use crate::panic_of;

#[test]
fn it_works_until_told_otherwise() {
    let destination = Destination::default();
    destination.writer().write_all(b"one\n").unwrap();
    destination.writer().write_all(b"two\n").unwrap();
    assert_eq!(destination.buf().lines(), ["one", "two"]);
    assert_eq!(destination.faults().given(), 0);
    assert_eq!(destination.gate().admitted(), 2);
}

#[test]
fn it_stalls_and_goes_on() {
    let destination = Destination::new();
    destination.stall();
    let mut writer = destination.writer();
    let thread = thread::spawn(move || writer.write_all(b"one\n"));
    destination.gate().wait_until_blocked(DEADLINE);
    assert_eq!(destination.buf().text(), "");
    destination.resume();
    thread.join().unwrap().unwrap();
    assert_eq!(destination.buf().text(), "one\n");
}

#[test]
fn it_refuses_and_dies_and_heals() {
    let destination = Destination::new();
    let mut writer = destination.writer();
    destination.refuse();
    let error = writer.write(b"one\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    destination.die();
    assert_eq!(
        panic_of(|| writer.write(b"two\n")),
        "this write was made to panic"
    );
    destination.heal();
    writer.write_all(b"three\n").unwrap();
    assert_eq!(destination.buf().text(), "three\n");
}

#[test]
fn it_calls_back_and_may_be_written_to_meanwhile() {
    let destination = Destination::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, inner) = (
        Arc::clone(&calls),
        parking_lot::Mutex::new(destination.writer()),
    );
    destination.call_back(Some(Arc::new(move || {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            inner.lock().write_all(b"inner\n").unwrap();
        }
    })));
    let mut writer = destination.writer();
    let mut writer = within(DEADLINE, move || {
        writer.write_all(b"outer\n").unwrap();
        writer
    });
    assert_eq!(calls.load(Ordering::Relaxed), 2);

    destination.call_back(None);
    writer.write_all(b"last\n").unwrap();
    assert_eq!(destination.buf().lines(), ["inner", "outer", "last"]);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn dropping_it_lets_writers_go() {
    let destination = Destination::new();
    destination.stall();
    let mut writer = destination.writer();
    let thread = thread::spawn(move || writer.write_all(b"one\n"));
    destination.gate().wait_until_blocked(DEADLINE);
    drop(destination);
    within(DEADLINE, || thread.join()).unwrap().unwrap();
}
