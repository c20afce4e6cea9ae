//! Where the log goes on, when it and its head don't agree.

use std::fs;
use std::io::{self, ErrorKind};
use std::thread;

use crate::chain::{Head, Line, StreamId, Tip};
use crate::file::MIDST_OF_A_LINE;
use crate::log::head_file::{Record, Written};
use crate::log::names::{self, FileId};
use crate::log::{Fault, Log, tail};
use crate::repair::{Action, Step};

/// From a line with a greater number no chain goes on, for numbers end. What is left
/// is more than any batch has lines.
const LAST_TO_GO_ON_FROM: u64 = u64::MAX - (1 << 32);

impl Log {
    /// Where the next line goes. Under the lock, which is to be held until that
    /// line is written: what is found and put right here is told by that line
    /// alone. Afterwards `file` is the file under the log's name, and `written`
    /// its size.
    pub(super) fn look(&mut self) -> Result<Tip, Fault> {
        if self.spoilt {
            self.move_spoilt_away()?;
        }
        self.steps.clear();
        let read = Written::read(&mut self.head_file, self.left.as_ref())?;
        let named = self.open_another()?;
        let is_ours = named.is_some();
        let size = match named {
            Some(size) => size,
            None => self.file.metadata()?.len(),
        };
        self.written = size;
        // When somebody has cut it, what comes there now is not on disk.
        self.synced = self.synced.min(size);
        if let Some(beside) = &mut self.beside {
            beside.up_to = beside.up_to.min(size);
        }
        // Found anew if it is still there; another writer may have told of it.
        self.pending.plain = None;
        self.pending.gone = None;
        if let (Some(Written { record, .. }), None, true) = (&read, &self.carry, is_ours)
            && record.file == self.file_id
            && record.size == size
            && record.head.seq <= LAST_TO_GO_ON_FROM
            && self.left.is_some()
        {
            // As the head says: we left it so, or another writer has since.
            let tip = Tip::After(record.head);
            self.left = read;
            self.pending.after = None;
            return Ok(tip);
        }
        let mut tip = self.recover(read.map(|read| read.record), size)?;
        if let (Tip::After(head), None) = (tip, &self.carry)
            && head.seq > LAST_TO_GO_ON_FROM
        {
            // Nobody has written so many lines; somebody has made up the number.
            let reason = "its numbers are used up; a new stream begins, and names this one";
            tip = self.replace_damaged(head, reason)?;
        }
        // Unless the next line must find again what it is to tell.
        if let (Some(end), Tip::After(head), None) =
            (self.carry_over(&tip)?, tip, &self.pending.gone)
        {
            self.write_head_at(head, end);
        }
        Ok(tip)
    }

    /// Whether a log can be gone on with, for a log that was just opened; nothing
    /// is changed.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        let size = self.written;
        if Record::read(&mut self.head_file)?.is_none()
            && tail::last_link(&mut self.file, size)?.is_none()
        {
            self.begin(size)?;
        }
        Ok(())
    }

    /// Opens what bears the log's name, unless that is our file; its size if it is.
    pub(super) fn open_another(&mut self) -> io::Result<Option<u64>> {
        let named = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // Where files can't be told apart, only a missing one shows.
        let ours = named.filter(|named| FileId::of(named) == self.file_id);
        if ours.is_none() {
            self.open_named()?;
        }
        Ok(ours.map(|ours| ours.len()))
    }

    fn recover(&mut self, record: Option<Record>, size: u64) -> Result<Tip, Fault> {
        if let Some(after) = self.pending.after.take()
            && size == 0
            && record
                .as_ref()
                .is_none_or(|record| record.head == after.head)
        {
            // The first line of the new stream could not be written last time.
            self.pending.after = Some(after);
            return Ok(Tip::New(StreamId::from_bytes(names::random())));
        }
        let Some(record) = record else {
            return self.without_head(size);
        };
        let after = Tip::After(record.head);
        let may_have_lost_power = record.boot != self.boot;
        let good = if may_have_lost_power {
            tail::end_before_nul(&mut self.file, size)?
        } else {
            size
        };
        if let Some(end) = self.end_of_head(&record, good)? {
            return self.take_rest(end, size, after, false);
        }
        let is_ours = record.is_about(self.file_id, &self.boot);
        // A rename that was not durable is undone.
        if may_have_lost_power && (is_ours || self.holds_earlier(&record.head, good)?) {
            return self.after_power_loss(&record, size, good);
        }
        if !is_ours {
            return self.go_on_in_another(&record, size, good);
        }
        if size < record.size {
            // Somebody cut it: the chain goes on from the head, and the gap shows.
            // What stands after its last link is new.
            let last = tail::last_link(&mut self.file, size)?;
            let end = last.map_or(0, |(_, end)| end);
            self.note_cut(last.map(|(last, _)| last), &record.head);
            // Its writer may have ended before it wrote the head.
            let last = last.filter(|(last, _)| is_later(last, &record.head));
            if last.is_some() && !tail::goes_on_from(&mut self.file, size, &record.head)? {
                let reason = "the file is shorter than the head file says, and its lines go on \
                              from another line; a new stream begins, and names this one";
                return self.replace_damaged(record.head, reason);
            }
            let tip = last.map_or(after, |(last, _)| Tip::After(last));
            return self.take_rest(end, size, tip, false);
        }
        let reason = format!(
            "the line of which the head file tells doesn't end at byte {}; a new stream begins, \
             and names this one",
            record.size
        );
        self.replace_damaged(record.head, &reason)
    }

    /// Another file bears the log's name: somebody has moved the log away.
    fn go_on_in_another(&mut self, record: &Record, size: u64, good: u64) -> Result<Tip, Fault> {
        if record.boot != self.boot && self.is_rotated(record)? {
            return self.after_power_loss(record, size, good);
        }
        let after = Tip::After(record.head);
        let rest = tail::read_rest(&mut self.file, 0, size, after, true)?;
        if rest.bad_line {
            self.move_damaged_away(&format!(
                "another file bears the log's name, and the line at byte {} is neither a record \
                 nor of this chain, which goes on in a new file",
                rest.end
            ))?;
            return Ok(after);
        }
        self.note_another(size);
        let tip = self.take_rest(0, size, after, true)?;
        if size == 0 && self.pending.plain.is_none() {
            self.pending.plain = self.plain_left_behind(record)?;
        }
        Ok(tip)
    }

    /// Whether the file ends in this stream, before the head.
    fn holds_earlier(&mut self, head: &Head, size: u64) -> io::Result<bool> {
        let last = tail::last_link(&mut self.file, size)?;
        Ok(last.is_some_and(|(last, _)| last.stream == head.stream && last.seq < head.seq))
    }

    /// Where the head's line ends: where the head says, or further on when
    /// somebody appended something just before the batch.
    fn end_of_head(&mut self, record: &Record, size: u64) -> io::Result<Option<u64>> {
        if size < record.size {
            return Ok(None);
        }
        if record.size == 0 {
            // The file was begun, and nothing is in it yet.
            let is_ours = record.is_about(self.file_id, &self.boot);
            return Ok(is_ours.then_some(0));
        }
        let is_head = |line: &[u8]| matches!(Line::parse(line), Line::Link { head, .. } if head == record.head);
        let line = tail::line_ending_at(&mut self.file, record.size)?;
        if line.is_some_and(|line| is_head(&line)) {
            return Ok(Some(record.size));
        }
        tail::last_line_after(&mut self.file, record.size, size, is_head)
    }

    /// The head file says nothing: the last link in the log takes its place.
    fn without_head(&mut self, size: u64) -> Result<Tip, Fault> {
        if let Some((head, end)) = tail::last_link(&mut self.file, size)? {
            let rest = tail::read_rest(&mut self.file, end, size, Tip::After(head), false)?;
            if rest.bad_line {
                let reason = format!(
                    "there is no whole head file, and the line at byte {} is neither a record nor the \
                     next of the chain; a new stream begins, and names this one",
                    rest.end
                );
                return self.replace_damaged(head, &reason);
            }
            self.steps.push(Step {
                file: self.head_path.clone(),
                lines: Some((head.seq, head.seq)),
                ..self.step(
                    Action::RebuildHead,
                    "there is no head file, or it is not whole; the last line of the chain takes \
                     its place",
                )
            });
            return self.take_rest(end, size, Tip::After(head), false);
        }
        let tip = self.begin(size)?;
        self.take_rest(0, size, tip, false)
    }

    /// The beginning of a chain in a file without links, which may hold plain
    /// lines.
    fn begin(&mut self, size: u64) -> Result<Tip, Fault> {
        let tip = Tip::New(StreamId::from_bytes(names::random()));
        let rest = tail::read_rest(&mut self.file, 0, size, tip, false)?;
        if rest.bad_line {
            let message = format!(
                "the line at byte {} is no record of a tool call; give another path, or move the file away",
                rest.end
            );
            return Err(io::Error::new(ErrorKind::InvalidData, message).into());
        }
        Ok(tip)
    }

    /// The machine went down, and lines that were never synced may be gone: the
    /// chain goes on from the last that is left, here or in a rotated file.
    ///
    /// Unless the file is without a link and held the head's line: it may have been
    /// copied and cut before, so no number is used again.
    ///
    /// What stands after `good` is not gone on from: there is a hole before it.
    fn after_power_loss(&mut self, record: &Record, size: u64, good: u64) -> Result<Tip, Fault> {
        let stream = record.head.stream;
        let here = tail::last_link(&mut self.file, good)?;
        let here = here.filter(|(head, _)| head.stream == stream);
        let rotated = self.last_rotated_link(&stream)?;
        let last = here.map(|(head, _)| head).into_iter().chain(rotated);
        let last = last.max_by_key(|head| head.seq);
        let is_gone = last.is_none_or(|last| last.seq < record.head.seq);
        if is_gone {
            self.pending.gone = Some(record.head);
            self.steps.push(Step {
                lines: Some((last.map_or(0, |last| last.seq + 1), record.head.seq)),
                ..self.step(
                    Action::TellGone,
                    "the machine was started since they were written, and they are not in the log",
                )
            });
        }
        let was_here = record.is_about(self.file_id, &self.boot);
        match (here, last) {
            (Some((head, end)), Some(last)) if head.seq == last.seq => {
                self.take_rest(end, size, Tip::After(head), false)
            }
            (None, Some(_)) if is_gone && was_here => {
                self.take_rest(0, size, Tip::After(record.head), true)
            }
            (_, Some(last)) => self.take_rest(0, size, Tip::After(last), true),
            (_, None) => self.take_rest(0, size, Tip::After(record.head), false),
        }
    }

    /// Takes up what stands in the log beyond `from`: lines that link, plain
    /// lines; the rest is moved aside.
    fn take_rest(
        &mut self,
        from: u64,
        size: u64,
        tip: Tip,
        passing_over: bool,
    ) -> Result<Tip, Fault> {
        let mut size = size;
        let mut rest = tail::read_rest(&mut self.file, from, size, tip, passing_over)?;
        // Somebody who doesn't take the lock may be in the midst of a line.
        while rest.end < size && !rest.bad_line {
            thread::sleep(MIDST_OF_A_LINE);
            let now = self.file.metadata()?.len();
            if now == size {
                break;
            }
            size = now;
            rest = tail::read_rest(&mut self.file, from, size, tip, passing_over)?;
        }
        self.note_rest(from, &tip, &rest);
        if rest.plain.is_some() {
            self.pending.plain = rest.plain;
        }
        if rest.end < size {
            let reason = if rest.bad_line {
                "the line that begins there is neither a record nor the next of the chain"
            } else {
                "a line was begun there, and never ended"
            };
            let torn = self.set_aside(rest.end, size, rest.tip.next_seq(), reason)?;
            self.pending.torn = Some(torn);
        } else if self.pending.torn.is_none() {
            self.pending.torn = self.untold_torn(rest.tip.next_seq())?;
        }
        Ok(rest.tip)
    }

    /// The number of the file's first link.
    pub(super) fn first_seq_of_file(&mut self) -> io::Result<Option<u64>> {
        if self.first_seq.is_none()
            && let Some((head, _)) = tail::first_link(&mut self.file)?
        {
            self.first_seq = Some(head.seq);
        }
        Ok(self.first_seq)
    }
}

fn is_later(line: &Head, head: &Head) -> bool {
    line.stream == head.stream && line.seq > head.seq
}
