//! How much memory this process holds, as the kernel counts it.

use std::fs;

/// What is held now.
pub(crate) fn held_kib() -> Option<u64> {
    status("VmRSS:")
}

/// The most that was held since the process began, or since `forget_peak`.
pub(crate) fn peak_kib() -> Option<u64> {
    status("VmHWM:")
}

/// From here on the most that is held is counted anew, where the kernel allows that;
/// where not, it is only ever too high.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").ok();
}

fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
