//! Repair: a plan that changes nothing, and that says what is then done.

mod others;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use audit_jsonl::repair::{self, Action, Plan, RepairError, Repaired, Step};
use audit_jsonl::verify::{HeadFinding, VerifyOptions};
use audit_testkit::{DEADLINE, within};
use serde_json::Value;

use crate::checker::{Row, check};
use crate::form::sha256;
use crate::head_file::Head;
use crate::heads::{line_ends, ten};
use crate::support::{Dir, append, cut_to, flip, lines_of, log, size};

/// Names, bytes, modes, inodes and times of change of what is in a directory.
type State = BTreeMap<String, (Vec<u8>, u32, u64, i64)>;

fn state(dir: &Path) -> State {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let one = |path: &Path| {
        let metadata = fs::symlink_metadata(path).unwrap();
        let bytes = fs::read(path).unwrap_or_default();
        let changed = metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec();
        (
            bytes,
            metadata.permissions().mode(),
            metadata.ino(),
            changed,
        )
    };
    let mut state: State = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, one(&entry.path()))
        })
        .collect();
    state.insert(".".to_owned(), one(dir));
    state
}

/// The plan, which leaves all as it is; `None` when nothing says how the log ends.
#[track_caller]
pub(crate) fn plan_of(path: &Path) -> Option<Plan> {
    let dir = path.parent().unwrap();
    let before = state(dir);
    let plan = repair::plan(path);
    assert!(before == state(dir), "a plan has changed something");
    match plan {
        Ok(plan) => Some(plan),
        Err(RepairError::NotChained { .. } | RepairError::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn with(plan: &Plan, action: Action) -> Vec<&Step> {
    let steps = plan.steps.iter();
    steps.filter(|step| step.action == action).collect()
}

/// The numbers of the chained lines in some bytes that end where one does.
fn links(bytes: &[u8]) -> Vec<u64> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    values
        .filter_map(|value| value["chain"]["seq"].as_u64())
        .collect()
}

/// Without the time that is in a name.
fn untimed(name: &Path) -> String {
    let name = name.file_name().unwrap().to_str().unwrap();
    match name.split_once(".damaged-") {
        Some((log, _)) => format!("{log}.damaged-"),
        None => name.to_owned(),
    }
}

/// What a plan said is what a writer then did: `row` is its first line.
#[track_caller]
pub(crate) fn hold_to(plan: &Plan, path: &Path, before: &[u8], row: &Row) {
    let told = |name: &str, unit: &str| {
        row.chain
            .get(name)
            .map_or(0, |note| note[unit].as_u64().unwrap())
    };
    let asides = with(plan, Action::SetAside);
    let torn: u64 = asides
        .iter()
        .chain(&with(plan, Action::TellTorn))
        .map(|step| step.bytes.unwrap().1 - step.bytes.unwrap().0)
        .sum();
    assert_eq!(told("torn", "bytes"), torn, "{plan}");
    for step in &asides {
        let (from, to) = step.bytes.unwrap();
        let aside = fs::read(step.aside.as_ref().unwrap()).unwrap();
        assert_eq!(aside, before[from as usize..to as usize], "{plan}");
    }
    let plain = with(plan, Action::TellPlain);
    let lines: u64 = plain.iter().map(|step| step.plain_lines.unwrap()).sum();
    assert_eq!(told("plain", "lines"), lines, "{plan}");
    if let [step] = plain[..]
        && step.file == path
    {
        let (from, to) = step.bytes.unwrap();
        let bytes = &before[from as usize..to as usize];
        assert_eq!(row.chain["plain"]["sha256"], sha256(bytes), "{plan}");
    }
    let gone = with(plan, Action::TellGone);
    assert_eq!(row.has("gone"), !gone.is_empty(), "{plan}");
    let kept = asides.first().map_or(before.len(), |step| {
        usize::try_from(step.bytes.unwrap().0).unwrap()
    });
    let last = links(&before[..kept]).pop();
    for step in gone {
        let first = last.map_or(0, |last| last + 1);
        assert_eq!(step.lines, Some((first, told("gone", "seq"))), "{plan}");
    }
    for step in with(plan, Action::RebuildHead) {
        assert_eq!(step.file, Head::path(path), "{plan}");
        assert_eq!(step.lines, last.map(|last| (last, last)), "{plan}");
    }
    let moved = with(plan, Action::MoveAside);
    if row.has("after") {
        let file = Path::new(row.chain["after"]["file"].as_str().unwrap());
        let planned = moved[0].aside.as_ref().unwrap();
        assert_eq!(untimed(file), untimed(planned));
    }
    let has = |text: &str| {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_str().unwrap().contains(text))
            .count()
    };
    assert_eq!(has(".damaged-"), moved.len(), "{plan}");
    for step in moved {
        assert_eq!(step.bytes, Some((0, before.len() as u64)), "{plan}");
    }
    for step in with(plan, Action::TellTorn) {
        assert_eq!(step.bytes, Some((0, size(&step.file))), "{plan}");
        assert_ne!(step.file, path, "{plan}");
    }
    for step in with(plan, Action::TakeUp) {
        let ((from, to), (first, last)) = (step.bytes.unwrap(), step.lines.unwrap());
        let taken = links(&before[from as usize..to as usize]);
        assert_eq!(taken, (first..=last).collect::<Vec<_>>(), "{plan}");
        assert_eq!(row.seq, last + 1, "{plan}");
    }
}

/// Applies the plan, and holds what was done to it; afterwards nothing is left to do.
#[track_caller]
fn apply(plan: &Plan) -> Repaired {
    let before = fs::read(&plan.path).unwrap_or_default();
    let repaired = plan.apply().unwrap();
    let fields = |steps: &[Step]| -> Vec<_> {
        let of = |step: &Step| {
            let aside = step.aside.as_deref().map(untimed);
            (
                (step.action, step.file.clone(), step.bytes, step.lines),
                (step.plain_lines, aside, step.reason.clone()),
            )
        };
        steps.iter().map(of).collect()
    };
    assert_eq!(fields(&repaired.steps), fields(&plan.steps));
    assert!(plan_of(&plan.path).unwrap().is_empty());
    if let Some(head) = &repaired.head {
        let found = check(&plan.path);
        let row = found.rows.last().unwrap();
        assert_eq!(row.seq, head.seq);
        assert!(row.has("opened") && row.has("closed"));
        hold_to(plan, &plan.path, &before, row);
        let kept = VerifyOptions::new().heads([*head]);
        let report = audit_jsonl::verify(&[&plan.path], &kept).unwrap();
        assert_eq!(
            report.logs[0].heads[0].finding,
            HeadFinding::Agrees,
            "{report}"
        );
    } else {
        assert!(plan.is_empty());
    }
    repaired
}

type Make = Box<dyn Fn(&Path, &[u8])>;

fn make(work: impl Fn(&Path, &[u8]) + 'static) -> Make {
    Box::new(work)
}

fn move_away(path: &Path) {
    fs::rename(path, path.with_file_name("audit.jsonl.1")).unwrap();
}

/// Each row of the format's table, and what is to be done about it.
fn rows() -> Vec<(&'static str, Make, Vec<Action>)> {
    use Action::*;
    let cut_at_a_line = |path: &Path, bytes: &[u8]| cut_to(path, line_ends(bytes)[5] as u64);
    let in_another_boot = |path: &Path| Head::edit(path, "boot", "another");
    let dies = |path: &Path| {
        let head = fs::read(Head::path(path)).unwrap();
        log(path, 20..23);
        fs::write(Head::path(path), head).unwrap();
    };
    vec![
        ("as the head says", make(|_, _| {}), vec![]),
        (
            "in another boot",
            make(move |path, _| in_another_boot(path)),
            vec![],
        ),
        (
            "half a line",
            make(|path, _| append(path, "{\"ts\":")),
            vec![SetAside],
        ),
        (
            "junk",
            make(|path, _| append(path, "junk\n")),
            vec![SetAside],
        ),
        (
            "NUL bytes",
            make(|path, _| append(path, "\0\0\0")),
            vec![SetAside],
        ),
        (
            "plain lines",
            make(|path, _| append(path, lines_of(100..103))),
            vec![TellPlain],
        ),
        (
            "plain lines, and half of one",
            make(|path, _| append(path, lines_of(100..102) + "half")),
            vec![TellPlain, SetAside],
        ),
        (
            "a writer that died",
            make(move |path, _| dies(path)),
            vec![TakeUp],
        ),
        (
            "a writer that died, plain lines, junk",
            make(move |path, _| {
                dies(path);
                append(path, lines_of([100]) + "junk\n" + &lines_of([101]));
            }),
            vec![TakeUp, TellPlain, SetAside],
        ),
        ("moved", make(|path, _| move_away(path)), vec![GoOnFromHead]),
        (
            "deleted",
            make(|path, _| fs::remove_file(path).unwrap()),
            vec![GoOnFromHead],
        ),
        (
            "an empty file after logrotate",
            make(|path, _| {
                move_away(path);
                fs::write(path, "").unwrap();
            }),
            vec![GoOnFromHead],
        ),
        (
            "another file of plain lines",
            make(|path, _| {
                move_away(path);
                fs::write(path, lines_of(100..104) + "half").unwrap();
            }),
            vec![GoOnFromHead, TellPlain, SetAside],
        ),
        (
            "another file of junk",
            make(|path, _| {
                move_away(path);
                fs::write(path, "junk\n").unwrap();
            }),
            vec![MoveAside],
        ),
        ("cut at a line", make(cut_at_a_line), vec![GoOnFromHead]),
        (
            "cut in a line",
            make(|path, bytes| cut_to(path, line_ends(bytes)[5] as u64 + 30)),
            vec![GoOnFromHead, SetAside],
        ),
        (
            "emptied",
            make(|path, _| cut_to(path, 0)),
            vec![GoOnFromHead],
        ),
        (
            "power loss",
            make(move |path, bytes| {
                cut_at_a_line(path, bytes);
                in_another_boot(path);
            }),
            vec![TellGone],
        ),
        (
            "power loss of all lines",
            make(move |path, _| {
                cut_to(path, 0);
                in_another_boot(path);
            }),
            vec![TellGone],
        ),
        (
            "power loss with a hole",
            make(move |path, bytes| {
                let (ends, mut bytes) = (line_ends(bytes), bytes.to_vec());
                bytes[ends[5] + 40..ends[7] + 10].fill(0);
                fs::write(path, bytes).unwrap();
                in_another_boot(path);
            }),
            vec![TellGone, SetAside],
        ),
        (
            "another last line",
            make(|path, _| flip(path, size(path) - 70)),
            vec![MoveAside],
        ),
        (
            "no head file",
            make(|path, _| fs::remove_file(Head::path(path)).unwrap()),
            vec![RebuildHead],
        ),
        (
            "a torn head file, plain lines and half of one",
            make(|path, _| {
                cut_to(&Head::path(path), 200);
                append(path, lines_of([100]) + "half");
            }),
            vec![RebuildHead, TellPlain, SetAside],
        ),
        (
            "an empty head file, and plain lines alone",
            make(|path, _| {
                fs::write(Head::path(path), "").unwrap();
                fs::write(path, lines_of(100..103)).unwrap();
            }),
            vec![],
        ),
        (
            "an empty head file, plain lines and half of one",
            make(|path, _| {
                fs::write(Head::path(path), "").unwrap();
                fs::write(path, lines_of(100..102) + "half").unwrap();
            }),
            vec![TellPlain, SetAside],
        ),
        (
            "no head file, and junk",
            make(|path, _| {
                append(path, "junk\n");
                fs::remove_file(Head::path(path)).unwrap();
            }),
            vec![MoveAside],
        ),
        (
            "set aside, and never told",
            make(|path, _| fs::write(path.with_file_name("audit.jsonl.torn-11"), "ju").unwrap()),
            vec![TellTorn],
        ),
        (
            "nothing was set aside",
            make(|path, _| fs::write(path.with_file_name("audit.jsonl.torn-11"), "").unwrap()),
            vec![],
        ),
        (
            "a damaged line further up",
            make(|path, bytes| flip(path, line_ends(bytes)[4] as u64 + 60)),
            vec![],
        ),
    ]
}

#[test]
fn what_a_plan_says_is_what_is_done() {
    within(DEADLINE, || {
        for (what, make, wanted) in rows() {
            let (dir, path, bytes) = ten();
            make(&path, &bytes);
            let before = state(path.parent().unwrap());
            let content = fs::read(&path).unwrap_or_default();
            let plan = plan_of(&path).unwrap();
            let actions: Vec<Action> = plan.steps.iter().map(|step| step.action).collect();
            assert_eq!(actions, wanted, "{what}: {plan}");
            let repaired = apply(&plan);
            if wanted.is_empty() {
                assert!(before == state(path.parent().unwrap()), "{what}");
                continue;
            }
            // Nothing is deleted: what stood there stands there or aside.
            let kept = plan
                .steps
                .iter()
                .find(|step| step.action == Action::SetAside);
            let kept = kept.map_or(content.len(), |step| step.bytes.unwrap().0 as usize);
            let (kept, aside) = content.split_at(kept);
            assert!(
                dir.holds(kept) && dir.holds(aside),
                "{what}: bytes are lost"
            );
            // A writer goes on after it, and finds nothing to put right.
            log(&path, 30..31);
            let found = check(&path);
            let rows = &found.rows;
            assert_eq!(
                rows[rows.len() - 2].seq,
                repaired.head.unwrap().seq + 1,
                "{what}"
            );
            assert!(
                rows[rows.len() - 2]
                    .chain
                    .keys()
                    .all(|name| { ["stream", "seq", "prev", "opened"].contains(&name.as_str()) })
            );
        }
    });
}

#[test]
fn a_step_says_which_lines_are_missing() {
    within(DEADLINE, || {
        let (_dir, path, bytes) = ten();
        cut_to(&path, line_ends(&bytes)[5] as u64);
        let plan = plan_of(&path).unwrap();
        assert_eq!(plan.steps[0].lines, Some((6, 10)), "{plan}");
        assert!(plan.steps[0].reason.contains("the file was cut"), "{plan}");
        // Of another stream's lines nobody can tell where ours would end.
        let (_dir, path, _) = ten();
        let (_other_dir, other) = Dir::with_log();
        log(&other, 500..503);
        fs::write(&path, fs::read(&other).unwrap()).unwrap();
        let plan = plan_of(&path).unwrap();
        assert_eq!(plan.steps[0].action, Action::GoOnFromHead, "{plan}");
        assert_eq!(plan.steps[0].lines, None, "{plan}");
    });
}

#[test]
fn a_step_says_what_it_is_about() {
    within(DEADLINE, || {
        let (_dir, path, bytes) = ten();
        append(&path, lines_of([100]) + "half");
        let plan = plan_of(&path).unwrap();
        let from = bytes.len();
        let to = from + lines_of([100]).len();
        let text = plan.to_string();
        let name = path.display();
        let wanted = [
            format!("{name}: to do\n"),
            format!("  1. tell of 1 plain line, bytes {from} to {to} of audit.jsonl: "),
            format!(
                "  2. set aside bytes {to} to {} of audit.jsonl as audit.jsonl.torn-11: ",
                to + 4
            ),
        ];
        for wanted in wanted {
            assert!(text.contains(&wanted), "{wanted}\n{text}");
        }
        let json: Value = serde_json::to_value(&plan).unwrap();
        let step = &json["steps"][1];
        assert_eq!(step["action"], "set_aside");
        assert_eq!(step["bytes"], serde_json::json!([to, to + 4]));
        assert_eq!(step["aside"], format!("{name}.torn-11"));
        let repaired = apply(&plan);
        let said = repaired.to_string();
        let head = repaired.head.unwrap();
        assert!(
            said.ends_with(&format!("line #11 tells of it: {head}\n")),
            "{said}"
        );
    });
}
