//! The command as a process, logs to look at, and what the machine has.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use audit_testkit::DEADLINE;
use tempfile::TempDir;

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command, with nothing in its environment that would change what it prints.
pub(crate) fn audit(args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command.args(args);
    usual(&mut command);
    command
}

pub(crate) fn usual(command: &mut Command) {
    // CI among them: where it is set, a terminal of any kind is taken to have colours.
    let changing = [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "LANG",
        "CI",
    ];
    for name in changing {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.env("TERM", "xterm-256color");
}

/// Runs it to its end.
pub(crate) fn run(args: &[impl AsRef<OsStr>]) -> Ran {
    run_with(args, "")
}

/// Runs it to its end, with this on stdin.
pub(crate) fn run_with(args: &[impl AsRef<OsStr>], stdin: impl AsRef<[u8]>) -> Ran {
    finish(&mut audit(args), stdin)
}

pub(crate) fn finish(command: &mut Command, stdin: impl AsRef<[u8]>) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.as_ref().to_vec();
    // Whoever doesn't read all of it ends before.
    thread::spawn(move || input.write_all(&stdin).ok());
    let (tell, told) = mpsc::channel();
    let id = child.id();
    thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(output) = told.recv_timeout(DEADLINE) else {
        kill(id, "KILL");
        panic!("{command:?} did not end");
    };
    let output = output.unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits for the end of a process that was started otherwise.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("the process ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// All of a pipe, read on a thread of its own.
pub(crate) fn reading(mut pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).ok();
        tell.send(String::from_utf8_lossy(&text).into_owned())
    });
    told
}

pub(crate) fn kill(id: u32, signal: &str) {
    let arguments = [format!("-{signal}"), id.to_string()];
    assert!(
        Command::new("kill")
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

/// Waits for something, up to the deadline.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        thread::yield_now();
    }
}

impl Ran {
    /// Exit code and stdout, when stderr must be empty.
    #[track_caller]
    pub(crate) fn quiet(self) -> (i32, String) {
        assert_eq!(self.err, "");
        (self.code.unwrap(), self.out)
    }
}

/// A directory for a test.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        path_text(&self.path(name))
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A log of so many calls, as `audit record` leaves it.
    pub(crate) fn log(&self, name: &str, calls: u64) -> PathBuf {
        let path = self.path(name);
        let events: String = (0..calls).map(event).collect();
        let ran = run_with(&["record", "--log", &path_text(&path)], events);
        assert_eq!(ran.quiet(), (0, String::new()));
        path
    }

    /// What it says with the directory's own name left out.
    pub(crate) fn masked(&self, text: &str) -> String {
        masked(&text.replace(&format!("{}/", self.0.path().display()), ""))
    }
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An event whose line is always the same, with its line feed.
pub(crate) fn event(number: u64) -> String {
    format!(
        "{{\"ts\":\"2026-11-20T09:30:{:02}.000000Z\",\"call_id\":\"call-{number}\",{}}}\n",
        number % 60,
        rest()
    )
}

/// What an event needs besides what can be filled in.
pub(crate) fn rest() -> &'static str {
    "\"tool_id\":\"files:read\",\"granted_capabilities\":[\"fs.read\"],\"duration_ms\":3,\
     \"outcome\":{\"kind\":\"success\"},\"tier\":\"hot\",\"dry_run\":false"
}

/// Hashes and streams, which are others each time, by their names.
pub(crate) fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if matches!(c, '0'..='9' | 'a'..='f') {
            digits.push(c);
            continue;
        }
        match digits.len() {
            64 => masked.push_str("HASH"),
            32 => masked.push_str("STREAM"),
            _ => masked.push_str(&digits),
        }
        digits.clear();
        masked.push(c);
    }
    masked.pop();
    masked
}

/// The lines of a log as JSON.
pub(crate) fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs it on a terminal of so many columns; what the terminal was sent. `None` where
/// there is none to be had, which is said.
pub(crate) fn on_terminal(test: &str, columns: u32, env: &str, args: &str) -> Option<String> {
    if !can(test, &["script", "stty"]) {
        return None;
    }
    let program = env!("CARGO_BIN_EXE_audit");
    let line = format!("stty cols {columns} rows 24; {env} '{program}' {args}");
    let mut command = Command::new("script");
    command.args(["-qefc", &line, "/dev/null"]);
    usual(&mut command);
    let ran = finish(&mut command, "");
    Some(ran.out)
}

/// Whether these tools are there; what is missing is said aloud.
pub(crate) fn can(test: &str, tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has =
        |tool: &&&str| std::env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    let missing: Vec<&&str> = tools.iter().filter(|tool| !has(tool)).collect();
    if !missing.is_empty() {
        skip(test, &format!("{missing:?}"));
    }
    missing.is_empty()
}

/// Says it where the test harness doesn't swallow it.
pub(crate) fn skip(test: &str, needs: &str) {
    let text = format!("cli: SKIPPED {test}: needs {needs}\n");
    std::io::stderr().write_all(text.as_bytes()).ok();
}
