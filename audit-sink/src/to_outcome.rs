use std::convert::Infallible;
use std::io::{self, ErrorKind};

use audit_schema::Outcome;

/// How a call ended that ended in this error.
///
/// For the error type of a runtime, so that
/// [`Call::finish_result`](crate::Call::finish_result) can take its results.
///
/// ```
/// use audit_sink::{MemorySink, Recorder, ToOutcome, schema::Outcome};
///
/// enum ToolError {
///     BadArgument(&'static str),
///     Backend { code: u16 },
/// }
///
/// impl ToOutcome for ToolError {
///     fn to_outcome(&self) -> Outcome {
///         match self {
///             Self::BadArgument(name) => Outcome::InvalidArgs { message: format!("{name}: wrong") },
///             Self::Backend { code } => Outcome::ExecutionFailed {
///                 code: code.to_string(),
///                 retryable: *code >= 500,
///             },
///         }
///     }
/// }
///
/// fn tool() -> Result<u32, ToolError> {
///     Err(ToolError::Backend { code: 503 })
/// }
///
/// let memory = MemorySink::new();
/// let recorder = Recorder::new(memory.clone());
/// let result = recorder.start("weather").finish_result(tool());
/// assert!(result.is_err());
/// let expected = Outcome::ExecutionFailed { code: "503".into(), retryable: true };
/// assert_eq!(memory.recent(1)[0].outcome, expected);
/// ```
pub trait ToOutcome {
    /// The outcome to record: a short stable code or a message that quotes neither
    /// arguments nor results.
    fn to_outcome(&self) -> Outcome;
}

/// It is one already.
impl ToOutcome for Outcome {
    fn to_outcome(&self) -> Outcome {
        self.clone()
    }
}

/// There is no such error.
impl ToOutcome for Infallible {
    fn to_outcome(&self) -> Outcome {
        match *self {}
    }
}

/// The code is the name of the error's kind, as `"NotFound"`; its message, which may
/// name a path, is left out.
impl ToOutcome for io::Error {
    fn to_outcome(&self) -> Outcome {
        use ErrorKind::{Interrupted, ResourceBusy, TimedOut, WouldBlock};
        let kind = self.kind();
        Outcome::ExecutionFailed {
            code: format!("{kind:?}"),
            retryable: matches!(kind, Interrupted | ResourceBusy | TimedOut | WouldBlock),
        }
    }
}

impl<E: ToOutcome + ?Sized> ToOutcome for &E {
    fn to_outcome(&self) -> Outcome {
        (**self).to_outcome()
    }
}

impl<E: ToOutcome + ?Sized> ToOutcome for Box<E> {
    fn to_outcome(&self) -> Outcome {
        (**self).to_outcome()
    }
}
