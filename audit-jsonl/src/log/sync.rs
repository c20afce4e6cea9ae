//! Making durable what is written: under the lock, or beside those who write.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use crate::log::lock::{FIRST_PAUSE, LAST_PAUSE};
use crate::log::{Fault, Log, names};

/// After so many syncs that failed in a row, each of a file of its own, the log has
/// failed.
const FAILED_FILES: u32 = 3;

/// A sync of the file that whoever has begun it makes without having the log, so that
/// others write meanwhile.
#[derive(Debug)]
pub(crate) struct SyncBeside {
    file: File,
    /// Whose name is to be made durable too.
    path: Option<PathBuf>,
    ended: SyncSender<io::Result<()>>,
}

impl SyncBeside {
    /// Whether it worked. What follows from that is for [`Log::end_sync`], or for
    /// whoever needed to know before.
    pub(crate) fn run(self) -> bool {
        let synced = self.file.sync_data();
        let synced = synced.and_then(|()| match &self.path {
            Some(path) => names::sync_directory(path),
            None => Ok(()),
        });
        let has_worked = synced.is_ok();
        // The log may be gone.
        self.ended.send(synced).ok();
        has_worked
    }
}

/// What the log knows of a sync beside it. It is of the file that is written: before
/// the log goes on in another one, it waits for the end.
#[derive(Debug)]
pub(super) struct Beside {
    ended: Receiver<io::Result<()>>,
    /// So much of the file it makes durable.
    pub(super) up_to: u64,
    /// And the file's name.
    and_name: bool,
}

impl Log {
    pub(crate) fn has_unsynced(&self) -> bool {
        self.synced < self.written || self.name_unsynced || self.carry.is_some()
    }

    /// Makes what is written durable. When that fails, the file is given up, and
    /// the next call writes what is not known to be on disk to a new one, and syncs
    /// that.
    pub(crate) fn sync(&mut self, pause: &mut dyn FnMut(Duration) -> bool) -> Result<(), Fault> {
        self.leave_spoilt(pause)?;
        let settled = self.wait_for_beside(pause)?;
        let synced = settled.and_then(|()| self.sync_once());
        self.take_note(synced)
    }

    /// Begins a sync that goes on without the log. Only one is under way at a time.
    pub(crate) fn begin_sync(
        &mut self,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<SyncBeside, Fault> {
        // Of the one before, if whoever made it could not.
        self.settle_or_give_up();
        self.leave_spoilt(pause)?;
        let file = self.file.try_clone()?;
        // Room for the result, so that nobody has to be there for it.
        let (tell, ended) = sync_channel(1);
        self.beside = Some(Beside {
            ended,
            up_to: self.written,
            and_name: self.name_unsynced,
        });
        Ok(SyncBeside {
            file,
            path: self.name_unsynced.then(|| self.path.clone()),
            ended: tell,
        })
    }

    /// Takes note of how a sync beside has ended, unless that was done.
    pub(crate) fn end_sync(&mut self) -> Result<(), Fault> {
        if self.beside.is_none() {
            return Ok(());
        }
        let settled = self.settle_beside();
        self.take_note(settled)
    }

    /// Whether a sync beside is under way. Of one that has ended, note is taken.
    pub(crate) fn is_synced_beside(&mut self) -> bool {
        match self.poll_beside() {
            None => return true,
            Some(Ok(())) => {}
            Some(Err(error)) => self.note_untold(error),
        }
        false
    }

    /// A sync that failed meanwhile.
    pub(crate) fn take_untold(&mut self) -> Option<io::Error> {
        self.untold.take()
    }

    /// Waits for the end of a sync beside, if one is under way; how it ended.
    pub(super) fn settle_beside(&mut self) -> io::Result<()> {
        let Some(beside) = self.beside.take() else {
            return Ok(());
        };
        let ended = beside.ended.recv();
        self.settle(&beside, ended.unwrap_or_else(|_| Err(unknown())))
    }

    /// As [`settle_beside`](Self::settle_beside), for as long as `pause` says.
    fn wait_for_beside(
        &mut self,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<io::Result<()>, Fault> {
        let mut next = FIRST_PAUSE;
        loop {
            if let Some(settled) = self.poll_beside() {
                return Ok(settled);
            }
            if !pause(next) {
                let message = "a sync that another thread has begun takes too long";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message).into());
            }
            next = (next * 2).min(LAST_PAUSE);
        }
    }

    /// As [`settle_beside`](Self::settle_beside), but `None` while it is under way.
    fn poll_beside(&mut self) -> Option<io::Result<()>> {
        let Some(beside) = self.beside.take() else {
            return Some(Ok(()));
        };
        match beside.ended.try_recv() {
            Ok(ended) => Some(self.settle(&beside, ended)),
            Err(TryRecvError::Disconnected) => Some(Err(unknown())),
            Err(TryRecvError::Empty) => {
                self.beside = Some(beside);
                None
            }
        }
    }

    /// The file is to be left: a sync of it that is under way is waited for.
    pub(super) fn settle_or_give_up(&mut self) {
        if let Err(error) = self.settle_beside() {
            self.note_untold(error);
        }
    }

    /// The file is given up, and whoever asks next is told.
    pub(super) fn note_untold(&mut self, error: io::Error) {
        self.give_up_file();
        self.untold = Some(error);
    }

    fn settle(&mut self, beside: &Beside, ended: io::Result<()>) -> io::Result<()> {
        ended?;
        self.synced = self.synced.max(beside.up_to);
        if beside.and_name {
            self.name_unsynced = false;
        }
        Ok(())
    }

    /// A sync of a file that is given up is not tried again: it might succeed, and
    /// what was to be synced is not on disk.
    fn leave_spoilt(&mut self, pause: &mut dyn FnMut(Duration) -> bool) -> Result<(), Fault> {
        if self.spoilt || self.carry.is_some() {
            self.under_lock(pause, |log| log.look().map(drop))?;
        }
        Ok(())
    }

    fn take_note(&mut self, synced: io::Result<()>) -> Result<(), Fault> {
        match synced {
            Ok(()) => {
                self.failed_syncs = 0;
                Ok(())
            }
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.note_failed_sync(error)?;
                Err(Fault::Spoilt(told))
            }
        }
    }

    /// The file is given up; with too many in a row, the log.
    pub(super) fn note_failed_sync(&mut self, error: io::Error) -> Result<(), Fault> {
        self.give_up_file();
        if self.failed_syncs >= FAILED_FILES {
            return Err(Fault::Failed(error));
        }
        Ok(())
    }

    fn give_up_file(&mut self) {
        self.failed_syncs += 1;
        self.spoilt = true;
        self.doubt = true;
    }

    fn sync_once(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if self.name_unsynced {
            names::sync_directory(&self.path)?;
            self.name_unsynced = false;
        }
        self.synced = self.written;
        Ok(())
    }
}

fn unknown() -> io::Error {
    io::Error::other("a sync has ended, it isn't known how")
}

#[cfg(test)]
mod tests;
