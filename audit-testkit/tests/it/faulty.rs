use std::io::{ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use audit_testkit::{DEADLINE, Fault, FaultyWriter, HookWriter, SharedBuf};

use crate::panic_of;

/// What eight writes of four bytes each come to: the count, `E` for an error,
/// `P` for a panic.
fn eight_writes(script: impl FnOnce(FaultyWriter<SharedBuf>) -> FaultyWriter<SharedBuf>) -> String {
    let mut writer = script(FaultyWriter::new(SharedBuf::new()));
    (0..8)
        .map(|_| {
            let written = panic::catch_unwind(AssertUnwindSafe(|| writer.write(b"abcd")));
            match written {
                Ok(Ok(count)) => count.to_string(),
                Ok(Err(_)) => "E".into(),
                Err(_) => "P".into(),
            }
        })
        .collect()
}

const FULL: Fault = Fault::Error(ErrorKind::StorageFull);

#[test]
fn the_script_is_followed() {
    assert_eq!(eight_writes(|writer| writer), "44444444");
    assert_eq!(eight_writes(|w| w.at(1, FULL)), "E4444444");
    assert_eq!(eight_writes(|w| w.at(3, Fault::Os(28))), "44E44444");
    assert_eq!(eight_writes(|w| w.at(3, FULL).from(7, FULL)), "44E444EE");
    assert_eq!(eight_writes(|w| w.during(2..5, FULL)), "4EEE4444");
    assert_eq!(eight_writes(|w| w.at(2, Fault::Panic)), "4P444444");
    assert_eq!(eight_writes(|w| w.from(8, Fault::Zero)), "44444440");
    assert_eq!(eight_writes(|w| w.at(2, Fault::Overclaim(3))), "47444444");
}

#[test]
fn short_writes_are_short_only_where_there_is_more() {
    assert_eq!(eight_writes(|w| w.at(2, Fault::Short(3))), "43444444");
    assert_eq!(eight_writes(|w| w.at(2, Fault::Short(4))), "44444444");
    let then = Fault::ShortThenError(1, ErrorKind::StorageFull);
    assert_eq!(eight_writes(|w| w.at(2, then)), "41E44444");
    assert_eq!(eight_writes(|w| w.from(2, then)), "41E1E1E1");
}

#[test]
fn the_part_added_last_holds() {
    assert_eq!(
        eight_writes(|w| w.from(3, FULL).at(5, Fault::Short(2))),
        "44EE2EEE"
    );
    assert_eq!(
        eight_writes(|w| w.at(5, Fault::Short(2)).from(3, FULL)),
        "44EEEEEE"
    );
}

#[test]
fn only_what_was_taken_is_written() {
    let buf = SharedBuf::new();
    let mut writer = FaultyWriter::new(buf.clone())
        .at(1, Fault::Short(2))
        .at(2, FULL)
        .at(3, Fault::Zero)
        .at(4, Fault::Overclaim(9));
    assert_eq!(writer.write(b"ab--").unwrap(), 2);
    assert_eq!(
        writer.write(b"--").unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    assert_eq!(writer.write(b"--").unwrap(), 0);
    assert_eq!(writer.write(b"cd").unwrap(), 11);
    assert_eq!(buf.text(), "abcd");
    assert_eq!(writer.handle().given(), 4);
}

#[test]
fn errors_are_those_that_were_asked_for() {
    let mut writer = FaultyWriter::new(SharedBuf::new())
        .at(1, Fault::Os(5))
        .at(2, Fault::Error(ErrorKind::Interrupted));
    assert_eq!(writer.write(b"x").unwrap_err().raw_os_error(), Some(5));
    // `write_all` goes on after an interruption, as it should.
    writer.write_all(b"x").unwrap();
    assert_eq!(writer.handle().writes(), 3);
}

#[test]
fn flushes_are_counted_apart() {
    let buf = SharedBuf::new();
    let mut writer = FaultyWriter::new(buf.clone())
        .at_flush(2, FULL)
        .from_flush(4, Fault::Panic);
    writer.write_all(b"x").unwrap();
    writer.flush().unwrap();
    assert!(writer.flush().is_err());
    writer.flush().unwrap();
    assert_eq!(panic_of(|| writer.flush()), "this flush was made to panic");
    let faults = writer.handle();
    assert_eq!(
        (faults.writes(), faults.flushes(), faults.given()),
        (1, 4, 2)
    );
    assert_eq!(buf.flushes(), 2);
}

#[test]
fn the_handle_breaks_and_heals() {
    let mut writer = FaultyWriter::new(SharedBuf::new()).at(4, Fault::Zero);
    let faults = writer.handle();
    writer.write_all(b"x").unwrap();
    faults.break_with(FULL);
    faults.break_flush_with(FULL);
    assert!(writer.write(b"x").is_err() && writer.flush().is_err());
    faults.heal();
    writer.write_all(b"x").unwrap();
    writer
        .write_all(b"the script had a fault for this one")
        .unwrap();
    writer.flush().unwrap();
    assert_eq!(faults.given(), 2);
}

#[test]
fn healing_forgets_the_error_after_a_short_write() {
    let mut writer =
        FaultyWriter::new(SharedBuf::new()).at(1, Fault::ShortThenError(1, ErrorKind::Other));
    assert_eq!(writer.write(b"ab").unwrap(), 1);
    writer.handle().heal();
    assert_eq!(writer.write(b"b").unwrap(), 1);
}

#[test]
fn faults_can_be_waited_for() {
    let mut writer = FaultyWriter::new(SharedBuf::new()).from(2, FULL);
    let faults = writer.handle();
    let thread = thread::spawn(move || (0..5).filter(|_| writer.write(b"x").is_err()).count());
    faults.wait_for(4, DEADLINE);
    assert_eq!(thread.join().unwrap(), 4);
    assert_eq!(
        panic_of(|| faults.wait_for(5, Duration::from_millis(1))),
        "waited 1ms for 5 faults; 4 were given, in 5 writes and 0 flushes"
    );
}

#[test]
fn scripts_that_mean_nothing_are_refused() {
    let writer = || FaultyWriter::new(SharedBuf::new());
    for message in [
        panic_of(|| writer().at(0, FULL)),
        panic_of(|| writer().from(0, FULL)),
        panic_of(|| writer().at_flush(0, FULL)),
    ] {
        assert_eq!(
            message,
            "calls are counted from 1: there is no call 0 to break"
        );
    }
    assert_eq!(
        panic_of(|| writer().during(3..3, FULL)),
        "3..3 names no call: the fault would never happen"
    );
    for message in [
        panic_of(|| writer().at_flush(1, Fault::Zero)),
        panic_of(|| writer().handle().break_flush_with(Fault::Zero)),
    ] {
        assert_eq!(
            message,
            "flush can't have the fault Zero: only Error, Os and Panic"
        );
    }
}

#[test]
fn a_hook_sees_the_bytes_before_they_are_written() {
    let buf = SharedBuf::new();
    let seen = SharedBuf::new();
    let mut writer = HookWriter::new(buf.clone(), {
        let (buf, mut seen) = (buf.clone(), seen.clone());
        move |bytes| {
            assert_eq!(buf.contents(), seen.contents());
            seen.write_all(bytes).unwrap();
        }
    });
    writer.write_all(b"one").unwrap();
    writer.write_all(b"two").unwrap();
    writer.flush().unwrap();
    assert_eq!((buf.text(), buf.flushes()), (seen.text(), 1));
}
