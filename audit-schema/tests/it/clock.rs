//! `now_rfc3339` gives the form that `CallEvent::ts` promises.
#![cfg(feature = "clock")]

use audit_schema::now_rfc3339;
use chrono::{DateTime, Utc};

#[test]
fn now_is_rfc_3339_in_utc_with_microseconds() {
    let before = Utc::now();
    let now = now_rfc3339();
    let after = Utc::now();

    let parsed = DateTime::parse_from_rfc3339(&now).unwrap();
    assert_eq!(parsed.offset().local_minus_utc(), 0);
    assert_eq!(now.len(), 27, "{now}");
    assert!(now.ends_with('Z'), "{now}");
    // What is below a microsecond is cut off.
    assert!(parsed.timestamp_micros() >= before.timestamp_micros());
    assert!(parsed.timestamp_micros() <= after.timestamp_micros());
}
