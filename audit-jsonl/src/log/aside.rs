//! What is set aside when the log and its head don't agree. Of a log that only
//! plans, it is told and not done.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::iter;
use std::path::PathBuf;

use audit_schema::now_rfc3339;
use sha2::{Digest, Sha256};

use crate::chain::{Head, Measured, Replaced, StreamId, Tip};
use crate::log::files::{Aside, Reading, open_to_read, options, write_whole};
use crate::log::{Fault, Log, names};
use crate::repair::{Action, Step};

impl Log {
    /// What was set aside before the line with that number, which would tell of it
    /// and isn't there: who set it aside has ended in between.
    pub(super) fn untold_torn(&mut self, next_seq: u64) -> io::Result<Option<Measured>> {
        let base = names::with_suffix(&self.path, &format!(".torn-{next_seq}"));
        let numbered = (1_u64..).map(|number| names::with_suffix(&base, &format!(".{number}")));
        let mut hash = Sha256::new();
        let mut count = 0;
        let mut names = Vec::new();
        for name in iter::once(base.clone()).chain(numbered) {
            let file = match open_to_read(&name) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            let mut reader = BufReader::new(Reading(&file));
            let size = hash_all(&mut reader, &mut hash)?;
            count += size;
            names.extend((size > 0).then_some((name, size)));
        }
        for (file, size) in names {
            self.steps.push(Step {
                file,
                bytes: Some((0, size)),
                ..self.step(
                    Action::TellTorn,
                    "they were set aside before, and no line tells of it yet",
                )
            });
        }
        Ok((count > 0).then(|| Measured {
            count,
            sha256: hash.finalize().into(),
        }))
    }

    /// Copies the end of the log to a file of its own, and cuts it off.
    pub(super) fn set_aside(
        &mut self,
        from: u64,
        to: u64,
        next_seq: u64,
        reason: &str,
    ) -> io::Result<Measured> {
        let wanted = names::with_suffix(&self.path, &format!(".torn-{next_seq}"));
        if self.only_plans {
            return self.plan_aside(from, to, names::free(&wanted)?, reason);
        }
        let mut aside = match self.aside.take() {
            Some(aside) => aside,
            None => {
                let path = names::free(&wanted)?;
                Aside {
                    file: options(false).create_new(true).open(&path)?,
                    path,
                    hash: Sha256::new(),
                    count: 0,
                }
            }
        };
        let mut block = vec![0; 64 * 1024];
        let (mut at, mut to) = (from, to);
        while at < to {
            self.file.seek(SeekFrom::Start(at))?;
            let mut reader = Reading(&self.file).take(to - at);
            loop {
                let read = reader.read(&mut block)?;
                if read == 0 {
                    break;
                }
                aside.hash.update(&block[..read]);
                aside.count += read as u64;
                write_whole(&mut aside.file, &block[..read])?;
            }
            aside.file.sync_all()?;
            // What somebody has appended meanwhile goes with it.
            (at, to) = (to, self.file.metadata()?.len());
        }
        names::sync_directory(&self.path)?;
        self.file.set_len(from)?;
        self.written = from;
        self.synced = self.synced.min(from);
        self.steps.push(Step {
            bytes: Some((from, to)),
            aside: Some(aside.path.clone()),
            ..self.step(Action::SetAside, reason)
        });
        let torn = Measured {
            count: aside.count,
            sha256: aside.hash.clone().finalize().into(),
        };
        self.aside = Some(aside);
        Ok(torn)
    }

    /// The file is moved aside, and a new stream begins in a new one.
    pub(super) fn replace_damaged(&mut self, head: Head, reason: &str) -> Result<Tip, Fault> {
        let file = self.move_damaged_away(reason)?;
        self.pending.after = Some(Replaced { head, file });
        Ok(Tip::New(StreamId::from_bytes(names::random())))
    }

    /// Moves the file aside and makes a new one; the name that it has now.
    pub(super) fn move_damaged_away(&mut self, reason: &str) -> io::Result<String> {
        let mut time = now_rfc3339();
        time.truncate("2026-11-20T09:30:00".len());
        time.retain(|char| char.is_ascii_alphanumeric());
        let wanted = names::with_suffix(&self.path, &format!(".damaged-{time}Z"));
        let aside = if self.only_plans {
            names::free(&wanted)?
        } else {
            names::rename_aside(&self.path, &wanted)?
        };
        self.steps.push(Step {
            bytes: Some((0, self.written)),
            aside: Some(aside.clone()),
            ..self.step(Action::MoveAside, reason)
        });
        if !self.only_plans {
            self.open_named()?;
            names::sync_directory(&self.path)?;
        }
        self.name_unsynced = false;
        self.written = 0;
        let name = aside.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    /// What [`set_aside`](Self::set_aside) would do.
    fn plan_aside(
        &mut self,
        from: u64,
        to: u64,
        aside: PathBuf,
        reason: &str,
    ) -> io::Result<Measured> {
        let mut hash = Sha256::new();
        self.file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::new(Reading(&self.file).take(to - from));
        let count = hash_all(&mut reader, &mut hash)?;
        self.steps.push(Step {
            bytes: Some((from, from + count)),
            aside: Some(aside),
            ..self.step(Action::SetAside, reason)
        });
        Ok(Measured {
            count,
            sha256: hash.finalize().into(),
        })
    }
}

/// Hashes all there is; how many bytes.
fn hash_all(reader: &mut impl BufRead, hash: &mut Sha256) -> io::Result<u64> {
    let mut count = 0;
    loop {
        let block = reader.fill_buf()?;
        let length = block.len();
        if length == 0 {
            return Ok(count);
        }
        hash.update(block);
        count += length as u64;
        reader.consume(length);
    }
}
