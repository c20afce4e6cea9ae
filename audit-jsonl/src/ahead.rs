//! Drafting ahead: while the writer writes a segment, a second thread drafts the lines
//! of the next one.
//!
//! They are drafted for where the chain will be if nobody else writes meanwhile; if
//! somebody does, the writer makes them anew, as it would without help. The segment
//! stays in the queue until the writer takes it. The thread starts when a whole segment
//! waits for the first time, which is when callers are faster than one thread can hash,
//! and has nothing to do at any other time.

use std::mem;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::chain::Head;
use crate::link::Drafts;
use crate::queue::Segment;

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    helper: Helper,
    /// The lines that it is at.
    at: Option<Arc<Vec<u8>>>,
    spare: Drafts,
    /// Drafts were taken, and not given back yet.
    took: bool,
    /// Somebody else has written meanwhile, and is likely to do so again: the next
    /// segment is passed over.
    passes: bool,
}

#[derive(Debug, Default)]
enum Helper {
    #[default]
    NotStarted,
    Running(Running),
    /// It could not be started, or has ended.
    None,
}

#[derive(Debug)]
struct Running {
    jobs: SyncSender<Job>,
    done: Receiver<Drafts>,
    thread: JoinHandle<()>,
}

/// Lines to be drafted.
#[derive(Debug)]
struct Job {
    after: Head,
    lines: Arc<Vec<u8>>,
    drafts: Drafts,
}

impl Ahead {
    /// The drafts of a segment's lines; none, if it was not begun with.
    pub(crate) fn take(&mut self, segment: &Segment) -> Drafts {
        let Some(at) = self.at.take() else {
            // Memory that only a busy queue needs.
            self.spare = Drafts::default();
            return Drafts::default();
        };
        let drafts = self.helper.finish().filter(|_| segment.is_of(&at));
        self.took = drafts.is_some();
        drafts.unwrap_or_default()
    }

    /// Takes drafts back that are done with: cleared, if they were of no use.
    pub(crate) fn give_back(&mut self, drafts: Drafts) {
        self.passes = mem::take(&mut self.took) && drafts.is_empty();
        self.spare = drafts;
    }

    /// Begins with lines that are expected to come after `head`.
    pub(crate) fn begin(&mut self, after: Head, lines: Arc<Vec<u8>>) {
        if mem::take(&mut self.passes) {
            return;
        }
        let job = Job {
            after,
            lines: Arc::clone(&lines),
            drafts: mem::take(&mut self.spare),
        };
        if self.helper.begin(job) {
            self.at = Some(lines);
        }
    }
}

impl Helper {
    /// Whether it has begun.
    fn begin(&mut self, job: Job) -> bool {
        if matches!(self, Self::NotStarted) {
            *self = Running::start().map_or(Self::None, Self::Running);
        }
        match self {
            Self::Running(running) if running.jobs.send(job).is_ok() => true,
            _ => {
                *self = Self::None;
                false
            }
        }
    }

    /// Waits for what was begun: not for long, for it had the time that a segment takes.
    fn finish(&mut self) -> Option<Drafts> {
        let Self::Running(running) = self else {
            return None;
        };
        let drafts = running.done.recv().ok();
        if drafts.is_none() {
            *self = Self::None;
        }
        drafts
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Helper::Running(running) = mem::take(&mut self.helper) {
            running.end();
        }
    }
}

impl Running {
    /// `None` when there is no second processor that it could use, or no thread to be
    /// had: then the writer does all by itself.
    fn start() -> Option<Self> {
        if thread::available_parallelism().is_ok_and(|number| number == NonZero::<usize>::MIN) {
            return None;
        }
        let (jobs, waiting) = sync_channel::<Job>(1);
        let (results, done) = sync_channel(1);
        let thread = thread::Builder::new().name("audit-draft".into());
        let thread = thread.spawn(move || {
            for job in waiting {
                let mut drafts = job.drafts;
                drafts.write(&job.after, &job.lines);
                // Whoever gets the drafts gets the lines for himself again.
                drop(job.lines);
                if results.send(drafts).is_err() {
                    return;
                }
            }
        });
        Some(Self {
            jobs,
            done,
            thread: thread.ok()?,
        })
    }

    /// Ends the thread, which has a segment to draft at most.
    fn end(self) {
        drop(self.jobs);
        drop(self.done);
        // It has nothing to say, and a panic of it has been dealt with.
        drop(self.thread.join());
    }
}
