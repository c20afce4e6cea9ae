//! Our own stdin and stdout as files: without a buffer, and closed when dropped.

use std::fs::File;
use std::io;

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
