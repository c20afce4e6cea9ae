use super::*;

const PLAIN: Texts = Texts(false);

fn error(code: i64, message: &str) -> RpcError {
    RpcError {
        code: Some(code),
        message: message.into(),
        ..RpcError::default()
    }
}

fn tool_error(text: &str) -> Outcome {
    let reply = Reply {
        is_error: true,
        text: text.into(),
        ..Reply::default()
    };
    of_result(&reply, Listed::YesOrUnknown, PLAIN)
}

/// Each as an SDK or a server says it.
#[test]
fn texts_of_tools() {
    for (kind, texts) in [
        (
            "tool_not_found",
            &[
                "Unknown tool: nope",
                "Unknown tool: 'nope'",
                "MCP error -32602: Tool nope not found",
                "MCP error -32602: Tool nope disabled",
                "Error: Unknown tool: nope",
                "Error processing mcp-server-time query: Unknown tool: nope",
            ][..],
        ),
        (
            "invalid_args",
            &[
                "Error executing tool add: 1 validation error for addArguments\nb\n  Field required",
                "2 validation errors for call[add]\na\n  Missing required argument",
                "MCP error -32602: Input validation error: Invalid arguments for tool add: Required",
                "Input validation error: 'b' is a required property",
                "MCP error -32602: Invalid arguments for tool add: [\n  {\n    \"code\": \"x\"",
                "Error: Invalid arguments for read_file: path",
                "failed to deserialize parameters: missing field `b`",
            ],
        ),
        (
            "rate_limited",
            &[
                "MCP error -32000: Rate limit exceeded",
                "Error calling tool 'x': Rate limit exceeded",
                "429 Too Many Requests",
            ],
        ),
        (
            "capability_denied",
            &[
                "Access denied - path outside allowed directories: /a not in /b",
                "Error executing tool denied: [Errno 13] Permission denied: '/a'",
                "Error executing tool fetch: Refused to fetch http://127.0.0.1:9/",
                "Error executing tool git_status: Repository path '/a' is outside the allowed repository",
            ],
        ),
        (
            "execution_failed",
            &[
                "disk full",
                "",
                "ENOENT: no such file or directory, open '/a'",
                "The page said: Unknown tool: x",
                "File not found",
                "MCP error -32602: bad thing inside handler",
                "MCP error -32602: Output validation error: Invalid structured content for tool x",
                "MCP error -32601: Tool x requires task augmentation (taskSupport: 'required')",
                "Error executing tool fail",
            ],
        ),
    ] {
        for text in texts {
            assert_eq!(tool_error(text).kind(), kind, "{text}");
        }
    }
}

#[test]
fn codes_and_texts_of_errors() {
    let unknown = Listed::YesOrUnknown;
    for (code, text, listed, kind) in [
        (-32700, "", unknown, "invalid_args"),
        (-32600, "Invalid request", Listed::No, "invalid_args"),
        (-32021, "", unknown, "capability_denied"),
        (0, "Request cancelled", unknown, "execution_failed"),
        (-32601, "Method not found", unknown, "tool_not_found"),
        (-32601, "tools/call", Listed::Yes, "invalid_args"),
        (-32602, "Tool nope not found", unknown, "tool_not_found"),
        (-32602, "tool not found", unknown, "tool_not_found"),
        (
            -32602,
            "Invalid request parameters",
            unknown,
            "invalid_args",
        ),
        (-32602, "whatever", Listed::No, "tool_not_found"),
        (-32603, "Unknown tool: nope", unknown, "tool_not_found"),
        (
            -32603,
            "[\n  {\n    \"code\": \"x\",\n    \"path\": []",
            unknown,
            "invalid_args",
        ),
        (-32603, "boom", unknown, "execution_failed"),
        (-32603, "boom", Listed::No, "tool_not_found"),
        (
            -32000,
            "Rate limit exceeded for client: global",
            unknown,
            "rate_limited",
        ),
        (-32000, "RL", unknown, "execution_failed"),
        (403, "", unknown, "capability_denied"),
        (-32001, "Access denied", unknown, "capability_denied"),
    ] {
        let outcome = of_error(&error(code, text), listed, PLAIN);
        assert_eq!(outcome.kind(), kind, "{code} {text}");
    }
    let cancelled = of_error(&error(-32800, "Request cancelled"), unknown, PLAIN);
    assert_eq!(cancelled, failed(code::CANCELLED));
}

#[test]
fn a_result_that_is_no_error_is_a_success_whatever_it_says() {
    let reply = Reply {
        text: "Unknown tool: x. Permission denied".into(),
        ..Reply::default()
    };
    assert_eq!(of_result(&reply, Listed::No, PLAIN), Outcome::Success);
}

#[test]
fn texts_stand_in_the_outcome_only_when_asked_for() {
    let error = error(-32602, "Invalid request parameters for ann@example.org");
    let message = |texts| match of_error(&error, Listed::YesOrUnknown, texts) {
        Outcome::InvalidArgs { message } => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(Texts(false)), "json-rpc -32602");
    assert_eq!(
        message(Texts(true)),
        "json-rpc -32602: Invalid request parameters for …"
    );
}
