//! Syncs that fail for real: an ext4 file system on an image that is sparse, on a
//! tmpfs that is too small for it.
//!
//! The loop device calls a write a success of which only a part found room, to any
//! program, so commits that leave the tmpfs full to the last byte are not counted.
//!
//! What `commit` acknowledged is on the disk afterwards; no caller hangs; a file on
//! which a sync has failed grows no more, and the next begins with the lines that
//! are not known to be on disk.
//!
//! - `AUDIT_FAULTS_SYNCS`: how many rounds; 20 by default.
//! - `AUDIT_FAULTS_SEED`: 1 by default.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CommitError, Durability, Health, JsonLinesAuditSink};
use sha2::{Digest, Sha256};

use crate::calls::go_on;
use crate::checker::check;
use crate::head::Head;
use crate::mounts::{Mount, can_mount};
use crate::tools::{Numbers, can, event, none_of, run, say, setting, tally, until};

const TIMEOUT: Duration = Duration::from_millis(250);

#[test]
fn what_was_committed_is_on_disk_when_syncs_fail() {
    let tools = [
        ("mkfs.ext4", "e2fsprogs"),
        ("e2fsck", "e2fsprogs"),
        ("losetup", "mount"),
        ("fallocate", "util-linux"),
    ];
    if !can_mount("what_was_committed_is_on_disk_when_syncs_fail")
        || !can(
            "what_was_committed_is_on_disk_when_syncs_fail",
            true,
            &tools,
        )
    {
        return;
    }
    let rounds = setting("AUDIT_FAULTS_SYNCS", 20);
    let mut numbers = Numbers::new(setting("AUDIT_FAULTS_SEED", 1));
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut problems = Vec::new();
    for round in 0..rounds {
        let outcome = one_round(&mut numbers);
        *outcomes.entry("failed syncs").or_default() += outcome.failures;
        *outcomes.entry("commits kept").or_default() += outcome.kept;
        *outcomes.entry("files that begin anew").or_default() += outcome.begun_anew;
        *outcomes.entry("logs that failed").or_default() += u64::from(outcome.failed);
        let wrong = outcome
            .problems
            .iter()
            .map(|problem| format!("round {round}: {problem}"));
        problems.extend(wrong);
    }
    say(&format!(
        "{rounds} disks whose syncs fail: {outcomes:?}, {} problems",
        problems.len()
    ));
    tally(
        outcomes["failed syncs"],
        outcomes["commits kept"],
        &problems,
    );
    none_of(&problems, "failing syncs");
    // A caller doesn't notice when the next file takes the lines.
    let failures = outcomes["failed syncs"] + outcomes["files that begin anew"];
    assert!(failures >= rounds, "syncs failed");
}

#[derive(Default)]
struct Outcome {
    failures: u64,
    kept: u64,
    begun_anew: u64,
    failed: bool,
    problems: Vec<String>,
}

fn one_round(numbers: &mut Numbers) -> Outcome {
    let small = Mount::tmpfs("size=20m");
    let image = small.path().join("image");
    File::create(&image)
        .and_then(|file| file.set_len(64 << 20))
        .expect("an image");
    let name = image.display().to_string();
    run("mkfs.ext4", &["-q", "-F", "-E", "nodiscard", &name]).expect("ext4");
    // The journal has its place, or the whole file system stops for ever.
    run("fallocate", &["-o", "16MiB", "-l", "6MiB", &name]).expect("room for the journal");
    let disk = Mount::image(&image);
    let filler = small.path().join("filler");

    let mut outcome = Outcome::default();
    let log = disk.log();
    let builder = JsonLinesAuditSink::builder()
        .path(&log)
        .durability(Durability::Written);
    let sink = builder.open().expect("a log");
    let mut receipts = Vec::new();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    let before = numbers.below(6);
    // In some rounds never.
    let makes_room = 1 + numbers.below(6);
    let mut number = 0;
    while outcome.failures < 4 && number < 100 {
        if number == before {
            fill(&filler, small.path(), numbers.below(200) << 10);
        }
        let begun = Instant::now();
        let bytes = 2_000 + numbers.below(20_000) as usize;
        let committed = sink.commit(&event(&format!("{number:05}"), bytes), TIMEOUT);
        if begun.elapsed() > TIMEOUT + Duration::from_secs(3) {
            outcome
                .problems
                .push(format!("commit took {:?}", begun.elapsed()));
        }
        match committed {
            Ok(_) if free(small.path()) == 0 => {}
            Ok(receipt) => receipts.push(receipt),
            Err(error) => {
                outcome.failures += 1;
                if outcome.failures == makes_room {
                    drop(fs::remove_file(&filler));
                }
                let not_synced = matches!(error, CommitError::NotSynced { .. });
                if not_synced && sink.health().is_healthy() {
                    outcome
                        .problems
                        .push("a sync has failed, and it says healthy".into());
                }
            }
        }
        for (file, size) in rotated(disk.path()) {
            let known = *sizes.entry(file.clone()).or_insert(size);
            if size != known {
                outcome
                    .problems
                    .push(format!("{file} has grown from {known} to {size}"));
            }
        }
        number += 1;
    }
    outcome.begun_anew = sizes.len() as u64;
    outcome.failed = matches!(sink.health(), Health::Failed { .. });
    // What can't be written is given up.
    drop(sink.close(Duration::from_millis(200)));
    drop(sink);

    // As long as it is in memory, all files agree.
    let found = check(&log);
    let forks = found
        .problems
        .iter()
        .filter(|problem| problem.contains("fork"));
    outcome.problems.extend(forks.cloned());

    until("it can be unmounted", || disk.unmount().is_ok());
    drop(fs::remove_file(&filler));
    // Repairs what it can; its exit code says that there was something.
    drop(run("e2fsck", &["-fy", &name]));
    disk.mount_again(&image);
    let lines = hashes(disk.path());
    outcome.kept = receipts.len() as u64;
    for receipt in &receipts {
        if !lines.contains(&receipt.hash.to_string()) {
            outcome
                .problems
                .push(format!("line {} was committed, and is lost", receipt.seq));
        }
    }
    if let Some(head) = Head::read(&log) {
        head.of_another_boot().write(&log);
    }
    if let Err(problem) = go_on(&log) {
        outcome.problems.push(problem);
    }
    let lines = hashes(disk.path());
    let lost = receipts
        .iter()
        .any(|receipt| !lines.contains(&receipt.hash.to_string()));
    if lost {
        outcome
            .problems
            .push("a committed line is lost by going on".into());
    }
    until("it can be unmounted", || disk.unmount().is_ok());
    outcome
}

/// Fills a file system up, but for so many bytes.
fn fill(filler: &Path, file_system: &Path, rest: u64) {
    let free = free(file_system);
    let mut file = File::create(filler).expect("a filler");
    let block = vec![1; 4_096];
    for _ in 0..free.saturating_sub(rest) / 4_096 {
        file.write_all(&block).expect("there is room for it");
    }
}

fn free(file_system: &Path) -> u64 {
    let statistics = rustix::fs::statvfs(file_system).expect("statistics");
    statistics.f_bavail * statistics.f_frsize
}

fn rotated(directory: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(directory).expect("the directory").flatten();
    let files = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry));
    files
        .filter(|(name, _)| name.starts_with("audit-"))
        .filter_map(|(name, entry)| Some((name, entry.metadata().ok()?.len())))
        .collect()
}

/// The leaf hashes of all lines in all files, whatever else stands there.
fn hashes(directory: &Path) -> HashSet<String> {
    let mut hashes = HashSet::new();
    for entry in fs::read_dir(directory).expect("the directory").flatten() {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        for line in bytes.split(|&byte| byte == b'\n') {
            let hash = Sha256::new()
                .chain_update([0])
                .chain_update(line)
                .finalize();
            hashes.insert(hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    hashes
}
