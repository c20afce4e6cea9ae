//! A proxy that copies bytes and does nothing else: what any proxy costs here.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

/// As `audit wrap` reads.
const BUFFER: usize = 64 * 1024;

/// Starts the server, and copies both ways until it ends.
pub(crate) fn copy(server: &[String]) {
    let (program, args) = server.split_first().unwrap();
    let mut server = Command::new(program);
    server
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let to_server = server.stdin.take().unwrap();
    let from_server = server.stdout.take().unwrap();
    thread::spawn(move || pump(io::stdin(), to_server));
    pump(from_server, io::stdout());
    assert!(server.wait().unwrap().success());
}

fn pump(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).unwrap();
        if length == 0 {
            return;
        }
        to.write_all(&buffer[..length]).unwrap();
        to.flush().unwrap();
    }
}
