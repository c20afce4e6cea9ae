//! A sink as the environment asks for it.

mod error;
mod value;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;

use audit_sink::BackpressureStrategy;

pub use self::error::EnvError;
use self::value::{Value, Variables};
use crate::{BuildError, Builder, JsonLinesAuditSink, LogBuilder, OpenError};

pub(crate) const LOG: &str = "AUDIT_LOG";
const QUEUE: &str = "AUDIT_QUEUE";
const QUEUE_BYTES: &str = "AUDIT_QUEUE_BYTES";
const ON_FULL: &str = "AUDIT_ON_FULL";
const BLOCK_TIMEOUT: &str = "AUDIT_BLOCK_TIMEOUT";
const DURABILITY: &str = "AUDIT_DURABILITY";
const ROTATE_BYTES: &str = "AUDIT_ROTATE_BYTES";
const ROTATE_AGE: &str = "AUDIT_ROTATE_AGE";
const KEEP_FILES: &str = "AUDIT_KEEP_FILES";
const KEEP_BYTES: &str = "AUDIT_KEEP_BYTES";
const KEEP_AGE: &str = "AUDIT_KEEP_AGE";
const RESERVE_BYTES: &str = "AUDIT_RESERVE_BYTES";

/// What only a chained log can do.
const OF_A_LOG: [&str; 7] = [
    DURABILITY,
    ROTATE_BYTES,
    ROTATE_AGE,
    KEEP_FILES,
    KEEP_BYTES,
    KEEP_AGE,
    RESERVE_BYTES,
];

impl JsonLinesAuditSink {
    /// A sink as these environment variables ask for it; `None` for `AUDIT_LOG=off`.
    ///
    /// | variable | value | unset |
    /// |---|---|---|
    /// | `AUDIT_LOG` | a path, for a chained log; `stdout` or `stderr`, for plain lines; `off` | an error |
    /// | `AUDIT_QUEUE` | events that may be queued, from `1` | [`DEFAULT_AUDIT_QUEUE_CAPACITY`](crate::DEFAULT_AUDIT_QUEUE_CAPACITY) |
    /// | `AUDIT_QUEUE_BYTES` | bytes that may be queued, from `4KiB` | 4 KiB an event, at least 1 MiB |
    /// | `AUDIT_ON_FULL` | `drop` or `block` | `drop` |
    /// | `AUDIT_BLOCK_TIMEOUT` | how long `block` waits at most | without a limit |
    /// | `AUDIT_DURABILITY` | `written`, `every-batch`, or a time, after which what is written is synced | `1s` |
    /// | `AUDIT_ROTATE_BYTES` | a size, from `64KiB` | never |
    /// | `AUDIT_ROTATE_AGE` | a time | never |
    /// | `AUDIT_KEEP_FILES`, `AUDIT_KEEP_BYTES`, `AUDIT_KEEP_AGE` | a number, a size, a time | all are kept |
    /// | `AUDIT_RESERVE_BYTES` | a size | `0` |
    ///
    /// A path that is nearly one of the three words, as `OFF`, is refused; `./OFF` is
    /// taken. A size is a number of bytes, or of `KiB`, `MiB` or `GiB`: `256MiB`. A time is a
    /// number of `ms`, `s`, `m`, `h` or `d`: `250ms`. The meanings are those of the
    /// methods of [`Builder`] and [`LogBuilder`] with like names.
    ///
    /// # Errors
    ///
    /// Nothing was started. The error names the variable, its value and what is
    /// allowed:
    ///
    /// - [`EnvError::Missing`]: `AUDIT_LOG` is not set.
    /// - [`EnvError::Wrong`]: a value that is none of the above. None of them is ever
    ///   taken for a default.
    /// - [`EnvError::Pointless`]: a variable that would have no effect, as
    ///   `AUDIT_DURABILITY` with `AUDIT_LOG=stdout`.
    /// - [`EnvError::Open`]: the sink can't be opened so.
    ///
    /// ```no_run
    /// use audit_jsonl::JsonLinesAuditSink;
    ///
    /// # fn main() -> Result<(), audit_jsonl::EnvError> {
    /// // AUDIT_LOG=/var/log/calls/audit.jsonl AUDIT_ON_FULL=block
    /// if let Some(sink) = JsonLinesAuditSink::from_env()? {
    ///     // …
    ///     # drop(sink);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_env() -> Result<Option<Self>, EnvError> {
        Self::from_variables(|name| env::var_os(name))
    }

    /// As [`from_env`](Self::from_env), with values from somewhere else, as a
    /// configuration file: `value` is asked for each name.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    ///
    /// ```
    /// use audit_jsonl::JsonLinesAuditSink;
    ///
    /// let wrong = |name: &str| match name {
    ///     "AUDIT_LOG" => Some("stderr".into()),
    ///     "AUDIT_ON_FULL" => Some("wait".into()),
    ///     _ => None,
    /// };
    /// let error = JsonLinesAuditSink::from_variables(wrong).unwrap_err();
    /// assert_eq!(error.to_string(), r#"AUDIT_ON_FULL is "wait": it must be drop or block"#);
    /// ```
    pub fn from_variables(
        value: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, EnvError> {
        let variables = Variables(&value);
        let target = Target::of(variables.get(LOG))?;
        // All of them, so that a wrong one is told of whatever the others say.
        let queue = queue(&variables)?;
        let log = Settings::of(&variables)?;
        let plain: Box<dyn Write + Send> = match target {
            Target::Off => return Ok(None),
            Target::Log(path) => return log.open(queue, path, &variables).map(Some),
            Target::Stdout => Box::new(io::stdout()),
            Target::Stderr => Box::new(io::stderr()),
        };
        if let Some(value) = OF_A_LOG.iter().find_map(|name| variables.get(name)) {
            return Err(value.pointless("AUDIT_LOG is no path, and only a log on disk has it"));
        }
        let built = queue.build(plain);
        built
            .map(Some)
            .map_err(|error| build_error(error, &variables))
    }
}

/// Where to.
enum Target {
    Off,
    Stdout,
    Stderr,
    Log(PathBuf),
}

impl Target {
    fn of(value: Option<Value>) -> Result<Self, EnvError> {
        let Some(value) = value else {
            return Err(EnvError::Missing { variable: LOG });
        };
        match value.text.to_str() {
            Some("off") => Ok(Self::Off),
            Some("stdout") => Ok(Self::Stdout),
            Some("stderr") => Ok(Self::Stderr),
            _ if value.text.is_empty() => Err(value.wrong("a path, stdout, stderr or off")),
            Some(text) if is_nearly_a_word(text) => {
                let allowed = "stdout, stderr or off to the letter, or a path, as ./off";
                Err(value.wrong(allowed))
            }
            _ => Ok(Self::Log(PathBuf::from(&value.text))),
        }
    }
}

/// `OFF` would be a file of that name, and a log where none was wanted.
fn is_nearly_a_word(text: &str) -> bool {
    let text = text.trim();
    ["stdout", "stderr", "off"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn queue(variables: &Variables<'_>) -> Result<Builder, EnvError> {
    let mut builder = JsonLinesAuditSink::builder();
    if let Some(events) = variables.get(QUEUE) {
        builder = builder.capacity(events.number("a number from 1", 1)?);
    }
    if let Some(bytes) = variables.get(QUEUE_BYTES) {
        let allowed = "a size from 4KiB, as 8MiB";
        let given = usize::try_from(bytes.size(allowed)?).map_err(|_| bytes.wrong(allowed))?;
        builder = builder.capacity_bytes(given);
    }
    let mut blocks = false;
    if let Some(on_full) = variables.get(ON_FULL) {
        blocks = match on_full.text.to_str() {
            Some("drop") => false,
            Some("block") => true,
            _ => return Err(on_full.wrong("drop or block")),
        };
    }
    if blocks {
        builder = builder.strategy(BackpressureStrategy::Block);
    }
    if let Some(timeout) = variables.get(BLOCK_TIMEOUT) {
        builder = builder.block_timeout(timeout.time("a time, as 50ms")?);
        if !blocks {
            return Err(timeout.pointless("AUDIT_ON_FULL isn't block, so that nobody waits"));
        }
    }
    Ok(builder)
}

/// What is said about a chained log.
#[derive(Default)]
struct Settings(Vec<Box<dyn FnOnce(LogBuilder) -> LogBuilder>>);

impl Settings {
    fn of(variables: &Variables<'_>) -> Result<Self, EnvError> {
        let mut settings = Self::default();
        if let Some(value) = variables.get(DURABILITY) {
            let durability = value.durability()?;
            settings.add(move |log| log.durability(durability));
        }
        if let Some(value) = variables.get(ROTATE_BYTES) {
            let bytes = value.size("a size from 64KiB, as 256MiB")?;
            settings.add(move |log| log.rotate_at_bytes(bytes));
        }
        if let Some(value) = variables.get(ROTATE_AGE) {
            let age = value.time("a time, as 1d")?;
            settings.add(move |log| log.rotate_at_age(age));
        }
        if let Some(value) = variables.get(KEEP_FILES) {
            let files = value.number("a number", 0)?;
            settings.add(move |log| log.keep_files(files));
        }
        if let Some(value) = variables.get(KEEP_BYTES) {
            let bytes = value.size("a size, as 2GiB")?;
            settings.add(move |log| log.keep_bytes(bytes));
        }
        if let Some(value) = variables.get(KEEP_AGE) {
            let age = value.time("a time, as 90d")?;
            settings.add(move |log| log.keep_age(age));
        }
        if let Some(value) = variables.get(RESERVE_BYTES) {
            let bytes = value.size("a size, as 1GiB")?;
            settings.add(move |log| log.reserve_bytes(bytes));
        }
        Ok(settings)
    }

    fn add(&mut self, setting: impl FnOnce(LogBuilder) -> LogBuilder + 'static) {
        self.0.push(Box::new(setting));
    }

    fn open(
        self,
        queue: Builder,
        path: PathBuf,
        variables: &Variables<'_>,
    ) -> Result<JsonLinesAuditSink, EnvError> {
        let log = queue.path(path);
        let log = self.0.into_iter().fold(log, |log, setting| setting(log));
        log.open().map_err(|error| open_error(error, variables))
    }
}

/// The error, of the variable that it comes from.
fn open_error(error: OpenError, variables: &Variables<'_>) -> EnvError {
    let of = |name| variables.get(name);
    let told = match &error {
        OpenError::Queue(_) => None,
        OpenError::RotationBytes { .. } => {
            of(ROTATE_BYTES).map(|value| value.wrong("a size from 64KiB, as 256MiB"))
        }
        OpenError::RotationAge => of(ROTATE_AGE).map(|value| value.wrong("longer than no time")),
        OpenError::KeepWithoutRotation => {
            let kept = [KEEP_FILES, KEEP_BYTES, KEEP_AGE].into_iter().find_map(of);
            let why = "none of AUDIT_ROTATE_BYTES and AUDIT_ROTATE_AGE is set, so that there are \
                       no old files";
            kept.map(|value| value.pointless(why))
        }
        _ => None,
    };
    match (told, error) {
        (Some(told), _) => told,
        (None, OpenError::Queue(error)) => build_error(error, variables),
        (None, source) => EnvError::Open { source },
    }
}

fn build_error(error: BuildError, variables: &Variables<'_>) -> EnvError {
    match (&error, variables.get(QUEUE_BYTES)) {
        (BuildError::CapacityBytes { .. }, Some(bytes)) => bytes.wrong("a size from 4KiB, as 8MiB"),
        _ => EnvError::Open {
            source: error.into(),
        },
    }
}

/// As a message shows it: on one line, whatever is in it.
fn shown(value: &OsStr) -> String {
    format!("{value:?}")
}
