//! The chain: each line names the one before it by the hash of its bytes.

use std::fmt;
use std::str::FromStr;

use audit_schema::CallEvent;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ParseHexError;
use crate::encode::{LONGEST_NUMBER, decimal};
use crate::leaf::LeafHash;

/// The longest chained line, its line feed included, and the longest event in
/// one.
pub(crate) const LONGEST_LINE: usize = 61_440;
pub(crate) const LONGEST_EVENT: usize = 60_416;

/// The name of a stream, the lines of one chain: 32 lower-case hex digits, as
/// which it prints and from which it is read.
///
/// ```
/// use audit_jsonl::StreamId;
///
/// let stream: StreamId = "1f0c9a52d3b84e6790aabbccddeeff00".parse()?;
/// assert_eq!(stream.as_str(), "1f0c9a52d3b84e6790aabbccddeeff00");
/// # Ok::<(), audit_jsonl::ParseHexError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId([u8; 32]);

impl StreamId {
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::<16, 32>(&bytes))
    }

    /// Of lower-case hex digits.
    pub(crate) const fn from_digits(digits: [u8; 32]) -> Self {
        Self(digits)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits
            .iter()
            .all(|&digit| hex_value(digit).is_some())
            .then_some(Self(digits))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made of hex digits alone.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for StreamId {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, ParseHexError> {
        Self::parse(text).ok_or(ParseHexError { digits: 32 })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As its 32 digits.
impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({self})")
    }
}

/// The last line of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stream: StreamId,
    pub(crate) seq: u64,
    pub(crate) hash: LeafHash,
}

/// Where the next line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tip {
    /// It begins a stream.
    New(StreamId),
    /// It follows this line.
    After(Head),
}

/// Lines or bytes that are told of by their number and their hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) count: u64,
    pub(crate) sha256: [u8; 32],
}

/// The stream that a new one replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) head: Head,
    /// The name that the damaged file now has.
    pub(crate) file: String,
}

/// The members that few lines have, in the order in which they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) lost: u64,
    pub(crate) elsewhere: u64,
    pub(crate) cut: u64,
    pub(crate) opened: Option<String>,
    pub(crate) closed: Option<String>,
    pub(crate) plain: Option<Measured>,
    pub(crate) torn: Option<Measured>,
    pub(crate) gone: Option<Head>,
    pub(crate) after: Option<Replaced>,
}

impl Tip {
    pub(crate) fn stream(&self) -> &StreamId {
        match self {
            Self::New(stream) => stream,
            Self::After(head) => &head.stream,
        }
    }

    pub(crate) fn next_seq(&self) -> u64 {
        match self {
            Self::New(_) => 0,
            Self::After(head) => head.seq + 1,
        }
    }

    /// Whether a line with this head, which names the line before by `prev`, is
    /// the next.
    pub(crate) fn is_followed_by(&self, head: &Head, prev: Option<LeafHash>) -> bool {
        match self {
            Self::New(_) => head.seq == 0 && prev.is_none(),
            Self::After(before) => {
                head.stream == before.stream
                    && head.seq == before.seq + 1
                    && prev == Some(before.hash)
            }
        }
    }
}

impl Notes {
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        for (name, count) in [
            ("lost", self.lost),
            ("elsewhere", self.elsewhere),
            ("cut", self.cut),
        ] {
            if count > 0 {
                name_member(name, out);
                write_number(count, out);
            }
        }
        for (name, time) in [("opened", &self.opened), ("closed", &self.closed)] {
            if let Some(time) = time {
                name_member(name, out);
                write_string(time, out);
            }
        }
        for (name, unit, measured) in [
            ("plain", "lines", &self.plain),
            ("torn", "bytes", &self.torn),
        ] {
            if let Some(measured) = measured {
                name_member(name, out);
                out.extend_from_slice(b"{\"");
                out.extend_from_slice(unit.as_bytes());
                out.extend_from_slice(b"\":");
                write_number(measured.count, out);
                out.extend_from_slice(b",\"sha256\":\"");
                out.extend_from_slice(&hex::<32, 64>(&measured.sha256));
                out.extend_from_slice(b"\"}");
            }
        }
        if let Some(head) = &self.gone {
            name_member("gone", out);
            out.extend_from_slice(b"{\"seq\":");
            write_number(head.seq, out);
            out.extend_from_slice(b",\"hash\":\"");
            out.extend_from_slice(&head.hash.digits());
            out.extend_from_slice(b"\"}");
        }
        if let Some(Replaced { head, file }) = &self.after {
            name_member("after", out);
            out.extend_from_slice(b"{\"stream\":\"");
            out.extend_from_slice(&head.stream.0);
            out.extend_from_slice(b"\",\"seq\":");
            write_number(head.seq, out);
            out.extend_from_slice(b",\"hash\":\"");
            out.extend_from_slice(&head.hash.digits());
            out.extend_from_slice(b"\",\"file\":");
            write_string(file, out);
            out.push(b'}');
        }
    }
}

/// What a line of a log is, taken by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A link of a chain, and the hash of the line before, if it names one.
    Link { head: Head, prev: Option<LeafHash> },
    /// A record without a link.
    Plain,
    /// No record.
    Garbage,
}

impl Line {
    /// Of a line without its line feed.
    pub(crate) fn parse(line: &[u8]) -> Self {
        let Ok(Value::Object(members)) = serde_json::from_slice(line) else {
            return Self::Garbage;
        };
        match members.get("chain") {
            // What a writer of ours linked stays a link, be its event one that this
            // version can't read.
            Some(chain) => Self::link(chain, line).unwrap_or(Self::Garbage),
            None if serde_json::from_slice::<CallEvent>(line).is_ok() => Self::Plain,
            None => Self::Garbage,
        }
    }

    fn link(chain: &Value, line: &[u8]) -> Option<Self> {
        let prev = match chain.get("prev") {
            Some(prev) => Some(LeafHash::parse(prev.as_str()?)?),
            None => None,
        };
        Some(Self::Link {
            head: Head {
                stream: StreamId::parse(chain.get("stream")?.as_str()?)?,
                seq: seq_of(chain)?,
                hash: LeafHash::of(line),
            },
            prev,
        })
    }
}

/// The number of a line, which another can follow.
pub(crate) fn seq_of(members: &Value) -> Option<u64> {
    let seq = members.get("seq")?.as_u64()?;
    (seq < u64::MAX).then_some(seq)
}

fn name_member(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

pub(crate) fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(decimal(number, &mut [0; LONGEST_NUMBER]));
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to a `Vec` doesn't fail.
    out.extend_from_slice(Value::from(text).to_string().as_bytes());
}

pub(crate) fn hex<const N: usize, const D: usize>(bytes: &[u8; N]) -> [u8; D] {
    let mut text = [0; D];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        for (digit, half) in pair.iter_mut().zip([byte >> 4, byte & 0xF]) {
            // No table, so that the compiler can do many at a time.
            *digit = b'0' + half + if half > 9 { b'a' - b'9' - 1 } else { 0 };
        }
    }
    text
}

pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
