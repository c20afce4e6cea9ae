use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::appender::Appender;
use crate::builder::Builder;
use crate::chained::Chained;
use crate::log::{Fault, Log, Rotation, create_directories};
use crate::writer::Output;
use crate::{DirectLogSink, Durability, JsonLinesAuditSink, OpenError};

/// A rotated file smaller than this would hold hardly a batch.
const LEAST_ROTATION_BYTES: u64 = 64 * 1024;

/// Sets up a chained log on disk; comes from [`Builder::path`].
///
/// ```
/// use std::time::Duration;
/// use audit_jsonl::{Durability, JsonLinesAuditSink};
/// # let directory = std::env::temp_dir().join(format!("audit-log-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
///
/// let sink = JsonLinesAuditSink::builder()
///     .path(directory.join("audit.jsonl"))
///     .durability(Durability::Interval(Duration::from_secs(1)))
///     .rotate_at_bytes(256 * 1024 * 1024)
///     .keep_files(8)
///     .open()?;
/// # drop(sink);
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `open`"]
pub struct LogBuilder {
    queue: Builder,
    path: PathBuf,
    create_parents: bool,
    durability: Durability,
    rotation: Rotation,
    reserve_bytes: u64,
    warn_bytes: Option<u64>,
}

impl LogBuilder {
    pub(crate) fn new(queue: Builder, path: &Path) -> Self {
        Self {
            queue,
            path: path.to_owned(),
            create_parents: false,
            durability: Durability::default(),
            rotation: Rotation::default(),
            reserve_bytes: 0,
            warn_bytes: None,
        }
    }

    /// Makes missing parent directories. By default that they are missing is an
    /// error.
    pub fn create_parents(mut self) -> Self {
        self.create_parents = true;
        self
    }

    /// When what is written is synced. By default [`Durability::default`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Begins a new file before one would be larger; at least 65,536 bytes. By
    /// default never.
    ///
    /// A batch is never split, so a file whose first batch is larger is larger; and
    /// a batch that is to tell of plain lines or of a power loss goes to the old file,
    /// whatever its size.
    pub fn rotate_at_bytes(mut self, bytes: u64) -> Self {
        self.rotation.size = Some(bytes);
        self
    }

    /// Begins a new file with the first event after one has become so old. By
    /// default never.
    pub fn rotate_at_age(mut self, age: Duration) -> Self {
        self.rotation.age = Some(age);
        self
    }

    /// Removes the oldest rotated files of the stream when there are more. The
    /// last one always stays. By default all are kept.
    pub fn keep_files(mut self, files: usize) -> Self {
        self.rotation.keep_files = Some(files);
        self
    }

    /// Removes the oldest rotated files of the stream when they are larger in
    /// all. The last one always stays. By default all are kept.
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.rotation.keep_bytes = Some(bytes);
        self
    }

    /// Removes rotated files of the stream whose last line is older, at the next
    /// rotation. The last one always stays. By default all are kept.
    pub fn keep_age(mut self, age: Duration) -> Self {
        self.rotation.keep_age = Some(age);
        self
    }

    /// Leaves so many bytes of the file system free: with less, writing fails as
    /// on a full disk, and goes on when there is room again. By default 0.
    pub fn reserve_bytes(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    /// Has [`health`](crate::AuditSink::health) say
    /// [`Degraded`](crate::Health::Degraded) while the file is larger. By default
    /// never.
    pub fn warn_at_bytes(mut self, bytes: u64) -> Self {
        self.warn_bytes = Some(bytes);
        self
    }

    /// Opens the log, which is made if it isn't there, and starts the sink.
    ///
    /// What a crash, a power loss or somebody else left behind is put right when
    /// the next line is written, which tells of it. Nothing that was recorded is
    /// overwritten.
    ///
    /// # Errors
    ///
    /// The error names the path. Nothing was started, and nothing recorded is
    /// lost.
    ///
    /// - [`OpenError::Queue`], [`OpenError::RotationBytes`],
    ///   [`OpenError::RotationAge`], [`OpenError::KeepWithoutRotation`]: a bound that
    ///   makes no sense.
    /// - [`OpenError::Io`]: the log or its head file can't be opened, read or
    ///   synced; the file holds something that is no record of a call.
    pub fn open(self) -> Result<JsonLinesAuditSink, OpenError> {
        self.queue.check()?;
        let output = Output::Chained(Box::new(Chained::new(self.open_appender()?)));
        let (sink, started) = JsonLinesAuditSink::start(&self.queue, output);
        started.map_err(|source| crate::BuildError::Thread { source })?;
        Ok(sink)
    }

    /// Opens the log as [`open`](Self::open) does, for a sink without a queue: each
    /// event is written by the thread that calls. See [`DirectLogSink`] for when that is
    /// worth it.
    ///
    /// # Errors
    ///
    /// As for `open`, and [`OpenError::NoQueue`]: an option was given that only a queue
    /// has, which is `capacity`, `capacity_bytes`, `strategy` or `block_timeout`.
    ///
    /// ```
    /// use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
    /// # let directory = std::env::temp_dir().join(format!("audit-open-direct-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("audit.jsonl");
    ///
    /// let sink = JsonLinesAuditSink::builder().path(&path).open_direct()?;
    /// sink.on_call(&CallEvent::new(now_rfc3339(), "1", "echo", 3, Outcome::Success, "hot"));
    ///
    /// let builder = JsonLinesAuditSink::builder().capacity(10).path(&path);
    /// let error = builder.open_direct().unwrap_err();
    /// assert!(error.to_string().contains("`capacity`"));
    /// # drop(sink);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_direct(self) -> Result<DirectLogSink, OpenError> {
        if let Some(option) = self.queue.option_of_queue() {
            return Err(OpenError::NoQueue { option });
        }
        let log = self.open_appender()?;
        Ok(DirectLogSink::new(log, self.queue.drop_timeout))
    }

    fn open_appender(&self) -> Result<Appender, OpenError> {
        self.check_rotation()?;
        let log = self.open_log().map_err(|source| OpenError::Io {
            path: self.path.clone(),
            source,
        })?;
        Ok(Appender::new(log, self.durability, self.warn_bytes))
    }

    fn check_rotation(&self) -> Result<(), OpenError> {
        let rotation = &self.rotation;
        if let Some(given) = rotation.size
            && given < LEAST_ROTATION_BYTES
        {
            return Err(OpenError::RotationBytes {
                given,
                least: LEAST_ROTATION_BYTES,
            });
        }
        if rotation.age == Some(Duration::ZERO) {
            return Err(OpenError::RotationAge);
        }
        let keeps = rotation.keep_files.is_some()
            || rotation.keep_bytes.is_some()
            || rotation.keep_age.is_some();
        if keeps && rotation.size.is_none() && rotation.age.is_none() {
            return Err(OpenError::KeepWithoutRotation);
        }
        Ok(())
    }

    fn open_log(&self) -> io::Result<Log> {
        if self.create_parents
            && let Some(parent) = self.path.parent()
        {
            create_directories(parent)?;
        }
        Log::open(&self.path, self.rotation.clone(), self.reserve_bytes).map_err(
            |fault| match fault {
                Fault::Io(error)
                | Fault::Spoilt(error)
                | Fault::Unsynced(error)
                | Fault::Failed(error) => error,
                Fault::Abandoned => io::ErrorKind::TimedOut.into(),
            },
        )
    }
}
