use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use audit_testkit::{DEADLINE, SharedBuf, SlowBuf};

use crate::panic_of;

#[test]
fn clones_share_the_contents_and_the_counts() {
    let buf = SharedBuf::new();
    let mut writer = buf.clone();
    writer.write_all(b"one\n").unwrap();
    buf.clone().write_all(b"two\nth").unwrap();
    writer.flush().unwrap();

    assert_eq!(buf.contents(), b"one\ntwo\nth");
    assert_eq!(buf.text(), "one\ntwo\nth");
    assert_eq!((buf.writes(), buf.flushes()), (2, 1));
}

#[test]
fn lines_are_complete_lines() {
    for (text, expected) in [
        ("", vec![]),
        ("a", vec![]),
        ("a\n", vec!["a"]),
        ("a\nb", vec!["a"]),
        ("\n\nb\r\n", vec!["", "", "b\r"]),
        ("a\u{2028}b\u{85}c\n", vec!["a\u{2028}b\u{85}c"]),
    ] {
        let buf = SharedBuf::new();
        buf.clone().write_all(text.as_bytes()).unwrap();
        assert_eq!(buf.lines(), expected, "{text:?}");
        assert_eq!(buf.wait_for_lines(expected.len(), DEADLINE), expected);
    }
}

#[test]
fn bytes_that_are_not_text_are_never_hidden() {
    let buf = SharedBuf::new();
    buf.clone().write_all(b"ok\n\xff\xfe").unwrap();
    assert_eq!(buf.lines(), ["ok"]);
    assert!(panic_of(|| buf.text()).contains("index 3"));

    buf.clone().write_all(b"\n").unwrap();
    assert!(panic_of(|| buf.lines()).contains("not UTF-8"));
    assert_eq!(buf.contents(), b"ok\n\xff\xfe\n");
}

#[test]
fn clearing_forgets_the_lines_too() {
    let buf = SharedBuf::new();
    buf.clone().write_all(b"one\ntwo").unwrap();
    buf.clear();
    assert_eq!(buf.text(), "");
    buf.clone().write_all(b"three\n").unwrap();
    assert_eq!(buf.wait_for_lines(1, DEADLINE), ["three"]);
    assert_eq!(buf.writes(), 2);
}

#[test]
fn waiting_ends_with_the_line_that_was_waited_for() {
    let buf = SharedBuf::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for nth in 0..100 {
                writeln!(buf.clone(), "{nth}").unwrap();
            }
        });
        assert!(buf.wait_for_lines(100, DEADLINE).len() >= 100);
    });
}

#[test]
fn waiting_in_vain_says_what_there_is() {
    let buf = SharedBuf::new();
    buf.clone().write_all(b"one\ntw").unwrap();
    let message = panic_of(|| buf.wait_for_lines(2, Duration::from_millis(1)));
    assert_eq!(
        message,
        "waited 1ms for 2 lines; there are 1, in 6 bytes from 1 writes"
    );
}

#[test]
fn debug_prints_sizes_only() {
    let buf = SharedBuf::new();
    buf.clone().write_all(b"secret\n").unwrap();
    assert_eq!(
        format!("{buf:?}"),
        "SharedBuf { bytes: 7, lines: 1, writes: 1, flushes: 0 }"
    );
}

#[test]
fn a_slow_buffer_takes_its_time_with_each_write() {
    let delay = Duration::from_millis(2);
    let mut slow = SlowBuf::new(delay);
    let start = Instant::now();
    slow.write_all(b"a").unwrap();
    slow.write_all(b"b").unwrap();
    slow.flush().unwrap();
    assert!(start.elapsed() >= delay * 2);
    assert_eq!(slow.buf().text(), "ab");
    assert_eq!(slow.buf().flushes(), 1);
}
