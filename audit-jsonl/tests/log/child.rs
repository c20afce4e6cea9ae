//! Processes of one's own: this test binary, run once more with a role.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use audit_testkit::DEADLINE;

use crate::support::Dir;

const ROLE: &str = "AUDIT_TEST_ROLE";
const ARGS: &str = "AUDIT_TEST_ARGS";

/// Not a test: where a child begins.
#[test]
fn begin() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let args = std::env::var(ARGS).unwrap_or_default();
    let args: Vec<&str> = args.split('\n').collect();
    crate::roles::play(&role, &args);
}

/// A child to be.
pub(crate) struct Child {
    role: &'static str,
    args: Vec<String>,
    directory: Option<PathBuf>,
}

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Child {
    pub(crate) fn of(role: &'static str) -> Self {
        Self {
            role,
            args: Vec::new(),
            directory: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_str().unwrap().to_owned());
        self
    }

    pub(crate) fn current_dir(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    fn set_up(&self, mut command: Command) -> Command {
        command
            .args(["--exact", "child::begin", "--nocapture", "--test-threads=1"])
            .env(ROLE, self.role)
            .env(ARGS, self.args.join("\n"))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    fn command(&self) -> Command {
        self.set_up(Command::new(std::env::current_exe().unwrap()))
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Ended {
        end(self.command())
    }

    /// Runs it as a user that owns nothing; `None` when that can't be.
    pub(crate) fn as_nobody(&self, dir: &Dir) -> Option<Ended> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if id.stdout != b"0\n" {
            return None;
        }
        // The binary may stand where that user may not look.
        let copy = std::env::temp_dir().join(format!("audit-test-{}", std::process::id()));
        fs::copy(std::env::current_exe().unwrap(), &copy).ok()?;
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&copy);
        let ended = end(self.set_up(command));
        fs::remove_file(copy).ok();
        let looked = ended.stdout.contains("running") && fs::metadata(dir.path("")).is_ok();
        looked.then_some(ended)
    }

    /// Runs it to its end, and gives the system calls of these names that it
    /// made; `None` without `strace`.
    pub(crate) fn traced(&self, dir: &Dir, calls: &str) -> Option<String> {
        let output = dir.path("trace");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-e", &format!("trace={calls}"), "-o"])
            .arg(&output)
            .arg(std::env::current_exe().unwrap());
        let mut child = self.set_up(command).stderr(Stdio::null()).spawn().ok()?;
        drop(child.stdin.take());
        io::copy(child.stdout.as_mut()?, &mut io::sink()).ok()?;
        assert!(child.wait().ok()?.success(), "the traced child failed");
        let trace = fs::read_to_string(&output).ok()?;
        fs::remove_file(output).ok();
        Some(trace)
    }

    /// Starts it, to be watched.
    pub(crate) fn start(&self) -> Running {
        let mut child = self.command().stderr(Stdio::inherit()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { return };
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Running {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }
}

fn end(mut command: Command) -> Ended {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take());
    let mut errors = child.stderr.take().unwrap();
    let stderr = thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).ok();
        text
    });
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    Ended {
        success: child.wait().unwrap().success(),
        stdout,
        stderr: stderr.join().unwrap(),
    }
}

/// A child that runs; killed at the end of this value at the latest.
pub(crate) struct Running {
    child: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Running {
    /// The next line that it prints, but for those of the test harness; `None`
    /// when it has ended.
    #[track_caller]
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the child says nothing"),
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, word: &str) {
        while let Some(line) = self.line() {
            if line.contains(word) {
                return;
            }
        }
        panic!("the child ended before it said {word:?}");
    }

    /// Lets it go on.
    pub(crate) fn tell(&mut self, word: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills it with SIGKILL; what it said before that was not read yet.
    /// What its threads are called.
    #[cfg(target_os = "linux")]
    pub(crate) fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let name = |task: io::Result<fs::DirEntry>| {
            // It may have ended meanwhile.
            fs::read_to_string(task.ok()?.path().join("comm")).ok()
        };
        tasks.filter_map(name).collect()
    }

    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Waits until it ends by itself; what it said that was not read yet.
    #[track_caller]
    pub(crate) fn end(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let rest = self.rest();
        assert!(self.child.wait().unwrap().success(), "{rest:?}");
        rest
    }

    #[track_caller]
    fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
