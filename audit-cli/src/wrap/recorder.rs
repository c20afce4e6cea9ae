//! Puts events into the log, without ever being in the way of the traffic.
//!
//! The thread that passes an answer on writes its event itself, which takes some
//! microseconds. While the log is known to hang or to fail, nobody waits for it: events
//! are kept, and a thread of its own tries again, in order. That thread also opens the log,
//! writes events that no answer waits for, and syncs.

mod writer;

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{CallEvent, DirectLogSink};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// How long the start waits for the log to be opened.
const OPENING: Duration = Duration::from_secs(2);

/// How long an answer waits for its event to be written: after that the log is known
/// to hang, and nobody waits until it is well again.
const HICCUP: Duration = Duration::from_secs(1);

/// The same if it is to be synced, or if calls are to be refused.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);

/// How long a call may wait for the log to be tried again.
const TRYING_AGAIN: Duration = Duration::from_millis(1500);

/// How often what was written is synced. Who writes does it himself after a second.
const BETWEEN_SYNCS: Duration = Duration::from_millis(500);

/// Events that are kept while the log can't be written.
const MOST_WAITING: usize = 1024;

/// What is asked of the log beyond that events are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demands {
    /// They are to be on disk before their answers go on.
    pub(crate) durable: bool,
    /// Whoever asks [`Recorder::is_good`] is to know of the last event.
    pub(crate) certain: bool,
}

/// The log of one proxy.
#[derive(Debug)]
pub(crate) struct Recorder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    demands: Demands,
    state: Mutex<State>,
    /// The thread has something to do.
    wanted: Condvar,
    /// The thread has looked.
    looked: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sink: Option<Arc<DirectLogSink>>,
    /// To be written by the thread, in this order.
    waiting: VecDeque<CallEvent>,
    /// The thread is writing one that was waiting.
    is_in_hand: bool,
    /// Threads that hang in a write, and that another goes on for.
    stuck: u64,
    /// Events that were given up, and those of them that no sink was told of.
    lost: u64,
    untold: u64,
    /// Something was written that is to be synced.
    is_unsynced: bool,
    last_sync: Option<Instant>,
    /// Looks that were asked for, and the last of them that is done.
    asked: u64,
    done: u64,
    /// Whether the last write worked.
    is_good: bool,
    /// What was said on stderr last.
    is_told: bool,
    is_closing: bool,
}

impl Recorder {
    /// Starts the thread, which opens the log. Returns when that has worked or
    /// failed, or takes too long.
    pub(crate) fn start(path: PathBuf, demands: Demands) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            path,
            demands,
            state: Mutex::default(),
            wanted: Condvar::new(),
            looked: Condvar::new(),
        });
        thread::Builder::new().name("audit-log".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        let recorder = Self { shared };
        recorder.look(Instant::now() + OPENING);
        Ok(recorder)
    }

    /// Writes an event, on this thread while the log is well. When it returns, the event
    /// is written, or it is known that the log hangs or fails. That may be never: in a
    /// system call that hangs nobody can be stopped.
    pub(crate) fn write(&self, event: CallEvent) {
        let deadline = Instant::now() + self.patience();
        let (sink, is_good) = {
            let mut state = self.shared.state.lock();
            state.is_unsynced = true;
            (state.sink_for_now(), state.is_good)
        };
        let Some(sink) = sink else {
            self.hand_in(event);
            if is_good {
                self.wait_for_turn(deadline);
            }
            return;
        };
        let Err(error) = self.shared.demands.put(&sink, &event) else {
            return;
        };
        {
            let mut state = self.shared.state.lock();
            if !error.is_recorded() {
                // Whatever came meanwhile came later.
                state.waiting.push_front(event);
                state.shorten();
            }
            // Until the thread has found that all is well, nobody waits again.
            state.is_good = false;
            self.shared.ask(&mut state);
        }
        if self.shared.demands.certain {
            self.look(deadline);
        }
    }

    /// Has the thread write an event; waits for room alone, and only while the log is
    /// well.
    pub(crate) fn hand_in(&self, event: CallEvent) {
        let deadline = Instant::now() + HICCUP;
        let mut state = self.shared.state.lock();
        while state.is_good && state.waiting.len() >= MOST_WAITING {
            let waited = self.shared.looked.wait_until(&mut state, deadline);
            if waited.timed_out() {
                break;
            }
        }
        state.waiting.push_back(event);
        state.shorten();
        self.shared.ask(&mut state);
    }

    /// Whether the last write of the log worked; after one that didn't, the log is
    /// tried again first.
    pub(crate) fn is_good(&self) -> bool {
        let is_settled = self.shared.state.lock().is_settled();
        is_settled || self.look(Instant::now() + TRYING_AGAIN)
    }

    /// How long [`write`](Self::write) takes at most, unless it hangs.
    pub(crate) fn patience(&self) -> Duration {
        let Demands { durable, certain } = self.shared.demands;
        if durable || certain {
            ACKNOWLEDGEMENT
        } else {
            HICCUP
        }
    }

    /// A thread hangs in [`write`](Self::write), and another goes on for it. Until it
    /// comes back nothing is written, for its event is the first.
    pub(crate) fn is_stuck(&self) {
        let mut state = self.shared.state.lock();
        state.stuck += 1;
        state.is_good = false;
        self.shared.ask(&mut state);
    }

    /// It came back, and its event is written or kept.
    pub(crate) fn is_stuck_no_more(&self) {
        let mut state = self.shared.state.lock();
        state.stuck -= 1;
        self.shared.ask(&mut state);
    }

    /// Has what was written be synced, now and then.
    pub(crate) fn sync_if_due(&self) {
        let mut state = self.shared.state.lock();
        let is_due = state
            .last_sync
            .is_none_or(|last| last.elapsed() >= BETWEEN_SYNCS);
        if state.is_good && state.is_unsynced && is_due {
            self.shared.ask(&mut state);
        }
    }

    /// Whether there is nothing to write, to sync or to try again.
    pub(crate) fn is_at_rest(&self) -> bool {
        let state = self.shared.state.lock();
        state.is_settled() && state.asked == state.done && !state.is_unsynced
    }

    /// Closes the log, and says on stderr what isn't in it.
    pub(crate) fn close(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let (sink, lost) = {
            let mut state = self.shared.state.lock();
            let wanted = self.shared.ask(&mut state);
            // While the log is open, there is hope for what isn't written yet.
            while state.done < wanted || state.sink.is_some() && !state.is_settled() {
                let waited = self.shared.looked.wait_until(&mut state, deadline);
                if waited.timed_out() {
                    break;
                }
            }
            state.is_closing = true;
            self.shared.wanted.notify_one();
            state.give_up();
            // Of those it isn't known.
            let unknown = state.stuck + u64::from(state.is_in_hand);
            (state.sink.take(), state.lost + unknown)
        };
        let mut why = None;
        if let Some(sink) = sink {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Err(error) = sink.close(left.max(Duration::from_millis(200))) {
                why = Some(error.to_string());
            }
        }
        if lost > 0 || why.is_some() {
            let path = self.shared.path.display();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            warn(&format!("calls missing from {path}: {lost}{why}"));
        }
    }

    /// Waits until what was handed in is written, or it is known that it can't be.
    fn wait_for_turn(&self, deadline: Instant) {
        if !self.look(deadline) {
            self.shared.state.lock().is_good = false;
        }
    }

    /// Asks the thread to look, and waits for that. Whether all is well.
    fn look(&self, deadline: Instant) -> bool {
        let mut state = self.shared.state.lock();
        let wanted = self.shared.ask(&mut state);
        while state.done < wanted {
            let waited = self.shared.looked.wait_until(&mut state, deadline);
            if waited.timed_out() {
                return false;
            }
        }
        state.is_good
    }
}

impl Shared {
    /// Has the thread look; the number of that look.
    fn ask(&self, state: &mut MutexGuard<'_, State>) -> u64 {
        state.asked += 1;
        self.wanted.notify_one();
        state.asked
    }
}

impl State {
    /// The log, if it is well and nothing has to be written before.
    fn sink_for_now(&self) -> Option<Arc<DirectLogSink>> {
        self.sink.clone().filter(|_| self.is_settled())
    }

    fn is_settled(&self) -> bool {
        self.is_good && self.is_quiet()
    }

    /// No event waits.
    fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && !self.is_in_hand
    }

    /// Gives up the oldest of too many.
    fn shorten(&mut self) {
        while self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
            self.lost += 1;
            self.untold += 1;
        }
    }

    /// Nothing is tried any more: what waits is lost, and the log told so.
    fn give_up(&mut self) {
        let waiting = self.waiting.len() as u64;
        self.waiting.clear();
        self.lost += waiting;
        self.untold += waiting;
        if let Some(sink) = &self.sink {
            sink.count_lost(std::mem::take(&mut self.untold));
        }
    }
}

fn warn(what: &str) {
    // Nobody reads it, perhaps; that is no reason to stop.
    writeln!(std::io::stderr(), "audit: warning: {what}").ok();
}
