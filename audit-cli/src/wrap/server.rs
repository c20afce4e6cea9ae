//! The server as a process: it starts, it gets our signals, it ends.

use std::ffi::OsString;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::exit::Failure;

/// Starts the server, with pipes for its stdin and stdout. To be called on the main
/// thread: on Linux the server ends with the thread that started it.
pub(crate) fn start(command: &[OsString]) -> Result<Child, Failure> {
    let mut starting = starting(command);
    starting.stdin(Stdio::piped()).stdout(Stdio::piped());
    starting
        .spawn()
        .map_err(|error| not_started(command, &error))
}

/// By way of ourselves: only the new process can ask for a signal at our death.
#[cfg(target_os = "linux")]
fn starting(command: &[OsString]) -> Command {
    const OURSELVES: &str = "/proc/self/exe";
    if !std::path::Path::new(OURSELVES).exists() {
        return directly(command);
    }
    let mut starting = Command::new(OURSELVES);
    starting
        .arg("__exec")
        .arg(std::process::id().to_string())
        .arg("--")
        .args(command);
    starting
}

#[cfg(not(target_os = "linux"))]
fn starting(command: &[OsString]) -> Command {
    directly(command)
}

fn directly(command: &[OsString]) -> Command {
    let mut words = command.iter();
    let mut starting = Command::new(words.next().cloned().unwrap_or_default());
    starting.args(words);
    starting
}

/// Becomes the command, once the kernel is to kill it with the process `parent`.
///
/// Only who is killed himself can't hand a signal on; so the server gets what its
/// client would have given it without a proxy.
#[cfg(target_os = "linux")]
pub(crate) fn become_server(
    parent: i32,
    command: &[OsString],
) -> Result<std::process::ExitCode, Failure> {
    use std::os::unix::process::CommandExt as _;
    use std::process::ExitCode;

    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| {
        let message = format!("can't have the server end with `audit wrap`: {error}");
        Failure::new(Failure::NOT_EXECUTABLE, message)
    })?;
    // It may have died before it was asked for.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return Ok(ExitCode::FAILURE);
    }
    Err(not_started(command, &directly(command).exec()))
}

fn not_started(command: &[OsString], error: &io::Error) -> Failure {
    let program = command.first().map(|word| word.to_string_lossy());
    let program = program.unwrap_or_default();
    if error.kind() == io::ErrorKind::NotFound {
        let message = format!("there is no command `{program}`: is it on the PATH?");
        return Failure::new(Failure::NOT_FOUND, message);
    }
    let message = format!("can't run `{program}`: {error}");
    Failure::new(Failure::NOT_EXECUTABLE, message)
}

/// Waits until the server has ended, without taking note of it: its number stays its
/// own until [`Child::wait`].
#[cfg(unix)]
pub(crate) fn wait_for_end(pid: u32) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

/// Hands a signal on. The server must not have been waited for.
#[cfg(unix)]
pub(crate) fn signal(server: &Child, number: i32) {
    use rustix::process::{Pid, Signal, kill_process};

    let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(number)) {
        // It has ended, or is another user's now: nothing to be done.
        kill_process(pid, signal).ok();
    }
}

/// How the server ended, for codes: `exit_7`, `signal_9`.
pub(crate) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal_{signal}");
    }
    match status.code() {
        Some(code) => format!("exit_{code}"),
        None => "exit".into(),
    }
}

/// Ends this process as the server ended.
pub(crate) fn end_like(status: ExitStatus) -> ! {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // The core is the server's.
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none).ok();
        signal_hook::low_level::emulate_default_handler(signal).ok();
        // Those that it knows nothing of have no handler here.
        if let Some(named) = rustix::process::Signal::from_named_raw(signal) {
            rustix::process::kill_process(rustix::process::getpid(), named).ok();
            // It may reach another thread, a moment later.
            std::thread::park_timeout(std::time::Duration::from_secs(1));
        }
        std::process::exit(128 + signal);
    }
    std::process::exit(status.code().unwrap_or(1))
}
