use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use audit_testkit::{DEADLINE, within};

use crate::panic_of;

#[test]
fn what_returns_in_time_is_returned() {
    assert_eq!(within(DEADLINE, || "done"), "done");
}

#[test]
fn what_hangs_is_a_panic() {
    let (let_go, held) = mpsc::channel::<()>();
    let message = panic_of(|| within(Duration::from_millis(1), move || held.recv()));
    assert_eq!(message, "it didn't return within 1ms");
    drop(let_go);
}

#[test]
fn a_panic_comes_through_as_it_was() {
    let message = panic_of(|| within(DEADLINE, || panic!("clause {}", 4)));
    assert_eq!(message, "clause 4");
}

#[test]
fn the_thread_bears_the_name_of_the_test() {
    let name = thread::current().name().map(String::from);
    assert_eq!(
        within(DEADLINE, || thread::current().name().map(String::from)),
        name
    );
}
