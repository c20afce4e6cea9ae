//! The log: where it is, and what happens while it can't be written.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::{Dir, Running, call, calls, result, verify, wrap_script, wrap_sh};

/// A server that answers every call, and whatever else has an id.
const ANSWERS: &str = r#"while read -r line; do
    id=${line#*'"id":'}; id=${id%%,*}
    echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}}"
done"#;

fn ask(wrap: &mut Running, id: u64) -> String {
    wrap.say(&call(id, "x"));
    wrap.line().unwrap().trim_end().to_owned()
}

fn is_refusal(answer: &str, id: u64) -> bool {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["id"] == id && answer["error"]["code"] == -32010
}

#[test]
fn an_answer_comes_after_its_event() {
    for options in [&[][..], &["--durable"], &["--on-log-failure", "refuse"]] {
        let dir = Dir::new();
        let mut wrap = Running::start(wrap_sh(&dir, options, ANSWERS));
        for id in 1..=20 {
            assert_eq!(ask(&mut wrap, id), result(id));
            assert_eq!(dir.told().len() as u64, id, "{options:?}");
        }
        let ended = wrap.end();
        assert!(ended.status.success());
        assert_eq!(ended.stderr, "");
        verify(&dir.log());
    }
}

#[test]
fn the_default_place_is_the_users_own_and_told_once() {
    let dir = Dir::new();
    let state = dir.path("state");
    let script = format!("> {}\n< {}\n", call(1, "x"), result(1));
    let template = wrap_script(&dir, &[], &script);
    let mut command = Command::new(template.get_program());
    // All but the log.
    let server = template.get_args().skip_while(|arg| *arg != "--");
    command.arg("wrap").args(server);
    command
        .env("XDG_STATE_HOME", &state)
        .env("HOME", dir.path("home"));
    command.env("LOCALAPPDATA", &state);
    let mut wrap = Running::start(command);
    wrap.play(&script);
    let ended = wrap.end();
    let log = if cfg!(target_os = "macos") {
        dir.path("home/Library/Application Support/audit/audit.jsonl")
    } else {
        state.join("audit/audit.jsonl")
    };
    assert_eq!(
        ended.stderr,
        format!("audit: recording calls in {}\n", log.display())
    );
    assert_eq!(calls(&log).len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = fs::metadata(log.parent().unwrap()).unwrap();
        assert_eq!(directory.permissions().mode() & 0o777, 0o700);
        assert_eq!(
            fs::metadata(&log).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn without_a_log_calls_go_on_and_it_is_told() {
    let dir = Dir::new();
    fs::create_dir(dir.log()).unwrap();
    let mut wrap = Running::start(wrap_sh(&dir, &[], ANSWERS));
    for id in 1..=5 {
        assert_eq!(ask(&mut wrap, id), result(id));
    }
    let ended = wrap.end();
    assert!(ended.status.success());
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        told[0].starts_with("audit: warning: calls can't be recorded in "),
        "{told:?}"
    );
    assert!(told[0].contains("regular file"), "it says why: {told:?}");
    let missing = told[1].strip_prefix("audit: warning: calls missing from ");
    assert!(
        missing.is_some_and(|told| told.ends_with(": 5")),
        "{told:?}"
    );
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn calls_before_the_log_can_be_opened_are_in_it() {
    let dir = Dir::new();
    fs::create_dir(dir.log()).unwrap();
    let mut wrap = Running::start(wrap_sh(&dir, &[], ANSWERS));
    assert_eq!(ask(&mut wrap, 1), result(1));
    fs::remove_dir(dir.log()).unwrap();
    assert_eq!(ask(&mut wrap, 2), result(2));
    dir.wait_for_calls(2);
    let ended = wrap.end();
    assert!(
        ended.stderr.contains("calls are recorded again in "),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("missing from"), "{}", ended.stderr);
}

#[test]
fn refusing_answers_in_the_servers_place_until_the_log_is_back() {
    let dir = Dir::new();
    fs::create_dir(dir.log()).unwrap();
    let mut wrap = Running::start(wrap_sh(&dir, &["--on-log-failure", "refuse"], ANSWERS));
    for id in 1..=2 {
        let answer = ask(&mut wrap, id);
        assert!(is_refusal(&answer, id), "{answer}");
    }
    // Other requests go on.
    wrap.say(r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#);
    assert_eq!(wrap.line().unwrap().trim_end(), result(3));
    fs::remove_dir(dir.log()).unwrap();
    assert_eq!(ask(&mut wrap, 4), result(4));
    assert!(wrap.end().status.success());
    let refused = "sh:x execution_failed refused_log_unavailable";
    assert_eq!(dir.told(), [refused, refused, "sh:x success"]);
    verify(&dir.log());
}

/// Somebody holds the lock that the writers of a log share, and doesn't let go.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_hangs_holds_nobody() {
    let dir = Dir::new();
    let mut wrap = Running::start(wrap_sh(&dir, &[], ANSWERS));
    assert_eq!(ask(&mut wrap, 1), result(1));
    let mut holder = Command::new("flock");
    holder.arg(dir.path("audit.jsonl.head"));
    holder.args(["sh", "-c", "echo held; read x"]);
    let mut holder = Running::start(holder);
    holder.hear("held");
    for id in 2..=200 {
        assert_eq!(ask(&mut wrap, id), result(id));
    }
    assert_eq!(dir.told().len(), 1);
    holder.end();
    dir.wait_for_calls(200);
    let ended = wrap.end();
    assert!(!ended.stderr.contains("missing from"), "{}", ended.stderr);
    verify(&dir.log());
}

/// A real disk that is full, where one can be mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_noticed_by_the_next_call() {
    let Some(disk) = Disk::mount() else {
        eprintln!("SKIPPED: no disk of a test's own can be mounted here");
        return;
    };
    for refuses in [true, false] {
        let option = if refuses { "refuse" } else { "continue" };
        let log = disk.dir.path("disk/logs").join(option).join("audit.jsonl");
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
        command.arg("wrap").arg("--log").arg(&log);
        command.args(["--on-log-failure", option, "--", "sh", "-c", ANSWERS]);
        let mut wrap = Running::start(command);
        assert_eq!(ask(&mut wrap, 1), result(1));
        let filler = disk.fill();
        // The call whose event could not be written was made.
        let mut id = 1;
        let refused = loop {
            id += 1;
            let answer = ask(&mut wrap, id);
            if answer != result(id) {
                break is_refusal(&answer, id);
            }
            if !refuses && id == 40 {
                break false;
            }
            assert!(id < 100, "a full disk is noticed");
        };
        assert_eq!(refused, refuses);
        fs::remove_file(filler).unwrap();
        assert_eq!(
            ask(&mut wrap, 1000),
            result(1000),
            "it is tried again for each call"
        );
        let ended = wrap.end();
        assert!(ended.status.success());
        assert!(!ended.stderr.contains("missing from"), "{}", ended.stderr);
        assert_eq!(calls(&log).len() as u64, id + 1);
        verify(&log);
    }
}

/// A file system in memory, so small that it can be filled.
#[cfg(target_os = "linux")]
struct Disk {
    dir: Dir,
}

#[cfg(target_os = "linux")]
impl Disk {
    fn mount() -> Option<Self> {
        let dir = Dir::new();
        let disk = dir.path("disk");
        fs::create_dir(&disk).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(disk);
        let done = mount.output().is_ok_and(|output| output.status.success());
        done.then_some(Self { dir })
    }

    fn fill(&self) -> std::path::PathBuf {
        let path = self.dir.path("disk/filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[0; 256]).is_ok() {}
        path
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg(self.dir.path("disk"))
            .status()
            .ok();
    }
}

/// While a line of the server's is under way, no answer of ours stands in it.
#[test]
fn refusals_stand_between_the_lines_of_the_server() {
    let dir = Dir::new();
    fs::create_dir(dir.log()).unwrap();
    let script = "printf '{\"half\":'; read go; echo 'true}'; cat >/dev/null";
    let mut command = wrap_sh(&dir, &["--on-log-failure", "refuse"], script);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut half = [0; 8];
    stdout.read_exact(&mut half).unwrap();
    assert_eq!(&half, b"{\"half\":");
    stdin
        .write_all(format!("{}\ngo\n", call(7, "x")).as_bytes())
        .unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "true}\n");
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert!(is_refusal(&line, 7), "{line}");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// A call may be longer than what is held back of a line.
#[test]
fn a_huge_call_is_refused_too() {
    let dir = Dir::new();
    fs::create_dir(dir.log()).unwrap();
    let script = "wc -c >&2";
    let mut wrap = Running::start(wrap_sh(&dir, &["--on-log-failure", "refuse"], script));
    let huge = "x".repeat(3_000_000);
    for (id, call) in [
        (
            1,
            format!(
                r#"{{"id":1,"method":"tools/call","params":{{"name":"x","arguments":"{huge}"}}}}"#
            ),
        ),
        (
            2,
            format!(
                r#"{{"params":{{"name":"x","arguments":"{huge}"}},"method":"tools/call","id":2}}"#
            ),
        ),
    ] {
        wrap.say(&call);
        let answer = wrap.line().unwrap();
        assert!(is_refusal(&answer, id), "{answer}");
    }
    wrap.say(&format!(r#"{{"id":1,"result":"{huge}"}}"#));
    let ended = wrap.end();
    // The client's answer went on, and nothing else.
    let bytes = ended
        .stderr
        .lines()
        .filter_map(|line| line.trim().parse::<u64>().ok())
        .next();
    assert_eq!(bytes, Some(3_000_021), "{}", ended.stderr);
}
