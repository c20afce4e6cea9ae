//! What has to hold of every value that the [`strategies`](crate::strategies)
//! make, for the body of a `proptest!`.
//!
//! The codec is given as functions, so that one property serves `serde_json`, an
//! encoder of one's own, or another format.
//!
//! ```
//! use audit_testkit::{properties, strategies::call_event};
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(8), |(event in call_event())| {
//!     properties::round_trips(
//!         &event,
//!         |event| serde_json::to_vec(event).unwrap(),
//!         |line| serde_json::from_slice(line),
//!     )?;
//!     properties::stays_one_line(&serde_json::to_vec(&event).unwrap())?;
//! });
//! ```

use std::fmt::{Debug, Display};

use audit_schema::CallEvent;
use proptest::test_runner::TestCaseResult;
use proptest::{prop_assert, prop_assert_eq};

use crate::strategies::{BrokenLine, CONTENTS, WireLine};

/// What is encoded reads back as the same value.
///
/// # Errors
///
/// It doesn't, or can't be read.
pub fn round_trips<T, E>(
    value: &T,
    encode: impl FnOnce(&T) -> Vec<u8>,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> TestCaseResult
where
    T: PartialEq + Debug,
    E: Display,
{
    let bytes = encode(value);
    match decode(&bytes) {
        Ok(back) => prop_assert_eq!(&back, value, "by way of {}", bytes.escape_ascii()),
        Err(error) => prop_assert!(false, "{error}, in {}", bytes.escape_ascii()),
    }
    Ok(())
}

/// An encoded record is one line of a log: UTF-8, one object from its first byte
/// to its last, no control character that isn't escaped.
///
/// # Errors
///
/// It isn't.
pub fn stays_one_line(line: &[u8]) -> TestCaseResult {
    let shown = line.escape_ascii();
    prop_assert!(
        line.starts_with(b"{") && line.ends_with(b"}"),
        "no object: {shown}"
    );
    prop_assert!(str::from_utf8(line).is_ok(), "not UTF-8: {shown}");
    let control = line.iter().position(|byte| *byte < 0x20);
    prop_assert_eq!(control, None, "a control character at that byte: {}", shown);
    Ok(())
}

/// A line is read to what it means, whatever form another program gave it: see
/// [`wire_line`](crate::strategies::wire_line).
///
/// # Errors
///
/// It isn't read, or to another event.
pub fn reads<E: Display>(
    wire: &WireLine,
    decode: impl FnOnce(&[u8]) -> Result<CallEvent, E>,
) -> TestCaseResult {
    match decode(wire.line.as_bytes()) {
        Ok(event) => prop_assert_eq!(&event, &wire.event, "read from {}", wire.line),
        Err(error) => prop_assert!(false, "{error}, in {}", wire.line),
    }
    Ok(())
}

/// A line that is no record is refused, and the error doesn't quote it: see
/// [`broken_wire_line`](crate::strategies::broken_wire_line).
///
/// # Errors
///
/// It is read, or quoted.
pub fn refuses<T: Debug, E: Display>(
    broken: &BrokenLine,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> TestCaseResult {
    let shown = broken.line.escape_ascii();
    match decode(&broken.line) {
        Ok(value) => prop_assert!(false, "{}, yet read as {value:?}: {shown}", broken.what),
        Err(error) => {
            let error = error.to_string();
            prop_assert!(!error.contains(CONTENTS), "it quotes the record: {error}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use audit_schema::Outcome;

    use super::*;

    fn event(tool_id: &str) -> CallEvent {
        CallEvent::new(
            "2026-11-20T09:30:00Z",
            "1",
            tool_id,
            0,
            Outcome::Success,
            "hot",
        )
    }

    #[test]
    fn a_codec_that_changes_the_value_is_found() {
        let round = |back: Result<u8, &'static str>| round_trips(&7, |_| vec![], |_| back);
        assert!(round(Ok(7)).is_ok());
        assert!(round(Ok(8)).is_err());
        assert!(round(Err("no")).is_err());
    }

    #[test]
    fn a_line_that_is_not_one_is_found() {
        for line in [
            b"{}".as_slice(),
            b"{\"a\":\"\x7f\"}",
            "{\"a\":\"\u{2028}\"}".as_bytes(),
        ] {
            assert!(stays_one_line(line).is_ok(), "{}", line.escape_ascii());
        }
        for line in [
            b"".as_slice(),
            b"{}\n",
            b" {}",
            b"{\"a\"",
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\x1f\"}",
            b"{\"a\":\"\xff\"}",
        ] {
            assert!(stays_one_line(line).is_err(), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_reader_that_errs_is_found() {
        let wire = WireLine {
            line: "{}".into(),
            event: event("echo"),
        };
        assert!(reads(&wire, |_| Ok::<_, &str>(event("echo"))).is_ok());
        assert!(reads(&wire, |_| Ok::<_, &str>(event("ohce"))).is_err());
        assert!(reads(&wire, |_| Err("no")).is_err());
    }

    #[test]
    fn a_reader_that_accepts_or_quotes_is_found() {
        let broken = BrokenLine {
            line: b"hunter2".to_vec(),
            what: "not an object",
        };
        assert!(refuses(&broken, |_| Err::<(), _>("expected an object")).is_ok());
        assert!(refuses(&broken, |_| Err::<(), _>("what is hunter2?")).is_err());
        assert!(refuses(&broken, |_| Ok::<_, &str>(())).is_err());
    }
}
