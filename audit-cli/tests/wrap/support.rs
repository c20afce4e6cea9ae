//! A proxy with its client, its server and its log.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{CallEvent, Outcome};
use audit_testkit::DEADLINE;

/// A directory of a test's own, gone with it.
#[derive(Debug)]
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wrap-{}-{next}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("audit.jsonl")
    }

    /// The calls in the log, told as `server:tool kind detail`.
    pub(crate) fn told(&self) -> Vec<String> {
        calls(&self.log()).iter().map(told).collect()
    }

    /// Waits until the log holds so many calls.
    pub(crate) fn wait_for_calls(&self, count: usize) -> Vec<String> {
        wait_until(|| (self.told().len() >= count).then(|| self.told()))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The calls that a log tells of; the log's own records are none.
pub(crate) fn calls(log: &Path) -> Vec<CallEvent> {
    let text = fs::read_to_string(log).unwrap_or_default();
    // The last line may be in the making.
    let lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    lines
        .map(|line| serde_json::from_str::<CallEvent>(line).unwrap())
        .filter(|event| event.tier != "audit")
        .collect()
}

pub(crate) fn told(event: &CallEvent) -> String {
    let detail = match &event.outcome {
        Outcome::ExecutionFailed { code, .. } => code.clone(),
        Outcome::InvalidArgs { message } => message.clone(),
        Outcome::CapabilityDenied { missing } => missing.join(","),
        Outcome::RateLimited { retry_after_ms } => {
            retry_after_ms.map(|ms| ms.to_string()).unwrap_or_default()
        }
        _ => String::new(),
    };
    let told = format!("{} {} {detail}", event.tool_id, event.outcome.kind());
    told.trim_end().to_owned()
}

/// Waits for something to be there, and fails the test if it never is.
pub(crate) fn wait_until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        // There is nobody to tell us.
        thread::sleep(Duration::from_millis(5));
    }
}

/// `audit wrap` before a server.
pub(crate) fn wrap(dir: &Dir, options: &[&str], server: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command
        .arg("wrap")
        .arg("--log")
        .arg(dir.log())
        .args(options);
    command.arg("--").args(server);
    command
}

/// The same before a shell script.
pub(crate) fn wrap_sh(dir: &Dir, options: &[&str], script: &str) -> Command {
    wrap(dir, options, &["sh", "-c", script].map(OsStr::new))
}

/// The same before a server that plays a session.
pub(crate) fn wrap_script(dir: &Dir, options: &[&str], script: &str) -> Command {
    let path = dir.write("script", script);
    let server = example("scripted_server");
    wrap(dir, options, &[server.as_os_str(), path.as_os_str()])
}

/// A command that runs, and what it says.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Option<thread::JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, stdout) = channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                if out.read_until(b'\n', &mut line).unwrap_or(0) == 0 || tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut err = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).ok();
            text
        });
        Self {
            stdin: child.stdin.take(),
            child,
            stdout,
            stderr: Some(stderr),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// The next line; `None` at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError;
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => Some(String::from_utf8(line).unwrap()),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line comes"),
        }
    }

    pub(crate) fn hear(&mut self, line: &str) {
        assert_eq!(self.line().as_deref(), Some(format!("{line}\n").as_str()));
    }

    /// The client's side of a session: says its lines, and hears those of the server.
    pub(crate) fn play(&mut self, session: &str) {
        for line in session.lines() {
            match line.split_at_checked(2) {
                Some(("> ", line)) => self.say(line),
                Some(("< ", line)) => self.hear(line),
                _ => {}
            }
        }
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Closes its stdin, and waits until it has ended.
    pub(crate) fn end(mut self) -> Ended {
        self.close_stdin();
        let status = self.wait();
        let mut stdout = Vec::new();
        while let Some(line) = self.line() {
            stdout.push(line);
        }
        Ended {
            status,
            stdout: stdout.concat(),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_until(|| self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only of a test that fails.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A line that asks for a call.
pub(crate) fn call(id: u64, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

/// A line that answers one.
pub(crate) fn result(id: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"ok"}}]}}}}"#
    )
}

/// Has `audit verify` find the log whole, with nothing to say against it.
pub(crate) fn verify(log: &Path) {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_audit"));
    let output = verify.arg("verify").arg(log).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{why}");
}

/// An example, built anew if it isn't the newest: `cargo test --test` builds none.
pub(crate) fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_audit")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "audit-cli",
            "--examples",
        ]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.env("CARGO_TARGET_DIR", profile.parent().unwrap());
        assert!(build.status().unwrap().success(), "the examples build");
        profile.join("examples")
    });
    directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// For commands whose arguments are built up.
pub(crate) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
