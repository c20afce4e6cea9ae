//! Opening a log.

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use audit_jsonl::{AuditSink, JsonLinesAuditSink, OpenError, repair};
use audit_testkit::{DEADLINE, within};

use crate::checker::check;
use crate::head_file::Head;
use crate::support::{Dir, append, builder, close, lines_of, log, open, record, skip};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The error, which names the path, and its cause, in words.
#[track_caller]
fn refused(path: &Path) -> String {
    let error = builder(path).open().unwrap_err();
    let what = error.to_string();
    assert!(
        what.contains(path.to_str().unwrap()),
        "it names no path: {what}"
    );
    let OpenError::Io { source, .. } = error else {
        panic!("{error:?}");
    };
    let why = source.to_string();
    assert!(!what.contains(&why), "it is told twice: {why}");
    let text = format!("{what}: {why}");
    assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
    text
}

#[test]
fn a_new_log_is_its_owners_alone() {
    let (dir, path) = Dir::with_log();
    log(&path, 0..3);
    append(&path, "torn");
    log(&path, 3..4);
    for name in dir.names() {
        assert_eq!(mode(&dir.path(&name)), 0o600, "{name}");
    }
    assert_eq!(dir.names().len(), 3);
    check(&path).assert_whole();
}

#[test]
fn an_existing_file_keeps_its_mode() {
    let (_dir, path) = Dir::with_log();
    fs::write(&path, lines_of(0..3)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    log(&path, 3..4);
    assert_eq!(mode(&path), 0o640);
    assert_eq!(mode(&Head::path(&path)), 0o600);
    check(&path).assert_whole();
}

#[test]
fn opening_writes_nothing() {
    let (_dir, path) = Dir::with_log();
    log(&path, 0..3);
    append(&path, "torn");
    let before = fs::read(&path).unwrap();
    let sink = open(&path);
    sink.reopen(DEADLINE).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    record(&sink, 3..4);
    close(&sink);
    check(&path).assert_whole();
}

#[test]
fn a_link_is_refused() {
    let (dir, path) = Dir::with_log();
    let target = dir.path("target.jsonl");
    fs::write(&target, "").unwrap();
    symlink(&target, &path).unwrap();
    let text = refused(&path);
    assert!(text.contains("symbolic link"), "{text}");
    // Neither by way of the head file.
    fs::remove_file(&path).unwrap();
    fs::remove_file(Head::path(&path)).ok();
    symlink(&target, Head::path(&path)).unwrap();
    let text = refused(&path);
    assert!(
        text.contains("symbolic link") && text.contains(".head"),
        "{text}"
    );
    assert_eq!(fs::read(&target).unwrap(), b"");
    // A directory may be one.
    let other = dir.path("other");
    symlink(dir.path(""), &other).unwrap();
    log(&other.join("audit2.jsonl"), 0..1);
    check(&dir.path("audit2.jsonl")).assert_whole();
}

#[test]
fn what_is_no_file_is_refused() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let path = dir.path("directory");
        fs::create_dir(&path).unwrap();
        let text = refused(&path);
        assert!(text.contains("directory"), "{text}");

        let path = dir.path("fifo");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let text = refused(&path);
        assert!(text.contains("regular file"), "{text}");

        let text = refused(Path::new("/dev/null"));
        assert!(text.contains("regular file"), "{text}");
        assert!(!Path::new("/dev/null.head").exists());
        // Nothing was left beside them.
        assert_eq!(dir.names(), ["directory", "fifo"]);
    });
}

#[test]
fn missing_directories_are_made_when_asked() {
    let dir = Dir::new();
    let path = dir.path("a/b/c/audit.jsonl");
    let text = refused(&path);
    assert!(text.contains("create_parents"), "{text}");
    assert!(dir.names().is_empty());
    let sink = builder(&path).create_parents().open().unwrap();
    record(&sink, 0..2);
    close(&sink);
    assert_eq!(check(&path).assert_whole().numbers(), [0, 1]);
    // Asked for again, they are there.
    close(&builder(&path).create_parents().open().unwrap());
    // A file in the way is told of.
    let below = path.join("audit.jsonl");
    let error = builder(&below).create_parents().open().unwrap_err();
    assert!(error.to_string().contains("audit.jsonl"), "{error}");
    // As what it is.
    let text = refused(&below).to_lowercase();
    assert!(text.contains("not a directory"), "{text}");
    assert!(!text.contains("link"), "{text}");
}

#[test]
fn a_name_alone_is_a_log_in_the_working_directory() {
    let (dir, path) = Dir::with_log();
    let output = crate::child::Child::of("one")
        .arg("audit.jsonl")
        .current_dir(&dir.path(""))
        .run();
    assert!(output.success, "{output:?}");
    assert_eq!(check(&path).assert_whole().numbers(), [0]);
}

#[test]
fn what_may_not_be_read_is_refused() {
    let (dir, path) = Dir::with_log();
    log(&path, 0..3);
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // Root may read it all the same.
    let output = crate::child::Child::of("one").arg(&path).as_nobody(&dir);
    let Some(output) = output else {
        return skip("needs `setpriv` and root");
    };
    assert!(!output.success, "{output:?}");
    let text = &output.stderr;
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(text.to_lowercase().contains("permission"), "{text}");
    assert!(text.contains("change its owner or mode"), "{text}");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    check(&path).assert_whole();
}

#[test]
fn a_file_that_is_no_log_is_left_as_it_is() {
    let good = lines_of(0..3);
    for (text, byte) in [
        ("daemon:x:1:1:daemon:/usr/sbin:/bin/sh\n".to_owned(), 0),
        (good.clone() + "junk\n" + &good, good.len()),
        ("\n".to_owned(), 0),
        ("{\"a\":1}\n".to_owned(), 0),
        ("x".repeat(20_000_000), 0),
    ] {
        let (dir, path) = Dir::with_log();
        fs::write(&path, &text).unwrap();
        let error = refused(&path);
        assert!(error.contains(&format!("byte {byte} ")), "{error}");
        assert!(
            !error.contains("root") && !error.contains("junk"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        let rest: Vec<String> = dir
            .names()
            .into_iter()
            .filter(|name| name != "audit.jsonl" && name != "audit.jsonl.head")
            .collect();
        assert!(rest.is_empty(), "{rest:?}");
    }
}

#[test]
fn names_that_can_not_be_are_refused() {
    let dir = Dir::new();
    let long = "x".repeat(195) + ".jsonl";
    for name in [
        "",
        "..",
        "missing/",
        "a\nb.jsonl",
        "a\u{1b}[2J.jsonl",
        &long,
    ] {
        let error = builder(&dir.path(name)).open();
        assert!(error.is_err(), "{name:?}");
    }
    let error = builder(Path::new("")).open().unwrap_err();
    assert!(!Path::new(".head").exists(), "{error}");
    assert!(dir.names().is_empty(), "{:?}", dir.names());
    // Neither may something else bear the head file's name.
    let path = dir.path("audit.jsonl");
    fs::create_dir(Head::path(&path)).unwrap();
    let text = refused(&path);
    assert!(text.contains("audit.jsonl.head is a directory"), "{text}");
    assert_eq!(dir.names(), ["audit.jsonl.head"]);
}

#[test]
fn any_other_name_will_do() {
    use std::os::unix::ffi::OsStrExt;
    within(DEADLINE, || {
        let long = "x".repeat(194) + ".jsonl";
        let names: [&[u8]; 7] = [
            b"audit",
            b".audit",
            b"a.b.c.log",
            b"with space \"and\\ more\".jsonl",
            "käse…".as_bytes(),
            b"no\xFFtext.jsonl",
            long.as_bytes(),
        ];
        for name in names {
            let dir = Dir::new();
            let path = dir.path("").join(std::ffi::OsStr::from_bytes(name));
            let sink = builder(&path)
                .rotate_at_bytes(65_536)
                .keep_files(2)
                .open()
                .unwrap();
            for number in 0..400 {
                sink.on_call(&crate::support::event_of(number, 1000));
                sink.flush(DEADLINE).unwrap();
            }
            close(&sink);
            // The log, its head and two rotated files.
            assert_eq!(fs::read_dir(dir.path("")).unwrap().count(), 4, "{name:?}");
            // A damaged one is told of by its name.
            let size = crate::support::size(&path);
            crate::support::flip(&path, size - 2);
            let sink = builder(&path).open().unwrap();
            sink.on_call(&crate::support::event_of(0, 100_000));
            close(&sink);
            let text = fs::read_to_string(&path).unwrap();
            let longest = text.lines().map(str::len).max().unwrap();
            assert!(text.contains("\"after\"") && longest < 61_440);
        }
    });
}

#[test]
fn bounds_that_make_no_sense_are_refused() {
    let (dir, path) = Dir::with_log();
    let error = builder(&path).rotate_at_bytes(65_535).open().unwrap_err();
    assert!(
        matches!(error, OpenError::RotationBytes { given: 65_535, .. }),
        "{error}"
    );
    let rotated = builder(&path).rotate_at_bytes(65_536);
    let error = rotated.rotate_at_age(Duration::ZERO).open().unwrap_err();
    assert!(matches!(error, OpenError::RotationAge), "{error}");
    assert!(error.to_string().contains("age of 0"), "{error}");
    for keeps in [
        builder(&path).keep_files(1),
        builder(&path).keep_bytes(100_000),
        builder(&path).keep_age(DEADLINE),
    ] {
        let error = keeps.open().unwrap_err();
        assert!(matches!(error, OpenError::KeepWithoutRotation), "{error}");
        assert!(error.to_string().contains("say when to rotate"), "{error}");
    }
    let queue = JsonLinesAuditSink::builder().capacity(0);
    let error = queue.path(&path).open().unwrap_err();
    assert!(matches!(error, OpenError::Queue(_)), "{error}");
    assert!(error.source().is_none());
    assert!(dir.names().is_empty());
    // With either bound on a file there is something to keep.
    for keeps in [
        builder(&path).rotate_at_age(DEADLINE).keep_files(1),
        builder(&path).rotate_at_bytes(65_536).keep_age(DEADLINE),
    ] {
        close(&keeps.open().unwrap());
    }
}

#[test]
fn a_large_log_costs_no_more_to_open() {
    let (dir, path) = Dir::with_log();
    let reads = |numbers: std::ops::Range<u64>| {
        log(&path, numbers);
        let output = crate::child::Child::of("one").arg(&path);
        let trace = output.traced(&dir, "read,pread64,readv")?;
        let bytes = trace.lines().filter(|line| !line.contains("ELF"));
        let lengths = bytes.filter_map(|line| line.rsplit_once(" = ")?.1.parse::<u64>().ok());
        Some(lengths.sum::<u64>())
    };
    let Some(small) = reads(0..200) else {
        return skip("needs `strace`");
    };
    let large = reads(200..20_000).unwrap();
    assert!(crate::support::size(&path) > 5_000_000);
    // Both read the end, in blocks.
    assert!(large < small + 300_000, "{small} and {large} bytes read");
}

#[test]
fn many_may_open_at_once() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        std::thread::scope(|scope| {
            for nth in 0..16 {
                let path = &path;
                scope.spawn(move || log(path, [nth]));
            }
        });
        let found = check(&path).assert_whole();
        let mut numbers = found.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..16).collect::<Vec<_>>());
        assert_eq!(found.with("opened").len(), 16);
    });
}

#[test]
fn a_lock_that_is_held_is_told_of() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..1);
        let holder = crate::child::Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        let begun = std::time::Instant::now();
        let text = refused(&path);
        assert!(text.contains("holds the lock"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(15));
        // Who only looks doesn't see it half written either.
        let error = repair::plan(&path).unwrap_err();
        let why = error.source().unwrap().to_string();
        assert!(why.contains("holds the lock"), "{why}");
        drop(holder);
        log(&path, 1..2);
        check(&path).assert_whole();
        drop(dir);
    });
}
