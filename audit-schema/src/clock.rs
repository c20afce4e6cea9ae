use chrono::{SecondsFormat, Utc};

/// The present moment in the form of [`CallEvent::ts`](crate::CallEvent::ts):
/// RFC 3339, UTC, microseconds, always 27 characters, so that such strings
/// sort by time.
///
/// It is the wall clock, which may step back: order records by their place in
/// the log, never by `ts`.
///
/// ```
/// let now = audit_schema::now_rfc3339();
/// assert_eq!(now.len(), "2026-11-20T09:30:00.000000Z".len());
/// assert!(now.ends_with('Z'));
/// ```
#[must_use]
pub fn now_rfc3339() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}
