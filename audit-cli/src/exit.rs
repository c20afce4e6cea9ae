//! How the command ends, beyond success: the codes are documented in the help.

use std::env;
use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use audit_jsonl::ReadError;

use crate::output;
use crate::text::{self, Message};

/// What the codes mean, for the end of each verb's help.
pub(crate) const FINE: u8 = 0;
/// Something is wrong with what was looked at: a log that isn't intact, input
/// lines that are no events.
pub(crate) const FOUND_WRONG: u8 = 1;
/// Intact, and not complete, when both were asked for.
pub(crate) const INCOMPLETE: u8 = 3;

/// Says what is wrong with the arguments, or gives the help that was asked for.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let rendered = error.render();
        // Shells put names of files there, which strangers may have chosen.
        let is_hostile = env::args_os().any(|arg| arg.to_string_lossy().contains(text::is_hostile));
        if is_hostile {
            output::tell_styled(&format!("audit: {}", Message(&rendered.to_string())));
        } else {
            output::tell_styled(&format!("audit: {}", rendered.ansi()));
        }
        return ExitCode::from(Failure::USAGE);
    }
    match error.print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(Failure::USAGE),
    }
}

/// What an error says, and why, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Why the command could not do its work: a line for stderr, and a code.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` when there is nothing to say: whoever read the output has gone.
    message: Option<String>,
    code: u8,
}

impl Failure {
    /// Something was asked for that makes no sense, or can't be done; clap uses
    /// the same code.
    pub(crate) const USAGE: u8 = 2;
    /// The command to run is there, and can't be run; as in shells.
    pub(crate) const NOT_EXECUTABLE: u8 = 126;
    /// There is no such command to run; as in shells.
    pub(crate) const NOT_FOUND: u8 = 127;

    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            code,
        }
    }

    /// It could not be done.
    pub(crate) fn could_not(message: impl Into<String>) -> Self {
        Self::new(Self::USAGE, message)
    }

    /// It could not be done, for that reason and what is behind it.
    pub(crate) fn because(error: &dyn Error) -> Self {
        Self::could_not(with_causes(error))
    }

    /// Writing to stdout failed. That a reader such as `head` has seen enough is
    /// no failure.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                message: None,
                code: FINE,
            };
        }
        Self::could_not(format!("stdout can't be written: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Tells of it on stderr.
    pub(crate) fn tell(&self) {
        if self.message.is_some() {
            output::error(self);
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_default())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::because(&error)
    }
}
