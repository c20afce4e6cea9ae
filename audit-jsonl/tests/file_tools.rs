//! Runs the example `file_tools` as a user does, and reads the log it leaves.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that can't go on fails its test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use audit_jsonl::{CallEvent, Outcome, ProvSource};

#[test]
fn every_outcome_is_there_for_a_reason() {
    let scratch = Scratch::new("outcomes");
    scratch.write("tree/readme.txt", "the first line\nhttp://localhost\n");
    scratch.write("tree/src/main.rs", "fn main() {}\n");
    scratch.write("tree/src/deeper/empty", "");
    scratch.write("tree/.git/HEAD", "not for the walk\n");
    fs::write(scratch.path("tree/bytes"), [0xFF, 0xFE]).unwrap();

    let run = scratch.run(&["--calls", "1000", "tree"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let events = scratch.log();
    assert_eq!(events.len(), 1000);
    let mut kinds = BTreeMap::<&str, u64>::new();
    for event in &events {
        *kinds.entry(check(event)).or_default() += 1;
    }
    for kind in [
        "success",
        "execution_failed",
        "invalid_args",
        "capability_denied",
        "rate_limited",
        "tool_not_found",
    ] {
        let in_log = kinds.get(kind).map(ToString::to_string);
        assert!(in_log.is_some(), "no {kind}");
        assert_eq!(run.last_cell(kind), in_log.as_deref(), "{kind}");
    }
    assert!(events.iter().any(|event| event.dry_run));
    assert!(events.iter().any(|event| event.cursor_page == Some(2)));
    let ids: BTreeSet<_> = events.iter().map(|event| &event.call_id).collect();
    assert_eq!(ids.len(), events.len(), "call ids are unique");

    assert!(run.says("1,000 calls about 4 files in 3 directories\n4 threads, "));
    assert!(run.says("1000 offered = 1000 written + 0 dropped + 0 fallen back + 0 queued"));
    assert!(
        run.says("memory   1,000 of 1,000 calls held; the last one denied was of files:search")
    );
    assert!(run.says("re-read  1,000 records, all agree"));
    let log = fs::read_to_string(scratch.path("audit.jsonl")).unwrap();
    assert!(log.contains("shell:run --password=[redacted:key]"));
    assert!(
        !log.contains("s3cr3t"),
        "what looks like a secret is in no record"
    );
    // The log's own closing record is a line as well.
    assert!(run.says("verify   intact and complete, 1,001 lines, head 1000:"));
    let too_wide = run.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(too_wide, None);
}

/// Checks what holds for every event; gives the name of its outcome.
fn check(event: &CallEvent) -> &'static str {
    let caller = event.caller_id.as_deref().unwrap_or_default();
    let sources = event.capability_provenance.as_deref().unwrap_or_default();
    let caps: Vec<_> = sources.iter().map(|source| &source.cap).collect();
    assert_eq!(caps, event.granted_capabilities.iter().collect::<Vec<_>>());
    for source in sources {
        let delegated = matches!(source.source, ProvSource::UcanChain { chain_depth: 1, .. });
        assert_eq!(delegated, caller == "assistant" && source.cap == "fs.read");
    }
    let admitted = !caps.is_empty();
    match &event.outcome {
        Outcome::Success => {
            assert!(admitted);
            "success"
        }
        Outcome::ExecutionFailed { code, retryable } => {
            assert!(admitted && !event.dry_run && !retryable);
            let codes = ["NotFound", "IsADirectory", "InvalidData"];
            assert!(codes.contains(&code.as_str()), "{code}");
            "execution_failed"
        }
        Outcome::InvalidArgs { message } => {
            assert!(admitted);
            assert!(!message.contains("passwd"), "{message}");
            "invalid_args"
        }
        Outcome::CapabilityDenied { missing } => {
            assert!(!admitted && caller != "editor");
            assert_eq!(missing, &["fs.search"]);
            assert_eq!(event.tool_id, "files:search");
            "capability_denied"
        }
        Outcome::RateLimited { retry_after_ms } => {
            assert!(!admitted && caller == "assistant");
            // A token comes every 10 ms.
            assert!(matches!(retry_after_ms, Some(1..=10)), "{retry_after_ms:?}");
            "rate_limited"
        }
        Outcome::ToolNotFound => {
            assert!(
                ["files:write", "shell:run --password=[redacted:key]"]
                    .contains(&event.tool_id.as_str())
            );
            assert!(!admitted && event.tier == "none");
            "tool_not_found"
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_directory_will_do() {
    let scratch = Scratch::new("empty");
    fs::create_dir(scratch.path("tree")).unwrap();
    let run = scratch.run(&["--calls", "300", "--threads", "1", "tree"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.says("300 calls about 0 files in 1 directory\n1 thread, "));
    assert_eq!(scratch.log().len(), 300);
}

#[test]
fn one_call_will_do() {
    let scratch = Scratch::new("one");
    let run = scratch.run(&["--calls", "1", "--threads", "64"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(scratch.log().len(), 1);
}

#[test]
fn what_cannot_be_used_is_named() {
    let scratch = Scratch::new("unusable");
    scratch.write("file", "");
    for (args, message) in [
        (&["absent"][..], "file_tools: absent: "),
        (&["file"], "file_tools: file: not a directory"),
        (&["--log", "."], "file_tools: the log . can't be opened: "),
        (
            &["--log", "absent/log"],
            "file_tools: the log absent/log can't be opened: ",
        ),
    ] {
        let run = scratch.run(args);
        assert_eq!(run.code, Some(1), "{args:?}");
        assert!(run.stderr.starts_with(message), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_senseless_command_line_exits_with_2() {
    let scratch = Scratch::new("options");
    let calls = "--calls needs a number from 1 to 1000000";
    for (args, message) in [
        (&["--cals", "3"][..], "there is no option \"--cals\""),
        (&["-x"], "there is no option \"-x\""),
        (&["--calls"], calls),
        (&["--calls", "0"], calls),
        (&["--calls", "1e3"], calls),
        (
            &["--threads", "65"],
            "--threads needs a number from 1 to 64",
        ),
        (&["--log"], "--log needs a path"),
        (&["a", "b"], "more than one directory"),
    ] {
        let run = scratch.run(args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert_eq!(run.stderr, format!("file_tools: {message}; see --help\n"));
        assert_eq!(run.stdout, "");
        assert!(!scratch.path("audit.jsonl").exists());
    }
    let run = scratch.run(&["--help"]);
    assert_eq!(run.code, Some(0));
    assert!(run.says("Usage: file_tools"));
}

#[test]
#[cfg(unix)]
fn special_files_and_links_do_no_harm() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new("special");
    scratch.write("tree/plain", "text\n");
    scratch.write("outside", "secret\n");
    let made = Command::new("mkfifo")
        .arg(scratch.path("tree/pipe"))
        .status();
    assert!(made.unwrap().success());
    symlink("loop", scratch.path("tree/loop")).unwrap();
    symlink("..", scratch.path("tree/up")).unwrap();
    symlink("../outside", scratch.path("tree/out")).unwrap();
    symlink("nowhere", scratch.path("tree/dangling")).unwrap();
    symlink("plain", scratch.path("tree/good")).unwrap();
    // macOS refuses such names.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"tree/caf\xE9");
        fs::write(scratch.0.join(name), "latin-1\n").unwrap();
    }

    let run = scratch.run(&["--calls", "500", "tree"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let outcomes = scratch.log().into_iter().map(|event| event.outcome);
    let codes: BTreeSet<_> = outcomes
        .filter_map(|outcome| match outcome {
            Outcome::ExecutionFailed { code, .. } => Some(code),
            _ => None,
        })
        .collect();
    for code in [
        "Unsupported",
        "PermissionDenied",
        "NotFound",
        "FilesystemLoop",
    ] {
        assert!(codes.contains(code), "{code} in {codes:?}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let scratch = Scratch::new("head");
    let mut child = scratch.spawn(&["--calls", "300"]);
    drop(child.stdout.take());
    let run = Run::of(child);
    assert_eq!(run.code, Some(0));
    assert_eq!(run.stderr, "");
    assert_eq!(scratch.log().len(), 300);
}

#[test]
fn a_second_run_continues_the_chain() {
    let scratch = Scratch::new("twice");
    let run = scratch.run(&["--calls", "200"]);
    assert!(run.says("verify   intact and complete, 201 lines, head 200:"));
    // As a crash leaves it.
    scratch.append("audit.jsonl", "{\"ts\":\"2026-");
    let run = scratch.run(&["--calls", "200"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.says("re-read  200 records, all agree"));
    assert!(run.says("verify   intact but not complete, 402 lines, head 401:"));
    assert_eq!(scratch.log().len(), 400);
}

#[test]
fn plain_lines_of_another_program_are_no_damage() {
    let scratch = Scratch::new("plain");
    let run = scratch.run(&["--calls", "10", "--log", "plain.jsonl"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let log = fs::read_to_string(scratch.path("plain.jsonl")).unwrap();
    for line in log.lines().take(3) {
        let (plain, _) = line.split_once(",\"chain\"").unwrap();
        scratch.append("audit.jsonl", &format!("{plain}}}\n"));
    }
    let run = scratch.run(&["--calls", "10"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.says("verify   intact and complete, 14 lines, head 10:"));
    assert_eq!(scratch.log().len(), 13);
}

#[test]
fn a_log_that_was_tampered_with_fails_the_run() {
    let changed = |log: &str| log.replacen("\"editor\"", "\"nobody\"", 1);
    let taken_out = |log: &str| {
        let lines = log.lines().enumerate().filter(|(at, _)| *at != 3);
        lines.map(|(_, line)| format!("{line}\n")).collect()
    };
    let put_in = |log: &str| {
        let (before, after) = log.split_once('\n').unwrap();
        let (plain, _) = before.split_once(",\"chain\"").unwrap();
        format!("{before}\n{plain}}}\n{after}")
    };
    let no_record = |log: &str| log.replacen("{\"ts\"", "[\"ts\"", 1);
    type Tamper<'a> = &'a dyn Fn(&str) -> String;
    let ways: [(&str, Tamper<'_>, &str); 4] = [
        ("changed", &changed, " edited: line "),
        ("taken-out", &taken_out, " missing: line #3 is missing"),
        (
            "put-in",
            &put_in,
            " edited: the plain lines before line #1 ",
        ),
        ("no-record", &no_record, "audit.jsonl:1:0: garbled: "),
    ];
    for (way, tamper, told) in ways {
        let scratch = Scratch::new(way);
        let run = scratch.run(&["--calls", "20"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let path = scratch.path("audit.jsonl");
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, tamper(&whole)).unwrap();
        // With it, the writer would notice some of this by itself.
        fs::remove_file(scratch.path("audit.jsonl.head")).unwrap();
        let run = scratch.run(&["--calls", "20"]);
        assert_eq!(run.code, Some(1), "{way}: {}", run.stdout);
        assert!(run.stderr.contains(told), "{way}: {}", run.stderr);
    }
}

fn parse(log: &str) -> Vec<CallEvent> {
    let lines = log.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A directory of a test's own, in which the example runs.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let directory = directory.join("file_tools").join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).unwrap();
        }
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).append(true).open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The calls, without the log's own records.
    fn log(&self) -> Vec<CallEvent> {
        let mut events = parse(&fs::read_to_string(self.path("audit.jsonl")).unwrap());
        events.retain(|event| event.tool_id != "audit:log");
        events
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(example());
        command.args(args).current_dir(&self.0);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::of(self.spawn(args))
    }
}

/// The example, built anew if it isn't the newest: `cargo test --test` builds no
/// examples.
fn example() -> &'static Path {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let test = env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "audit-jsonl"]);
        build.args(["--example", "file_tools"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let target = profile.parent().unwrap();
        build.env("CARGO_TARGET_DIR", target);
        assert!(build.status().unwrap().success(), "the example builds");
        let name = format!("file_tools{}", env::consts::EXE_SUFFIX);
        profile.join("examples").join(name)
    })
}

/// How a run of the example ended.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Fails when the child waits for something that never comes.
    fn of(mut child: Child) -> Self {
        let stdout = read(child.stdout.take());
        let stderr = read(child.stderr.take());
        let limit = Duration::from_secs(120);
        let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(limit), stderr.recv_timeout(limit))
        else {
            child.kill().unwrap();
            panic!("the example doesn't end");
        };
        Self {
            code: child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }

    fn says(&self, text: &str) -> bool {
        self.stdout.contains(text)
    }

    /// The last cell of a row of the table.
    fn last_cell(&self, row: &str) -> Option<&str> {
        let mut lines = self.stdout.lines();
        let line = lines.find(|line| line.starts_with(row))?;
        line.split_whitespace().last()
    }
}

/// Reads to the end, on a thread: both pipes must be read at once.
fn read(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut from) = from {
            from.read_to_string(&mut text).unwrap();
        }
        sender.send(text).unwrap();
    });
    receiver
}
