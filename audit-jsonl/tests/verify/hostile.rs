//! Files that somebody made to trouble whoever verifies them.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};

use audit_jsonl::form::Line;
use audit_jsonl::verify;
use audit_jsonl::verify::{
    HeadFinding, Integrity, Problem, ProblemKind, VerifyError, VerifyOptions,
};
use audit_testkit::{DEADLINE, within};

use crate::made::{Chain, after, gone, problems, said_of, said_with};
use crate::support::{Dir, event, line_of};

/// A stream that is nearly at its end.
fn at_the_end(stream: u64) -> Chain {
    Chain {
        seq: u64::MAX - 1,
        hash: "ab".repeat(32),
        ..Chain::named(stream)
    }
}

#[test]
fn the_highest_numbers() {
    let mut chain = at_the_end(1);
    let mut lines = vec![chain.with("")];
    // Each names the line before it, whatever its number.
    for seq in [5, 6, u64::MAX - 1] {
        chain.seq = seq;
        lines.push(chain.with(""));
    }
    chain.seq = 7;
    let (mut other, mut stranger) = (Chain::named(3), at_the_end(2));
    other.hash.clone_from(&chain.hash);
    lines.push(stranger.with(""));
    for seq in [3, 4] {
        stranger.seq = seq;
        lines.push(stranger.with(""));
    }
    let last = format!("{}:{}", u64::MAX, chain.hash).parse().unwrap();
    let report = said_with(&lines, [last]);
    assert_eq!(report.integrity, Integrity::NotIntact);
    assert_eq!(report.problem_counts[&ProblemKind::Edited], 5, "{report}");
    assert_eq!(report.problem_counts[&ProblemKind::Foreign], 1);
}

#[test]
fn any_number_of_members() {
    within(DEADLINE, || {
        let members: String = (0..200_000).map(|at| format!(",\"{at:x}\":0")).collect();
        let line = line_of(&event(0));
        let later = line.replace("\"schema_version\":3", "\"schema_version\":4");
        let later = later.replace("}\n", &members);
        let unknown = line.replace("\"success\"", &format!("\"other\"{members}"));
        let unknown = unknown.trim_end();
        assert!(Line::parse(unknown.as_bytes()).is_ok());
        let twice = unknown.replace("\"other\"", "\"other\",\"1869f\":0");
        assert!(Line::parse(twice.as_bytes()).is_err());
        assert!(Line::parse(format!("{later}}}").as_bytes()).is_ok());
        let stream = "0".repeat(32);
        let chained = format!("{later},\"chain\":{{\"stream\":\"{stream}\",\"seq\":0}}}}");
        assert!(Line::parse(chained.as_bytes()).is_err());
    });
}

#[test]
fn a_line_of_more_than_16_mib() {
    within(DEADLINE * 2, || {
        let of = |bytes: usize| {
            let mut event = event(0);
            event.tool_id += &"x".repeat(bytes + 1 - line_of(&event).len());
            line_of(&event)
        };
        for (bytes, garbled) in [(16 << 20, 0), ((16 << 20) + 1, 1), (20 << 20, 1)] {
            // Whether it stands in a block of its own or not.
            for before in ["", "{}\n"] {
                let report = said_of(&[before.to_owned(), of(bytes)]);
                let count = report.problem_counts.get(&ProblemKind::Garbled);
                let wanted = garbled + u64::from(!before.is_empty());
                assert_eq!(count.copied().unwrap_or_default(), wanted, "{report}");
            }
        }
        // What stands behind it is read as ever.
        let mut lines = Chain::new().lines(4);
        lines.insert(2, of(40 << 20));
        assert_eq!(problems(&said_of(&lines)), ["garbled 3"]);
    });
}

#[test]
fn many_short_lines_before_a_chain() {
    within(DEADLINE * 2, || {
        let short = 400_000;
        let chain = Chain::new().lines(3).concat();
        let report = said_of(&["{}\n".repeat(short), chain, "{}\n".into()]);
        assert_eq!(report.lines, short as u64 + 4);
        let counts = &report.problem_counts;
        assert_eq!(counts[&ProblemKind::Garbled], short as u64 + 1);
        assert_eq!(counts.len(), 1, "{counts:?}");
        assert_eq!(report.last.unwrap().seq, 2);
        assert_eq!(report.completeness.calls, 3);
    });
}

#[test]
fn many_short_lines_among_those_of_a_chain() {
    within(DEADLINE * 2, || {
        let lines = Chain::new().lines(10_000);
        let report = said_of(&[lines.join("{}\n{}\n{}\n")]);
        // Wherever a block ends, no line is torn.
        assert_eq!(report.problem_counts[&ProblemKind::Garbled], 29_997);
        assert_eq!(report.problem_counts.len(), 1, "{report}");
        assert_eq!(report.completeness.calls, 10_000);
        let message = &report.problems[0].message;
        let same = |problem: &Problem| problem.message == *message;
        assert!(report.problems.iter().all(same), "{report}");
    });
}

#[test]
fn many_streams() {
    within(DEADLINE, || {
        let mut lines = Vec::new();
        let mut chain = Chain::new();
        lines.push(chain.with(""));
        for number in 2..=1_500 {
            let mut next = Chain::named(number);
            // Of each, more is in a file that was set aside.
            let notes = after(&chain, 5, &"long".repeat(100));
            lines.push(next.with(&notes));
            chain = next;
        }
        let report = said_with(&lines, [chain.head()]);
        assert_eq!(report.problems, []);
        assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
        let facts = report.completeness;
        assert_eq!(facts.streams.len(), 1_000);
        assert_eq!(facts.streams[999].stream.as_str(), chain.stream);
        assert_eq!(facts.set_aside.len(), 1_000);
        assert_eq!(facts.set_aside[0].file.len(), 255);
        assert_eq!(facts.unlisted, 500 + 499);
    });
}

#[test]
fn many_power_losses() {
    within(DEADLINE, || {
        let mut chain = Chain::new();
        let mut lines = chain.lines(1);
        for _ in 0..1_003 {
            chain.with("");
            let notes = gone(chain.seq - 1, &chain.hash);
            lines.push(chain.with(&notes));
        }
        let report = said_of(&lines);
        assert_eq!(report.problems, []);
        let text = report.to_string();
        let facts = report.completeness;
        assert_eq!((facts.gone.len(), facts.unlisted), (1_000, 3));
        let said = "  and 3 more streams, ends of streams or power losses\n";
        assert!(text.contains(said), "{text}");
    });
}

#[test]
fn many_foreign_streams_in_one_block() {
    within(DEADLINE, || {
        let mut main = Chain::new();
        let mut lines = main.lines(2);
        let mut again = Vec::new();
        for number in 2..=40 {
            let mut chain = Chain::named(number);
            let own = chain.lines(3);
            // Once more, and not the first of its run.
            again.extend([own[2].clone(), own[1].clone()]);
            lines.extend(own);
        }
        // More than a block.
        lines.extend(main.lines(4_000));
        lines.extend(again);
        let report = said_of(&lines);
        assert_eq!(report.problem_counts[&ProblemKind::Foreign], 2 * 39);
        assert_eq!(
            report.problem_counts[&ProblemKind::Repeated],
            39,
            "{report}"
        );
        assert_eq!(report.problem_counts.len(), 2);
    });
}

#[test]
fn a_front_that_is_gone_and_removed() {
    let mut chain = Chain::new();
    let lines = chain.lines(6);
    let kept = chain.head();
    chain.lines(3);
    let hash = chain.hash.clone();
    let rest = [chain.with(&gone(8, &hash)), chain.with("")];
    // The file before went by retention: nobody can tell what stood in it.
    let report = said_with(&rest, [kept]);
    assert_eq!(problems(&report), [] as [&str; 0], "{report}");
    assert_eq!(report.heads[0].finding, HeadFinding::Before);
    assert_eq!(report.completeness.front, Some(9));
    assert!(!report.complete);
    // As long as it is there, it tells.
    let report = said_with(&[lines, rest.to_vec()].concat(), [chain.head()]);
    assert_eq!(problems(&report), [] as [&str; 0], "{report}");
    assert_eq!(report.completeness.front, None);
}

#[test]
fn a_file_without_an_end() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let options = VerifyOptions::new().on_progress(|_| ControlFlow::Break(()));
        let result = verify(&[&path], &options);
        assert!(matches!(result, Err(VerifyError::Cancelled)), "{result:?}");
    });
}

#[test]
fn a_panic_of_the_caller_ends_all_threads() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        fs::write(&path, Chain::new().lines(9_000).concat()).unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let options = VerifyOptions::new().on_progress(|_| panic!("on purpose"));
        let result = panic::catch_unwind(AssertUnwindSafe(|| verify(&[&path], &options)));
        assert!(result.is_err());
    });
}
