//! A sink as the environment asks for it.

use std::error::Error;
use std::ffi::OsString;
use std::fs;

use audit_jsonl::{AuditSink, BackpressureStrategy, EnvError, JsonLinesAuditSink};
use audit_testkit::DEADLINE;

use crate::support::{Scratch, child, event, output_of};

fn open(variables: &[(&str, &str)]) -> Result<Option<JsonLinesAuditSink>, EnvError> {
    JsonLinesAuditSink::from_variables(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

#[track_caller]
fn refused(variables: &[(&str, &str)]) -> String {
    match open(variables) {
        Ok(_) => panic!("{variables:?} should be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_path_is_a_chained_log_with_all_that_was_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.path("audit.jsonl");
    let sink = open(&[
        ("AUDIT_LOG", path.to_str().unwrap()),
        ("AUDIT_QUEUE", "10"),
        ("AUDIT_QUEUE_BYTES", "8MiB"),
        ("AUDIT_ON_FULL", "block"),
        ("AUDIT_BLOCK_TIMEOUT", "30s"),
        ("AUDIT_DURABILITY", "every-batch"),
        ("AUDIT_ROTATE_BYTES", "65536"),
        ("AUDIT_ROTATE_AGE", "1d"),
        ("AUDIT_KEEP_FILES", "2"),
        ("AUDIT_KEEP_BYTES", "1GiB"),
        ("AUDIT_KEEP_AGE", "90d"),
        ("AUDIT_RESERVE_BYTES", "0"),
    ]);
    let sink = sink.unwrap().unwrap();
    assert!(matches!(
        sink.backpressure_strategy(),
        BackpressureStrategy::Block
    ));
    for number in 0..2_000 {
        sink.on_call(&event(number));
    }
    sink.close(DEADLINE).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"chain\""));
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let rotated = files.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_str().is_some_and(|name| name.starts_with("audit-"))
    });
    assert_eq!(rotated.count(), 2, "rotated, and two were kept");
}

#[test]
fn off_is_no_sink_and_unset_is_an_error() {
    assert!(open(&[("AUDIT_LOG", "off")]).unwrap().is_none());
    let message = "AUDIT_LOG is not set: it must be a path, stdout, stderr or off";
    assert_eq!(refused(&[]), message);
    assert!(matches!(open(&[]), Err(EnvError::Missing { .. })));
}

#[test]
fn what_is_nearly_off_is_no_file_of_that_name() {
    for value in ["OFF", "Off", "off ", "\toff", "STDOUT", "Stderr\n"] {
        let message = refused(&[("AUDIT_LOG", value)]);
        let allowed = "stdout, stderr or off to the letter, or a path, as ./off";
        assert_eq!(
            message,
            format!("AUDIT_LOG is {value:?}: it must be {allowed}")
        );
    }
}

#[test]
fn a_wrong_value_is_an_error_that_names_it_whatever_the_target() {
    for (variable, value, allowed) in [
        ("AUDIT_QUEUE", "0", "a number from 1"),
        ("AUDIT_QUEUE", "-1", "a number from 1"),
        ("AUDIT_QUEUE", "1KiB", "a number from 1"),
        ("AUDIT_QUEUE", "", "a number from 1"),
        ("AUDIT_QUEUE", "99999999999999999999", "a number from 1"),
        ("AUDIT_QUEUE_BYTES", "8MB", "a size from 4KiB, as 8MiB"),
        (
            "AUDIT_QUEUE_BYTES",
            "99999999999GiB",
            "a size from 4KiB, as 8MiB",
        ),
        ("AUDIT_ON_FULL", "Block", "drop or block"),
        ("AUDIT_ON_FULL", "", "drop or block"),
        ("AUDIT_ON_FULL", "drop ", "drop or block"),
        ("AUDIT_BLOCK_TIMEOUT", "50", "a time, as 50ms"),
        (
            "AUDIT_DURABILITY",
            "sync",
            "written, every-batch or a time, as 1s",
        ),
        (
            "AUDIT_DURABILITY",
            "1.5s",
            "written, every-batch or a time, as 1s",
        ),
        ("AUDIT_ROTATE_BYTES", "big", "a size from 64KiB, as 256MiB"),
        ("AUDIT_ROTATE_AGE", "1w", "a time, as 1d"),
        ("AUDIT_KEEP_FILES", "two", "a number"),
        ("AUDIT_KEEP_BYTES", "KiB", "a size, as 2GiB"),
        ("AUDIT_KEEP_AGE", "s", "a time, as 90d"),
        ("AUDIT_RESERVE_BYTES", "10%", "a size, as 1GiB"),
    ] {
        for target in ["off", "stdout", "/nowhere/audit.jsonl"] {
            let message = refused(&[("AUDIT_LOG", target), (variable, value)]);
            assert_eq!(
                message,
                format!("{variable} is {value:?}: it must be {allowed}")
            );
        }
    }
    let message = refused(&[("AUDIT_LOG", "")]);
    assert_eq!(
        message,
        "AUDIT_LOG is \"\": it must be a path, stdout, stderr or off"
    );
}

#[test]
fn a_value_that_the_builder_refuses_is_told_of_by_its_variable() {
    let scratch = Scratch::new();
    let path = scratch.path("audit.jsonl");
    let with =
        |variable, value| refused(&[("AUDIT_LOG", path.to_str().unwrap()), (variable, value)]);
    for (variable, value, told) in [
        ("AUDIT_QUEUE_BYTES", "100", "it must be a size from 4KiB"),
        ("AUDIT_ROTATE_BYTES", "1KiB", "it must be a size from 64KiB"),
        ("AUDIT_ROTATE_AGE", "0s", "it must be longer than no time"),
        (
            "AUDIT_KEEP_FILES",
            "3",
            "has no effect: none of AUDIT_ROTATE_BYTES",
        ),
    ] {
        let message = with(variable, value);
        assert!(
            message.starts_with(&format!("{variable} is {value:?}")),
            "{message}"
        );
        assert!(message.contains(told), "{message}");
    }
    assert!(!path.exists(), "nothing was started");
    let on_stdout = refused(&[("AUDIT_LOG", "stdout"), ("AUDIT_QUEUE_BYTES", "100")]);
    assert!(
        on_stdout.contains("it must be a size from 4KiB"),
        "{on_stdout}"
    );
}

#[test]
fn what_would_have_no_effect_is_an_error() {
    for target in ["stdout", "stderr"] {
        let message = refused(&[("AUDIT_LOG", target), ("AUDIT_DURABILITY", "written")]);
        let told = "AUDIT_DURABILITY is \"written\", which has no effect: AUDIT_LOG is no path";
        assert!(message.starts_with(told), "{message}");
    }
    let message = refused(&[("AUDIT_LOG", "stderr"), ("AUDIT_BLOCK_TIMEOUT", "1s")]);
    assert!(message.contains("AUDIT_ON_FULL isn't block"), "{message}");
}

#[test]
fn a_log_that_cant_be_opened_is_told_of_with_its_path() {
    let error = open(&[("AUDIT_LOG", "/nowhere/at/all/audit.jsonl")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AUDIT_LOG asks for a sink that can't be opened"
    );
    // Each names its cause once.
    let log = error.source().unwrap();
    let told = "the log /nowhere/at/all/audit.jsonl can't be opened";
    assert_eq!(log.to_string(), told);
    assert!(log.source().is_some());
}

#[test]
fn the_environment_itself_is_read() {
    let Some(mut child) = child("from_env::the_environment_itself_is_read") else {
        let sink = JsonLinesAuditSink::from_env().unwrap().unwrap();
        sink.on_call(&event(7));
        sink.close(DEADLINE).unwrap();
        return;
    };
    child
        .env("AUDIT_LOG", "stderr")
        .env("AUDIT_ON_FULL", "drop");
    let (_, stderr) = output_of(child);
    assert!(stderr.contains("\"call_id\":\"7\""), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_path_need_not_be_text_and_any_other_value_must() {
    use std::os::unix::ffi::OsStringExt;
    let scratch = Scratch::new();
    let name = OsString::from_vec(b"audit-\xff.jsonl".to_vec());
    let path = scratch.path("x").with_file_name(name);
    let value = path.clone().into_os_string();
    let sink =
        JsonLinesAuditSink::from_variables(|name| (name == "AUDIT_LOG").then(|| value.clone()));
    drop(sink.unwrap());
    assert!(path.exists());
    let error = JsonLinesAuditSink::from_variables(|name| match name {
        "AUDIT_LOG" => Some("off".into()),
        "AUDIT_ON_FULL" => Some(OsString::from_vec(vec![0xff])),
        _ => None,
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "AUDIT_ON_FULL is \"\\xFF\": it must be drop or block"
    );
}
