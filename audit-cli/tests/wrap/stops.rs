//! However a session ends, and at whatever stage of a call: nothing runs on, and the
//! log has each call once.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use crate::support::{Dir, Running, call, result, verify, wait_until, wrap_script, wrap_sh};

const TERM: i32 = 15;
const INT: i32 = 2;
const HUP: i32 = 1;
const KILL: i32 = 9;
const USR1: i32 = 10;

fn kill(signal: i32, pid: u32) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{signal}")).arg(pid.to_string());
    assert!(kill.status().unwrap().success());
}

/// Whether a process is there, and no zombie.
fn is_alive(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

fn wait_for_end_of(pid: u32) {
    wait_until(|| (!is_alive(pid)).then_some(()));
}

/// The process that the proxy started.
fn server_of(wrap: &Running) -> u32 {
    let pid = wrap.child.id();
    wait_until(|| {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let server = children.split_whitespace().next()?.parse().ok()?;
        // Once it is the server, and no longer ourselves.
        let name = fs::read_link(format!("/proc/{server}/exe")).ok()?;
        (name != fs::canonicalize(env!("CARGO_BIN_EXE_audit")).ok()?).then_some(server)
    })
}

/// A session in which one call is answered, and if so wished another is not.
fn session(in_flight: bool, then: &str) -> String {
    let mut script = format!("> {}\n< {}\n", call(1, "done"), result(1));
    if in_flight {
        script.push_str(&format!("> {}\n< {{\"got\":2}}\n", call(2, "open")));
    }
    script + then
}

fn begin(dir: &Dir, in_flight: bool, then: &str) -> Running {
    let script = session(in_flight, then);
    let mut wrap = Running::start(wrap_script(dir, &[], &script));
    wrap.play(&script);
    wrap
}

#[test]
fn signals_reach_the_server_and_its_end_is_ours() {
    for signal in [TERM, INT, HUP] {
        for in_flight in [false, true] {
            let dir = Dir::new();
            let mut wrap = begin(&dir, in_flight, "! hang");
            let server = server_of(&wrap);
            kill(signal, wrap.child.id());
            assert_eq!(wrap.wait().signal(), Some(signal));
            assert!(!is_alive(server));
            let mut told = vec!["scripted_server:done success"];
            if in_flight {
                told.push("scripted_server:open execution_failed stopped");
            }
            assert_eq!(dir.told(), told, "{signal}");
            verify(&dir.log());
        }
    }
}

#[test]
fn a_server_that_handles_a_signal_ends_as_it_likes() {
    let dir = Dir::new();
    let script = "trap 'echo bye; exit 4' TERM; echo ready; while :; do read x; done";
    let mut wrap = Running::start(wrap_sh(&dir, &[], script));
    wrap.hear("ready");
    kill(TERM, wrap.child.id());
    wrap.hear("bye");
    assert_eq!(wrap.wait().code(), Some(4));
}

/// It doesn't ask for an end, so the session goes on, and its calls with it.
#[test]
fn a_signal_that_means_something_else_ends_no_call() {
    let dir = Dir::new();
    let script = "trap 'echo noted' USR1; echo ready; while :; do read x; done";
    let mut wrap = Running::start(wrap_sh(&dir, &[], script));
    wrap.hear("ready");
    wrap.say(&call(1, "x"));
    kill(USR1, wrap.child.id());
    wrap.hear("noted");
    kill(KILL, server_of(&wrap));
    assert_eq!(wrap.wait().signal(), Some(KILL));
    assert_eq!(dir.told(), ["sh:x execution_failed server_signal_9"]);
}

/// A client kills two seconds after it has sent a signal.
#[test]
fn what_is_open_is_in_the_log_before_the_kill_that_follows_a_signal() {
    let dir = Dir::new();
    let line = call(1, "x");
    let script = format!("trap '' TERM; read a; echo '{{}}'; while read x; do :; done # {line}");
    let mut wrap = Running::start(wrap_sh(&dir, &[], &script));
    wrap.say(&line);
    wrap.hear("{}");
    kill(TERM, wrap.child.id());
    assert_eq!(dir.wait_for_calls(1), ["sh:x execution_failed stopped"]);
    kill(KILL, wrap.child.id());
    assert_eq!(wrap.wait().signal(), Some(KILL));
    assert_eq!(dir.told(), ["sh:x execution_failed stopped"]);
}

#[test]
fn a_killed_proxy_leaves_no_server_and_no_answered_call_out() {
    for then in ["! hang", "! deaf"] {
        for in_flight in [false, true] {
            let dir = Dir::new();
            let mut wrap = begin(&dir, in_flight, then);
            let server = server_of(&wrap);
            kill(KILL, wrap.child.id());
            assert_eq!(wrap.wait().signal(), Some(KILL));
            wait_for_end_of(server);
            // The answer was there, so its event is.
            assert_eq!(dir.told(), ["scripted_server:done success"]);

            // Who comes next goes on with the chain.
            begin(&dir, false, "").end();
            assert_eq!(dir.told().len(), 2);
        }
    }
}

#[test]
fn what_a_client_has_read_is_in_the_log_of_a_killed_proxy() {
    let dir = Dir::new();
    for round in 1..=30 {
        let mut wrap = begin(&dir, false, "! hang");
        kill(KILL, wrap.child.id());
        wrap.wait();
        assert_eq!(dir.told().len(), round);
    }
}

/// It neither cares for the end of its stdin nor for being asked to end.
#[test]
fn a_killed_proxy_leaves_no_stubborn_server() {
    let dir = Dir::new();
    let script = "trap '' TERM INT HUP; echo ready; while :; do read x || read y < fifo; done";
    let mut mkfifo = Command::new("mkfifo");
    assert!(mkfifo.arg(dir.path("fifo")).status().unwrap().success());
    let mut command = wrap_sh(&dir, &[], script);
    command.current_dir(dir.path("."));
    let mut wrap = Running::start(command);
    wrap.hear("ready");
    let server = server_of(&wrap);
    kill(KILL, wrap.child.id());
    wrap.wait();
    wait_for_end_of(server);
}

#[test]
fn a_killed_server_is_told() {
    for in_flight in [false, true] {
        let dir = Dir::new();
        let mut wrap = begin(&dir, in_flight, "! hang");
        kill(KILL, server_of(&wrap));
        assert_eq!(wrap.wait().signal(), Some(KILL));
        let mut told = vec!["scripted_server:done success"];
        if in_flight {
            told.push("scripted_server:open execution_failed server_signal_9");
        }
        assert_eq!(dir.told(), told);
    }
}

#[test]
fn a_server_that_aborts_makes_the_proxy_end_alike() {
    let dir = Dir::new();
    let mut wrap = begin(&dir, true, "! abort");
    assert_eq!(wrap.wait().signal(), Some(6));
    let told = dir.told();
    assert_eq!(
        told[1],
        "scripted_server:open execution_failed server_signal_6"
    );
}

#[test]
fn a_client_that_closes_stdin_is_told() {
    let dir = Dir::new();
    let ended = begin(&dir, true, "! hang").end();
    assert!(ended.status.success());
    let told = dir.told();
    assert_eq!(told[1], "scripted_server:open execution_failed client_gone");
}

/// It holds our stdin open and reads no more.
#[test]
fn a_client_that_stops_reading_is_noticed_and_the_server_told() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;

    let dir = Dir::new();
    let script = "read a; echo one; read b; while echo more; do :; done; cat >/dev/null; exit 6";
    let mut command = wrap_sh(&dir, &[], script);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdin
        .write_all(format!("{}\n", call(1, "x")).as_bytes())
        .unwrap();
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    stdin.write_all(b"\n").unwrap();
    let status = wait_until(|| child.try_wait().unwrap());
    // As without a proxy: writing to nobody ended it, or told it.
    assert!(
        status.code() == Some(6) || status.signal() == Some(13),
        "{status:?}"
    );
    assert_eq!(dir.told(), ["sh:x execution_failed client_gone"]);
    drop(stdin);
}

#[test]
fn signals_that_are_ignored_stay_ignored() {
    let dir = Dir::new();
    let mut command = Command::new("nohup");
    command
        .arg(env!("CARGO_BIN_EXE_audit"))
        .args(["wrap", "--log"])
        .arg(dir.log());
    command.args(["sh", "-c", "echo ready; read x; exit 8"]);
    let mut wrap = Running::start(command);
    wrap.hear("ready");
    kill(HUP, wrap.child.id());
    wrap.say("x");
    assert_eq!(wrap.wait().code(), Some(8));
}

/// A client that starts its server twice, and ends the first by a signal.
#[test]
fn two_proxies_share_a_log() {
    let dir = Dir::new();
    let mut one = begin(&dir, true, "! hang");
    let mut two = Running::start(wrap_sh(&dir, &["--server", "two"], "cat"));
    let answers: String = (0..50)
        .map(|id| format!("{}\n{}\n", call(id, "x"), result(id)))
        .collect();
    // What comes back from `cat` is no answer of a server's for a call; a result is.
    two.send(answers);
    for _ in 0..100 {
        two.line().unwrap();
    }
    kill(TERM, one.child.id());
    one.wait();
    assert!(two.end().status.success());
    let told = dir.told();
    assert_eq!(
        told.iter().filter(|told| *told == "two:x success").count(),
        50
    );
    assert_eq!(told.len(), 52);
    verify(&dir.log());
}
