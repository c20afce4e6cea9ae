//! `audit wrap` at work: an MCP client calls the tools of a server, by way of the
//! proxy, and then the log is asked who called what.
//!
//! ```sh
//! cargo run --release -p audit-cli --example try_wrap
//! ```
//!
//! The server is `mcp_files`, over the working directory, or the command that is given
//! after `--`, which should have the tools of a file server as well: `npx -y
//! @modelcontextprotocol/server-filesystem .` is one. The log is
//! `target/try_wrap.jsonl`; what earlier runs recorded stays in it.

#![expect(clippy::print_stdout, reason = "it shows what the command prints")]

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const LOG: &str = "target/try_wrap.jsonl";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let audit = built()?;
    let mut server: Vec<String> = std::env::args().skip(1).collect();
    if server.is_empty() {
        let own = audit.with_file_name("examples").join("mcp_files");
        server = vec![own.display().to_string(), ".".into()];
    }
    fs::create_dir_all("target")?;

    println!("$ audit wrap --log {LOG} -- {}", server.join(" "));
    let mut client = Client::start(&audit, &server)?;
    let tools = client.begin()?;
    for path in [
        "Cargo.toml",
        "README.md",
        "audit-cli",
        "no such file",
        "../outside",
    ] {
        client.call("list_directory", path)?;
        client.call("read_file", path)?;
    }
    client.call("delete_everything", ".")?;
    println!("  a client called some of its {tools} tools, and one that it hasn't\n");
    client.end()?;

    for arguments in [
        &["stats", LOG][..],
        &["query", LOG, "--failed", "-n", "3"],
        &["verify", LOG],
    ] {
        println!("$ audit {}", arguments.join(" "));
        let status = Command::new(&audit).args(arguments).status()?;
        if !status.success() {
            return Err(format!("audit {}: {status}", arguments[0]).into());
        }
        println!();
    }
    println!("Next: put `audit wrap` before the servers of your MCP client, see docs/mcp.md");
    Ok(())
}

/// The command, built as this program was, and the server beside it.
fn built() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(Path::parent);
    let profile = profile.ok_or("it is to be run by `cargo run --example try_wrap`")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--quiet",
        "-p",
        "audit-cli",
        "--bin",
        "audit",
        "--example",
        "mcp_files",
    ]);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status()?;
    if !status.success() {
        return Err(format!("building the command: {status}").into());
    }
    Ok(profile
        .join("audit")
        .with_extension(std::env::consts::EXE_EXTENSION))
}

struct Client {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last_id: u64,
}

impl Client {
    fn start(audit: &Path, server: &[String]) -> Result<Self> {
        let mut child = Command::new(audit)
            .args(["wrap", "--log", LOG, "--"])
            .args(server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            stdin: child.stdin.take().ok_or("no stdin")?,
            stdout: BufReader::new(child.stdout.take().ok_or("no stdout")?),
            child,
            last_id: 0,
        })
    }

    /// Shakes hands; how many tools there are.
    fn begin(&mut self) -> Result<usize> {
        self.ask(
            "initialize",
            &json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "try-wrap", "version": env!("CARGO_PKG_VERSION")},
            }),
        )?;
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        writeln!(self.stdin, "{ready}")?;
        let tools = self.ask("tools/list", &json!({}))?;
        let tools = tools["result"]["tools"].as_array();
        Ok(tools.map_or(0, Vec::len))
    }

    fn call(&mut self, tool: &str, path: &str) -> Result<()> {
        let arguments = json!({"path": path});
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))?;
        Ok(())
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(self.stdin, "{request}")?;
        for line in (&mut self.stdout).lines() {
            // Servers have other things to say as well.
            let Ok(message) = serde_json::from_str::<Value>(&line?) else {
                continue;
            };
            if message["id"] == id && message.get("method").is_none() {
                return Ok(message);
            }
        }
        Err(format!("the server ended before it answered {method}").into())
    }

    fn end(mut self) -> Result<()> {
        drop(self.stdin);
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the server: {status}").into())
    }
}
