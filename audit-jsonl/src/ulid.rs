//! ULIDs: 48 bits of time in milliseconds and 80 random bits, in 26 characters of
//! Crockford's base 32.

use std::time::SystemTime;

use crate::log::random;

/// A new [`call_id`](crate::CallEvent::call_id), for calls that nobody has named: a
/// ULID, unique, and sorting by the millisecond in which it was made.
///
/// ```
/// let id = audit_jsonl::new_call_id();
/// assert_eq!(id.len(), 26);
/// assert_ne!(id, audit_jsonl::new_call_id());
/// ```
#[must_use]
pub fn new_call_id() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let milliseconds = now.unwrap_or_default().as_millis();
    let random = u128::from_le_bytes(random());
    text(milliseconds << 80 | random >> 48)
}

fn text(value: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..26)
        .rev()
        .map(|place| char::from(DIGITS[(value >> (5 * place)) as usize & 31]))
        .collect()
}
