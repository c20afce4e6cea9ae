//! One run of a server: from its start until everything that it said has been
//! delivered and recorded.

use std::ffi::OsString;
use std::process::{Child, ChildStdout, ExitCode};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::exit::Failure;
use crate::wrap::answers::{self, Answers};
use crate::wrap::calls::{Calls, GRACE};
use crate::wrap::outcome::code;
use crate::wrap::pump::{self, Proxy};
use crate::wrap::recorder::Recorder;
use crate::wrap::{no_thread, server, stdio};

/// After the server's end, somebody else may hold its stdout open. If nothing comes
/// for so long, nothing is waited for.
const DRAIN: Duration = Duration::from_millis(250);

/// However much comes.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// Clients kill two seconds after they have sent a signal. By then what was open is
/// in the log.
const AFTER_SIGNAL: Duration = Duration::from_millis(1200);

/// How long the log may take to be closed.
const CLOSING: Duration = Duration::from_secs(3);

/// Answers of our own that wait for the client to read.
const MOST_REFUSALS: usize = 1024;

enum Event {
    #[cfg_attr(windows, expect(dead_code, reason = "the main thread looks itself"))]
    ServerEnded,
    AnswersEnded,
    /// There is something to look after again.
    Stirred,
    /// Of the numbers on Unix.
    #[cfg_attr(windows, expect(dead_code, reason = "there are no signals"))]
    Signal(i32),
}

pub(crate) struct Session {
    proxy: Arc<Proxy>,
    server: Child,
    events: Receiver<Event>,
}

impl Session {
    /// To be called on the main thread, which must live as long as the process.
    pub(crate) fn start(
        command: &[OsString],
        calls: Calls,
        recorder: Recorder,
        refuses: bool,
    ) -> Result<Self, Failure> {
        let (tell, events) = channel();
        // Before there is a server, so that no signal is missed.
        take_signals(&tell)?;
        let (stdin, stdout) = stdio::take().map_err(|error| {
            let message = format!("can't use stdin and stdout: {error}");
            Failure::new(Failure::NOT_EXECUTABLE, message)
        })?;
        let mut server = server::start(command)?;
        let (Some(to_server), Some(from_server)) = (server.stdin.take(), server.stdout.take())
        else {
            return Err(Failure::new(
                Failure::NOT_EXECUTABLE,
                "the server has no pipes",
            ));
        };
        let wake = {
            let tell = tell.clone();
            // The main thread may be past that.
            Box::new(move || drop(tell.send(Event::Stirred)))
        };
        let proxy = Arc::new(Proxy::new(calls, recorder, stdout, to_server, wake));
        let refusals = refuses.then(|| sync_channel::<String>(MOST_REFUSALS));
        let (refuse, refused) = refusals.unzip();
        if let Some(refused) = refused {
            let proxy = Arc::clone(&proxy);
            spawn("audit-refusals", move || {
                for answer in refused {
                    proxy.client.answer(answer.as_bytes());
                }
            })?;
        }
        spawn("audit-requests", {
            let proxy = Arc::clone(&proxy);
            move || pump::requests(&proxy, stdin, refuse)
        })?;
        pump_answers(&proxy, from_server, &tell)?;
        wait_for(&server, tell)?;
        Ok(Self {
            proxy,
            server,
            events,
        })
    }

    /// Until the server has ended; then ends this process as the server ended.
    pub(crate) fn run(mut self) -> Result<ExitCode, Failure> {
        let mut answers_ended = false;
        let mut stopping = None;
        let mut signalled = None;
        loop {
            match self.next_event(stopping.is_some()) {
                Ok(Event::ServerEnded) => break,
                Ok(Event::Stirred) => {}
                Ok(Event::AnswersEnded) => answers_ended = true,
                Ok(Event::Signal(number)) => {
                    self.hand_on(number);
                    if asks_to_end(number) {
                        stopping.get_or_insert_with(Instant::now);
                        signalled.get_or_insert_with(Instant::now);
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.has_ended() => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let overdue = self.proxy.calls.lock().overdue(Instant::now());
            self.proxy.record(overdue);
            self.proxy.recorder.sync_if_due();
            if stopping.is_some_and(|since: Instant| since.elapsed() >= AFTER_SIGNAL) {
                self.end_calls(code::STOPPED);
                stopping = None;
            }
        }
        let mut was_stopped = stopping.is_some();
        if !answers_ended {
            was_stopped |= self.drain(signalled);
        }
        let status = self.server.wait().map_err(|error| {
            Failure::new(
                Failure::NOT_EXECUTABLE,
                format!("can't wait for the server: {error}"),
            )
        })?;
        if was_stopped {
            self.end_calls(code::STOPPED);
        } else if self.proxy.client_is_gone() {
            self.end_calls(code::CLIENT_GONE);
        } else {
            self.end_calls(&format!("server_{}", server::describe(status)));
        }
        self.proxy.recorder.close(CLOSING);
        server::end_like(status)
    }

    /// What happens next, or that it is time to look whether something takes too long.
    fn next_event(&self, is_stopping: bool) -> Result<Event, RecvTimeoutError> {
        let look = answers::look_after(&self.proxy, GRACE / 4);
        // Elsewhere nobody tells that the server has ended.
        if cfg!(unix) && !is_stopping && self.proxy.may_doze() {
            return self.events.recv().map_err(RecvTimeoutError::from);
        }
        self.events.recv_timeout(look)
    }

    /// What the server wrote before it ended is still on its way. Whether we were
    /// asked to end meanwhile; then a client that doesn't read is not waited for.
    fn drain(&self, mut signalled: Option<Instant>) -> bool {
        let began = Instant::now();
        let deadline = began + LONGEST_DRAIN;
        let mut was_asked = false;
        loop {
            if signalled.is_some_and(|since| since.elapsed() >= AFTER_SIGNAL)
                && began.elapsed() >= DRAIN
            {
                return was_asked;
            }
            let idle = self.proxy.idle_since();
            let idle_for = idle.map_or(Duration::ZERO, |since| since.elapsed());
            // While the client takes its time to read, nothing is late.
            if idle_for >= DRAIN || idle.is_some() && Instant::now() >= deadline {
                return was_asked;
            }
            let look = answers::look_after(&self.proxy, (DRAIN - idle_for).min(DRAIN / 5));
            let soon = Instant::now() + look;
            while let Some(left) = soon.checked_duration_since(Instant::now()) {
                match self.events.recv_timeout(left) {
                    Ok(Event::AnswersEnded) | Err(RecvTimeoutError::Disconnected) => {
                        return was_asked;
                    }
                    Ok(Event::Signal(_)) => {
                        was_asked = true;
                        signalled.get_or_insert_with(Instant::now);
                    }
                    Ok(Event::ServerEnded | Event::Stirred) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
        }
    }

    /// Where no thread tells of it.
    #[cfg(not(unix))]
    fn has_ended(&mut self) -> bool {
        matches!(self.server.try_wait(), Ok(Some(_)))
    }

    #[cfg(unix)]
    fn has_ended(&mut self) -> bool {
        false
    }

    fn end_calls(&self, code: &str) {
        let events = self.proxy.calls.lock().end(code);
        self.proxy.record(events);
    }

    fn hand_on(&self, number: i32) {
        #[cfg(unix)]
        server::signal(&self.server, number);
        #[cfg(not(unix))]
        let _ = number;
    }
}

fn pump_answers(
    proxy: &Arc<Proxy>,
    from_server: ChildStdout,
    tell: &Sender<Event>,
) -> Result<(), Failure> {
    let proxy = Arc::clone(proxy);
    let tell = tell.clone();
    let at_end = Box::new(move || {
        // The main thread may be past that.
        tell.send(Event::AnswersEnded).ok();
    });
    let answers = Box::new(Answers::new(&proxy, from_server, at_end));
    spawn("audit-answers", move || answers.pump(&proxy))
}

#[cfg(unix)]
fn wait_for(server: &Child, tell: Sender<Event>) -> Result<(), Failure> {
    let pid = server.id();
    spawn("audit-wait", move || {
        server::wait_for_end(pid);
        tell.send(Event::ServerEnded).ok();
    })
}

/// The main thread looks by itself, now and then.
#[cfg(not(unix))]
fn wait_for(_server: &Child, tell: Sender<Event>) -> Result<(), Failure> {
    // Without a sender there would be nothing to wait for.
    spawn("audit-wait", move || {
        let _tell = tell;
        loop {
            thread::park();
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map(drop).map_err(no_thread)
}

/// Others may mean anything: calls go on.
#[cfg(unix)]
fn asks_to_end(number: i32) -> bool {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    [SIGHUP, SIGINT, SIGQUIT, SIGTERM].contains(&number)
}

#[cfg(not(unix))]
fn asks_to_end(_number: i32) -> bool {
    true
}

/// Has the signals that ask a program to end, or mean what it likes, come to us, but
/// for those that are ignored.
#[cfg(unix)]
fn take_signals(tell: &Sender<Event>) -> Result<(), Failure> {
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

    let ignored = ignored_signals();
    let numbers = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];
    let numbers = numbers
        .into_iter()
        .filter(|number| ignored >> (number - 1) & 1 == 0);
    let no_signals = |error| {
        let message = format!("can't take signals: {error}");
        Failure::new(Failure::NOT_EXECUTABLE, message)
    };
    let mut signals = signal_hook::iterator::Signals::new(numbers).map_err(no_signals)?;
    // Where it is ignored, the kernel tells nobody how a process ended.
    let noted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGCHLD, noted).map_err(no_signals)?;
    let tell = tell.clone();
    spawn("audit-signals", move || {
        for number in signals.forever() {
            if tell.send(Event::Signal(number)).is_err() {
                return;
            }
        }
    })
}

/// A bit for each signal that whoever started us has ignored, as `nohup` does, and
/// that the server is to ignore too.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(windows)]
fn take_signals(_tell: &Sender<Event>) -> Result<(), Failure> {
    Ok(())
}
