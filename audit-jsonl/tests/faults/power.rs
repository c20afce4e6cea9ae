//! Power cuts: the file system is shut down under a log that is being written,
//! unmounted, and mounted again.
//!
//! What was acknowledged as synced is there, the chain is whole, what is gone is
//! told, and nothing is called damaged. The machine stays the same, so the head
//! file is made to look as if another start of it had written it.
//!
//! What is acknowledged while the file system is being shut down doesn't count: on
//! ext4 `fdatasync` then says to any program that all is well when it is not.
//!
//! - `AUDIT_FAULTS_CUTS`: how many cuts on each of ext4 and xfs; 20 by default.
//! - `AUDIT_FAULTS_SEED`: 1 by default.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, BackpressureStrategy, Durability, JsonLinesAuditSink};
use audit_testkit::DEADLINE;

use crate::calls::{go_on, kept};
use crate::checker::check;
use crate::head::{Head, path_of};
use crate::mounts::{Mount, can_mount};
use crate::tools::{Directory, Numbers, can, event, none_of, run, say, setting, tally, until};

/// The log is begun anew after so many cuts.
const CUTS_OF_A_LOG: u64 = 8;

#[test]
fn power_cuts_on_ext4() {
    power_cuts(
        "power_cuts_on_ext4",
        ("mkfs.ext4", "e2fsprogs"),
        &["-q", "-F"],
    );
}

#[test]
fn power_cuts_on_xfs() {
    power_cuts("power_cuts_on_xfs", ("mkfs.xfs", "xfsprogs"), &["-q", "-f"]);
}

fn power_cuts(test: &str, make: (&str, &str), options: &[&str]) {
    let tools = [make, ("xfs_io", "xfsprogs"), ("losetup", "mount")];
    if !can_mount(test) || !can(test, true, &tools) {
        return;
    }
    let place = Directory::new();
    let image = place.path().join("image");
    File::create(&image)
        .and_then(|file| file.set_len(400 << 20))
        .expect("an image");
    let name = image.display().to_string();
    let arguments: Vec<&str> = options.iter().copied().chain([name.as_str()]).collect();
    run(make.0, &arguments).expect("a file system");
    let disk = Mount::image(&image);
    let cuts = setting("AUDIT_FAULTS_CUTS", 20);
    let mut numbers = Numbers::new(setting("AUDIT_FAULTS_SEED", 1));
    let mut seen = Seen::default();
    let mut acknowledged = Vec::new();
    let mut problems = Vec::new();
    for cut in 0..cuts {
        let directory = disk.path().join(format!("{}", cut / CUTS_OF_A_LOG));
        if cut % CUTS_OF_A_LOG == 0 {
            acknowledged.clear();
            fs::create_dir(&directory).expect("a directory");
            File::open(disk.path())
                .and_then(|file| file.sync_all())
                .expect("it is durable");
        }
        let log = directory.join("audit.jsonl");
        let more = write_until_cut(disk.path(), &log, cut, &mut numbers);
        seen.acknowledged += more.len() as u64;
        acknowledged.extend(more);
        until("it can be unmounted", || disk.unmount().is_ok());
        disk.mount_again(&image);
        seen.look_at(&log);
        if let Some(head) = Head::read(&log) {
            head.of_another_boot().write(&log);
        }
        let mut wrong = Vec::new();
        wrong.extend(go_on(&log).err());
        let found = check(&log);
        wrong.extend(found.wrong());
        wrong.extend(found.unfinished.clone());
        wrong.extend(kept(&acknowledged, &found));
        seen.gone += found.gone;
        problems.extend(
            wrong
                .iter()
                .map(|problem| format!("{test}, cut {cut}: {problem}")),
        );
        if !wrong.is_empty() {
            break;
        }
    }
    say(&format!(
        "{test}: {cuts} cuts, {seen:?}, {} problems",
        problems.len()
    ));
    tally(cuts, seen.acknowledged, &problems);
    none_of(&problems, test);
}

/// What the cuts left.
#[derive(Debug, Default)]
struct Seen {
    nul_tails: u64,
    /// With lines after them.
    nul_holes: u64,
    half_lines: u64,
    no_head: u64,
    no_log: u64,
    gone: u64,
    acknowledged: u64,
}

impl Seen {
    fn look_at(&mut self, log: &Path) {
        let bytes = fs::read(log).unwrap_or_default();
        self.no_log += u64::from(!log.exists());
        self.no_head += u64::from(Head::read(log).is_none());
        let tail = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0);
        self.nul_holes += u64::from(bytes[..tail].contains(&0));
        match bytes.last() {
            Some(0) => self.nul_tails += 1,
            Some(b'\n') | None => {}
            Some(_) => self.half_lines += 1,
        }
    }
}

/// Writes from several threads until the power goes after some acknowledgement;
/// what was acknowledged before.
fn write_until_cut(disk: &Path, log: &Path, cut: u64, numbers: &mut Numbers) -> Vec<String> {
    let each_batch = cut % 2 == 1;
    let durability = if each_batch {
        Durability::EveryBatch
    } else {
        Durability::Written
    };
    let builder = JsonLinesAuditSink::builder().strategy(BackpressureStrategy::Block);
    let builder = builder.block_timeout(Duration::from_millis(100)).path(log);
    let sink = builder
        .durability(durability)
        .rotate_at_bytes(65_536)
        .open();
    let sink = sink.expect("a log");
    let count = AtomicU64::new(0);
    let wanted = 1 + numbers.below(40);
    let flush = numbers.below(4) == 0;
    let seeds: Vec<u64> = (0..3).map(|_| numbers.below(u64::MAX)).collect();
    let head = path_of(log);
    let acknowledged = thread::scope(|scope| {
        let workers: Vec<_> = seeds
            .iter()
            .enumerate()
            .map(|(worker, &seed)| {
                let (sink, count, head) = (&sink, &count, &head);
                scope.spawn(move || {
                    let name = format!("{cut}-{worker}");
                    write(sink, head, &name, Numbers::new(seed), each_batch, count)
                })
            })
            .collect();
        until("enough is acknowledged", || {
            count.load(Ordering::Relaxed) >= wanted
        });
        let how = if flush { "shutdown -f" } else { "shutdown" };
        let place = disk.display().to_string();
        let cut_at = Instant::now();
        run("xfs_io", &["-x", "-c", how, &place]).expect("the power goes");
        let workers = workers.into_iter();
        let all = workers.flat_map(|worker| worker.join().expect("a worker"));
        let in_time = all.filter(|(_, at)| *at < cut_at);
        in_time.map(|(id, _)| id).collect()
    });
    // Nothing can be written any more.
    drop(sink.close(Duration::from_millis(1)));
    acknowledged
}

/// Writes until nothing is acknowledged any more.
fn write(
    sink: &JsonLinesAuditSink,
    head: &Path,
    name: &str,
    mut numbers: Numbers,
    each_batch: bool,
    count: &AtomicU64,
) -> Vec<(String, Instant)> {
    let mut acknowledged = Vec::new();
    for number in 0_u64.. {
        let id = format!("{name}-{number:05}");
        let event = event(&id, numbers.below(6_000) as usize);
        let is_synced = if each_batch {
            let drops = sink.drops();
            sink.on_call(&event);
            sink.flush(DEADLINE).is_ok() && sink.drops() == drops
        } else if numbers.below(3) > 0 {
            sink.on_call(&event);
            if numbers.below(8) == 0 {
                // The head may be on disk before the lines.
                drop(File::open(head).and_then(|head| head.sync_all()));
            }
            sink.drops() == 0
        } else {
            sink.commit(&event, DEADLINE).is_ok_and(|_| {
                acknowledged.push((id.clone(), Instant::now()));
                count.fetch_add(1, Ordering::Relaxed);
                true
            })
        };
        if !is_synced {
            break;
        }
        if each_batch {
            acknowledged.push((id, Instant::now()));
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    acknowledged
}
