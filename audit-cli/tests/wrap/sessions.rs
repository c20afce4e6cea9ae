//! Sessions as real clients and servers have them, in files: what the client says,
//! what the server says, and the calls that the log then tells of.

use std::fs;
use std::path::Path;

use crate::support::{Dir, Running, call, calls, verify, wrap_script, wrap_sh};

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

/// Wherever a peer may put it: but for names, nothing that it says is kept.
#[test]
fn a_secret_in_any_place_is_not_in_the_log() {
    const SECRET: &str = "sk-swordfish1";
    let mut script = String::new();
    let mut calls_made = 0;
    let mut round = |rest: &str, answer: &str| {
        calls_made += 1;
        let id = format!("\"{SECRET} {calls_made}\"");
        script += &format!(
            "> {{\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"x\",\
             \"arguments\":{{\"{SECRET}\":\"{SECRET}\"}}{rest}}}}}\n"
        );
        if !answer.is_empty() {
            script += &format!("< {{\"id\":{id},{answer}}}\n");
        }
    };
    let texts = [
        "boom",
        "MCP error -32602: Input validation error: Invalid arguments for tool x:",
        "Error executing tool x: 1 validation error for x\\n",
        "Unknown tool:",
        "Access denied -",
        "Rate limit exceeded for",
        "Request cancelled:",
        "[{\\\"code\\\":1,\\\"path\\\":[\\\"a\\\"]}]",
    ];
    for text in texts {
        let said = format!("{text} {SECRET}");
        for is_error in [true, false] {
            round(
                "",
                &format!(
                    r#""result":{{"isError":{is_error},"content":[{{"type":"text","text":"{said}"}}],"structuredContent":{{"result":"{said}"}}}}"#
                ),
            );
        }
        for code in [
            -32700, -32600, -32601, -32602, -32603, -32021, -32000, -32800, 0, 403, 7,
        ] {
            round(
                "",
                &format!(
                    r#""error":{{"code":{code},"message":"{said}","data":{{"retryAfter":"{SECRET}","requiredCapabilities":{{"{SECRET}":"{SECRET}"}},"message":"{SECRET}"}}}}"#
                ),
            );
        }
    }
    round(
        &format!(r#","_meta":{{"progressToken":"{SECRET}","traceparent":"{SECRET}"}}"#),
        &format!(r#""result":{{"resultType":"input_required","requestState":"{SECRET}"}}"#),
    );
    round(
        r#","task":{"ttl":1}"#,
        &format!(
            r#""result":{{"task":{{"taskId":"{SECRET}","status":"working","statusMessage":"{SECRET}"}}}}"#
        ),
    );
    // Neither a number nor one of the codes' words.
    round(
        "",
        &format!(r#""error":{{"code":"{SECRET}","message":"{SECRET}"}}"#),
    );
    round("", &format!(r#""error":"{SECRET}""#));
    round("", &format!(r#""result":"{SECRET}""#));
    round("", "");
    for options in [&[][..], &["--messages"]] {
        let dir = Dir::new();
        let mut wrap = Running::start(wrap_script(&dir, options, &script));
        wrap.play(&script);
        let ended = wrap.end();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(calls(&dir.log()).len(), calls_made, "{options:?}");
        let log = fs::read_to_string(dir.log()).unwrap();
        let line = log.lines().find(|line| line.contains("swordfish"));
        assert_eq!(line, None, "{options:?}");
    }
}

/// Nobody has to end the session for that.
#[test]
fn a_call_that_was_taken_back_is_told_while_the_session_goes_on() {
    let dir = Dir::new();
    let mut wrap = Running::start(wrap_sh(&dir, &[], "while read x; do :; done"));
    wrap.say(&call(1, "x"));
    wrap.say(r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let told = ["sh:x execution_failed cancelled"];
    assert_eq!(dir.wait_for_calls(1), told);
    assert!(wrap.end().status.success());
    assert_eq!(dir.told(), told);
}
