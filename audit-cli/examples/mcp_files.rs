//! A small MCP server over one directory, which needs nothing but Rust.
//!
//! ```sh
//! cargo run -p audit-cli --example mcp_files -- DIRECTORY
//! ```
//!
//! It speaks MCP on stdin and stdout: with a handshake as up to 2025-11-25, and
//! without one as since 2026-07-28. Its tools list the directory, read a file, and
//! count the lines of one. Paths that lead out of the directory are refused.

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

const TOOLS: [(&str, &str); 3] = [
    ("list_directory", "Names what is in a directory"),
    ("read_file", "Gives the text of a file"),
    ("count_lines", "Counts the lines of a file"),
];

const INFO: &str = "io.modelcontextprotocol/serverInfo";

fn main() -> ExitCode {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    match serve(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        // The client has gone, or never was one.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(directory: &Path) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let Ok(request) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        let Some(id) = request.get("id") else {
            continue;
        };
        let answer = match answer(directory, &request) {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err((code, message)) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
            }
        };
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}

/// A code of JSON-RPC, and what to say.
type Refusal = (i64, String);

fn answer(directory: &Path, request: &Value) -> Result<Value, Refusal> {
    let info = json!({"name": "mcp-files", "version": env!("CARGO_PKG_VERSION")});
    let params = &request["params"];
    let is_modern = params["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string();
    let mut result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => {
            let asked = params["protocolVersion"].as_str().unwrap_or("2025-11-25");
            // A client that knows only a later one speaks this one too.
            let version = if asked < "2026" { asked } else { "2025-11-25" };
            json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
        }
        "server/discover" => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        }
        "ping" if !is_modern => json!({}),
        "tools/list" => json!({"tools": TOOLS.map(described)}),
        "tools/call" => call(directory, params)?,
        method => return Err((-32601, format!("Method not found: {method}"))),
    };
    if is_modern {
        result["resultType"] = "complete".into();
        result["_meta"] = json!({INFO: info});
    }
    Ok(result)
}

fn described((name, description): (&str, &str)) -> Value {
    json!({
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
    })
}

fn call(directory: &Path, params: &Value) -> Result<Value, Refusal> {
    let Some(name) = params["name"].as_str() else {
        return Err((-32602, "Invalid request parameters".into()));
    };
    if !TOOLS.iter().any(|(tool, _)| *tool == name) {
        return Err((-32602, format!("Unknown tool: {name}")));
    }
    let result = match params["arguments"]["path"].as_str() {
        None => Err("Input validation error: 'path' is a required property".into()),
        Some(path) => inside(directory, path).and_then(|path| run(name, &path)),
    };
    let (text, is_error) = match result {
        Ok(text) => (text, false),
        Err(text) => (text, true),
    };
    Ok(json!({"content": [{"type": "text", "text": text}], "isError": is_error}))
}

/// The path in the directory, if it is one.
fn inside(directory: &Path, path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    let leads_out = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
    if path.components().any(leads_out) {
        return Err("Access denied - path outside the directory".into());
    }
    let real = directory
        .join(path)
        .canonicalize()
        .map_err(|error| error.to_string())?;
    let root = directory
        .canonicalize()
        .map_err(|error| error.to_string())?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err("Access denied - path outside the directory".into())
    }
}

fn run(tool: &str, path: &Path) -> Result<String, String> {
    let text = match tool {
        "list_directory" => fs::read_dir(path).and_then(|entries| {
            let mut names = Vec::new();
            for entry in entries {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            Ok(names.join("\n"))
        }),
        "read_file" => fs::read_to_string(path),
        _ => fs::read(path).map(|bytes| {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            lines.to_string()
        }),
    };
    text.map_err(|error| error.to_string())
}
