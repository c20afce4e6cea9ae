//! The threads: one reads blocks, some find out what their lines are, and the
//! caller's judges them in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::log_files::LogFiles;
use crate::read_error::ReadError;
use crate::verify::block::{Block, FileEnd};
use crate::verify::judge::Judge;
use crate::verify::reader::Blocks;
use crate::verify::{Progress, VerifyError, VerifyOptions};

/// How large a block is, unless there are so many threads that all blocks
/// together would be larger than they may be.
const BLOCK: usize = 1 << 20;
const ALL_BLOCKS: usize = 24 << 20;

/// Progress is told so often.
const PROGRESS: Duration = Duration::from_millis(60);

/// Lines that are larger than a block make it larger. So many bytes are kept of
/// one that is used again.
const KEPT: usize = 2 * BLOCK;

type Read = Result<Block, ReadError>;

/// What the threads share.
struct Shared {
    /// Blocks to be examined, by their places.
    read: Mutex<Receiver<(u64, Block)>>,
    stop: AtomicBool,
}

/// Ends the threads once it is gone.
struct StopOnDrop<'a>(&'a AtomicBool);

/// Ends them when its own thread panics: what was to come from it never does.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Verifies the files of a log; tells of progress beyond `done` bytes.
pub(super) fn run(
    log: &LogFiles,
    judge: &mut Judge<'_>,
    options: &VerifyOptions<'_>,
    progress: &mut Ticker<'_>,
) -> Result<(), VerifyError> {
    let threads = options.threads.map_or_else(all_cores, NonZeroUsize::get);
    // Each worker has one block and the next; one is read, one judged.
    let blocks = 2 * threads + 2;
    let size = BLOCK.min(ALL_BLOCKS / blocks).max(1 << 14);
    let (to_workers, read) = mpsc::sync_channel(blocks);
    let (to_judge, examined) = mpsc::sync_channel(blocks + 1);
    let (give_back, free) = mpsc::sync_channel(blocks);
    for _ in 0..blocks {
        // There is room for each.
        drop(give_back.try_send(Block::default()));
    }
    let shared = &Shared {
        read: Mutex::new(read),
        stop: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        // When who is told of progress panics, too.
        let stop = StopOnDrop(&shared.stop);
        let result = (|| {
            for _ in 0..threads {
                let to_judge = to_judge.clone();
                start(scope, "audit-verify", move || work(shared, &to_judge))?;
            }
            start(scope, "audit-read", move || {
                read_all(log, size, shared, &free, &to_workers, &to_judge);
            })?;
            judge_all(judge, &examined, &give_back, &shared.stop, progress)
        })();
        drop(stop);
        // The others wait for these.
        drop((examined, give_back));
        result
    })
}

fn all_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), VerifyError> {
    let thread = thread::Builder::new().name(name.to_owned());
    match thread.spawn_scoped(scope, work) {
        Ok(_) => Ok(()),
        Err(source) => Err(VerifyError::Thread { source }),
    }
}

/// Blocks come out of the workers in any order.
type ToJudge = SyncSender<(u64, Read)>;

fn work(shared: &Shared, to_judge: &ToJudge) {
    let _stop = StopOnPanic(&shared.stop);
    loop {
        let next = {
            let read = shared.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.recv()
        };
        let Ok((place, mut block)) = next else { return };
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        block.examine();
        if to_judge.send((place, Ok(block))).is_err() {
            return;
        }
    }
}

fn read_all(
    log: &LogFiles,
    size: usize,
    shared: &Shared,
    free: &Receiver<Block>,
    to_workers: &SyncSender<(u64, Block)>,
    to_judge: &ToJudge,
) {
    let _stop = StopOnPanic(&shared.stop);
    let mut place = 0;
    for (nth, file) in log.files().iter().enumerate() {
        let mut blocks = match file.open() {
            Ok(Some(opened)) => Some(Blocks::new(opened, nth, file.len())),
            Ok(None) => None,
            Err(error) => return drop(to_judge.send((place, Err(error)))),
        };
        loop {
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            let Ok(mut block) = free.recv() else { return };
            let more = match &mut blocks {
                Some(blocks) => blocks.next(&mut block, size, &shared.stop),
                None => {
                    block.be_vanished(nth);
                    Ok(true)
                }
            };
            if let Err(source) = more {
                let error = ReadError::io(file.path())(source);
                return drop(to_judge.send((place, Err(error))));
            }
            let ended = block.end.is_some();
            if to_workers.send((place, block)).is_err() {
                return;
            }
            place += 1;
            if ended {
                break;
            }
        }
    }
}

fn judge_all(
    judge: &mut Judge<'_>,
    examined: &Receiver<(u64, Read)>,
    give_back: &SyncSender<Block>,
    stop: &AtomicBool,
    progress: &mut Ticker<'_>,
) -> Result<(), VerifyError> {
    // Those that came before their turn; never more than there are blocks.
    let mut early = BTreeMap::new();
    let mut next = 0;
    loop {
        let (place, block) = match examined.recv_timeout(PROGRESS) {
            Ok(examined) => examined,
            // A thread has panicked, and so will the scope.
            Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                progress.tick(0)?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        early.insert(place, block);
        while let Some(block) = early.remove(&next) {
            next += 1;
            let mut block = block?;
            judge.block(&block);
            progress.tick(block.bytes.len() as u64)?;
            if block.bytes.capacity() > KEPT {
                block.bytes = Vec::new();
            }
            // Unless the reader has ended.
            drop(give_back.try_send(block));
        }
    }
}

/// Tells of progress, now and then.
pub(super) struct Ticker<'a> {
    options: &'a VerifyOptions<'a>,
    progress: Progress,
    told: Instant,
}

impl<'a> Ticker<'a> {
    pub(super) fn new(options: &'a VerifyOptions<'a>, bytes_total: u64) -> Self {
        Self {
            options,
            progress: Progress {
                bytes: 0,
                bytes_total,
            },
            told: Instant::now(),
        }
    }

    fn tick(&mut self, bytes: u64) -> Result<(), VerifyError> {
        self.progress.bytes = (self.progress.bytes + bytes).min(self.progress.bytes_total);
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            self.tell()?;
        }
        if self.options.is_cancelled() {
            return Err(VerifyError::Cancelled);
        }
        Ok(())
    }

    /// All is done.
    pub(super) fn finish(&mut self) -> Result<(), VerifyError> {
        self.progress.bytes = self.progress.bytes_total;
        self.tell()
    }

    fn tell(&self) -> Result<(), VerifyError> {
        match self.options.tell(self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(VerifyError::Cancelled),
        }
    }
}

impl Block {
    fn be_vanished(&mut self, nth: usize) {
        self.file = nth;
        self.offset = 0;
        self.too_long = false;
        self.bytes.clear();
        self.end = Some(FileEnd::Vanished);
    }
}
