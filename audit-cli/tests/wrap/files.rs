//! The example server, by way of the proxy.

use std::ffi::OsStr;
use std::fs;

use crate::support::{Dir, Running, calls, example, told, wrap};

#[test]
fn every_kind_of_outcome_is_told_of_the_example() {
    let dir = Dir::new();
    fs::create_dir(dir.path("tree")).unwrap();
    dir.write("tree/a.txt", "one\ntwo\n");
    let server = example("mcp_files");
    let tree = dir.path("tree");
    let mut running = Running::start(wrap(&dir, &[], &[server.as_os_str(), OsStr::new(&tree)]));
    running.say(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","clientInfo":{"name":"test","version":"1"}}}"#);
    let hello = running.line().unwrap();
    assert!(
        hello.contains(r#""protocolVersion":"2025-06-18""#),
        "{hello}"
    );
    for (id, (tool, path, says)) in [
        ("list_directory", r#""path":".""#, "a.txt"),
        ("read_file", r#""path":"a.txt""#, r"one\ntwo\n"),
        ("count_lines", r#""path":"a.txt""#, r#""text":"2""#),
        ("read_file", r#""path":"../a.txt""#, "Access denied"),
        ("read_file", r#""path":"none""#, "No such file"),
        ("read_file", "", "required property"),
        ("write_file", "", "Unknown tool"),
    ]
    .into_iter()
    .enumerate()
    {
        running.say(&format!(
            r#"{{"jsonrpc":"2.0","id":"{id}","method":"tools/call","params":{{"name":"{tool}","arguments":{{{path}}}}}}}"#
        ));
        let answer = running.line().unwrap();
        assert!(answer.contains(says), "{answer}");
    }
    assert!(running.end().status.success());
    let events = calls(&dir.log());
    let all: Vec<String> = events.iter().map(told).collect();
    assert_eq!(
        all,
        [
            "mcp-files:list_directory success",
            "mcp-files:read_file success",
            "mcp-files:count_lines success",
            "mcp-files:read_file capability_denied",
            "mcp-files:read_file execution_failed tool_error",
            "mcp-files:read_file invalid_args tool error: invalid arguments",
            "mcp-files:write_file tool_not_found",
        ]
    );
}
