use std::fmt;

/// Whether a sink records what it is offered, as far as it knows.
///
/// Made by [`Health::degraded`] and [`Health::failed`], so that a later version
/// can add a field.
///
/// ```
/// use audit_sink::Health;
///
/// let health = Health::degraded(2, 7, "no space left on device");
/// assert!(!health.is_healthy());
/// assert_eq!(
///     health.to_string(),
///     "degraded: no space left on device (2 failures in a row, 7 in all)",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Health {
    /// Nothing is known to be wrong. The default.
    #[default]
    Healthy,

    /// Writing fails or has failed of late; the sink goes on trying.
    ///
    /// For reporting. `consecutive_failures` of 0 means that the last write
    /// succeeded: whoever refuses calls while the record can't be written looks
    /// at that alone, or they never come back.
    #[non_exhaustive]
    Degraded {
        /// Failures since the last success.
        consecutive_failures: u64,
        /// Failures since the sink was made.
        total_failures: u64,
        /// The last failure, in words for an operator; never contents of a
        /// record.
        reason: String,
    },

    /// The sink records nothing any more and never will: what it is offered is
    /// counted as lost or goes to its fallback.
    #[non_exhaustive]
    Failed {
        /// Failures since the last success.
        consecutive_failures: u64,
        /// Failures since the sink was made.
        total_failures: u64,
        /// What ended it, in words for an operator; never contents of a record.
        reason: String,
    },
}

impl Health {
    /// A sink whose writing fails or has failed of late.
    #[must_use]
    pub fn degraded(
        consecutive_failures: u64,
        total_failures: u64,
        reason: impl Into<String>,
    ) -> Self {
        Self::Degraded {
            consecutive_failures,
            total_failures,
            reason: reason.into(),
        }
    }

    /// A sink that records nothing any more.
    #[must_use]
    pub fn failed(
        consecutive_failures: u64,
        total_failures: u64,
        reason: impl Into<String>,
    ) -> Self {
        Self::Failed {
            consecutive_failures,
            total_failures,
            reason: reason.into(),
        }
    }

    /// `true` when nothing is known to be wrong.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, consecutive, total, reason) = match self {
            Self::Healthy => return f.write_str("healthy"),
            Self::Degraded {
                consecutive_failures,
                total_failures,
                reason,
            } => ("degraded", consecutive_failures, total_failures, reason),
            Self::Failed {
                consecutive_failures,
                total_failures,
                reason,
            } => ("failed", consecutive_failures, total_failures, reason),
        };
        write!(
            f,
            "{word}: {reason} ({consecutive} failures in a row, {total} in all)"
        )
    }
}
