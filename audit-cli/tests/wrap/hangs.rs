//! A log that hangs in the kernel, as on a file system that is frozen or out of reach:
//! system calls on it take as long as `strace` says.

use std::process::Command;

use crate::support::{Dir, Running, call, calls, result, verify, wait_until, wrap_sh};

/// A server that answers every call.
const ANSWERS: &str = r#"while read -r line; do
    id=${line#*'"id":'}; id=${id%%,*}
    echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}}"
done"#;

/// A proxy of whose log the n-th such system call, by the same thread, takes so long.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn start(dir: &Dir, options: &[&str], hang: &str) -> Option<Running> {
    let has_strace = Command::new("strace").arg("-V").output().is_ok();
    if !has_strace {
        eprintln!("SKIPPED: needs strace");
        return None;
    }
    let wrap = wrap_sh(dir, options, ANSWERS);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(dir.path(TRACE));
    command
        .arg("-P")
        .arg(dir.log())
        .args(["-e", &format!("inject={hang}")]);
    command.arg(wrap.get_program()).args(wrap.get_args());
    Some(Running::start(command))
}

/// What `strace` saw of the log.
const TRACE: &str = "trace";

fn ask(wrap: &mut Running, id: u64) {
    wrap.say(&call(id, &format!("call-{id:03}")));
    assert_eq!(wrap.line().unwrap().trim_end(), result(id));
}

#[track_caller]
fn assert_all_in_order(dir: &Dir, count: u64) {
    let calls = calls(&dir.log());
    let names: Vec<&str> = calls.iter().map(|call| call.tool_id.as_str()).collect();
    let wanted: Vec<String> = (1..=count).map(|id| format!("sh:call-{id:03}")).collect();
    assert_eq!(names, wanted);
    verify(&dir.log());
}

#[test]
fn a_write_that_hangs_holds_one_answer_and_is_made_up_for() {
    let dir = Dir::new();
    let Some(mut wrap) = start(&dir, &[], "write:delay_enter=12s:when=90") else {
        return;
    };
    // The ninetieth is waited for, and then nobody waits.
    for id in 1..=90 {
        ask(&mut wrap, id);
    }
    assert_eq!(calls(&dir.log()).len(), 89, "it goes on before its event");
    for id in 91..=150 {
        ask(&mut wrap, id);
    }
    dir.wait_for_calls(150);
    // It is well again: an answer comes after its event.
    let mut id = 150;
    let mut ask_one_more = || {
        id += 1;
        ask(&mut wrap, id);
        calls(&dir.log()).len() as u64 == id
    };
    wait_until(|| ask_one_more().then_some(()));
    for _ in 0..5 {
        assert!(ask_one_more());
    }
    let ended = wrap.end();
    assert!(ended.status.success());
    assert!(
        ended.stderr.contains("calls can't be recorded in "),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("missing from"), "{}", ended.stderr);
    assert_all_in_order(&dir, id);
}

#[test]
fn a_sync_that_hangs_holds_one_answer_and_is_made_up_for() {
    let dir = Dir::new();
    let Some(mut wrap) = start(&dir, &["--durable"], "fdatasync:delay_enter=12s:when=3") else {
        return;
    };
    for id in 1..=4 {
        ask(&mut wrap, id);
    }
    assert_eq!(calls(&dir.log()).len(), 3, "it goes on before it is synced");
    for id in 5..=20 {
        ask(&mut wrap, id);
    }
    dir.wait_for_calls(20);
    assert!(wrap.end().status.success());
    assert_all_in_order(&dir, 20);
}

#[test]
fn a_sync_that_nobody_asked_for_is_in_nobodys_way() {
    let dir = Dir::new();
    let Some(mut wrap) = start(&dir, &[], "fdatasync:delay_enter=12s:when=1") else {
        return;
    };
    let mut id = 0;
    let mut ask_one_more = || {
        id += 1;
        ask(&mut wrap, id);
        assert_eq!(
            calls(&dir.log()).len() as u64,
            id,
            "an answer before its event"
        );
    };
    let trace = || std::fs::read_to_string(dir.path(TRACE)).unwrap();
    wait_until(|| {
        ask_one_more();
        trace().contains(" fdatasync(").then_some(())
    });
    for _ in 0..50 {
        ask_one_more();
    }
    assert!(!trace().contains("fdatasync resumed"), "it hangs no more");
    let ended = wrap.end();
    assert!(ended.status.success());
    assert_all_in_order(&dir, id);
}

#[test]
fn at_the_end_a_write_that_hangs_is_not_waited_for_and_what_is_missing_is_told() {
    let dir = Dir::new();
    let Some(mut wrap) = start(&dir, &[], "write:delay_enter=12s:when=2") else {
        return;
    };
    for id in 1..=5 {
        ask(&mut wrap, id);
    }
    let ended = wrap.end();
    assert!(ended.status.success());
    // It hung when this was said.
    assert!(
        ended.stderr.contains(": 4: 1 events were not written"),
        "{}",
        ended.stderr
    );
    assert_eq!(dir.told(), ["sh:call-001 success"]);
}
