use std::fs;

use audit_jsonl::{AuditSink, BackpressureStrategy, CallEvent, JsonLinesAuditSink, Outcome};
use audit_sink::redact::{Action, HashKey, Redact};
use audit_testkit::DEADLINE;

use crate::support::{Dir, audit, finish, lines, path_text, run, run_with};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn hash_of(value: &str) -> String {
    HashKey::new(KEY.as_bytes()).unwrap().hash(value)
}

#[test]
fn what_redact_wrote_is_found_by_its_hash() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(&log)
        .open()
        .unwrap();
    let sink = std::sync::Arc::new(sink);
    let key = HashKey::new(KEY.as_bytes()).unwrap();
    let redact = Redact::new(std::sync::Arc::clone(&sink)).caller_id(Action::Hash(key));
    let callers = ["ada@example.org", "bob", "ada@example.org", "zoë \"z\""];
    for (caller, nth) in callers.iter().zip(0..) {
        let ts = format!("2026-11-20T09:30:{nth:02}.000000Z");
        let id = format!("c{nth}");
        let event = CallEvent::new(ts, id, "files:read", 1, Outcome::Success, "hot");
        redact.on_call(&event.with_caller_id(Some((*caller).to_owned())));
    }
    redact.flush(DEADLINE).unwrap();
    sink.close(DEADLINE).unwrap();

    let key_file = path_text(&dir.write("key", format!("{KEY}\n")));
    let mut args = vec!["hash", "--key-file", &key_file];
    args.extend(callers);
    let (code, out) = run(&args).quiet();
    let log_lines = lines(&log);
    let written = log_lines
        .iter()
        .filter_map(|line| line["caller_id"].as_str());
    let written: Vec<&str> = written.collect();
    assert_eq!((code, out.lines().collect::<Vec<_>>()), (0, written));

    let (_, hash) = run(&["hash", "--key-file", &key_file, "ada@example.org"]).quiet();
    let log = path_text(&log);
    let (code, found) = run(&["query", &log, "--caller", hash.trim(), "--format", "csv"]).quiet();
    let ids: Vec<&str> = found.lines().skip(1).map(|line| &line[28..30]).collect();
    assert_eq!((code, ids), (0, vec!["c0", "c2"]));
}

#[test]
fn lines_of_stdin_are_hashed_one_by_one() {
    let wanted: String = ["ada", "", " bob ", "=1", "last"]
        .map(|value| hash_of(value) + "\n")
        .concat();
    let mut command = audit(&["hash", "--key-env", "AUDIT_TEST_KEY", "-"]);
    command.env("AUDIT_TEST_KEY", KEY);
    let ran = finish(&mut command, "ada\r\n\n bob \n=1\nlast");
    assert_eq!(ran.quiet(), (0, wanted));

    let ran = finish(&mut command, b"ada\n\xff\nbob\n");
    assert_eq!((ran.code, ran.out), (Some(2), hash_of("ada") + "\n"));
    assert!(
        ran.err.contains("stdin:2: the line isn't UTF-8"),
        "{}",
        ran.err
    );
}

#[test]
fn a_key_is_bytes_without_the_end_of_their_line() {
    let dir = Dir::new();
    for key in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
        let path = path_text(&dir.write("key", key));
        let ran = run(&["hash", "--key-file", &path, "ada"]);
        assert_eq!(ran.quiet(), (0, hash_of("ada") + "\n"));
    }
    let binary = b"\xff\x00\n0123456789abcde\n\n";
    let path = path_text(&dir.write("key", binary));
    let key = HashKey::new(&binary[..binary.len() - 1]).unwrap();
    let ran = run(&["hash", "--key-file", &path, "ada"]);
    assert_eq!(ran.quiet(), (0, key.hash("ada") + "\n"));
}

#[test]
fn what_is_no_key_is_told_without_it() {
    let dir = Dir::new();
    let short = path_text(&dir.write("short", "hunter2\n"));
    let large = path_text(&dir.write("large", vec![b'k'; 70_000]));
    let gone = dir.text("gone");
    let directory = path_text(dir.path("short").parent().unwrap());
    for (args, wanted) in [
        (
            &["--key-file", &*short][..],
            "short: the key has 7 bytes: it must have at least 16",
        ),
        (
            &["--key-file", &large],
            "large: that is no key, for it has more than 64 KiB",
        ),
        (&["--key-file", &gone], "gone: No such file"),
        (&["--key-file", &directory], "Is a directory"),
        (
            &["--key-env", "AUDIT_NO_SUCH"],
            "no environment variable `AUDIT_NO_SUCH`",
        ),
        (&["--key-env", "A=B"], "no environment variable `A=B`"),
        (&["--key-env", ""], "no environment variable ``"),
        (
            &["--key-env", "A", "--key-file", "B"],
            "cannot be used with",
        ),
        (&[], "--key-file"),
    ] {
        let mut all = vec!["hash"];
        all.extend(args);
        all.push("ada");
        let ran = run(&all);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(wanted), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    fs::write(&short, KEY).unwrap();
    let ran = run_with(&["hash", "--key-file", &short], "");
    assert_eq!(ran.code, Some(2), "without a value");
    let ran = run(&["hash", "--key-file", &short, "--", "-x"]);
    assert_eq!(ran.quiet(), (0, hash_of("-x") + "\n"));
}
