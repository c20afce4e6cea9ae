use crate::made::{MOST_BYTES, calls, chained, plain};
use crate::support::{Dir, audit, finish, path_text, run, run_with};

fn csv(dir: &Dir, args: &[&str]) -> String {
    let log = path_text(&dir.write("calls.jsonl", plain(&calls())));
    let mut all = vec!["stats", &log, "--format", "csv"];
    all.extend(args);
    let (code, out) = run(&all).quiet();
    assert_eq!(code, 0);
    out
}

const HEADING: &str = "calls,success,failed,denied,limited,unknown,p50_ms,p95_ms,p99_ms,max_ms";

#[test]
fn counts_by_anything() {
    let dir = Dir::new();
    for (by, first) in [
        ("tool", "files:list,3,0,2,0,1,0,100,10000,10000,10000"),
        ("caller", "assistant,3,1,0,0,1,1,1000,10000,10000,10000"),
        ("outcome", "success,3,3,0,0,0,0,10,100,100,100"),
        ("tier", "hot,9,3,3,1,1,1,100,10000,10000,10000"),
        ("hour", "2026-11-20T09:00+00:00,3,2,1,0,0,0,10,100,100,100"),
        ("day", "2026-11-20,9,3,3,1,1,1,100,10000,10000,10000"),
    ] {
        let out = csv(&dir, &["--by", by]);
        let mut lines = out.lines();
        assert_eq!(lines.next(), Some(&*format!("{by},{HEADING}")));
        assert_eq!(lines.next(), Some(first));
    }
}

#[test]
fn what_is_chosen_is_counted() {
    let dir = Dir::new();
    let out = csv(&dir, &["--tool", "shell:*", "--failed"]);
    assert_eq!(
        out,
        format!("tool,{HEADING}\nshell:run,2,0,1,0,0,1,1,1000,1000,1000\n")
    );
    let out = csv(&dir, &["--since", "2027-01-01"]);
    assert_eq!(out, format!("tool,{HEADING}\n"));
}

#[test]
fn hours_and_days_are_those_of_the_time_zone() {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", plain(&calls())));
    let by = |by: &str, zone: &str| {
        let mut command = audit(&["stats", &log, "--by", by, "--format", "csv"]);
        let (_, out) = finish(command.env("TZ", zone), "").quiet();
        let names = out
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    assert_eq!(
        by("hour", "Asia/Kathmandu"),
        ["2026-11-20T15:00+05:45", "2026-11-20T16:00+05:45"]
    );
    assert_eq!(
        by("day", "Pacific/Kiritimati"),
        ["2026-11-20", "2026-11-21"]
    );
    assert_eq!(by("day", "Pacific/Pago_Pago"), ["2026-11-19"]);
}

#[test]
fn the_groups_beyond_the_limit_are_one() {
    let dir = Dir::new();
    let out = csv(&dir, &["--by", "outcome", "-n", "1"]);
    let names: Vec<&str> = out
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(names, ["success", "6 others"]);
    let out = csv(&dir, &["--by", "hour", "-n", "1"]);
    let rows: Vec<&str> = out.lines().skip(1).collect();
    assert!(
        rows[0].starts_with("1 other,3,") && rows[1].starts_with("2026-11-20T10:00+00:00,6,"),
        "{out}"
    );
}

#[test]
fn rotated_files_and_stdin() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let events: Vec<_> = (0..60).flat_map(|_| calls()).collect();
    chained(&log, &events, Some(MOST_BYTES));
    let (_, of_log) = run(&["stats", &path_text(&log), "--format", "json"]).quiet();
    let of_stdin = run_with(&["stats", "-", "--format", "json"], plain(&events)).quiet();
    assert_eq!((0, of_log), of_stdin);
}
