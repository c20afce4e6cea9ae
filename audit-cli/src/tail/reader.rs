//! Whoever reads what is printed.

/// Whether stdout is a pipe that nobody reads any more: whoever only writes finds
/// out with the next line, which may never come.
#[cfg(unix)]
pub(super) fn has_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = std::io::stdout();
    let mut stdout = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut stdout, Some(&at_once)).is_ok() && stdout[0].revents().contains(PollFlags::ERR)
}

#[cfg(not(unix))]
pub(super) fn has_gone() -> bool {
    false
}
