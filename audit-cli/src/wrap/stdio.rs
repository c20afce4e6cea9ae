//! Our own stdin and stdout as files: without a buffer, and closed when dropped.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as Handle;
#[cfg(windows)]
pub(crate) use std::os::windows::io::AsHandle as Handle;

/// Takes them both. From now on nothing else holds the client's ends, so that it
/// sees it when they are closed.
#[cfg(unix)]
pub(crate) fn take() -> io::Result<(File, File)> {
    use std::os::fd::AsFd as _;

    let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((stdin, stdout))
}

/// Takes them both. The client sees that they are closed when the process ends.
#[cfg(windows)]
pub(crate) fn take() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle as _;

    let stdin = File::from(io::stdin().as_handle().try_clone_to_owned()?);
    let stdout = File::from(io::stdout().as_handle().try_clone_to_owned()?);
    Ok((stdin, stdout))
}

#[derive(Debug, Clone, Copy)]
enum Way {
    In,
    Out,
}

/// What one read gives. Somebody who shares a pipe may have made it non-blocking: that
/// is no end.
pub(crate) fn read(from: &mut (impl Read + Handle), buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for(from, Way::In)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether a read gives something at once, be that an end or an error.
#[cfg(unix)]
pub(crate) fn is_readable(pipe: &impl Handle) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let ready = poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&at_once));
    ready != Ok(0)
}

/// It isn't known there: the read finds out.
#[cfg(windows)]
pub(crate) fn is_readable(_pipe: &impl Handle) -> bool {
    true
}

/// Writes all, also to who takes nothing just now.
pub(crate) fn write_all(to: &mut (impl Write + Handle), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for(to, Way::Out)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Until a pipe that said it would block does so no more.
#[cfg(unix)]
fn wait_for(pipe: &impl Handle, way: Way) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    let flags = match way {
        Way::In => PollFlags::IN,
        Way::Out => PollFlags::OUT,
    };
    match poll(&mut [PollFd::new(pipe, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Pipes do block there.
#[cfg(windows)]
fn wait_for(_pipe: &impl Handle, _way: Way) -> io::Result<()> {
    Err(ErrorKind::WouldBlock.into())
}
