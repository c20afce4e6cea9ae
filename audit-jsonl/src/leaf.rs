//! Leaf hashes, of several lines at the same time.
//!
//! SHA-256 takes 64 bytes at a time, and each step waits for the one before. A processor
//! that has instructions for it can do the steps of two lines in about the time of one
//! and a half, if they come in turn: so whoever has several lines hands them over
//! together. And since a line names the one before it at its end, most of its hash can
//! be taken before that is known: [`Begun`].

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::block_api::compress256;

use crate::ParseHexError;
use crate::chain::{hex, hex_value};

/// So many bytes at a time.
const BLOCK: usize = 64;

/// What stands before a line when it is hashed.
const PREFIX: [u8; 1] = [0];

/// The SHA-256 of a byte 0 and a line without its line feed: the leaf hash of RFC
/// 6962, section 2.1.
///
/// Prints as 64 lower-case hex digits, and is read from them.
///
/// ```
/// use audit_jsonl::LeafHash;
///
/// let digits = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
/// let hash: LeafHash = digits.parse()?;
/// assert_eq!(hash.to_string(), digits);
/// assert!("6E34".parse::<LeafHash>().is_err());
/// # Ok::<(), audit_jsonl::ParseHexError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeafHash([u8; 32]);

impl LeafHash {
    /// Of a line without its line feed.
    pub(crate) fn of(line: &[u8]) -> Self {
        let [hash] = Self::of_each([line]);
        hash
    }

    /// Of several lines, each without its line feed, at the same time.
    pub(crate) fn of_each<const N: usize>(lines: [&[u8]; N]) -> [Self; N] {
        Begun::finish([Begun::NOTHING; N], lines)
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
        }
        Some(Self(bytes))
    }

    pub(crate) fn digits(&self) -> [u8; 64] {
        hex(&self.0)
    }
}

impl FromStr for LeafHash {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, ParseHexError> {
        Self::parse(text).ok_or(ParseHexError { digits: 64 })
    }
}

impl fmt::Display for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

/// As its 64 digits.
impl Serialize for LeafHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeafHash({self})")
    }
}

/// The hash of a line's beginning: whole blocks of a 0 and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun {
    state: [u32; 8],
    blocks: usize,
}

impl Default for Begun {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Begun {
    /// FIPS 180-4, section 5.3.3.
    pub(crate) const NOTHING: Self = Self {
        state: [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ],
        blocks: 0,
    };

    /// How many bytes of the line are in it.
    fn length(&self) -> usize {
        (self.blocks * BLOCK).saturating_sub(PREFIX.len())
    }

    /// Goes on with lines of which this much is known: all their whole blocks.
    pub(crate) fn advance<const N: usize>(begun: &mut [Self; N], lines: [&[u8]; N]) {
        for (begun, line) in begun.iter_mut().zip(lines) {
            begun.take_first_block(line);
        }
        let mut lanes = [(); N].map(|()| [].as_slice());
        for ((lane, begun), line) in lanes.iter_mut().zip(begun.iter_mut()).zip(lines) {
            *lane = line.get(begun.length()..).unwrap_or_default().as_chunks().0;
            begun.blocks += lane.len();
        }
        compress(begun, lanes);
    }

    /// The first block begins with the 0, which no line has before it.
    fn take_first_block(&mut self, line: &[u8]) {
        if self.blocks == 0
            && let Some(beginning) = line.first_chunk::<{ BLOCK - PREFIX.len() }>()
        {
            let mut block = [PREFIX[0]; BLOCK];
            block[PREFIX.len()..].copy_from_slice(beginning);
            compress256(&mut self.state, &[block]);
            self.blocks = 1;
        }
    }

    /// Goes on to the ends of the lines.
    pub(crate) fn finish<const N: usize>(mut begun: [Self; N], lines: [&[u8]; N]) -> [LeafHash; N] {
        Self::advance(&mut begun, lines);
        let mut ends = [([[0; BLOCK]; 2], 0); N];
        for ((end, begun), line) in ends.iter_mut().zip(&begun).zip(lines) {
            *end = begun.end_of(line);
        }
        let mut lanes = [(); N].map(|()| [].as_slice());
        for (lane, (blocks, used)) in lanes.iter_mut().zip(&ends) {
            *lane = &blocks[..*used];
        }
        compress(&mut begun, lanes);
        begun.map(|Self { state, .. }| {
            let mut hash = [0; 32];
            for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
                bytes.copy_from_slice(&word.to_be_bytes());
            }
            LeafHash(hash)
        })
    }

    /// The last blocks of a line, and how many they are: the bytes that fill no block,
    /// a one bit, zeros, and the length in bits (FIPS 180-4, section 5.1.1).
    fn end_of(&self, line: &[u8]) -> ([[u8; BLOCK]; 2], usize) {
        let mut blocks = [[0; BLOCK]; 2];
        let bytes = blocks.as_flattened_mut();
        // With no block taken yet, the 0 is among them.
        let at = if self.blocks == 0 { PREFIX.len() } else { 0 };
        let rest = &line[self.length()..];
        let end = at + rest.len();
        bytes[at..end].copy_from_slice(rest);
        bytes[end] = 0x80;
        let used = if end + 1 + 8 <= BLOCK { 1 } else { 2 };
        let bits = 8 * (PREFIX.len() + line.len()) as u64;
        bytes[used * BLOCK - 8..used * BLOCK].copy_from_slice(&bits.to_be_bytes());
        (blocks, used)
    }
}

/// A block of each lane in turn, as long as all have one.
fn compress<const N: usize>(begun: &mut [Begun; N], lanes: [&[[u8; BLOCK]]; N]) {
    let common = lanes.iter().map(|lane| lane.len()).min().unwrap_or(0);
    if N > 1 {
        for at in 0..common {
            for (begun, lane) in begun.iter_mut().zip(lanes) {
                compress256(&mut begun.state, &lane[at..=at]);
            }
        }
    }
    let done = if N > 1 { common } else { 0 };
    for (begun, lane) in begun.iter_mut().zip(lanes) {
        compress256(&mut begun.state, &lane[done..]);
    }
}
