//! A proxy of which nobody wants anything costs nothing.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::support::{Dir, Running, call, result, wait_until, wrap_sh};

/// Longer than anything that is looked at now and then.
const WINDOW: Duration = Duration::from_millis(600);

/// A server that answers a call named `answered`, and no other.
const ANSWERS: &str = r#"while read -r line; do
    case $line in *answered*)
        id=${line#*'"id":'}; id=${id%%,*}
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}}"
    esac
done"#;

/// How often each thread of the process went to sleep.
fn sleeps(id: u32) -> Vec<(PathBuf, String)> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let mut sleeps: Vec<_> = threads
        .map(|thread| {
            let path = thread.unwrap().path().join("status");
            let status = fs::read_to_string(&path).unwrap();
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"));
            (path, line.unwrap().to_owned())
        })
        .collect();
    sleeps.sort();
    sleeps
}

fn is_idle(id: u32) -> bool {
    let before = sleeps(id);
    // That nothing happens in this time is what is asked.
    thread::sleep(WINDOW);
    sleeps(id) == before
}

#[test]
fn an_idle_proxy_is_never_woken() {
    for options in [&[][..], &["--durable"], &["--on-log-failure", "refuse"]] {
        let dir = Dir::new();
        let mut wrap = Running::start(wrap_sh(&dir, options, ANSWERS));
        let id = wrap.child.id();
        wait_until(|| is_idle(id).then_some(()));
        for number in 1..=2 {
            wrap.say(&call(number, "answered"));
            wrap.hear(&result(number));
            wait_until(|| is_idle(id).then_some(()));
        }
        assert_eq!(dir.told().len(), 2);
        // What is taken back has its time, and is told when that is over.
        wrap.say(&call(3, "never"));
        wrap.say(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#,
        );
        assert_eq!(
            dir.wait_for_calls(3)[2],
            "sh:never execution_failed cancelled"
        );
        wait_until(|| is_idle(id).then_some(()));
        assert!(wrap.end().status.success());
    }
}
