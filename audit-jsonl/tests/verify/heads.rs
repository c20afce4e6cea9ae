//! Heads that were given, and the head file beside the log.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use audit_jsonl::verify::{Head, HeadFile, HeadFinding, HeadSource, Integrity};
use serde_json::Value;

use crate::form_of_chain::sha256;
use crate::made::{Chain, after, gone, problems, report_of, said_at, said_with};
use crate::support::{Dir, commit, cut_to, lines_of, log, open};

fn heads_of(count: u64) -> (Vec<String>, Vec<Head>) {
    let mut chain = Chain::new();
    let mut heads = Vec::new();
    let lines = (0..count).map(|_| {
        let line = chain.with("");
        heads.push(chain.head());
        line
    });
    (lines.collect(), heads)
}

#[test]
fn a_head_that_agrees() {
    let (lines, heads) = heads_of(5_000);
    for seq in [0, 1, 4_998, 4_999] {
        let report = said_with(&lines, [heads[seq]]);
        assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
        assert_eq!(report.heads[0].source, HeadSource::Given);
        assert_eq!(report.integrity, Integrity::Intact);
    }
    let report = said_with(&lines, heads.clone());
    assert!(
        report
            .heads
            .iter()
            .all(|head| head.finding == HeadFinding::Agrees)
    );
    assert_eq!(report.last.unwrap().head(), heads[4_999]);
}

#[test]
fn a_log_that_ends_before_it() {
    let (lines, heads) = heads_of(10);
    let report = said_with(&lines[..9], [heads[9]]);
    assert_eq!(problems(&report), ["truncated #9"]);
    assert_eq!(
        report.problems[0].message,
        "the log ends with line #8, and the head that was given is about line #9"
    );
    assert_eq!(report.heads[0].finding, HeadFinding::Truncated);
    let report = said_with(&[], [heads[0]]);
    assert_eq!(problems(&report), ["truncated #0"]);
    let report = said_with(&[lines_of(0..3)], [heads[0]]);
    assert_eq!(problems(&report), ["truncated #0"]);
}

#[test]
fn a_line_that_is_another() {
    let (mut lines, heads) = heads_of(10);
    let mut head = heads[5];
    head.hash = heads[4].hash;
    let report = said_with(&lines, [head]);
    assert_eq!(problems(&report), ["rewritten 6 #5"]);
    let before: usize = lines[..5].iter().map(String::len).sum();
    assert_eq!(report.problems[0].byte, Some(before as u64));
    // The last line, which only a head protects.
    lines[9] = lines[9].replace("\"duration_ms\":3", "\"duration_ms\":4");
    assert_eq!(problems(&said_with(&lines, [])), [""; 0]);
    assert_eq!(
        problems(&said_with(&lines, [heads[9]])),
        ["rewritten 10 #9"]
    );
    // The whole chain, made anew.
    let mut chain = Chain::named(4);
    let mut lines = chain.lines(12);
    assert_eq!(
        problems(&said_with(&lines, [heads[9]])),
        ["rewritten 10 #9"]
    );
    // A copy of the line that was made anew is no better than the line.
    lines.push(lines[9].clone());
    assert_eq!(
        problems(&said_with(&lines, [heads[9]])),
        ["repeated 13 #9", "rewritten 10 #9"]
    );
}

/// Nobody has rewritten it, whatever else is wrong with the log.
#[test]
fn a_head_of_a_line_that_the_chain_does_not_go_over() {
    let mut theirs = Chain::named(9);
    let foreign = theirs.lines(3);
    let head = theirs.head();
    let (mut lines, _) = heads_of(10);
    lines.splice(4..4, foreign);
    let report = said_with(&lines, [head]);
    assert_eq!(problems(&report), ["foreign 5 #0"]);
    assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
}

#[test]
fn a_head_whose_line_is_not_at_hand() {
    let (mut lines, heads) = heads_of(10);
    let report = said_with(&lines[4..], [heads[2]]);
    assert_eq!(report.heads[0].finding, HeadFinding::Before);
    assert_eq!(report.integrity, Integrity::Intact);
    lines.drain(4..7);
    let report = said_with(&lines, [heads[5]]);
    assert_eq!(report.heads[0].finding, HeadFinding::Missing);
    assert_eq!(problems(&report), ["missing 5 #7"]);
    // Lines that are missing don't excuse an end that is.
    lines.pop();
    let report = said_with(&lines, [heads[5], heads[9]]);
    assert_eq!(problems(&report), ["missing 5 #7", "truncated #9"]);
    // What was told to be gone is not excused.
    let mut chain = Chain::new();
    let lines = chain.lines(5);
    chain.lines(2);
    let (head, hash) = (chain.head(), chain.hash.clone());
    let lines = [lines, vec![chain.with(&gone(6, &hash))]].concat();
    assert_eq!(said_with(&lines, []).integrity, Integrity::Intact);
    let report = said_with(&lines, [head]);
    assert_eq!(problems(&report), ["truncated #6"]);
    assert_eq!(
        report.problems[0].message,
        "line #6, which the head that was given is about, is not in the log"
    );
}

#[test]
fn of_a_stream_that_was_replaced() {
    let mut old = Chain::new();
    let first = old.lines(5);
    let head = old.head();
    let mut new = Chain::named(2);
    let mut second = vec![new.with(&after(&old, 4, "gone"))];
    second.extend(new.lines(9));
    let both = [first, second.clone()].concat();
    let report = said_with(&both, [head, new.head()]);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert!(
        report
            .heads
            .iter()
            .all(|head| head.finding == HeadFinding::Agrees)
    );
    let report = said_with(&second, [head]);
    assert_eq!(report.heads[0].finding, HeadFinding::SetAside);
    assert_eq!(report.integrity, Integrity::Intact);
    // It ended with another line than this.
    let other = Head {
        hash: new.head().hash,
        ..head
    };
    assert_eq!(problems(&said_with(&second, [other])), ["rewritten 5 #4"]);
    // Of two lines with its number, the first.
    assert_eq!(problems(&said_with(&both, [other])), ["rewritten 5 #4"]);
}

#[test]
fn a_receipt_is_one() {
    let (_dir, path) = Dir::with_log();
    let sink = open(&path);
    let receipt = commit(&sink, 1).unwrap();
    crate::support::close(&sink);
    let head = Head::from(&receipt);
    let text = head.to_string();
    assert_eq!(text.parse(), Ok(head));
    let report = said_at(&[&path], [head]);
    assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
    fs::write(&path, "").unwrap();
    let report = said_at(&[&path], [head]);
    assert_eq!(report.integrity, Integrity::NotIntact);
}

#[test]
fn what_is_no_head() {
    let hash = "ab".repeat(32);
    for text in [
        "",
        "1",
        "1:",
        &hash,
        &format!("-1:{hash}"),
        &format!("+1:{hash}"),
        &format!("1:{hash}0"),
        &format!("1:{}", "zz".repeat(32)),
    ] {
        assert!(text.parse::<Head>().is_err(), "{text}");
    }
    assert!(format!("1:{}", hash.to_uppercase()).parse::<Head>().is_ok());
}

#[test]
fn for_several_logs_are_an_error() {
    let dir = Dir::new();
    for name in ["a.jsonl", "b.jsonl"] {
        log(&dir.path(name), 0..3);
    }
    assert_eq!(report_of(&[dir.path("")], []).logs.len(), 2);
    let (_, heads) = heads_of(1);
    let options = audit_jsonl::verify::VerifyOptions::new().heads(heads);
    let error = audit_jsonl::verify(&[dir.path("")], &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "heads were given for 2 logs: give the path of one"
    );
}

/// The head file says something else.
fn change_head_file(log: &Path, change: impl Fn(&mut Value)) {
    let path = log.with_file_name("audit.jsonl.head");
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("sum");
    change(&mut value);
    let text = value.to_string();
    let text = text.strip_suffix('}').unwrap();
    let sum = &sha256(text.as_bytes())[..16];
    let line = format!("{:<383}\n", format!("{text},\"sum\":\"{sum}\"}}"));
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

fn cut_to_lines(path: &Path, lines: usize) {
    let text = fs::read_to_string(path).unwrap();
    let ends = text.split_inclusive('\n').take(lines).map(str::len);
    cut_to(path, ends.sum::<usize>() as u64);
}

#[test]
fn the_head_file_shows_a_log_that_was_cut() {
    let (_dir, path) = Dir::with_log();
    log(&path, 0..9);
    let report = said_at(&[&path], []);
    assert_eq!(report.head_file, HeadFile::Read);
    assert_eq!(report.heads[0].source, HeadSource::HeadFile);
    assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
    assert!(report.complete, "{report}");
    cut_to_lines(&path, 5);
    assert_eq!(problems(&said_at(&[&path], [])), ["truncated #9"]);
    cut_to(&path, 0);
    assert_eq!(problems(&said_at(&[&path], [])), ["truncated #9"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(problems(&said_at(&[&path], [])), ["truncated #9"]);
}

#[test]
fn the_head_file_s_line_is_missed_once() {
    let (_dir, path) = Dir::with_log();
    log(&path, 0..9);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&path, [&lines[..5], &lines[6..]].concat().concat()).unwrap();
    let hash = crate::form_of_chain::leaf_hash(lines[5].trim_end().as_bytes());
    change_head_file(&path, |head| {
        head["seq"] = 5.into();
        head["hash"] = hash.clone().into();
    });
    let report = said_at(&[&path], []);
    assert_eq!(problems(&report), ["missing 6 #6"]);
    assert_eq!(report.heads[0].finding, HeadFinding::Missing);
}

#[test]
fn the_head_file_shows_a_last_line_that_was_changed() {
    let (_dir, path) = Dir::with_log();
    log(&path, 0..3);
    let text = fs::read_to_string(&path).unwrap();
    let place = text.rfind("\"duration_ms\":0").unwrap() + "\"duration_ms\":".len();
    crate::support::flip(&path, place as u64);
    assert_eq!(problems(&said_at(&[&path], [])), ["rewritten 4 #3"]);
}

#[test]
fn a_power_loss_before_a_writer_came_back() {
    let (dir, path) = Dir::with_log();
    log(&path, 0..9);
    cut_to_lines(&path, 5);
    change_head_file(&path, |head| head["boot"] = "another".into());
    let report = said_at(&[&path], []);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.heads[0].finding, HeadFinding::NotThere);
    let extent = report.completeness.not_there.unwrap();
    assert_eq!((extent.first, extent.last), (5, 9));
    assert!(!report.complete);
    // A head that somebody kept is not excused by that.
    let mut last = String::new();
    change_head_file(&path, |_| ());
    let head: Value =
        serde_json::from_slice(&fs::read(dir.path("audit.jsonl.head")).unwrap()).unwrap();
    last += head["hash"].as_str().unwrap();
    let given: Head = format!("9:{last}").parse().unwrap();
    assert_eq!(problems(&said_at(&[&path], [given])), ["truncated #9"]);
    // Nor is it one when the file is another.
    change_head_file(&path, |head| head["inode"] = 1.into());
    assert_eq!(problems(&said_at(&[&path], [])), ["truncated #9"]);
}

#[test]
fn a_head_file_that_says_nothing_is_noted() {
    let (dir, path) = Dir::with_log();
    log(&path, 0..3);
    let head = dir.path("audit.jsonl.head");
    crate::support::flip(&head, 30);
    let report = said_at(&[&path], []);
    assert_eq!(report.head_file, HeadFile::Damaged);
    assert_eq!(report.integrity, Integrity::Intact);
    fs::write(&head, "").unwrap();
    assert_eq!(said_at(&[&path], []).head_file, HeadFile::Empty);
    fs::remove_file(&head).unwrap();
    let report = said_at(&[&path], []);
    assert_eq!(report.head_file, HeadFile::Absent);
    assert_eq!(report.integrity, Integrity::Intact);
}
