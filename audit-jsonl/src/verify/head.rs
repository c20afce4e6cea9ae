//! Heads: what somebody has kept of a log, to compare it with later.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::leaf::LeafHash;

/// A line's number and its hash, as a receipt or an earlier report gave them:
/// `SEQ:HASH`.
///
/// Whoever keeps one elsewhere can tell later whether the log up to that line is
/// still what it was. Keep those of lines that are synced: a
/// [`Receipt`](crate::Receipt) holds one.
///
/// ```
/// use audit_jsonl::verify::Head;
///
/// let text = "41:9c5b1f1cd3bb20b6a3c2e4f2b7a8f9d0c1e2d3f4a5b6c7d8e9f0a1b2c3d4e5f6";
/// let head: Head = text.parse()?;
/// assert_eq!(head.seq, 41);
/// assert_eq!(head.to_string(), text);
/// # Ok::<(), audit_jsonl::verify::HeadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// The line's number.
    pub seq: u64,
    /// Its leaf hash.
    pub hash: LeafHash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (seq, hash) = text.split_once(':').ok_or(HeadError)?;
        let is_number = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| is_number);
        Ok(Self {
            seq: seq.ok_or(HeadError)?,
            hash: LeafHash::parse(&hash.to_ascii_lowercase()).ok_or(HeadError)?,
        })
    }
}

impl From<&crate::Receipt> for Head {
    fn from(receipt: &crate::Receipt) -> Self {
        Self {
            seq: receipt.seq,
            hash: receipt.hash,
        }
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is no head.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected SEQ:HASH: the number of a line, a colon, and the 64 hex digits of its hash")]
pub struct HeadError;
