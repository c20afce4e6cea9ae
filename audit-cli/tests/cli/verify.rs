use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::support::{
    Dir, audit, finish, kill, on_terminal, path_text, run, run_with, until, wait,
};

#[test]
fn an_intact_log() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let (code, out) = run(&["verify", &path_text(&log)]).quiet();
    assert_eq!(code, 0);
    let bytes = fs::metadata(&log).unwrap().len();
    let (thousands, units) = (bytes / 1000, bytes % 1000);
    assert_eq!(
        dir.masked(&out),
        format!(
            "audit.jsonl
  integrity     intact
  completeness  complete
  read          4 lines in 1 file, {thousands},{units:03} bytes

what is there
  3 calls, 1 record of the log's own
  lines #0 to #3 of stream STREAM

head
  3:HASH
  the last line, in stream STREAM
  the head file, of line #3, agrees
  compared with no head that was kept elsewhere: keep the one above
"
        )
    );
}

/// Takes the head file away too.
fn edit(log: &Path, edit: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(log).unwrap();
    fs::write(log, edit(text)).unwrap();
    fs::remove_file(format!("{}.head", log.display())).ok();
}

#[test]
fn an_edited_log() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let second = fs::read_to_string(&log).unwrap().find('\n').unwrap() + 1;
    let third = second
        + fs::read_to_string(&log).unwrap()[second..]
            .find('\n')
            .unwrap()
        + 1;
    edit(&log, |text| text.replacen("call-1", "call-7", 1));
    let (code, out) = run(&["verify", &path_text(&log)]).quiet();
    assert_eq!(code, 1);
    let problems = format!(
        "problems
  audit.jsonl:3 (byte {third}): edited: "
    );
    let out = dir.masked(&out);
    assert!(
        out.contains("  integrity     NOT intact: 1 edited\n"),
        "{out}"
    );
    assert!(out.contains(&problems), "{out}");
    assert!(!out.contains("call-7"), "{out}");
}

#[test]
fn the_report_as_json() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    edit(&log, |text| text.replacen("call-1", "call-7", 1));
    let (code, out) = run(&["verify", "--json", &path_text(&log)]).quiet();
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["integrity"]), (1, &"not_intact".into()));
    let problem = &report["logs"][0]["problems"][0];
    assert_eq!(
        (&problem["kind"], &problem["line"]),
        (&"edited".into(), &3.into())
    );
    assert_eq!(report["logs"][0]["problem_counts"]["edited"], 1);
}

#[test]
fn heads_show_what_the_log_alone_cannot() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let path = path_text(&log);
    let head = run(&["head", &path]).out.trim().to_owned();
    let other = dir.log("other.jsonl", 3);
    let foreign = run(&["head", &path_text(&other)]).out.trim().to_owned();
    let verify = |heads: &[&str]| {
        let heads = heads.iter().flat_map(|head| ["--head", head]);
        let args: Vec<&str> = ["verify"]
            .into_iter()
            .chain(heads)
            .chain([&*path])
            .collect();
        let (code, out) = run(&args).quiet();
        (code, dir.masked(&out))
    };
    let (code, out) = verify(&[&head]);
    assert!(
        code == 0 && out.contains("the head given for line #3 agrees"),
        "{out}"
    );
    let (code, out) = verify(&[&head, &foreign]);
    assert!(
        code == 1 && out.contains("NOT intact: 1 rewritten"),
        "{out}"
    );
    // At the end of a line, without a head file: only what was kept tells.
    edit(&log, |text| {
        text[..=text.trim_end().rfind('\n').unwrap()].to_owned()
    });
    assert_eq!(verify(&[]).0, 0);
    let (code, out) = verify(&[&head]);
    assert!(
        code == 1 && out.contains("NOT intact: 1 truncated"),
        "{out}"
    );
    // Which log would it be of?
    let ran = run(&["verify", "--head", &head, &path, &path_text(&other)]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("heads were given for 2 logs"),
        "{}",
        ran.err
    );
    let ran = run(&["verify", "--head", "3:abc", &path]);
    assert!(
        ran.code == Some(2) && ran.err.contains("SEQ:HASH"),
        "{}",
        ran.err
    );
}

#[test]
fn require_complete_ends_with_3() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let path = path_text(&log);
    assert_eq!(run(&["verify", "--require-complete", &path]).code, Some(0));
    // A writer that was killed.
    edit(&log, |text| {
        text[..=text.trim_end().rfind('\n').unwrap()].to_owned()
    });
    let (code, out) = run(&["verify", &path]).quiet();
    assert!(
        code == 0 && out.contains("  completeness  not complete\n"),
        "{out}"
    );
    assert!(out.contains("1 writer did not close the log"), "{out}");
    assert_eq!(run(&["verify", "--require-complete", &path]).code, Some(3));
}

#[test]
fn the_worst_of_several_logs_decides() {
    let dir = Dir::new();
    let good = path_text(&dir.log("a.jsonl", 2));
    let bad = dir.log("b.jsonl", 2);
    edit(&bad, |text| text.replacen("call-0", "call-7", 1));
    let bad = path_text(&bad);
    let event = crate::support::event(1).replace("\"dry_run\"", "\"schema_version\":3,\"dry_run\"");
    let plain = path_text(&dir.write("c.txt", event));
    let unfinished = dir.log("d.jsonl", 2);
    edit(&unfinished, |text| {
        text[..=text.trim_end().rfind('\n').unwrap()].to_owned()
    });
    let unfinished = path_text(&unfinished);
    for (paths, code) in [
        (&[&good][..], 0),
        (&[&plain], 2),
        (&[&good, &unfinished], 3),
        (&[&good, &plain, &unfinished], 2),
        (&[&good, &bad, &plain], 1),
    ] {
        let mut command = audit(&["verify", "--require-complete"]);
        assert_eq!(
            finish(command.args(paths), "").code,
            Some(code),
            "{paths:?}"
        );
    }
    let (code, out) = run(&["verify", &dir.text("")]).quiet();
    assert_eq!((code, out.matches("  integrity  ").count()), (1, 3));
    let out = run(&["verify", &plain]).out;
    assert!(
        out.contains("unchecked, for there is no chained line"),
        "{out}"
    );
}

#[test]
fn only_the_first_problem() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 20);
    edit(&log, |text| text.replace("\"hot\"", "\"cold\""));
    let all = run(&["verify", &path_text(&log)]).out;
    assert!(all.matches(": edited: ").count() > 10, "{all}");
    let (code, first) = run(&["verify", "--first", &path_text(&log)]).quiet();
    assert_eq!((code, first.matches(": edited: ").count()), (1, 1));
    assert!(first.contains("  and 19 more problems\n"), "{first}");
}

#[test]
fn a_stream_is_verified_under_its_name() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let text = fs::read_to_string(&log).unwrap();
    let (code, out) = run_with(&["verify", "-"], &text).quiet();
    assert!(
        code == 0 && out.starts_with("stdin\n  integrity     intact\n"),
        "{out}"
    );
    let edited = text.replacen("call-1", "call-7", 1);
    let (code, out) = run_with(&["verify", "--json", "-"], edited).quiet();
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &report["logs"][0]["problems"][0]["file"]),
        (1, &"stdin".into())
    );
    let cut = &text[..text.len() - 10];
    let (_, out) = run_with(&["verify", "-"], cut).quiet();
    assert!(out.contains("  stdin:"), "{out}");
}

#[test]
fn a_copy_of_a_stream_does_not_stay() {
    let dir = Dir::new();
    let text = fs::read(dir.log("audit.jsonl", 3)).unwrap();
    let copies = Dir::new();
    let mut command = audit(&["verify", "-"]);
    let ran = finish(command.env("TMPDIR", copies.path("")), text);
    assert_eq!(ran.code, Some(0));
    assert_eq!(fs::read_dir(copies.path("")).unwrap().count(), 0);
    let ran = finish(audit(&["verify", "-"]).env("TMPDIR", "/nothing"), "x");
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("stdin can't be copied to a file: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_signal_takes_the_copy_of_a_stream_away() {
    let text = {
        let dir = Dir::new();
        fs::read(dir.log("audit.jsonl", 3)).unwrap()
    };
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let copies = Dir::new();
        let mut command = audit(&["verify", "-"]);
        let command = command.env("TMPDIR", copies.path("")).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(&text).unwrap();
        let copied = || {
            let mut entries = fs::read_dir(copies.path("")).unwrap();
            let size = entries
                .next()
                .map(|entry| entry.unwrap().metadata().map(|m| m.len()));
            size.is_some_and(|size| size.is_ok_and(|size| size == text.len() as u64))
        };
        until("it is copied", copied);
        kill(child.id(), name);
        assert_eq!(wait(&mut child).signal(), Some(number));
        assert_eq!(fs::read_dir(copies.path("")).unwrap().count(), 0);
    }
}

#[test]
fn what_was_compressed_is_told_from_what_was_damaged() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let gzipped = path_text(&dir.path("audit.jsonl.1.gz"));
    fs::write(&gzipped, b"\x1f\x8b\x08\0\0\0\0\0").unwrap();
    for verb in ["verify", "query", "stats", "tail", "head"] {
        let ran = run(&[verb, &gzipped]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{verb}");
        let wanted = format!("{gzipped}: it is compressed; unpack it, or have `zcat {gzipped}`");
        assert!(ran.err.contains(&wanted), "{verb}: {}", ran.err);
    }
    // Beside a log it is no trouble.
    assert_eq!(run(&["verify", &path_text(&log)]).quiet().0, 0);
    assert_eq!(run(&["verify", &path_text(&dir.path(""))]).quiet().0, 0);
}

#[test]
fn what_is_no_log_is_named() {
    let dir = Dir::new();
    for name in ["nothing.jsonl", ""] {
        let ran = run(&["verify", &dir.text(name)]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""));
        assert!(ran.err.starts_with("audit: error: /"), "{}", ran.err);
    }
}

#[test]
fn progress_is_drawn_on_a_terminal_alone() {
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 100));
    let test = "progress_is_drawn_on_a_terminal_alone";
    for columns in [80, 120] {
        let args = format!("verify '{log}'");
        let Some(sent) = on_terminal(test, columns, "", &args) else {
            return;
        };
        let is_progress = |line: &&str| line.contains(" % ") && line.contains(" left");
        let line = sent.split(['\r', '\n']).find(is_progress);
        let line = line.unwrap_or_else(|| panic!("no progress in {sent:?}"));
        assert!(line.contains("MB") || line.contains("kB"), "{line:?}");
        assert!(width(line) <= columns as usize, "{line:?}");
    }
    // Nothing of it among the data.
    let args = format!("verify '{log}' 2>/dev/null");
    let sent = on_terminal(test, 80, "", &args).unwrap();
    assert!(!sent.contains(" left"), "{sent:?}");
}

/// How many columns are taken: without sequences, each character one.
fn width(line: &str) -> usize {
    let mut width = 0;
    let mut in_sequence = false;
    for c in line.chars() {
        match c {
            '\x1b' => in_sequence = true,
            _ if in_sequence => in_sequence = !c.is_ascii_alphabetic(),
            _ => width += 1,
        }
    }
    width
}
