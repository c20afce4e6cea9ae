//! What stands at the ends of the pipes: who reads values and not lines, pipes that are
//! non-blocking or closed, signals of all kinds.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread;

use audit_testkit::{DEADLINE, within};

use crate::support::{Dir, Running, call, result, wait_until, wrap_sh};

/// A server that answers when it has read the call, before its line has ended.
#[test]
fn a_call_is_known_before_its_line_ends() {
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":"{}"}}}}"#,
        "x".repeat(2_000_000)
    );
    for (options, line) in [
        (&[][..], call(1, "x")),
        (&[], long.clone()),
        // A shorter one is held back until it ends.
        (&["--on-log-failure", "refuse"], long),
    ] {
        let dir = Dir::new();
        let script = format!(
            "head -c {} >/dev/null; echo '{}'; cat >/dev/null",
            line.len(),
            result(1)
        );
        let mut wrap = Running::start(wrap_sh(&dir, options, &script));
        wrap.send(&line);
        wrap.hear(&result(1));
        assert_eq!(dir.told(), ["sh:x success"], "{options:?}");
        wrap.send("\n");
        assert!(wrap.end().status.success());
        assert_eq!(dir.told().len(), 1);
    }
}

/// A client that reads values acts on an answer before its line has ended.
#[test]
fn an_answer_is_in_the_log_before_its_line_ends() {
    let dir = Dir::new();
    let script = format!("read x; printf %s '{}'; read x; echo", result(1));
    let mut child = wrap_sh(&dir, &[], &script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    writeln!(stdin, "{}", call(1, "x")).unwrap();
    let mut answer = vec![0; result(1).len()];
    stdout.read_exact(&mut answer).unwrap();
    assert_eq!(dir.told(), ["sh:x success"]);
    writeln!(stdin).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(dir.told().len(), 1);
}

/// Who shares a pipe with us, or made it, may have made it non-blocking.
#[test]
fn pipes_that_do_not_block_lose_nothing() {
    let dir = Dir::new();
    let (mut to_wrap, stdin) = UnixStream::pair().unwrap();
    let (stdout, mut from_wrap) = UnixStream::pair().unwrap();
    stdin.set_nonblocking(true).unwrap();
    stdout.set_nonblocking(true).unwrap();
    let script = format!("read x; echo '{}'; cat", result(1));
    let mut child = {
        let mut command = wrap_sh(&dir, &[], &script);
        command
            .stdin(Stdio::from(OwnedFd::from(stdin)))
            .stdout(Stdio::from(OwnedFd::from(stdout)));
        // Our copies of its ends go with the command.
        command.spawn().unwrap()
    };
    let bytes = vec![b'x'; 4_000_000];
    let back = within(DEADLINE, move || {
        writeln!(to_wrap, "{}", call(1, "x")).unwrap();
        let mut reader = BufReader::new(from_wrap.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), result(1));
        let writer = thread::spawn(move || {
            to_wrap.write_all(&bytes).unwrap();
            to_wrap.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = reader.buffer().len() as u64;
        back += std::io::copy(&mut from_wrap, &mut std::io::sink()).unwrap();
        writer.join().unwrap();
        back
    });
    assert_eq!(back, 4_000_000);
    assert!(child.wait().unwrap().success());
    assert_eq!(dir.told(), ["sh:x success"]);
}

/// The server has no file of ours, and ours have no end of its pipes.
#[cfg(target_os = "linux")]
#[test]
fn the_server_gets_no_files_of_the_proxy() {
    let dir = Dir::new();
    let files = |script: &str| {
        let list = format!("exec {script} ls /proc/self/fd");
        let mut direct = Command::new("sh");
        direct.args(["-c", &list]);
        let direct = Running::start(direct).end().stdout;
        let wrapped = Running::start(wrap_sh(&dir, &[], &list)).end().stdout;
        assert_eq!(wrapped, direct);
        direct
    };
    assert!(files("").lines().count() >= 3);
}

#[test]
fn ends_that_are_closed_from_the_start_are_no_trouble() {
    for (closed, stdout) in [("<&-", "said\n"), (">&-", ""), ("2>&-", "said\n")] {
        let dir = Dir::new();
        let mut command = Command::new("sh");
        let line = format!("exec \"$0\" wrap --log \"$1\" sh -c 'cat; echo said; exit 4' {closed}");
        command
            .args(["-c", &line, env!("CARGO_BIN_EXE_audit")])
            .arg(dir.log());
        let ended = Running::start(command).end();
        assert_eq!(ended.stdout, stdout, "{closed}");
        assert_eq!(ended.status.code(), Some(4), "{closed}: {}", ended.stderr);
    }
}

#[test]
fn whatever_signal_ends_the_server_ends_the_proxy() {
    for signal in ["KILL", "TERM", "PIPE", "ALRM", "USR1", "SEGV", "IO", "XCPU"] {
        let dir = Dir::new();
        let script = format!("kill -{signal} $$; read x");
        let mut direct = Command::new("sh");
        direct.args(["-c", &script]).current_dir(dir.path("."));
        let direct = Running::start(direct).wait();
        let mut wrapped = wrap_sh(&dir, &[], &script);
        wrapped.current_dir(dir.path("."));
        let wrapped = Running::start(wrapped).wait();
        assert!(direct.signal().is_some(), "{signal}");
        assert_eq!(wrapped.signal(), direct.signal(), "{signal}");
    }
}

/// Whoever starts us may not care for the ends of his children.
#[test]
fn a_parent_that_ignores_its_children_changes_nothing() {
    let dir = Dir::new();
    let script = format!("read x; echo '{}'; read x; exit 3", result(1));
    let template = wrap_sh(&dir, &[], &script);
    let mut command = Command::new("bash");
    command
        .args(["-c", "trap '' CHLD; exec \"$@\"", "-"])
        .arg(template.get_program())
        .args(template.get_args());
    let mut wrap = Running::start(command);
    wrap.say(&call(1, "x"));
    wrap.hear(&result(1));
    wrap.say(&call(2, "y"));
    assert_eq!(wrap.wait().code(), Some(3));
    assert_eq!(
        dir.told(),
        ["sh:x success", "sh:y execution_failed server_exit_3"]
    );
}

/// The server has ended, and what it said last waits for a client that doesn't read.
#[test]
fn a_signal_ends_the_wait_for_a_client_that_does_not_read() {
    for is_early in [true, false] {
        let dir = Dir::new();
        let pid = dir.path("pid");
        // More than the client's pipe holds, and less than both do.
        let script = format!(
            "read x; head -c 100000 /dev/zero; echo $$ > {0}.new; mv {0}.new {0}; {1}",
            pid.display(),
            if is_early { "read y; read z" } else { "exit 5" }
        );
        let mut child = wrap_sh(&dir, &[], &script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", call(1, "x")).unwrap();
        let server = wait_until(|| fs::read_to_string(&pid).ok());
        if !is_early {
            // Until it is no more, or waits to be waited for.
            wait_until(|| {
                let mut ps = Command::new("ps");
                let ps = ps.args(["-o", "stat=", "-p", server.trim()]).output();
                let state = ps.unwrap().stdout;
                (state.is_empty() || state.starts_with(b"Z")).then_some(())
            });
        }
        let mut kill = Command::new("kill");
        kill.arg("-TERM").arg(child.id().to_string());
        assert!(kill.status().unwrap().success());
        let status = wait_until(|| child.try_wait().unwrap());
        if is_early {
            assert_eq!(status.signal(), Some(15));
        } else {
            assert_eq!(status.code(), Some(5));
        }
        assert_eq!(dir.told(), ["sh:x execution_failed stopped"]);
    }
}

/// It says that it will answer nothing more, and lives on.
#[test]
fn a_server_that_closes_stdout_and_lives_is_waited_for() {
    let dir = Dir::new();
    let script = "read x; echo last; exec >&-; read y; read z; exit 3";
    let mut wrap = Running::start(wrap_sh(&dir, &[], script));
    wrap.say(&call(1, "x"));
    wrap.hear("last");
    assert_eq!(wrap.line(), None, "the client sees the end");
    wrap.say(&call(2, "y"));
    wrap.say("{}");
    assert_eq!(wrap.wait().code(), Some(3));
    let code = "execution_failed server_exit_3";
    assert_eq!(dir.told(), [format!("sh:x {code}"), format!("sh:y {code}")]);
}

/// It reads no more, lives on, and still answers what it has read.
#[test]
fn a_server_that_closes_stdin_still_answers() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    let script = format!(
        "mkfifo {0}; read x; exec <&-; echo closed; read y < {0}; echo '{1}'; exit 3",
        fifo.display(),
        result(1)
    );
    let mut wrap = Running::start(wrap_sh(&dir, &[], &script));
    wrap.say(&call(1, "x"));
    wrap.hear("closed");
    // As without a proxy, whoever goes on writing is told.
    let stdin = wrap.stdin.as_mut().unwrap();
    let mut write = || stdin.write_all(format!("{}\n", call(2, "y")).as_bytes());
    wait_until(|| write().is_err().then_some(()));
    fs::write(fifo, "go\n").unwrap();
    wrap.hear(&result(1));
    assert_eq!(wrap.wait().code(), Some(3));
    let told = dir.told();
    assert_eq!(told[0], "sh:x success");
    assert!(
        told[1..]
            .iter()
            .all(|told| told == "sh:y execution_failed server_exit_3")
    );
}

/// Somebody whom the server left behind goes on writing to its stdout.
#[test]
fn a_grandchild_that_goes_on_writing_holds_nobody_for_long() {
    let dir = Dir::new();
    let script = "(while echo more; do :; done) & read x; exit 3";
    let mut child = wrap_sh(&dir, &[], script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "x").unwrap();
    let reader = thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let status = wait_until(|| child.try_wait().unwrap());
    assert_eq!(status.code(), Some(3));
    assert!(reader.join().unwrap().unwrap() > 0);
}
