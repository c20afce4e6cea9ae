//! Writers that open a log in whatever state it is: nothing that was there is lost,
//! nothing that they acknowledge is, and the log never looks better than it is.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use audit_jsonl::verify::{Integrity, LogReport, ProblemKind, VerifyOptions};
use audit_jsonl::{AuditSink, CallEvent, Durability, JsonLinesAuditSink, Outcome, verify};

use crate::dir::Dir;
use crate::head_file;
use crate::lines::{Line, Link, begin_alike, body, lines};
use crate::logs::{self, ACTIVE, HEAD, Part};
use crate::mutate::mutate;

/// So long may anything take that doesn't depend on anybody.
const DEADLINE: Duration = Duration::from_secs(30);

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    // An input that is too short says what it says.
    recover(&mut u).ok();
}

fn recover(u: &mut Unstructured<'_>) -> Result<()> {
    let log = logs::log(u)?;
    let choice: u8 = u.arbitrary()?;
    let mut parts = log.parts.clone();
    if choice & 3 != 0 {
        mutate(u, &mut parts)?;
    }
    let dir = Dir::with(&parts);
    let has_true_head = choice & 12 != 4 && head_file::lay(&dir, &log, u)?;
    let is_untouched = has_true_head && parts == log.parts;
    if choice & 0x70 == 0x70 {
        // A writer ended between setting bytes aside and telling of it.
        let next = log.head.as_ref().map_or(0, |head| head.seq + 1);
        std::fs::write(dir.path(&format!("{ACTIVE}.torn-{next}")), "torn").expect("a file");
    }
    let calls = u.int_in_range(1..=3)?;
    let before = dir.parts();
    let said = report(&dir);
    let Some(receipts) = write(&dir, "first", calls) else {
        // What can't be gone on with stays as it is.
        let files = without(dir.parts(), |part| {
            !part.bytes.is_empty() && part.name != HEAD
        });
        let old = without(before, |part| !part.bytes.is_empty() && part.name != HEAD);
        assert_eq!(old, files);
        return Ok(());
    };
    let after = dir.parts();
    assert_kept(&before, &after);
    let links = check_own(&after, &receipts);
    let report_after = report(&dir).expect("the log was written to");
    check_reports(said.as_ref(), &report_after, &before, &after);
    if is_untouched {
        assert_eq!(
            report_after.integrity,
            Integrity::Intact,
            "{report_after:?}"
        );
    }

    // Somebody who comes later finds a log that is as its head says.
    let receipts = write(&dir, "second", 1).expect("a log that was written to can be opened");
    let last = dir.parts();
    assert_kept(&after, &last);
    let more = check_own(&last, &receipts);
    let (end, begin) = (links.last().expect("a line"), more.first().expect("a line"));
    assert_eq!(
        begin.stream, end.stream,
        "the second writer begins another chain"
    );
    assert_eq!(begin.seq, end.seq + 1);
    let report_last = report(&dir).expect("the log was written to");
    // Of a log with problems, files may be read in another order as they grow.
    if report_after.integrity == Integrity::Intact {
        assert_eq!(report_last.integrity, Integrity::Intact, "{report_last:?}");
        assert_eq!(report_last.complete, report_after.complete);
    }
    Ok(())
}

fn without(parts: Vec<Part>, keep: impl Fn(&Part) -> bool) -> Vec<Part> {
    parts.into_iter().filter(|part| keep(part)).collect()
}

fn report(dir: &Dir) -> Option<LogReport> {
    let report = verify(&[dir.path(ACTIVE)], &VerifyOptions::new()).ok()?;
    report.logs.into_iter().next()
}

/// What was acknowledged: the ids of the calls, and where the receipts say they are.
struct Acknowledged {
    ids: Vec<String>,
    places: Vec<(u64, String)>,
}

/// Opens, records, commits and closes; none when the log can't be opened.
fn write(dir: &Dir, name: &str, calls: u32) -> Option<Acknowledged> {
    let sink = JsonLinesAuditSink::builder()
        .path(dir.path(ACTIVE))
        .durability(Durability::Written)
        .open()
        .ok()?;
    let mut said = Acknowledged {
        ids: Vec::new(),
        places: Vec::new(),
    };
    for nth in 0..calls {
        let id = format!("{name}-{nth}");
        let ts = "2026-11-20T10:00:00.000000Z";
        let event = CallEvent::new(ts, &id, "files:write", 1, Outcome::Success, "hot");
        if nth == 0 {
            let receipt = sink.commit(&event, DEADLINE).expect("a disk that works");
            said.places.push((receipt.seq, receipt.hash.to_string()));
        } else {
            sink.on_call(&event);
            sink.flush(DEADLINE).expect("a disk that works");
        }
        said.ids.push(id);
    }
    let counters = sink.close(DEADLINE).expect("a disk that works");
    assert_eq!(counters.written, u64::from(calls), "{counters:?}");
    Some(said)
}

/// Every byte that was there is there: files grew at their end, or lost an end that
/// stands in a file of its own now.
fn assert_kept(before: &[Part], after: &[Part]) {
    for old in before.iter().filter(|old| old.name != HEAD) {
        let is_kept = after.iter().any(|new| {
            let common = old.bytes.iter().zip(&new.bytes);
            let common = common.take_while(|(one, other)| one == other).count();
            let rest = &old.bytes[common..];
            // What is not set aside is exactly what the file still has.
            let is_aside = |other: &Part| other.name.contains(".torn-") && other.bytes == rest;
            rest.is_empty() || after.iter().any(is_aside)
        }) || stands_in_pieces(old, after);
        let text = String::from_utf8_lossy(&old.bytes);
        assert!(is_kept, "{} is not all there: {text}", old.name);
    }
}

/// The file's end went to a file of its own, and what was written then begins as that
/// end did.
fn stands_in_pieces(old: &Part, after: &[Part]) -> bool {
    let torn = after.iter().filter(|part| part.name.contains(".torn-"));
    let mut torn = torn.filter(|torn| old.bytes.ends_with(&torn.bytes));
    torn.any(|torn| {
        let rest = &old.bytes[..old.bytes.len() - torn.bytes.len()];
        after.iter().any(|new| new.bytes.starts_with(rest))
    })
}

/// What was acknowledged stands there once, and links; those lines, in order.
fn check_own(parts: &[Part], said: &Acknowledged) -> Vec<Link> {
    let active = parts.iter().find(|part| part.name == ACTIVE);
    let active = active.expect("the log is there");
    let mut own: Vec<Link> = Vec::new();
    let mut ids = Vec::new();
    for line in lines(&active.bytes) {
        let text = body(line);
        let event = serde_json::from_slice::<CallEvent>(text).ok();
        let id = event.map(|event| event.call_id).unwrap_or_default();
        let is_own = said.ids.contains(&id);
        if !is_own && own.is_empty() {
            continue;
        }
        let link = Line::read(text).link().expect("a writer writes links");
        if let Some(last) = own.last() {
            assert_eq!(link.prev.as_ref(), Some(&last.hash));
            assert_eq!((&link.stream, link.seq), (&last.stream, last.seq + 1));
        }
        own.push(link);
        ids.extend(is_own.then_some(id));
    }
    assert_eq!(ids, said.ids, "what was acknowledged is not there");
    for (seq, hash) in &said.places {
        let there = |link: &Link| (&link.seq, &link.hash) == (seq, hash);
        assert!(own.iter().any(there), "the line of a receipt is not there");
    }
    let closing = own.last().and_then(|link| link.chain.get("closed"));
    assert!(closing.is_some(), "no closing record");
    own
}

/// Whether the head file was written before the machine was started.
fn has_restarted(parts: &[Part]) -> bool {
    let head = parts.iter().find(|part| part.name == HEAD);
    let boot = format!("\"boot\":\"{}\"", head_file::ANOTHER_BOOT);
    head.is_some_and(|head| memchr::memmem::find(&head.bytes, boot.as_bytes()).is_some())
}

/// What was found wrong before is found, or told of, afterwards.
fn check_reports(said: Option<&LogReport>, after: &LogReport, old: &[Part], new: &[Part]) {
    assert_ne!(after.integrity, Integrity::Unchecked);
    let Some(before) = said.filter(|before| before.integrity == Integrity::NotIntact) else {
        return;
    };
    // With power, lines are lost of which the head file alone tells; and what somebody
    // changed looks the same.
    let by_head =
        |kind: &ProblemKind| matches!(kind, ProblemKind::Truncated | ProblemKind::Rewritten);
    if has_restarted(old) && before.problem_counts.keys().all(by_head) {
        return;
    }
    // Which of two files that begin alike comes first may change as one grows.
    if begin_alike(old) {
        return;
    }
    // Of a file that was set aside at least its name tells.
    let aside = |parts: &[Part]| {
        let names = parts.iter().filter(|part| part.name.contains(".damaged-"));
        names.count()
    };
    let is_aside = aside(new) > aside(old);
    let is_well = after.integrity == Integrity::Intact && after.complete && !is_aside;
    assert!(
        !is_well,
        "what was wrong is told of nowhere: {before:?}, {after:?}"
    );
}
