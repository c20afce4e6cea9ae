//! Two pumps, one for each direction. Each forwards what one read gave, as it is, and
//! looks at it first: a request is known before the server can answer it, and an
//! answer is recorded before the client can act on it. This is the pump of requests,
//! and what it has in common with that of answers (`answers.rs`).

use std::fs::File;
use std::io;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use audit_jsonl::CallEvent;
use parking_lot::Mutex;

use crate::wrap::answers::Answers;
use crate::wrap::baton::Baton;
use crate::wrap::calls::{Calls, is_call};
use crate::wrap::client::Client;
use crate::wrap::recorder::Recorder;
use crate::wrap::refusal::{Held, Verdict, answer_to};
use crate::wrap::scan::Scanner;
use crate::wrap::scan::message::{Marker, Message};
use crate::wrap::stdio;

/// What one read may give.
pub(crate) const BUFFER: usize = 64 * 1024;

/// What both pumps and the main thread share.
pub(crate) struct Proxy {
    pub(crate) calls: Mutex<Calls>,
    pub(crate) recorder: Recorder,
    pub(crate) client: Client,
    /// What the pump of answers has in hand, while it records.
    pub(crate) baton: Baton<Answers>,
    /// `None` once it is closed.
    server: Mutex<Option<ChildStdin>>,
    /// The client closed its end, or stopped reading.
    client_is_gone: AtomicBool,
    /// The client stopped reading: the server's stdin is to be closed.
    is_closing: AtomicBool,
    /// The main thread sleeps until it is woken.
    is_dozing: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
    /// The pump of answers waits for the server, since then.
    idle_since: Mutex<Option<Instant>>,
    marker: Marker,
}

impl Proxy {
    /// `wake` wakes the main thread.
    pub(crate) fn new(
        calls: Calls,
        recorder: Recorder,
        stdout: File,
        server: ChildStdin,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            calls: Mutex::new(calls),
            recorder,
            client: Client::new(stdout),
            baton: Baton::new(),
            server: Mutex::new(Some(server)),
            client_is_gone: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_dozing: AtomicBool::new(false),
            wake,
            idle_since: Mutex::new(None),
            marker: Marker::default(),
        }
    }

    /// Whether the main thread has nothing to look after. Then [`stir`](Self::stir) wakes
    /// it.
    pub(crate) fn may_doze(&self) -> bool {
        // Said first: whoever comes after the look finds it said.
        self.is_dozing.store(true, Ordering::SeqCst);
        let may_doze = self.calls.lock().is_all_answered()
            && self.baton.left().is_none()
            && self.recorder.is_at_rest();
        if !may_doze {
            self.is_dozing.store(false, Ordering::SeqCst);
        }
        may_doze
    }

    /// There is something to look after.
    pub(crate) fn stir(&self) {
        if self.is_dozing.swap(false, Ordering::SeqCst) {
            (self.wake)();
        }
    }

    pub(crate) fn client_is_gone(&self) -> bool {
        self.client_is_gone.load(Ordering::SeqCst)
    }

    /// Since when the pump of answers has had nothing to do.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        *self.idle_since.lock()
    }

    pub(crate) fn set_idle(&self, since: Option<Instant>) {
        *self.idle_since.lock() = since;
    }

    pub(crate) fn scanner(&self) -> Scanner {
        Scanner::new(self.marker.clone())
    }

    /// Has events recorded that no answer waits for.
    pub(crate) fn record(&self, events: impl IntoIterator<Item = CallEvent>) {
        for event in events {
            self.recorder.hand_in(event);
        }
    }

    fn to_server(&self, bytes: &[u8]) -> io::Result<()> {
        let mut server = self.server.lock();
        let result = match &mut *server {
            Some(server) => stdio::write_all(server, bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        drop(server);
        if self.is_closing.load(Ordering::SeqCst) {
            self.close_server();
        }
        result
    }

    fn close_server(&self) {
        *self.server.lock() = None;
    }

    /// The client reads no more: neither must the server wait for it, nor we.
    pub(crate) fn client_stopped_reading(&self) {
        self.client_is_gone.store(true, Ordering::SeqCst);
        self.is_closing.store(true, Ordering::SeqCst);
        // If the other pump is writing, it closes when it is done.
        if let Some(mut server) = self.server.try_lock() {
            *server = None;
        }
    }
}

/// Requests: from our stdin to the server's, until either is closed.
pub(crate) fn requests(proxy: &Proxy, mut stdin: File, refusals: Option<SyncSender<String>>) {
    let mut scanner = proxy.scanner();
    let mut held = refusals.map(Held::new);
    let mut buffer = vec![0; BUFFER];
    loop {
        let bytes = match stdio::read(&mut stdin, &mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => &buffer[..length],
        };
        let result = match &mut held {
            None => {
                look_at_requests(proxy, &mut scanner, bytes);
                proxy.to_server(bytes)
            }
            Some(held) => hold(proxy, &mut scanner, bytes, held),
        };
        if result.is_err() {
            // As it would see without us: nobody reads what it writes.
            return;
        }
    }
    proxy.client_is_gone.store(true, Ordering::SeqCst);
    let last = scanner.end();
    match &mut held {
        Some(held) => {
            if let Verdict::Pass = judge(proxy, last, held) {
                proxy.to_server(&held.take()).ok();
            }
        }
        None => register(proxy, last),
    }
    proxy.close_server();
}

fn look_at_requests(proxy: &Proxy, scanner: &mut Scanner, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let (length, messages) = scanner.line(bytes);
        bytes = &bytes[length..];
        register(proxy, messages.unwrap_or_else(|| scanner.complete()));
    }
}

fn register(proxy: &Proxy, messages: Vec<Message>) {
    if messages.is_empty() {
        return;
    }
    let mut calls = proxy.calls.lock();
    let events: Vec<_> = messages
        .into_iter()
        .filter_map(|message| calls.hear_client(message))
        .collect();
    drop(calls);
    proxy.record(events);
    proxy.stir();
}

/// With `refuse`: no byte of a line goes on before it is known whether it may.
fn hold(proxy: &Proxy, scanner: &mut Scanner, mut bytes: &[u8], held: &mut Held) -> io::Result<()> {
    while !bytes.is_empty() {
        let (length, messages) = scanner.line(bytes);
        let (piece, rest) = bytes.split_at(length);
        bytes = rest;
        held.add(piece);
        match messages {
            Some(messages) => {
                if let Verdict::Pass = judge(proxy, messages, held) {
                    proxy.to_server(&held.take())?;
                }
            }
            None => {
                let is_good = || proxy.recorder.is_good();
                if let Some(bytes) = held.when_long(scanner.so_far(), is_good) {
                    register(proxy, scanner.complete());
                    proxy.to_server(&bytes)?;
                }
            }
        }
    }
    Ok(())
}

/// At the end of a line: it is registered, or its calls are answered here.
fn judge(proxy: &Proxy, messages: Vec<Message>, held: &mut Held) -> Verdict {
    let has_calls = messages.iter().any(is_call);
    let verdict = held.verdict(has_calls, || proxy.recorder.is_good());
    if verdict == Verdict::Pass {
        register(proxy, messages);
        return verdict;
    }
    for message in messages.iter().filter(|message| message.method.is_some()) {
        let refused = is_call(message).then(|| proxy.calls.lock().refused(message));
        proxy.record(refused);
        if let Some(answer) = answer_to(message) {
            held.refuse(answer);
        }
    }
    proxy.stir();
    verdict
}
