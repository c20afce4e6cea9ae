use super::*;

/// The messages of one line that comes in pieces of that many bytes.
fn in_pieces(line: &[u8], bytes: usize) -> Vec<Message> {
    read(line, bytes, &Marker::default())
}

fn read(line: &[u8], bytes: usize, marker: &Marker) -> Vec<Message> {
    let mut scanner = Scanner::new(marker.clone());
    let mut messages = Vec::new();
    for piece in line.chunks(bytes) {
        let (taken, ended) = scanner.line(piece);
        assert_eq!(taken, piece.len());
        messages.extend(ended.into_iter().flatten());
    }
    messages.extend(scanner.end());
    messages
}

/// The message of a line, however it comes.
fn message(line: &str) -> Message {
    let marker = Marker::default();
    let whole = read(line.as_bytes(), line.len(), &marker);
    for bytes in 1..5 {
        let pieces = read(line.as_bytes(), bytes, &marker);
        assert_eq!(format!("{pieces:?}"), format!("{whole:?}"), "{line}");
    }
    let [message] = <[Message; 1]>::try_from(whole).unwrap();
    message
}

fn raw(line: &str) -> Option<String> {
    message(line).id.unwrap().raw
}

#[test]
fn ids_are_kept_as_they_stand() {
    for id in [
        "1",
        "\"1\"",
        "-3",
        "9007199254740993",
        "1.5",
        "null",
        "[1, {\"a\": 2}]",
        "\"\\u00e9\\\"\"",
    ] {
        assert_eq!(
            raw(&format!("{{\"id\": {id} ,\"method\":\"x\"}}\n")).as_deref(),
            Some(id)
        );
        assert_eq!(
            raw(&format!("{{\"result\":{{\"id\":7}},\"id\":{id}}}")).as_deref(),
            Some(id)
        );
    }
    let long = format!("\"{}\"", "x".repeat(LONGEST));
    assert_eq!(raw(&format!("{{\"id\":{long}}}")), None);
}

const LONGEST: usize = message::LONGEST_ID;

#[test]
fn ids_differ_as_their_text_does() {
    let messages = in_pieces(b"[{\"id\":1},{\"id\":\"1\"},{\"id\":1}]", 3);
    let marks: Vec<_> = messages
        .iter()
        .map(|message| message.id.as_ref().unwrap().mark)
        .collect();
    assert_ne!(marks[0], marks[1]);
    assert_eq!(marks[0], marks[2]);
    let messages = in_pieces(
        "[{\"id\":\"\\u00e9…\"},{\"id\":\"é\\u2026\"}]".as_bytes(),
        3,
    );
    assert_eq!(
        messages[0].id.as_ref().unwrap().mark,
        messages[1].id.as_ref().unwrap().mark
    );
    assert!(messages.iter().all(|message| message.is_odd));
}

#[test]
fn a_call_is_read_in_any_order_of_its_members() {
    let params = r#""params":{"arguments":{"name":"no","method":"no"},"name":"caf\u00e9","requestState":"s\n"}"#;
    for line in [
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",{params}}}\r\n"),
        format!("\u{feff}{{{params},\"method\":\"tools\\/call\",\"id\":1}}\n"),
    ] {
        let message = message(&line);
        assert_eq!(message.method.as_deref(), Some("tools/call"), "{line}");
        assert_eq!(message.params.name.as_deref(), Some("café"), "{line}");
        assert!(message.params.request_state.is_some(), "{line}");
    }
}

#[test]
fn the_last_of_several_members_counts() {
    let line =
        r#"{"method":"ping","method":"tools/call","params":{"name":"a"},"params":{"name":7}}"#;
    let message = message(line);
    assert_eq!(message.method.as_deref(), Some("tools/call"));
    assert_eq!(message.params.name, None);
}

#[test]
fn an_answer_is_read() {
    let message = message(
        r#"{"result":{"content":[{"type":"text","text":"one"},{"type":"image"},{"text":"two"}],
        "structuredContent":{"isError":true,"content":[{"text":"no"}]},"isError": true ,
        "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}},
        "resultType":"complete"},"id":3}"#
            .replace('\n', " ")
            .as_str(),
    );
    let reply = message.result.unwrap();
    assert!(reply.is_error);
    assert_eq!(reply.text, "one\ntwo");
    assert_eq!(reply.result_type.as_deref(), Some("complete"));
    assert_eq!(reply.server.name.as_deref(), Some("s"));
}

#[test]
fn an_error_is_read() {
    let message = message(
        r#"{"id":3,"error":{"code":-32021,"message":"no","data":{"requiredCapabilities":{"roots":{},"elicitation":{"form":{}}},"retryAfter":1.5}}}"#,
    );
    let error = message.error.unwrap();
    assert_eq!(error.code, Some(-32021));
    assert_eq!(error.required, ["roots", "elicitation"]);
    assert_eq!(error.retry_after_ms, Some(1500));
}

#[test]
fn the_error_of_a_task_is_not_that_of_the_answer() {
    let message = message(
        r#"{"id":3,"result":{"taskId":"t","status":"failed","error":{"code":-32000},"result":{"isError":true}}}"#,
    );
    assert!(message.error.is_none());
    let reply = message.result.unwrap();
    assert_eq!(reply.error.unwrap().code, Some(-32000));
    assert!(reply.of_task.unwrap().is_error);
    assert!(!reply.is_error);
}

#[test]
fn what_is_no_json_is_no_message() {
    for line in [
        "HELLO",
        "{\"id\":1",
        "{\"id\":1]",
        "{\"id\":1}}",
        "{\"id\":1,}x",
        "{\"id\" 1}",
        "{id:1}",
        "{\"id\":\"1}",
        "",
        "   ",
        "{\"id\":1} {\"id\":2}",
    ] {
        for ending in ["", "\n", "\r\n"] {
            let line = format!("{line}{ending}");
            let messages = in_pieces(line.as_bytes(), 2);
            assert!(messages.is_empty(), "{line:?}: {messages:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_utf_8_stand_in_strings() {
    let line = b"{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\xfe\"}}\n";
    let messages = in_pieces(line, 1);
    assert_eq!(messages[0].params.name.as_deref(), Some("\u{fffd}\u{fffd}"));
}

#[test]
fn depth_is_no_danger() {
    let depth = 1_000_000;
    let bomb = format!("{}\"]\"{}", "[".repeat(depth), "]".repeat(depth));
    let call = format!("{{\"id\":1,\"params\":{{\"arguments\":{bomb},\"name\":\"x\"}}}}\n");
    let messages = in_pieces(call.as_bytes(), 60_000);
    assert_eq!(messages[0].params.name.as_deref(), Some("x"));
    assert!(
        in_pieces(bomb.as_bytes(), 60_000)
            .iter()
            .all(|message| message.id.is_none())
    );
    assert!(in_pieces(&call.as_bytes()[..depth], 60_000).is_empty());
}

#[test]
fn long_lines_take_no_memory() {
    let mut scanner = Scanner::new(Marker::default());
    let mut feed = |bytes: &[u8]| scanner.line(bytes).1;
    assert!(feed(b"{\"id\":1,\"result\":{\"content\":[{\"text\":\"").is_none());
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..64 {
        assert!(feed(&piece).is_none());
    }
    let messages = feed(b"\"}]}}\n").unwrap();
    let text = &messages[0].result.as_ref().unwrap().text;
    assert_eq!(text.len(), message::LONGEST_TEXT);
    assert!(scanner.text.capacity() < 4096);
}

#[test]
fn a_line_after_another_begins_anew() {
    let mut scanner = Scanner::new(Marker::default());
    let bytes = b"noise\n{\"id\":1}\n{\"id\":2}";
    let (first, messages) = scanner.line(bytes);
    assert_eq!((first, messages.unwrap().len()), (6, 0));
    let (second, messages) = scanner.line(&bytes[first..]);
    assert_eq!((second, messages.unwrap().len()), (9, 1));
    let (_, messages) = scanner.line(&bytes[first + second..]);
    assert!(messages.is_none());
    assert_eq!(scanner.end().len(), 1);
}
