//! Answers: from the server's stdout to ours, until either is closed. What one read gave
//! is looked at, then the calls that it ends are recorded, then it goes on as it is.
//!
//! The thread that does this records too: to have another do it would cost an answer two
//! wake-ups. For the case that recording hangs, it leaves all that it has for the main
//! thread to find, which has another thread go on.

use std::collections::VecDeque;
use std::fmt;
use std::process::ChildStdout;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::CallEvent;

use crate::wrap::pump::{BUFFER, Proxy};
use crate::wrap::scan::Scanner;
use crate::wrap::scan::message::Message;
use crate::wrap::stdio;
use crate::wrap::watch::Watch;

/// All that the pump has in hand between two steps.
pub(crate) struct Answers {
    server: ChildStdout,
    watch: Watch,
    scanner: Scanner,
    buffer: Vec<u8>,
    /// So many bytes are there to be passed on, and so many of them are looked at.
    filled: usize,
    seen: usize,
    /// To be recorded before anything goes on.
    events: VecDeque<CallEvent>,
    /// There is nothing more to read, or nobody to read it for.
    is_over: bool,
    at_end: Box<dyn FnOnce() + Send>,
}

impl Answers {
    pub(crate) fn new(
        proxy: &Proxy,
        server: ChildStdout,
        at_end: Box<dyn FnOnce() + Send>,
    ) -> Self {
        Self {
            server,
            watch: Watch::new(),
            scanner: proxy.scanner(),
            buffer: vec![0; BUFFER],
            filled: 0,
            seen: 0,
            events: VecDeque::new(),
            is_over: false,
            at_end,
        }
    }

    /// Goes on from any step until the end, or until another thread does.
    pub(crate) fn pump(mut self: Box<Self>, proxy: &Proxy) {
        loop {
            while let Some(event) = self.events.pop_front() {
                match record(self, proxy, event) {
                    Some(answers) => self = answers,
                    None => return,
                }
            }
            if self.seen < self.filled {
                self.look(proxy);
            } else if self.filled > 0 {
                self.pass(proxy);
            } else if !self.is_over {
                self.read(proxy);
            } else {
                break;
            }
        }
        proxy.client.close();
        (self.at_end)();
    }

    fn read(&mut self, proxy: &Proxy) {
        let began = Instant::now();
        proxy.set_idle(Some(began));
        self.watch.look_out(|| stdio::is_readable(&self.server));
        let length = stdio::read(&mut self.server, &mut self.buffer);
        self.watch.note(began.elapsed());
        proxy.set_idle(None);
        match length {
            Ok(0) | Err(_) => self.end(proxy),
            Ok(length) => self.filled = length,
        }
    }

    /// At a line, or the rest of what was read.
    fn look(&mut self, proxy: &Proxy) {
        let (length, messages) = self.scanner.line(&self.buffer[self.seen..self.filled]);
        self.seen += length;
        let messages = messages.unwrap_or_else(|| self.scanner.complete());
        self.conclude(proxy, messages);
    }

    fn pass(&mut self, proxy: &Proxy) {
        let passed = proxy.client.pass(&self.buffer[..self.filled]);
        self.filled = 0;
        self.seen = 0;
        if passed.is_err() {
            proxy.client_stopped_reading();
            self.end(proxy);
        }
    }

    fn end(&mut self, proxy: &Proxy) {
        self.is_over = true;
        let messages = self.scanner.end();
        self.conclude(proxy, messages);
    }

    fn conclude(&mut self, proxy: &Proxy, messages: Vec<Message>) {
        for message in messages {
            self.events.extend(proxy.calls.lock().hear_server(message));
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// Records an event. `None` when that took so long that another thread goes on.
fn record(answers: Box<Answers>, proxy: &Proxy, event: CallEvent) -> Option<Box<Answers>> {
    let recorder = &proxy.recorder;
    let back = proxy.baton.leave_during(answers, || {
        // If the main thread found nothing just before, it is to look again.
        proxy.stir();
        recorder.write(event);
    });
    if back.is_none() {
        recorder.is_stuck_no_more();
    }
    back
}

/// Has another thread go on when recording hangs. When to look again, at most `pause`
/// from now.
pub(crate) fn look_after(proxy: &Arc<Proxy>, pause: Duration) -> Duration {
    let Some(left) = proxy.baton.left() else {
        return pause;
    };
    let rest = proxy
        .recorder
        .patience()
        .saturating_sub(left.since.elapsed());
    if !rest.is_zero() {
        return rest.min(pause);
    }
    let go_on = {
        let proxy = Arc::clone(proxy);
        move || {
            // Before it is taken, so that whoever comes back finds it said.
            proxy.recorder.is_stuck();
            match proxy.baton.take(left) {
                Some(answers) => answers.pump(&proxy),
                // It came back in the meantime.
                None => proxy.recorder.is_stuck_no_more(),
            }
        }
    };
    let thread = thread::Builder::new().name("audit-answers".into());
    // Without a thread it stays where it is, until the next look.
    thread.spawn(go_on).ok();
    pause
}
