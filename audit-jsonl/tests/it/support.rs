//! What the tests have in common.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{
    AuditSink, Builder, CallEvent, Counters, FlushError, JsonLinesAuditSink, Outcome,
};
use audit_testkit::{DEADLINE, Faults, FaultyWriter, Gate, SharedBuf, gate};

/// An event that is told from others by a number.
pub(crate) fn event(number: u64) -> CallEvent {
    let ts = "2026-11-20T09:30:00.000000Z";
    CallEvent::new(
        ts,
        number.to_string(),
        "files:read",
        3,
        Outcome::Success,
        "hot",
    )
}

/// An event whose line has exactly so many bytes, its line feed included.
#[track_caller]
pub(crate) fn event_of(number: u64, bytes: usize) -> CallEvent {
    let mut event = event(number);
    let least = line_of(&event).len();
    assert!(bytes >= least, "no event is as short as {bytes} bytes");
    event.tool_id += &"x".repeat(bytes - least);
    event
}

/// The line of an event, its line feed included.
pub(crate) fn line_of(event: &CallEvent) -> String {
    serde_json::to_string(event).unwrap() + "\n"
}

/// The lines of such events.
pub(crate) fn lines_of(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers
        .into_iter()
        .map(|number| line_of(&event(number)))
        .collect()
}

/// The numbers of the events in a text, whose every line must be a whole one.
#[track_caller]
pub(crate) fn numbers(text: &str) -> Vec<u64> {
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "an unfinished line: {text:?}"
    );
    text.split_terminator('\n')
        .map(|line| match serde_json::from_str::<CallEvent>(line) {
            Ok(event) => number_of(&event),
            Err(error) => panic!("{error}: {line:?}"),
        })
        .collect()
}

pub(crate) fn number_of(event: &CallEvent) -> u64 {
    event.call_id.parse().unwrap()
}

/// Waits for what nothing tells of.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < DEADLINE,
            "waited {DEADLINE:?} until {what}"
        );
        // What it waits for wakes nobody, so it has to look again and again.
        thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
pub(crate) fn assert_adds_up(counters: Counters) {
    let parts = [
        counters.written,
        counters.dropped,
        counters.fallen_back,
        counters.queued,
    ];
    assert_eq!(counters.offered, parts.iter().sum::<u64>(), "{counters}");
}

/// Waits until the fate of every event is decided. It may have been before, so
/// whether some were lost is told by [`fates`] alone.
#[track_caller]
pub(crate) fn settle(sink: &JsonLinesAuditSink) {
    match sink.flush(DEADLINE) {
        Ok(()) | Err(FlushError::Lost { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Written, dropped, fallen back, queued.
#[track_caller]
pub(crate) fn fates(sink: &JsonLinesAuditSink) -> (u64, u64, u64, u64) {
    let now = sink.counters();
    assert_adds_up(now);
    (now.written, now.dropped, now.fallen_back, now.queued)
}

/// A sink whose writes wait at a gate, which is closed at first.
pub(crate) struct Gated {
    // First, for it opens when it is dropped: a failing test ends at once.
    pub(crate) gate: Gate,
    pub(crate) sink: Arc<JsonLinesAuditSink>,
    pub(crate) buf: SharedBuf,
}

impl Gated {
    pub(crate) fn new(builder: Builder) -> Self {
        let buf = SharedBuf::new();
        Self::over(builder, buf.clone(), buf)
    }

    pub(crate) fn over(
        builder: Builder,
        writer: impl Write + Send + 'static,
        buf: SharedBuf,
    ) -> Self {
        let (gate, writer) = gate::pair(writer);
        let sink = Arc::new(builder.build(Box::new(writer)).unwrap());
        Self { gate, sink, buf }
    }

    #[track_caller]
    pub(crate) fn call(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.sink.on_call(&event(number));
        }
    }

    #[track_caller]
    pub(crate) fn wait_until_stuck(&self) {
        self.gate.wait_until_blocked(DEADLINE);
    }
}

/// A sink whose destination fails by a script.
pub(crate) struct Faulty {
    pub(crate) sink: JsonLinesAuditSink,
    pub(crate) faults: Faults,
    pub(crate) buf: SharedBuf,
}

impl Faulty {
    pub(crate) fn new(
        builder: Builder,
        script: impl FnOnce(FaultyWriter<SharedBuf>) -> FaultyWriter<SharedBuf>,
    ) -> Self {
        let buf = SharedBuf::new();
        let writer = script(FaultyWriter::new(buf.clone()));
        let faults = writer.handle();
        let sink = builder.build(Box::new(writer)).unwrap();
        Self { sink, faults, buf }
    }

    pub(crate) fn call(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.sink.on_call(&event(number));
        }
    }
}

/// A sink that gets all its events in one segment of the queue: the first one,
/// which no script sees, is held back until the others are there.
pub(crate) struct AtOnce {
    pub(crate) sink: JsonLinesAuditSink,
    pub(crate) faults: Faults,
    pub(crate) buf: SharedBuf,
}

impl AtOnce {
    pub(crate) fn new(
        builder: Builder,
        script: impl FnOnce(FaultyWriter<SharedBuf>) -> FaultyWriter<SharedBuf>,
        events: u64,
    ) -> Self {
        let buf = SharedBuf::new();
        let inner = script(FaultyWriter::new(buf.clone()));
        let faults = inner.handle();
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let writer = HoldsFirst {
            hold: Some((begun, may_go_on)),
            flushed: false,
            inner,
        };
        let sink = builder.build(Box::new(writer)).unwrap();
        sink.on_call(&event(u64::MAX));
        has_begun.recv().unwrap();
        for number in 0..events {
            sink.on_call(&event(number));
        }
        go_on.send(()).unwrap();
        Self { sink, faults, buf }
    }

    pub(crate) fn call(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.sink.on_call(&event(number));
        }
    }

    /// Those of all events but the first.
    #[track_caller]
    pub(crate) fn fates(&self) -> (u64, u64, u64, u64) {
        let (written, dropped, fallen_back, queued) = fates(&self.sink);
        (written - 1, dropped, fallen_back, queued)
    }

    pub(crate) fn bytes_written(&self) -> u64 {
        let first = line_of(&event(u64::MAX)).len();
        self.sink.counters().bytes_written - first as u64
    }
}

/// Swallows the first write and the first flush, and takes its time for it.
struct HoldsFirst<W> {
    hold: Option<(Sender<()>, Receiver<()>)>,
    flushed: bool,
    inner: W,
}

impl<W: Write> Write for HoldsFirst<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.hold.take() {
            None => self.inner.write(bytes),
            Some((begun, may_go_on)) => {
                begun.send(()).ok();
                may_go_on.recv().ok();
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.flushed {
            return self.inner.flush();
        }
        self.flushed = true;
        Ok(())
    }
}

/// Set when it is dropped, so that the one who looks stops on a panic too.
pub(crate) struct SetAtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A directory of one's own, gone at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("audit-jsonl-{}-{nth}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A named pipe.
#[cfg(unix)]
pub(crate) fn fifo(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("fifo");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[cfg(target_os = "linux")]
pub(crate) use self::linux::Caller;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::thread::{self, JoinHandle};

    use super::until;

    /// A call on a thread of its own, which can be seen to wait.
    pub(crate) struct Caller<R = ()> {
        thread: JoinHandle<R>,
        task: PathBuf,
    }

    impl<R: Send + 'static> Caller<R> {
        /// Makes the call, and returns once it waits, or has waited already.
        #[track_caller]
        pub(crate) fn waiting(work: impl FnOnce() -> R + Send + 'static) -> Self {
            let (tell, told) = mpsc::channel();
            let thread = thread::spawn(move || {
                tell.send(fs::read_link("/proc/thread-self").unwrap())
                    .unwrap();
                drop(tell);
                work()
            });
            let task = Path::new("/proc").join(told.recv().unwrap());
            let caller = Self { thread, task };
            caller.wait_until_asleep();
            caller
        }

        /// A lock that is taken for a moment can put a thread to sleep as well,
        /// but it doesn't sleep on then.
        #[track_caller]
        fn wait_until_asleep(&self) {
            let (mut last, mut times) = (None, 0);
            until("the caller waits", || {
                let now = sleep_of(&self.task);
                times = if now == last && now.is_some() {
                    times + 1
                } else {
                    0
                };
                last = now;
                times == 3 || self.thread.is_finished()
            });
        }

        #[track_caller]
        pub(crate) fn join(self) -> R {
            match self.thread.join() {
                Ok(result) => result,
                Err(payload) => std::panic::resume_unwind(payload),
            }
        }
    }

    /// While the thread sleeps, how often it went to sleep.
    fn sleep_of(task: &Path) -> Option<String> {
        let status = fs::read_to_string(task.join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            Some(line[name.len()..].trim().to_owned())
        };
        let asleep = field("State:")?.starts_with('S');
        field("voluntary_ctxt_switches:").filter(|_| asleep)
    }
}

/// A command that runs this test alone in a process of its own; `None` in that
/// process.
pub(crate) fn child(test: &str) -> Option<Command> {
    const ROLE: &str = "AUDIT_JSONL_CHILD";
    if std::env::var_os(ROLE).is_some() {
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .env("RUST_BACKTRACE", "0");
    Some(command)
}

/// What such a process said, which must have succeeded.
#[track_caller]
pub(crate) fn output_of(child: Command) -> (String, String) {
    let (status, stdout, stderr) = end_of(child);
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// How such a process ended, and what it said. One that hangs is ended.
#[track_caller]
pub(crate) fn end_of(mut command: Command) -> (ExitStatus, String, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let read = |stream: &mut dyn Read| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    thread::scope(|scope| {
        let stdout = scope.spawn(|| read(&mut stdout));
        let stderr = scope.spawn(|| read(&mut stderr));
        let begun = Instant::now();
        let mut hangs = false;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if !hangs && begun.elapsed() > DEADLINE {
                hangs = true;
                child.kill().unwrap();
            }
            // A child's end can't be waited for with a deadline.
            thread::sleep(Duration::from_millis(2));
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        assert!(
            !hangs,
            "it didn't end within {DEADLINE:?}\n{stdout}\n{stderr}"
        );
        (status, stdout, stderr)
    })
}
