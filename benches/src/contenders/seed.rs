use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use audit_jsonl::CallEvent;

use crate::contender::{Contender, Kind, Recorder};
use crate::written::Form;

pub(crate) const SEED: Contender = Contender {
    name: "seed design",
    kind: Kind::Design,
    can_drop: true,
    form: Form::Lines,
    setup: "a clone of the event through `sync_channel(8192)`; the thread behind it calls \
            `to_vec`, `write_all` and `flush` for each line",
    unequal: "",
    open: |setup| {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(setup.path)?;
        let sink = SeedSink::new(Box::new(file), setup.capacity, setup.blocks);
        Ok(Box::new(sink))
    },
};

/// What existing recorders of tool calls do: a clone of the event goes through a
/// channel to a thread that serialises, writes and flushes one line at a time.
struct SeedSink {
    sender: SyncSender<CallEvent>,
    thread: JoinHandle<()>,
    blocks: bool,
    drops: AtomicU64,
}

impl SeedSink {
    /// When the channel is full, a caller waits, or else the event is dropped.
    fn new(mut writer: Box<dyn Write + Send>, capacity: usize, blocks: bool) -> Self {
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
}

impl Recorder for SeedSink {
    fn record(&self, event: &CallEvent) {
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

    fn dropped(&self) -> Option<u64> {
        Some(self.drops.load(Ordering::Relaxed))
    }

    fn close(self: Box<Self>) {
        drop(self.sender);
        self.thread.join().expect("the writer ends well");
    }
}
