//! Sessions as real clients and servers have them, in files: what the client says,
//! what the server says, and the calls that the log then tells of.

use std::fs;
use std::path::Path;

use crate::support::{Dir, Running, calls, verify, wrap_script};

#[test]
fn each_call_is_one_event_with_its_outcome() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrap/sessions");
    let mut played = 0;
    let mut wrong = Vec::new();
    for file in fs::read_dir(files).unwrap() {
        let file = file.unwrap().path();
        let session = fs::read_to_string(&file).unwrap();
        let dir = Dir::new();
        let mut wrap = Running::start(wrap_script(&dir, &[], &session));
        wrap.play(&session);
        if session.contains("! exit") {
            wrap.wait();
        }
        let ended = wrap.end();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let code = if session.contains("! exit 7") { 7 } else { 0 };
        assert_eq!(ended.status.code(), Some(code), "{name}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{name}");

        let told = dir.told();
        let wanted = session.lines().filter_map(|line| line.strip_prefix("= "));
        let wanted: Vec<&str> = wanted.collect();
        if told != wanted {
            wrong.push(format!("{name}:\n{}\n", told.join("\n")));
        }
        verify(&dir.log());
        played += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(played >= 12, "{played}");
}

#[test]
fn names_come_from_the_handshake_or_from_arguments() {
    let session = include_str!("sessions/python-1.txt");
    let dir = Dir::new();
    let mut wrap = Running::start(wrap_script(&dir, &[], session));
    wrap.play(session);
    wrap.end();
    for event in calls(&dir.log()) {
        assert_eq!(event.caller_id.as_deref(), Some("mcp 0.1.0"));
        assert!(event.tool_id.starts_with("py:"), "{}", event.tool_id);
        assert_eq!(event.call_id.len(), 26);
    }

    let dir = Dir::new();
    let options = ["--server", "clock", "--caller", "ann"];
    let mut wrap = Running::start(wrap_script(&dir, &options, session));
    wrap.play(session);
    wrap.end();
    for event in calls(&dir.log()) {
        assert_eq!(event.caller_id.as_deref(), Some("ann"));
        assert!(event.tool_id.starts_with("clock:"), "{}", event.tool_id);
    }
}

#[test]
fn names_come_from_the_messages_where_there_is_no_handshake() {
    let session = include_str!("sessions/modern.txt");
    let dir = Dir::new();
    let mut wrap = Running::start(wrap_script(&dir, &[], session));
    wrap.play(session);
    wrap.end();
    for event in calls(&dir.log()) {
        assert_eq!(event.caller_id.as_deref(), Some("mcp 0.1.0"));
        assert!(event.tool_id.starts_with("modern:"), "{}", event.tool_id);
    }
}

#[test]
fn nothing_of_arguments_results_and_errors_is_in_the_log() {
    for (options, told) in [(&[][..], false), (&["--messages"][..], true)] {
        for session in [
            include_str!("sessions/python-1.txt"),
            include_str!("sessions/typescript-1.txt"),
            include_str!("sessions/cancelled.txt"),
        ] {
            let dir = Dir::new();
            let mut wrap = Running::start(wrap_script(&dir, options, session));
            wrap.play(session);
            wrap.end();
            let log = fs::read_to_string(dir.log()).unwrap();
            for secret in [
                "/etc",
                "hush",
                "127.0.0.1",
                "input_value",
                "retryAfter",
                "'b'",
            ] {
                assert!(!log.contains(secret), "{secret}");
            }
            assert!(!log.contains("boom") || told);
            let says = log.contains("Rate limit")
                || log.contains("Field required")
                || log.contains("boom");
            assert!(!says || told, "{log}");
        }
    }
}

#[test]
fn messages_are_in_the_log_when_asked_for() {
    let session = include_str!("sessions/typescript-1.txt");
    let dir = Dir::new();
    let mut wrap = Running::start(wrap_script(&dir, &["--messages"], session));
    wrap.play(session);
    wrap.end();
    let told = dir.told();
    assert!(
        told.contains(&"ts:fail execution_failed json-rpc -32603: boom".into()),
        "{told:?}"
    );
    assert!(
        told.contains(&"ts:fail execution_failed tool_error: boom …".into()),
        "{told:?}"
    );
}
