//! How the command ends, beyond success: the codes are documented in the help.

use std::fmt;
use std::process::ExitCode;

/// Says what is wrong with the arguments, or gives the help that was asked for.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        eprint!("audit: {}", error.render());
        return ExitCode::from(Failure::USAGE);
    }
    match error.print() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever wanted the help has gone.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why the command could not do its work: a line for stderr, and a code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Something was asked for that makes no sense; clap uses the same code.
    pub(crate) const USAGE: u8 = 2;
    /// The command to run is there, and can't be run; as in shells.
    pub(crate) const NOT_EXECUTABLE: u8 = 126;
    /// There is no such command to run; as in shells.
    pub(crate) const NOT_FOUND: u8 = 127;

    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
