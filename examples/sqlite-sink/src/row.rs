//! A call as it stands in the database.

use audit_sink::schema::CallEvent;

pub(crate) struct Row {
    pub(crate) ts: String,
    pub(crate) call_id: String,
    pub(crate) tool_id: String,
    pub(crate) caller_id: Option<String>,
    pub(crate) outcome: String,
    /// SQLite has no larger integers; the record has the very number.
    pub(crate) duration_ms: i64,
    /// The whole record, as JSON.
    pub(crate) record: String,
}

impl Row {
    /// `None` if it can't be written as JSON, which no record does.
    pub(crate) fn of(event: &CallEvent) -> Option<Self> {
        Some(Self {
            ts: event.ts.clone(),
            call_id: event.call_id.clone(),
            tool_id: event.tool_id.clone(),
            caller_id: event.caller_id.clone(),
            outcome: event.outcome.kind().to_owned(),
            duration_ms: i64::try_from(event.duration_ms).unwrap_or(i64::MAX),
            record: serde_json::to_string(event).ok()?,
        })
    }

    /// What it takes in the queue. The record repeats all the rest.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.record.len() + size_of::<Self>()
    }
}
