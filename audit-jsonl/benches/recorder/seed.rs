use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use audit_jsonl::{AuditSink, CallEvent};

/// What existing recorders of tool calls do: a clone of the event goes through a
/// channel to a thread that serialises, writes and flushes one line at a time.
pub(crate) struct SeedSink {
    sender: SyncSender<CallEvent>,
    thread: JoinHandle<()>,
    blocks: bool,
    drops: AtomicU64,
}

impl SeedSink {
    /// When the channel is full, a caller waits, or else the event is dropped.
    pub(crate) fn new(mut writer: Box<dyn Write + Send>, capacity: usize, blocks: bool) -> Self {
        let (sender, receiver) = sync_channel::<CallEvent>(capacity);
        let thread = thread::spawn(move || {
            while let Ok(event) = receiver.recv() {
                let mut line = serde_json::to_vec(&event).expect("an event is always JSON");
                line.push(b'\n');
                writer.write_all(&line).expect("the disk takes the line");
                writer.flush().expect("the disk takes the line");
            }
        });
        Self {
            sender,
            thread,
            blocks,
            drops: AtomicU64::new(0),
        }
    }

    /// Waits until all is written.
    pub(crate) fn close(self) {
        drop(self.sender);
        self.thread.join().expect("the writer ends well");
    }
}

impl AuditSink for SeedSink {
    fn on_call(&self, event: &CallEvent) {
        let event = event.clone();
        let sent = if self.blocks {
            self.sender.send(event).is_ok()
        } else {
            self.sender.try_send(event).is_ok()
        };
        if !sent {
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drops(&self) -> u64 {
        self.drops.load(Ordering::Relaxed)
    }
}
