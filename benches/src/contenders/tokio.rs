use std::fs::OpenOptions;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use audit_jsonl::CallEvent;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::contender::{Contender, Kind, Recorder};
use crate::written::Form;

pub(crate) const TOKIO: Contender = Contender {
    name: "tokio mpsc",
    kind: Kind::Design,
    can_drop: true,
    form: Form::Lines,
    setup: "a clone of the event through `tokio::sync::mpsc`, 8,192 of them, to a task that \
            takes what is there (`recv_many`) and writes it as one `write_all` of `tokio::fs`",
    unequal: "",
    open: |setup| {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(setup.path)?;
        let runtime = Builder::new_current_thread().build()?;
        let (sender, receiver) = channel(setup.capacity);
        let thread = thread::spawn(move || {
            let file = tokio::fs::File::from_std(file);
            runtime.block_on(write_all_of(receiver, file));
        });
        Ok(Box::new(Tokio {
            sender,
            thread,
            blocks: setup.blocks,
            drops: AtomicU64::new(0),
        }))
    },
};

struct Tokio {
    sender: Sender<CallEvent>,
    thread: JoinHandle<()>,
    blocks: bool,
    drops: AtomicU64,
}

/// The writer task. The file's own buffer is 2 MiB, so a batch is one write.
async fn write_all_of(mut receiver: Receiver<CallEvent>, mut file: tokio::fs::File) {
    const BATCH: usize = 512;
    let mut events = Vec::with_capacity(BATCH);
    let mut lines = Vec::new();
    while receiver.recv_many(&mut events, BATCH).await > 0 {
        lines.clear();
        for event in events.drain(..) {
            serde_json::to_writer(&mut lines, &event).expect("an event is always JSON");
            lines.push(b'\n');
        }
        file.write_all(&lines).await.expect("the disk takes them");
        file.flush().await.expect("the disk takes them");
    }
}

impl Recorder for Tokio {
    fn record(&self, event: &CallEvent) {
        let event = event.clone();
        let sent = if self.blocks {
            self.sender.blocking_send(event).is_ok()
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
