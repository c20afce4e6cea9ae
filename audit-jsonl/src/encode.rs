//! One event to one line: the very bytes that `serde_json` writes, in about a
//! sixth of its time.
//!
//! The line is written into a buffer of fixed size, from the front: each step
//! takes what is left of it and gives back what is left then. So the place to
//! write at stays in registers, and one comparison a step is the only check. If
//! the buffer turns out too small, all begins anew in a larger one, which a
//! thread's buffer does but a few times in its life.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

use crate::this_thread::KEPT_BYTES;

#[cfg(test)]
mod tests;

/// The size of a new buffer; hardly an event is longer.
const FIRST_BYTES: usize = 1024;

/// The digits of the largest number.
pub(crate) const LONGEST_NUMBER: usize = 20;

/// The line would be longer than its bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The event and a line feed, which together are no longer than `limit`. They
/// stand at the front of `buffer`, which may hold anything before, and is made
/// larger where needed.
///
/// An event much longer than the bound is not encoded to its end to find out.
pub(crate) fn encode<'a>(
    event: &CallEvent,
    buffer: &'a mut Vec<u8>,
    limit: usize,
) -> Result<&'a [u8], TooLong> {
    let length = encode_to_front(event, buffer, limit)?;
    Ok(&buffer[..length])
}

/// As [`encode`]; how long the line is.
pub(crate) fn encode_to_front(
    event: &CallEvent,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<usize, TooLong> {
    if buffer.is_empty() {
        *buffer = vec![0; FIRST_BYTES.min(limit)];
    }
    loop {
        let room = buffer.len().min(limit);
        match Rest(&mut buffer[..room]).event(event) {
            Ok(Rest(rest)) => return Ok(room - rest.len()),
            Err(Lacking(bytes)) => {
                let needed = room.saturating_add(bytes);
                if needed > limit {
                    return Err(TooLong);
                }
                let roomy = match room.saturating_mul(4) {
                    // A line that fits into a buffer which is kept must not make it
                    // one that isn't.
                    roomy if needed <= KEPT_BYTES => roomy.min(KEPT_BYTES),
                    roomy => roomy,
                };
                *buffer = vec![0; needed.max(roomy).min(limit)];
            }
        }
    }
}

/// What is left of the buffer.
struct Rest<'a>(&'a mut [u8]);

/// It would have to be longer by so many bytes at least.
struct Lacking(usize);

type Step<'a> = Result<Rest<'a>, Lacking>;

impl<'a> Rest<'a> {
    #[inline]
    fn event(self, event: &CallEvent) -> Step<'a> {
        let mut rest = self
            .raw(b"{\"ts\":\"")?
            .text(&event.ts)?
            .raw(b"\",\"call_id\":\"")?
            .text(&event.call_id)?
            .raw(b"\",\"tool_id\":\"")?
            .text(&event.tool_id)?;
        if let Some(caller_id) = &event.caller_id {
            rest = rest.raw(b"\",\"caller_id\":\"")?.text(caller_id)?;
        }
        rest = rest
            .raw(b"\",\"granted_capabilities\":")?
            .strings(&event.granted_capabilities)?
            .raw(b",\"duration_ms\":")?
            .number(event.duration_ms)?
            .raw(b",\"outcome\":")?
            .outcome(&event.outcome)?
            .raw(b",\"tier\":\"")?
            .text(&event.tier)?
            .raw(b"\",\"dry_run\":")?
            .bool(event.dry_run)?
            .raw(b",\"schema_version\":")?
            .number(event.schema_version.into())?
            .raw(b",\"secrets_resolved\":")?
            .bool(event.secrets_resolved)?;
        if let Some(page) = event.cursor_page {
            rest = rest.raw(b",\"cursor_page\":")?.number(page.into())?;
        }
        if let Some(provenance) = &event.capability_provenance {
            rest = rest
                .raw(b",\"capability_provenance\":")?
                .list(provenance, Self::provenance)?;
        }
        rest.raw(b"}\n")
    }

    fn outcome(self, outcome: &Outcome) -> Step<'a> {
        match outcome {
            Outcome::Success => self.raw(b"{\"kind\":\"success\"}"),
            Outcome::ExecutionFailed { code, retryable } => self
                .raw(b"{\"kind\":\"execution_failed\",\"code\":\"")?
                .text(code)?
                .raw(b"\",\"retryable\":")?
                .bool(*retryable)?
                .raw(b"}"),
            Outcome::InvalidArgs { message } => self
                .raw(b"{\"kind\":\"invalid_args\",\"message\":\"")?
                .text(message)?
                .raw(b"\"}"),
            Outcome::CapabilityDenied { missing } => self
                .raw(b"{\"kind\":\"capability_denied\",\"missing\":")?
                .strings(missing)?
                .raw(b"}"),
            Outcome::RateLimited { retry_after_ms } => {
                let rest = self.raw(b"{\"kind\":\"rate_limited\",\"retry_after_ms\":")?;
                match retry_after_ms {
                    Some(milliseconds) => rest.number(*milliseconds),
                    None => rest.raw(b"null"),
                }?
                .raw(b"}")
            }
            Outcome::ToolNotFound => self.raw(b"{\"kind\":\"tool_not_found\"}"),
            Outcome::Unknown { kind } => self.unknown(kind),
            later => self.later(serde_json::to_vec(later)),
        }
    }

    fn provenance(self, provenance: &CapProvenance) -> Step<'a> {
        let rest = self
            .raw(b"{\"cap\":\"")?
            .text(&provenance.cap)?
            .raw(b"\",\"source\":")?;
        match &provenance.source {
            ProvSource::StringAllowList => rest.raw(b"{\"kind\":\"string_allow_list\"}"),
            ProvSource::UcanChain {
                issuer_did,
                chain_depth,
            } => rest
                .raw(b"{\"kind\":\"ucan_chain\",\"issuer_did\":\"")?
                .text(issuer_did)?
                .raw(b"\",\"chain_depth\":")?
                .number((*chain_depth).into())?
                .raw(b"}"),
            ProvSource::Unknown { kind } => rest.unknown(kind),
            later => rest.later(serde_json::to_vec(later)),
        }?
        .raw(b"}")
    }

    fn unknown(self, kind: &str) -> Step<'a> {
        self.raw(b"{\"kind\":\"")?.text(kind)?.raw(b"\"}")
    }

    /// For a variant that a later version of the schema crate adds under this
    /// version of ours.
    #[cold]
    fn later(self, text: serde_json::Result<Vec<u8>>) -> Step<'a> {
        // Serialising to memory can't fail; if it did, no buffer would do.
        let text = text.map_err(|_| Lacking(usize::MAX))?;
        self.bytes(&text)
    }

    #[inline]
    fn strings(self, items: &[String]) -> Step<'a> {
        self.list(items, |rest, item| rest.raw(b"\"")?.text(item)?.raw(b"\""))
    }

    #[inline]
    fn list<T>(self, items: &[T], item: impl Fn(Self, &T) -> Step<'a>) -> Step<'a> {
        let mut rest = self.raw(b"[")?;
        if let Some((first, others)) = items.split_first() {
            rest = item(rest, first)?;
            for other in others {
                rest = item(rest.raw(b",")?, other)?;
            }
        }
        rest.raw(b"]")
    }

    #[inline]
    fn bool(self, value: bool) -> Step<'a> {
        if value {
            self.raw(b"true")
        } else {
            self.raw(b"false")
        }
    }

    #[inline]
    fn number(self, value: u64) -> Step<'a> {
        if value < 10 {
            self.raw(&[b'0' + value as u8])
        } else {
            self.long_number(value)
        }
    }

    fn long_number(self, value: u64) -> Step<'a> {
        self.bytes(decimal(value, &mut [0; LONGEST_NUMBER]))
    }

    /// What stands between the quotation marks of a string.
    fn text(self, value: &str) -> Step<'a> {
        let from = value.as_bytes();
        if self.0.len() < from.len() {
            return Err(self.lacking(from.len()));
        }
        if !copy_plain(from, &mut self.0[..from.len()]) {
            return self.escaped(from);
        }
        Ok(Self(&mut self.0[from.len()..]))
    }

    #[cold]
    fn escaped(self, bytes: &[u8]) -> Step<'a> {
        let mut rest = self;
        let mut plain_from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if !needs_escape(byte) {
                continue;
            }
            rest = rest.bytes(&bytes[plain_from..at])?;
            plain_from = at + 1;
            rest = match byte {
                b'"' => rest.raw(b"\\\""),
                b'\\' => rest.raw(b"\\\\"),
                0x08 => rest.raw(b"\\b"),
                0x09 => rest.raw(b"\\t"),
                0x0A => rest.raw(b"\\n"),
                0x0C => rest.raw(b"\\f"),
                0x0D => rest.raw(b"\\r"),
                _ => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    let [high, low] = [byte >> 4, byte & 0xF].map(|half| HEX[usize::from(half)]);
                    rest.raw(&[b'\\', b'u', b'0', b'0', high, low])
                }
            }?;
        }
        rest.bytes(&bytes[plain_from..])
    }

    #[inline]
    fn raw<const N: usize>(self, bytes: &[u8; N]) -> Step<'a> {
        if self.0.len() < N {
            return Err(self.lacking(N));
        }
        let (to, rest) = self.0.split_at_mut(N);
        to.copy_from_slice(bytes);
        Ok(Self(rest))
    }

    #[inline]
    fn bytes(self, bytes: &[u8]) -> Step<'a> {
        if self.0.len() < bytes.len() {
            return Err(self.lacking(bytes.len()));
        }
        let (to, rest) = self.0.split_at_mut(bytes.len());
        to.copy_from_slice(bytes);
        Ok(Self(rest))
    }

    #[inline]
    fn lacking(&self, needed: usize) -> Lacking {
        Lacking(needed - self.0.len())
    }
}

/// The digits of a number, at the end of `digits`.
#[inline]
pub(crate) fn decimal(value: u64, digits: &mut [u8; LONGEST_NUMBER]) -> &[u8] {
    let mut start = LONGEST_NUMBER;
    let mut left = value;
    loop {
        start -= 1;
        digits[start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            return &digits[start..];
        }
    }
}

/// RFC 8259, section 7: quotation mark, reverse solidus, control characters.
#[inline]
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Copies a string; whether no byte of it needs an escape.
///
/// Short strings are copied and looked at in two pieces, which overlap: to call
/// `memcpy` for so few bytes costs more than the copy.
#[inline]
fn copy_plain(from: &[u8], to: &mut [u8]) -> bool {
    match from.len() {
        0..4 => {
            to.copy_from_slice(from);
            !from.iter().any(|&byte| needs_escape(byte))
        }
        4..8 => copy_ends::<4>(from, to),
        8..16 => copy_ends::<8>(from, to),
        16..=32 => copy_ends::<16>(from, to),
        _ => {
            to.copy_from_slice(from);
            let (words, _) = from.as_chunks();
            // What is left over once more with bytes that were looked at already.
            let last = from.last_chunk();
            words
                .iter()
                .chain(last)
                .fold(0, |hits, word| hits | escapes_in(word))
                == 0
        }
    }
}

/// Copies the first and the last `N` bytes; whether none needs an escape.
#[inline]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8]) -> bool {
    let Some((first, last)) = from.first_chunk::<N>().zip(from.last_chunk::<N>()) else {
        return false;
    };
    if let Some(to) = to.first_chunk_mut() {
        *to = *first;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = *last;
    }
    if N < 8 {
        let mut word = [b' '; 8];
        word[..N].copy_from_slice(first);
        word[8 - N..].copy_from_slice(last);
        return escapes_in(&word) == 0;
    }
    let words = first.as_chunks().0.iter().chain(last.as_chunks().0);
    words.fold(0, |hits, word| hits | escapes_in(word)) == 0
}

/// Not zero when one of the eight bytes needs an escape.
///
/// `(x - n) & !x` has the high bit of a byte set when the byte is below `n`; a
/// borrow can set it in the byte above as well, but only where there is a hit.
#[inline]
pub(crate) fn escapes_in(word: &[u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(*word);
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
    let control = below(word, 0x20);
    let quote = below(word ^ (ONES * b'"' as u64), 1);
    let backslash = below(word ^ (ONES * b'\\' as u64), 1);
    (control | quote | backslash) & HIGH
}
