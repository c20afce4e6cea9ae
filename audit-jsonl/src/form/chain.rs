//! The member `chain` of a line.

use crate::chain::StreamId;
use crate::form::Text;
use crate::form::cursor::{Cursor, Names, Step};
use crate::leaf::LeafHash;

/// What a line says of its place in the chain, and of what happened before it.
///
/// The members are those of `docs/log-format.md`, "The chain"; a count that is
/// absent is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain<'a> {
    /// The stream that the line belongs to.
    pub stream: StreamId,
    /// Its number there.
    pub seq: u64,
    /// The hash of the line before; none on line 0 alone.
    pub prev: Option<LeafHash>,
    /// Events that were lost before this line.
    pub lost: u64,
    /// Events that went to the fallback.
    pub elsewhere: u64,
    /// Bytes that were cut from this event.
    pub cut: u64,
    /// When the line's writer opened the log, on its first line.
    pub opened: Option<&'a str>,
    /// When it closed the log, on its last.
    pub closed: Option<&'a str>,
    /// The plain lines before this one.
    pub plain: Option<Told>,
    /// Bytes that were no record, set aside before this line.
    pub torn: Option<Told>,
    /// The last line before a power loss that took lines.
    pub gone: Option<Gone>,
    /// The stream that this one replaces.
    pub after: Option<After<'a>>,
    bare: bool,
}

/// Lines or bytes, told of by their number and their hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many lines, or bytes.
    pub count: u64,
    /// The SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// What was the last line before a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: LeafHash,
}

/// The end of the stream that a new one replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After<'a> {
    /// That stream.
    pub stream: StreamId,
    /// The number of its last line.
    pub seq: u64,
    /// The hash of its last line.
    pub hash: LeafHash,
    /// The name of the file that was set aside.
    pub file: Text<'a>,
}

impl Default for Chain<'_> {
    fn default() -> Self {
        Self {
            stream: StreamId::from_digits([b'0'; 32]),
            seq: 0,
            prev: None,
            lost: 0,
            elsewhere: 0,
            cut: 0,
            opened: None,
            closed: None,
            plain: None,
            torn: None,
            gone: None,
            after: None,
            bare: true,
        }
    }
}

/// The names that are known, and can't be those of later members.
const KNOWN: [&str; 12] = [
    "stream",
    "seq",
    "prev",
    "lost",
    "elsewhere",
    "cut",
    "opened",
    "closed",
    "plain",
    "torn",
    "gone",
    "after",
];

impl<'a> Chain<'a> {
    /// Whether it gives the line's place and says nothing else.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.bare
    }

    /// Reads from behind the opening brace to behind the other.
    #[inline]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'a>, later: bool) -> Step<()> {
        cursor.expect(b"\"stream\":\"", "expected `stream`")?;
        self.stream = stream(cursor)?;
        cursor.expect(b"\",\"seq\":", "expected `seq`")?;
        self.seq = cursor.number(u64::MAX - 1)?;
        if self.seq > 0 {
            cursor.expect(b",\"prev\":\"", "expected `prev`")?;
            self.prev = Some(hash(cursor)?);
            cursor.expect(b"\"", "expected the end of `prev`")?;
        }
        if cursor.passes(b"}") {
            return Ok(());
        }
        self.bare = false;
        self.read_notes(cursor)?;
        if later && cursor.starts_with(b",\"") {
            let mut names = Names::of(&KNOWN);
            while cursor.passes(b",\"") {
                cursor.unknown_member(&mut names, 100)?;
            }
        }
        cursor.expect(
            b"}",
            "expected another member of `chain`, in its place, or the end",
        )
    }

    fn read_notes(&mut self, cursor: &mut Cursor<'a>) -> Step<()> {
        if cursor.passes(b",\"lost\":") {
            self.lost = cursor.count()?;
        }
        if cursor.passes(b",\"elsewhere\":") {
            self.elsewhere = cursor.count()?;
        }
        if cursor.passes(b",\"cut\":") {
            self.cut = cursor.count()?;
        }
        if cursor.passes(b",\"opened\":\"") {
            self.opened = Some(cursor.time()?);
        }
        if cursor.passes(b",\"closed\":\"") {
            self.closed = Some(cursor.time()?);
        }
        if cursor.passes(b",\"plain\":{\"lines\":") {
            self.plain = Some(told(cursor)?);
        }
        if cursor.passes(b",\"torn\":{\"bytes\":") {
            self.torn = Some(told(cursor)?);
        }
        if cursor.passes(b",\"gone\":{\"seq\":") {
            let seq = cursor.number(u64::MAX - 1)?;
            cursor.expect(b",\"hash\":\"", "expected `hash`")?;
            let hash = hash(cursor)?;
            cursor.expect(b"\"}", "expected the end of `gone`")?;
            self.gone = Some(Gone { seq, hash });
        }
        if cursor.passes(b",\"after\":{\"stream\":\"") {
            let stream = stream(cursor)?;
            cursor.expect(b"\",\"seq\":", "expected `seq`")?;
            let seq = cursor.number(u64::MAX - 1)?;
            cursor.expect(b",\"hash\":\"", "expected `hash`")?;
            let hash = hash(cursor)?;
            cursor.expect(b"\",\"file\":\"", "expected `file`")?;
            let file = cursor.text()?;
            cursor.expect(b"}", "expected the end of `after`")?;
            self.after = Some(After {
                stream,
                seq,
                hash,
                file,
            });
        }
        Ok(())
    }
}

#[inline]
fn stream(cursor: &mut Cursor<'_>) -> Step<StreamId> {
    let start = cursor.at();
    cursor.hex::<16, 32>()?;
    let digits = cursor.between(start, cursor.at()).as_bytes();
    let digits = digits.first_chunk().copied().unwrap_or([b'0'; 32]);
    Ok(StreamId::from_digits(digits))
}

#[inline]
fn hash(cursor: &mut Cursor<'_>) -> Step<LeafHash> {
    cursor.hex::<32, 64>().map(LeafHash::from_bytes)
}

fn told(cursor: &mut Cursor<'_>) -> Step<Told> {
    let count = cursor.count()?;
    cursor.expect(b",\"sha256\":\"", "expected `sha256`")?;
    let sha256 = cursor.hex::<32, 64>()?;
    cursor.expect(b"\"}", "expected the member's end")?;
    Ok(Told { count, sha256 })
}
