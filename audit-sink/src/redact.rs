//! Taking out what no sink may see.
//!
//! [`Redact`] stands before all other sinks, and changes events by rules: a whole
//! field, or what looks like a secret inside any of them, is dropped, masked, or
//! replaced by a keyed hash, by which equal values can still be found.

mod edit;
mod key;
mod looks;
mod pattern;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_schema::CallEvent;
use regex::Regex;

use self::edit::Rules;
pub use self::key::{HashKey, KeyError};
pub use self::pattern::{Pattern, PatternError};
use crate::entrance::{Entrance, FROM_INSIDE};
use crate::held::Held;
use crate::{AuditSink, BackpressureStrategy, FlushError, Health};

/// What becomes of a value that is redacted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Action {
    /// It is gone: `None` where a record allows that, else an empty string.
    Drop,
    /// `[redacted]` stands there, or for a pattern its name, too: `[redacted:email]`.
    Mask,
    /// [`HashKey::hash`] stands there: `hmac:` and 32 hexadecimal digits. The command
    /// `audit hash` computes it as well, to find a value in a log.
    Hash(HashKey),
}

/// Changes each event by rules before any other sink sees it. Without rules it
/// changes nothing.
///
/// A rule for a field replaces all of it. Patterns look inside every text that a
/// caller or a tool may have put there: `tool_id`, `caller_id`,
/// `granted_capabilities`, the outcome's code, message and missing capabilities, and
/// the provenance. `ts`, `call_id` and `tier` are never changed. Where patterns
/// overlap, all that they cover is replaced as the one that begins first has it.
///
/// Patterns know what secrets look like, not what they are: they are a net under a
/// runtime that takes care, not instead of it.
///
/// An event in which nothing is found is handed on as it is, and not copied. What is
/// changed is the one departure from clause 6 of the contract (fidelity).
///
/// ```
/// use audit_sink::redact::{Action, HashKey, Pattern, Redact};
/// use audit_sink::{MemorySink, Recorder, schema::Outcome};
///
/// let key = HashKey::new(b"kept apart from the log, 16 bytes at least")?;
/// let memory = MemorySink::new();
/// let redact = Redact::new(memory.clone())
///     .caller_id(Action::Hash(key.clone()))
///     .patterns(Pattern::ALL, Action::Mask);
///
/// let recorder = Recorder::new(redact).with_caller_id(Some("ada@example.org".into()));
/// recorder.start("http:get").finish(Outcome::InvalidArgs {
///     message: "header Authorization: Bearer 3f9aK2jQ0xYz is malformed".into(),
/// });
///
/// let event = &memory.recent(1)[0];
/// assert_eq!(event.caller_id, Some(key.hash("ada@example.org")));
/// let message = "header Authorization: Bearer [redacted:bearer] is malformed".into();
/// assert_eq!(event.outcome, Outcome::InvalidArgs { message });
/// # Ok::<(), audit_sink::redact::KeyError>(())
/// ```
pub struct Redact<S> {
    entrance: Entrance,
    held: Held<S>,
    rules: Rules,
    redacted: AtomicU64,
}

impl<S: AuditSink> Redact<S> {
    /// Changes nothing, until rules are added.
    pub fn new(sink: S) -> Self {
        Self {
            entrance: Entrance::new(),
            held: Held::new(sink),
            rules: Rules::default(),
            redacted: AtomicU64::new(0),
        }
    }

    /// What becomes of every `caller_id`.
    #[must_use]
    pub fn caller_id(mut self, action: Action) -> Self {
        self.rules.caller_id = Some(action);
        self
    }

    /// What becomes of the message of every `invalid_args`.
    #[must_use]
    pub fn invalid_args_message(mut self, action: Action) -> Self {
        self.rules.message = Some(action);
        self
    }

    /// What becomes of the code of every `execution_failed`.
    #[must_use]
    pub fn execution_failed_code(mut self, action: Action) -> Self {
        self.rules.code = Some(action);
        self
    }

    /// What becomes of the `issuer_did` of every UCAN in the provenance.
    #[must_use]
    pub fn provenance_issuers(mut self, action: Action) -> Self {
        self.rules.issuer = Some(action);
        self
    }

    /// What becomes of anything that looks so, in any field that has no rule of its
    /// own.
    #[must_use]
    pub fn patterns(mut self, patterns: impl IntoIterator<Item = Pattern>, action: Action) -> Self {
        for pattern in patterns {
            for regex in pattern.regexes() {
                let secret = (1..regex.captures_len()).collect();
                self.rules
                    .add(pattern.name(), regex, secret, action.clone());
            }
        }
        self
    }

    /// As [`patterns`](Self::patterns), for a pattern of your own, in the syntax of
    /// the crate `regex` without its Unicode classes (`\w` and its like need
    /// `(?-u:\w)`). If it has a group called `secret`, that alone is replaced.
    ///
    /// The name stands in the mask.
    ///
    /// # Errors
    ///
    /// The pattern isn't one, or matches the empty string.
    pub fn own_pattern(
        mut self,
        name: impl Into<String>,
        pattern: &str,
        action: Action,
    ) -> Result<Self, PatternError> {
        let regex = Regex::new(pattern).map_err(PatternError::syntax)?;
        if regex.is_match("") {
            return Err(PatternError::empty());
        }
        let names = regex.capture_names().enumerate();
        let secret = names.filter(|(_, name)| *name == Some("secret"));
        let secret = secret.map(|(group, _)| group).collect();
        self.rules.add(name, regex, secret, action);
        Ok(self)
    }

    /// How many events were changed.
    #[must_use]
    pub fn redacted(&self) -> u64 {
        self.redacted.load(Ordering::Relaxed)
    }
}

impl<S: AuditSink> AuditSink for Redact<S> {
    fn on_call(&self, event: &CallEvent) {
        let Some(_inside) = self.entrance.enter_with_event() else {
            return;
        };
        let event = self.rules.apply(event);
        if matches!(event, Cow::Owned(_)) {
            self.redacted.fetch_add(1, Ordering::Relaxed);
        }
        self.held.on_call(&event);
    }

    fn drops(&self) -> u64 {
        self.held.drops().saturating_add(self.entrance.refused())
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.held.backpressure_strategy()
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        match self.entrance.enter() {
            Some(_inside) => self.held.flush(timeout),
            None => Err(FlushError::unusable(FROM_INSIDE)),
        }
    }

    fn health(&self) -> Health {
        self.held.health()
    }
}

impl<S> fmt::Debug for Redact<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redact")
            .field("redacted", &self.redacted)
            .finish_non_exhaustive()
    }
}
