//! What the machine says about itself and about us.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// What reading the clock before and after a call adds to it, in nanoseconds.
pub(crate) fn clock_cost() -> u32 {
    let mut costs: Vec<u32> = (0..100_000)
        .map(|_| {
            let before = Instant::now();
            before.elapsed().as_nanos() as u32
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

/// The processor time that this process has used, all its threads together.
#[cfg(target_os = "linux")]
pub(crate) fn processor_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_time() -> Option<Duration> {
    None
}

/// An error when the directory is in memory, where writing costs next to nothing.
#[cfg(target_os = "linux")]
pub(crate) fn must_be_a_disk(directory: &Path) -> io::Result<()> {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58F6;
    let kind = rustix::fs::statfs(directory)?.f_type as u64;
    if kind == TMPFS || kind == RAMFS {
        let message = format!("{}: in memory, not on a disk", directory.display());
        return Err(io::Error::other(message));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn must_be_a_disk(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What is free on the disk that a file is on.
#[cfg(target_os = "linux")]
pub(crate) fn free_bytes(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file.parent()?).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Tasks that were ready to run of late: 1, 5 and 15 minutes.
pub(crate) fn load_average() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let averages: Vec<&str> = text.split_whitespace().take(3).collect();
    Some(averages.join(" "))
}

/// Processor time since the machine started, over all its processors, in
/// hundredths of a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) total: u64,
    pub(crate) idle: u64,
    /// Taken by other virtual machines.
    pub(crate) stolen: u64,
}

impl Usage {
    pub(crate) fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let columns: Vec<u64> = text
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .map_while(|column| column.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal
        let &[user, nice, system, idle, waiting, irq, softirq, stolen, ..] = &columns[..] else {
            return None;
        };
        Some(Self {
            total: user + nice + system + idle + waiting + irq + softirq + stolen,
            idle: idle + waiting,
            stolen,
        })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            total: self.total - before.total,
            idle: self.idle - before.idle,
            stolen: self.stolen - before.stolen,
        }
    }
}
