//! Bytes, exit codes and all else pass as they are.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use audit_testkit::{DEADLINE, within};

use crate::support::{Dir, Running, call, example, words, wrap, wrap_sh};

/// Bytes that mean nothing, other ones for another seed.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.push((seed >> 56) as u8);
    }
    bytes
}

/// What comes back of bytes that a client writes while it reads.
fn echoed(mut command: Command, bytes: Vec<u8>) -> Vec<u8> {
    within(DEADLINE, move || {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = thread::spawn(move || stdin.write_all(&bytes).unwrap());
        let mut back = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        assert!(child.wait().unwrap().success());
        back
    })
}

#[test]
fn any_bytes_come_through_both_ways() {
    for options in [&[][..], &["--on-log-failure", "refuse"], &["--durable"]] {
        let dir = Dir::new();
        let mut bytes = noise(8 * 1024 * 1024, 1);
        // Lines that look like calls, and a last one without its end.
        for id in 0..100 {
            let at = bytes.len() / 100 * id;
            let line = format!("\n{}\n", call(id as u64, "x"));
            bytes.splice(at..at, line.into_bytes());
        }
        bytes.extend(b"{\"id\":1");
        let back = echoed(wrap_sh(&dir, options, "cat"), bytes.clone());
        assert!(back == bytes, "{options:?}");
    }
}

#[test]
fn what_was_read_goes_on_at_once() {
    let dir = Dir::new();
    let mut child = wrap_sh(&dir, &[], "cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // No line ends.
    for piece in [&b"{"[..], b"\"id", b"\":1"] {
        stdin.write_all(piece).unwrap();
        let mut back = vec![0; piece.len()];
        let stdout = &mut stdout;
        stdout.read_exact(&mut back).unwrap();
        assert_eq!(back, piece);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_end_of_stdin_is_passed_on_and_answers_still_come() {
    let dir = Dir::new();
    let script = "wc -c; echo after; echo to stderr >&2; exit 5";
    let mut wrap = Running::start(wrap_sh(&dir, &[], script));
    wrap.send("12345");
    let ended = wrap.end();
    assert_eq!(
        ended.stdout.split_whitespace().collect::<Vec<_>>(),
        ["5", "after"]
    );
    assert_eq!(ended.stderr, "to stderr\n");
    assert_eq!(ended.status.code(), Some(5));
}

#[test]
fn it_works_with_a_double_dash_and_without() {
    for line in [
        &["printf", "%s|", "-y", "--", "--log", "x"][..],
        &["--", "printf", "%s|", "-y", "--", "--log", "x"],
    ] {
        let dir = Dir::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
        command
            .arg("wrap")
            .arg("--log")
            .arg(dir.log())
            .args(words(line));
        let ended = Running::start(command).end();
        // What printf makes of `--` as its second word is its own affair.
        assert_eq!(ended.stdout, "-y|--|--log|x|", "{line:?}: {}", ended.stderr);
    }
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let dir = Dir::new();
    let plain = dir.write("plain", "no program");
    for (command, code, told) in [
        (
            OsStr::new("no-such-command"),
            127,
            "there is no command `no-such-command`",
        ),
        (plain.as_os_str(), 126, "can't run `"),
    ] {
        let ended = Running::start(wrap(&dir, &[], &[command])).end();
        assert_eq!(ended.status.code(), Some(code));
        assert!(
            ended.stderr.starts_with("audit: error: "),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn arguments_that_make_no_sense_are_told() {
    for args in [
        &["wrap"][..],
        &["wrap", "--lgo", "x", "cat"],
        &["wrap", "--on-log-failure", "x", "cat"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
        command.args(args);
        let ended = Running::start(command).end();
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
        assert!(
            ended.stderr.starts_with("audit: error: "),
            "{}",
            ended.stderr
        );
    }
}

/// Neither side reads until the other has taken 32 MB off its hands.
#[test]
fn directions_do_not_block_each_other() {
    let dir = Dir::new();
    // It writes all it has before it reads a byte.
    let script = "head -c 32000000 /dev/zero; wc -c >&2";
    let mut command = wrap_sh(&dir, &[], script);
    within(DEADLINE, move || {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = thread::spawn(move || {
            for id in 0..32 {
                let filler = "x".repeat(1_000_000);
                let line =
                    format!("{{\"id\":{id},\"method\":\"tools/call\",\"params\":\"{filler}\"}}\n");
                stdin.write_all(line.as_bytes()).unwrap();
            }
        });
        let mut back = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        assert_eq!(back.len(), 32_000_000);
        assert!(child.wait().unwrap().success());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_at_any_length_of_a_line() {
    let dir = Dir::new();
    // The last line of the server says how much the proxy, its parent, ever had.
    let script = "read first; head -c 300000000 /dev/zero | tr '\\0' x; echo; \
                  grep VmHWM /proc/$PPID/status >&2; wc -c";
    let mut command = wrap_sh(&dir, &[], script);
    let stderr = within(DEADLINE, move || {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(call(1, "x").as_bytes()).unwrap();
        stdin
            .write_all(b"\n{\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"")
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader =
            thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()).unwrap());
        for _ in 0..100 {
            stdin.write_all(&[b'x'; 1_000_000]).unwrap();
        }
        drop(stdin);
        assert!(reader.join().unwrap() > 300_000_000);
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    });
    let kilobytes: u64 = stderr.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 32_000, "{stderr}");
}

/// A shell that gives its stdout to somebody else, and ends.
#[test]
fn a_grandchild_that_keeps_stdout_holds_nobody() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    let script = format!(
        "mkfifo {0}; (read x < {0}) & echo said; exit 3",
        fifo.display()
    );
    let mut wrap = Running::start(wrap_sh(&dir, &[], &script));
    wrap.hear("said");
    assert_eq!(wrap.wait().code(), Some(3));
    std::fs::write(fifo, "x\n").unwrap();
}

#[test]
fn what_the_server_said_at_last_is_delivered_to_a_slow_client() {
    let dir = Dir::new();
    let script = "head -c 3000000 /dev/zero; exit 0";
    let mut child = wrap_sh(&dir, &[], script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut back = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut back).unwrap();
    assert_eq!(back.len(), 3_000_000);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_session_is_the_same_with_the_proxy_and_without() {
    let dir = Dir::new();
    let session = include_str!("sessions/typescript-1.txt");
    let script = dir.write("same", session);
    let server = example("scripted_server");
    let mut direct = Command::new(&server);
    direct.arg(&script);
    let wrapped = wrap(&dir, &[], &[server.as_os_str(), script.as_os_str()]);
    for command in [direct, wrapped] {
        let mut running = Running::start(command);
        running.play(session);
        let ended = running.end();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
}
