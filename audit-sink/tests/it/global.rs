//! Programs with a global sink, by the example `exits`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The example, built with panics that unwind, or that abort.
fn program(aborts: bool) -> PathBuf {
    static BUILT: [OnceLock<PathBuf>; 2] = [const { OnceLock::new() }; 2];
    let build = || {
        let test = env::current_exe().unwrap();
        let target = test.ancestors().nth(3).unwrap();
        // Apart, for every dependency is built another way, too.
        let target = match aborts {
            true => target.join("aborts"),
            false => target.to_owned(),
        };
        let mut build = Command::new(env!("CARGO"));
        build.args("build --quiet --locked --package audit-sink --example exits".split(' '));
        if aborts {
            build.args(["--config", "profile.dev.panic=\"abort\""]);
        }
        build.env("CARGO_TARGET_DIR", &target);
        assert!(build.status().unwrap().success(), "the example builds");
        target.join(Path::new("debug/examples").join(format!("exits{}", env::consts::EXE_SUFFIX)))
    };
    BUILT[usize::from(aborts)].get_or_init(build).clone()
}

/// Runs it; all 1000 calls must have been recorded, whatever its code.
#[track_caller]
fn ends(program: &Path, way: &str) -> Output {
    let output = Command::new(program).arg(way).output().unwrap();
    let recorded = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(recorded, 1_000, "{way}: {stderr}");
    output
}

#[track_caller]
fn ends_with(way: &str, code: i32, said: &str) {
    let output = ends(&program(false), way);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{way}: {stderr}");
    assert!(stderr.contains(said), "{way}: {stderr}");
    assert!(
        !stderr.contains("audit-sink: "),
        "nothing was lost: {stderr}"
    );
}

#[test]
fn ends_by_returning_from_main() {
    ends_with("return", 0, "");
}

#[test]
fn ends_by_an_error_from_main() {
    ends_with("error", 1, "main returns an error");
}

#[test]
fn ends_by_exit() {
    ends_with("exit", 3, "");
    ends_with("exit-elsewhere", 3, "");
}

#[test]
fn ends_by_two_threads_at_once() {
    ends_with("exit-twice", 3, "");
}

#[test]
fn ends_by_std_exit_once_the_guard_is_dropped() {
    ends_with("std-exit-after-the-guard", 3, "");
}

#[test]
fn ends_by_std_exit_once_all_is_flushed() {
    ends_with("std-exit-after-a-flush", 3, "");
}

#[test]
fn ends_by_panic() {
    ends_with("panic", 101, "main panics");
}

#[test]
fn goes_on_after_a_panic_elsewhere() {
    ends_with("panic-elsewhere", 0, "a thread panics");
}

#[test]
fn ends_by_a_panic_that_aborts() {
    let output = ends(&program(true), "panic");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("main panics"));
}

#[test]
fn what_comes_after_the_guard_is_counted_as_lost() {
    ends_with("late", 0, "");
}
