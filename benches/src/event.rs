//! The event that every contender records, and the like of other sizes.

use audit_jsonl::{CallEvent, Outcome};

#[path = "../../audit-jsonl/benches/shared/event.rs"]
mod shared;

pub(crate) use shared::event;

/// The event's line on disk, its line feed included.
pub(crate) const LINE_BYTES: usize = 502;

/// What stands in the file for an event, whoever recorded it.
pub(crate) fn line(event: &CallEvent) -> Vec<u8> {
    let mut line = serde_json::to_vec(event).expect("an event is always JSON");
    line.push(b'\n');
    line
}

/// The shortest line of a real call: nobody named, nothing granted.
pub(crate) fn short() -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00Z",
        "1",
        "fs:read",
        12,
        Outcome::Success,
        "hot",
    )
}

/// An event whose line has so many bytes, or the shortest line there is.
///
/// Shorter ones than the event that all contenders record have less in them, longer
/// ones a long message.
pub(crate) fn sized(bytes: usize) -> CallEvent {
    let pad = |event: CallEvent, with: fn(CallEvent, String) -> CallEvent| {
        let least = line(&with(event.clone(), String::new())).len();
        with(event, "m".repeat(bytes.saturating_sub(least)))
    };
    if bytes == LINE_BYTES {
        return event();
    }
    if bytes < LINE_BYTES {
        return pad(short(), |event, text| event.with_caller_id(Some(text)));
    }
    pad(event(), |mut event, message| {
        event.outcome = Outcome::InvalidArgs { message };
        event
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_length_that_was_asked_for() {
        assert_eq!(line(&event()).len(), LINE_BYTES);
        for bytes in [256, 502, 1_024, 60_000] {
            assert_eq!(line(&sized(bytes)).len(), bytes);
        }
    }
}
