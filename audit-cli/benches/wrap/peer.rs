//! A client that makes one call after another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Peer {
    server: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    line: Vec<u8>,
    id: u64,
}

impl Peer {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let stdin = server.stdin.take().unwrap();
        let stdout = BufReader::with_capacity(64 * 1024, server.stdout.take().unwrap());
        let mut peer = Self {
            server,
            stdin,
            stdout,
            line: Vec::new(),
            id: 0,
        };
        peer.request(
            "initialize",
            r#"{"clientInfo":{"name":"bench","version":"1"}}"#,
        );
        peer
    }

    /// How long each of some calls takes.
    pub(crate) fn times(&mut self, tool: &str, calls: usize) -> Vec<Duration> {
        let params = format!(r#"{{"name":"{tool}","arguments":{{"a":2,"b":3}}}}"#);
        (0..calls)
            .map(|_| self.request("tools/call", &params))
            .collect()
    }

    pub(crate) fn end(mut self) {
        drop(self.stdin);
        assert!(self.server.wait().unwrap().success());
    }

    fn request(&mut self, method: &str, params: &str) -> Duration {
        self.id += 1;
        let id = self.id;
        let request = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n"
        );
        self.line.clear();
        let began = Instant::now();
        self.stdin.write_all(request.as_bytes()).unwrap();
        self.stdout.read_until(b'\n', &mut self.line).unwrap();
        let took = began.elapsed();
        let end = format!("\"id\":{id}}}\n");
        assert!(self.line.ends_with(end.as_bytes()));
        took
    }
}
