//! Sinks to a file.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use audit_jsonl::{
    AuditSink, BackpressureStrategy, DirectJsonLinesSink, JsonLinesAuditSink, OpenError,
};
use audit_testkit::{DEADLINE, within};

use crate::support::{Scratch, event, line_of, lines_of};

#[test]
fn a_file_is_created_and_appended_to() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        for number in 0..3 {
            let sink = JsonLinesAuditSink::file(&path).unwrap();
            sink.on_call(&event(number));
            sink.close(DEADLINE).unwrap();
        }
        let direct = DirectJsonLinesSink::file(&path).unwrap();
        direct.on_call(&event(3));
        assert_eq!(fs::read_to_string(&path).unwrap(), lines_of(0..4));
    });
}

#[test]
fn a_file_takes_every_option_of_the_queue() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        fs::write(&path, "an unfinished line").unwrap();
        let builder = JsonLinesAuditSink::builder().capacity(1);
        let sink = builder
            .clone()
            .strategy(BackpressureStrategy::Block)
            .plain_file(&path)
            .unwrap();
        for number in 0..1000 {
            sink.on_call(&event(number));
        }
        assert_eq!(sink.close(DEADLINE).unwrap().written, 1000);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("an unfinished line\n{}", lines_of(0..1000)));

        let error = builder
            .plain_file(scratch.path("none/audit.jsonl"))
            .unwrap_err();
        assert!(error.to_string().contains("none/audit.jsonl"), "{error}");
    });
}

#[test]
fn a_plain_file_that_can_t_be_opened_is_named() {
    let scratch = Scratch::new();
    let builder = JsonLinesAuditSink::builder();
    let missing = scratch.path("none/audit.jsonl");
    let directory = scratch.path("directory");
    fs::create_dir(&directory).unwrap();
    for path in [&missing, &directory] {
        let error = builder.clone().plain_file(path).unwrap_err();
        let text = error.to_string();
        let OpenError::Io {
            path: named,
            source,
            ..
        } = error
        else {
            panic!("{text}");
        };
        assert_eq!(named, *path);
        assert_eq!(text, format!("the log {} can't be opened", path.display()));
        // Who prints the chain of causes reads it once.
        assert!(!text.contains(&source.to_string()), "{text}");
    }

    // Before anything is made.
    let path = scratch.path("new.jsonl");
    let error = builder.capacity(0).plain_file(&path).unwrap_err();
    assert!(matches!(error, OpenError::Queue(_)), "{error}");
    assert!(error.to_string().contains("capacity is 0"), "{error}");
    assert!(!path.exists());
}

#[test]
fn opening_alone_leaves_a_file_as_it_was() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        for (name, text) in [("new", ""), ("whole", "a line\n"), ("empty line", "\n")] {
            let path = scratch.path(name);
            if !text.is_empty() {
                fs::write(&path, text).unwrap();
            }
            drop(JsonLinesAuditSink::file(&path).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    });
}

#[test]
fn an_unfinished_last_line_is_ended_first() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let line = line_of(&event(0));
        let torn = [
            line.trim_end().to_owned(),
            line[..20].to_owned(),
            format!("{line}{{"),
            "\0".to_owned(),
            "\r".to_owned(),
        ];
        for (nth, torn) in torn.into_iter().enumerate() {
            let path = scratch.path(&nth.to_string());
            fs::write(&path, &torn).unwrap();
            let sink = JsonLinesAuditSink::file(&path).unwrap();
            sink.on_call(&event(1));
            sink.close(DEADLINE).unwrap();
            let expected = format!("{torn}\n{}", lines_of([1]));
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    });
}

#[test]
fn an_error_names_the_path_and_keeps_its_kind() {
    let scratch = Scratch::new();
    let cases = [
        (scratch.path(""), ErrorKind::IsADirectory),
        (scratch.path("missing/audit.jsonl"), ErrorKind::NotFound),
        (Path::new("").to_owned(), ErrorKind::NotFound),
    ];
    for (path, kind) in cases {
        let errors = [
            JsonLinesAuditSink::file(&path).unwrap_err(),
            DirectJsonLinesSink::file(&path).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), kind, "{error}");
            let named = format!("{}: ", path.display());
            assert!(error.to_string().starts_with(&named), "{error}");
        }
    }
}

#[test]
fn many_sinks_may_append_to_one_file() {
    within(DEADLINE, || {
        let scratch = Scratch::new();
        let path = scratch.path("audit.jsonl");
        // Opened before anybody writes: a line that is being written just then
        // looks unfinished.
        let sinks: Vec<_> = (0..4)
            .map(|_| JsonLinesAuditSink::file(&path).unwrap())
            .collect();
        std::thread::scope(|scope| {
            for (sink, thread) in sinks.into_iter().zip(0..) {
                scope.spawn(move || {
                    for nth in 0..500 {
                        sink.on_call(&event(thread * 500 + nth));
                    }
                    sink.close(DEADLINE).unwrap();
                });
            }
        });
        let mut written = crate::support::numbers(&fs::read_to_string(&path).unwrap());
        written.sort_unstable();
        assert_eq!(written, Vec::from_iter(0..2_000));
    });
}

#[cfg(unix)]
mod on_unix {
    use super::*;
    use std::ffi::OsStr;
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use crate::support::fifo;

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_stays_as_it_is() {
        let scratch = Scratch::new();
        let (new, old) = (scratch.path("new"), scratch.path("old"));
        fs::write(&old, "").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).unwrap();
        for (path, mode) in [(new, 0o600), (old, 0o644)] {
            drop(JsonLinesAuditSink::file(&path).unwrap());
            let permissions = fs::metadata(path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode);
        }
    }

    #[test]
    fn a_file_without_permission_is_an_error_that_names_it() {
        let scratch = Scratch::new();
        let path = scratch.path("closed");
        fs::write(&path, "").unwrap();
        if fs::metadata(&path).unwrap().uid() == 0 {
            // Nothing is forbidden to root.
            return;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let error = JsonLinesAuditSink::file(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("closed: "), "{error}");
    }

    #[test]
    fn a_pipe_a_device_and_a_link_are_written_to() {
        within(DEADLINE, || {
            let scratch = Scratch::new();
            let null = JsonLinesAuditSink::file(Path::new("/dev/null")).unwrap();
            null.on_call(&event(0));
            assert_eq!(null.close(DEADLINE).unwrap().written, 1);

            let path = fifo(&scratch);
            let reader = std::thread::spawn({
                let path = path.clone();
                move || {
                    let mut text = String::new();
                    fs::File::open(path)
                        .unwrap()
                        .read_to_string(&mut text)
                        .unwrap();
                    text
                }
            });
            let pipe = JsonLinesAuditSink::file(&path).unwrap();
            pipe.on_call(&event(1));
            pipe.close(DEADLINE).unwrap();
            assert_eq!(reader.join().unwrap(), lines_of([1]));

            let (file, link) = (scratch.path("file"), scratch.path("link"));
            symlink(&file, &link).unwrap();
            let linked = JsonLinesAuditSink::file(&link).unwrap();
            linked.on_call(&event(2));
            linked.close(DEADLINE).unwrap();
            assert_eq!(fs::read_to_string(file).unwrap(), lines_of([2]));
        });
    }

    #[test]
    fn a_path_need_not_be_unicode() {
        within(DEADLINE, || {
            let scratch = Scratch::new();
            let path = scratch.path("").join(OsStr::from_bytes(b"\xFF.jsonl"));
            let sink = JsonLinesAuditSink::file(&path).unwrap();
            sink.on_call(&event(0));
            sink.close(DEADLINE).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), lines_of([0]));
        });
    }

    #[test]
    fn what_is_written_is_in_the_file_when_flush_returns() {
        within(DEADLINE, || {
            let scratch = Scratch::new();
            let path = scratch.path("audit.jsonl");
            let sink = JsonLinesAuditSink::file(&path).unwrap();
            for number in 0..20 {
                sink.on_call(&event(number));
                sink.flush(DEADLINE).unwrap();
                let length = fs::metadata(&path).unwrap().len();
                assert_eq!(length, sink.counters().bytes_written);
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), lines_of(0..20));
        });
    }
}
