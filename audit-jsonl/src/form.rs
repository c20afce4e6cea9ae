//! The form of a line: what a record must look like, byte for byte, and a view of
//! what stands in it.
//!
//! A chained line has one form, and [`Line::parse`] takes no other: what
//! `docs/log-format.md` says under "A line". A plain line may have any spacing. Nothing
//! is copied, and nothing is allocated for a line that is in form.
//!
//! ```
//! use audit_jsonl::form::{Line, Outcome};
//!
//! let line = r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"1","tool_id":"files:read","granted_capabilities":["fs.read"],"duration_ms":3,"outcome":{"kind":"success"},"tier":"hot","dry_run":false,"schema_version":3,"secrets_resolved":false,"chain":{"stream":"4f4dfa546bc181d578acefc85e701a73","seq":0}}"#;
//! let Line::Record(record) = Line::parse(line.as_bytes())? else { panic!() };
//! assert_eq!(record.tool_id.unescaped(), "files:read");
//! assert_eq!(record.outcome, Outcome::Success);
//! assert_eq!(record.chain.map(|chain| chain.seq), Some(0));
//!
//! // One space more, and it is no chained line.
//! let error = Line::parse(line.replace("\"seq\":", "\"seq\": ").as_bytes()).unwrap_err();
//! assert_eq!(error.to_string(), "expected a number at byte 285 of the line");
//! # Ok::<(), audit_jsonl::form::FormError>(())
//! ```

mod chain;
mod cursor;
mod event;
mod loose;
mod text;

use audit_schema::CallEvent;
use thiserror::Error;

pub use self::chain::{After, Chain, Gone, Told};
pub use self::event::{Outcome, Provenance, Provenances, Record, Source};
pub use self::text::{Text, Texts};
use crate::chain::{LONGEST_EVENT, LONGEST_LINE};
use crate::form::cursor::Cursor;

/// The longest line that is read at all, in bytes: 16 MiB.
pub const LONGEST_PLAIN_LINE: usize = 16 << 20;

/// A line that is in form.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is what nearly every line is"
)]
pub enum Line<'a> {
    /// A record in the form that the library writes, plain or chained.
    Record(Record<'a>),
    /// A plain record in another form, as another program may write it.
    Loose(CallEvent),
}

/// Why a line is not in form. It never quotes the line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} at byte {byte} of the line")]
#[non_exhaustive]
pub struct FormError {
    /// Where the form breaks: so many bytes stand before it in the line.
    pub byte: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl FormError {
    const TOO_LONG: Self = Self {
        byte: LONGEST_PLAIN_LINE,
        what: "a line of more than 16 MiB",
    };
}

impl<'a> Line<'a> {
    /// A line without its line feed.
    ///
    /// # Errors
    ///
    /// It is no record, or not in form.
    pub fn parse(line: &'a [u8]) -> Result<Self, FormError> {
        match std::str::from_utf8(line) {
            Ok(text) => Self::parse_text(text),
            Err(error) => Err(FormError {
                byte: error.valid_up_to(),
                what: "bytes that are not UTF-8",
            }),
        }
    }

    /// As [`parse`](Self::parse), of a line that is known to be UTF-8.
    ///
    /// # Errors
    ///
    /// As `parse`.
    #[inline]
    pub fn parse_text(text: &'a str) -> Result<Self, FormError> {
        match Record::parse(text, false) {
            Ok(record) if text.len() <= LONGEST_PLAIN_LINE => Ok(Self::Record(record)),
            Ok(_) => Err(FormError::TOO_LONG),
            Err(error) => Self::parse_slowly(text, error),
        }
    }

    #[cold]
    fn parse_slowly(text: &'a str, error: FormError) -> Result<Self, FormError> {
        if text.len() > LONGEST_PLAIN_LINE {
            return Err(FormError::TOO_LONG);
        }
        let error = match Record::parse(text, true) {
            Ok(record) => return Ok(Self::Record(record)),
            Err(later) if later.what == loose::NOT_LATER => error,
            Err(later) => later,
        };
        loose::read(text, error).map(Self::Loose)
    }
}

impl<'a> Record<'a> {
    /// With `later`, a chained line of a later version.
    #[inline]
    fn parse(text: &'a str, later: bool) -> Result<Self, FormError> {
        let mut cursor = Cursor::new(text);
        let mut record = Record::default();
        let result = record.read(&mut cursor, later);
        if later && record.schema_version <= audit_schema::SCHEMA_VERSION {
            return Err(FormError {
                byte: 0,
                what: loose::NOT_LATER,
            });
        }
        match result {
            Ok(()) => Ok(record),
            Err(what) => Err(FormError {
                byte: cursor.at(),
                what,
            }),
        }
    }

    #[inline]
    fn read(&mut self, cursor: &mut Cursor<'a>, later: bool) -> cursor::Step<()> {
        self.read_event(cursor, later)?;
        if cursor.passes(b"}") {
            if later {
                return Err(loose::NOT_LATER);
            }
        } else {
            let event_end = cursor.at();
            cursor.expect(b",\"chain\":{", "expected `chain` or the record's end")?;
            // With the `}` that ends it when it stands alone.
            if event_end + 1 > LONGEST_EVENT {
                return Err("the event of a chained line is longer than 60,416 bytes");
            }
            let chain = self.chain.insert(Chain::default());
            chain.read(cursor, self.schema_version > audit_schema::SCHEMA_VERSION)?;
            cursor.expect(b"}", "expected the record's end")?;
            if cursor.at() + 1 > LONGEST_LINE {
                return Err("a chained line is longer than 61,440 bytes");
            }
        }
        if cursor.is_at_end() {
            Ok(())
        } else {
            Err("expected the line's end")
        }
    }
}
