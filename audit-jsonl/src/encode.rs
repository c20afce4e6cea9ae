//! One event to one line: the very bytes that `serde_json` writes, in about a
//! quarter of its time.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

#[cfg(test)]
mod tests;

/// The line would be longer than its bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Appends the event and a line feed to `line`, which holds no more than `limit`
/// bytes afterwards. On an error `line` holds a part of the event; an event much
/// longer than the bound is not encoded to its end to find out.
pub(crate) fn encode(event: &CallEvent, line: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    let mut out = Encoder { line, limit };
    out.raw(b"{\"ts\":");
    out.string(&event.ts)?;
    out.raw(b",\"call_id\":");
    out.string(&event.call_id)?;
    out.raw(b",\"tool_id\":");
    out.string(&event.tool_id)?;
    if let Some(caller_id) = &event.caller_id {
        out.raw(b",\"caller_id\":");
        out.string(caller_id)?;
    }
    out.raw(b",\"granted_capabilities\":");
    out.strings(&event.granted_capabilities)?;
    out.raw(b",\"duration_ms\":");
    out.number(event.duration_ms);
    out.raw(b",\"outcome\":");
    out.outcome(&event.outcome)?;
    out.raw(b",\"tier\":");
    out.string(&event.tier)?;
    out.raw(b",\"dry_run\":");
    out.bool(event.dry_run);
    out.raw(b",\"schema_version\":");
    out.number(event.schema_version.into());
    out.raw(b",\"secrets_resolved\":");
    out.bool(event.secrets_resolved);
    if let Some(page) = event.cursor_page {
        out.raw(b",\"cursor_page\":");
        out.number(page.into());
    }
    if let Some(provenance) = &event.capability_provenance {
        out.raw(b",\"capability_provenance\":");
        out.list(provenance, Encoder::provenance)?;
    }
    out.raw(b"}\n");
    if out.line.len() > limit {
        return Err(TooLong);
    }
    Ok(())
}

struct Encoder<'a> {
    line: &'a mut Vec<u8>,
    limit: usize,
}

impl Encoder<'_> {
    #[inline]
    fn raw<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.line.extend_from_slice(bytes);
    }

    #[inline]
    fn bool(&mut self, value: bool) {
        if value {
            self.raw(b"true");
        } else {
            self.raw(b"false");
        }
    }

    #[inline]
    fn number(&mut self, value: u64) {
        const LONGEST: usize = 20;
        let mut digits = [0; LONGEST];
        let mut start = LONGEST;
        let mut rest = value;
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.line.extend_from_slice(&digits[start..]);
    }

    fn outcome(&mut self, outcome: &Outcome) -> Result<(), TooLong> {
        match outcome {
            Outcome::Success => self.raw(b"{\"kind\":\"success\"}"),
            Outcome::ExecutionFailed { code, retryable } => {
                self.raw(b"{\"kind\":\"execution_failed\",\"code\":");
                self.string(code)?;
                self.raw(b",\"retryable\":");
                self.bool(*retryable);
                self.raw(b"}");
            }
            Outcome::InvalidArgs { message } => {
                self.raw(b"{\"kind\":\"invalid_args\",\"message\":");
                self.string(message)?;
                self.raw(b"}");
            }
            Outcome::CapabilityDenied { missing } => {
                self.raw(b"{\"kind\":\"capability_denied\",\"missing\":");
                self.strings(missing)?;
                self.raw(b"}");
            }
            Outcome::RateLimited { retry_after_ms } => {
                self.raw(b"{\"kind\":\"rate_limited\",\"retry_after_ms\":");
                match retry_after_ms {
                    Some(milliseconds) => self.number(*milliseconds),
                    None => self.raw(b"null"),
                }
                self.raw(b"}");
            }
            Outcome::ToolNotFound => self.raw(b"{\"kind\":\"tool_not_found\"}"),
            Outcome::Unknown { kind } => self.unknown(kind)?,
            later => self.later(serde_json::to_vec(later))?,
        }
        Ok(())
    }

    fn provenance(&mut self, provenance: &CapProvenance) -> Result<(), TooLong> {
        self.raw(b"{\"cap\":");
        self.string(&provenance.cap)?;
        self.raw(b",\"source\":");
        match &provenance.source {
            ProvSource::StringAllowList => self.raw(b"{\"kind\":\"string_allow_list\"}"),
            ProvSource::UcanChain {
                issuer_did,
                chain_depth,
            } => {
                self.raw(b"{\"kind\":\"ucan_chain\",\"issuer_did\":");
                self.string(issuer_did)?;
                self.raw(b",\"chain_depth\":");
                self.number((*chain_depth).into());
                self.raw(b"}");
            }
            ProvSource::Unknown { kind } => self.unknown(kind)?,
            later => self.later(serde_json::to_vec(later))?,
        }
        self.raw(b"}");
        Ok(())
    }

    fn unknown(&mut self, kind: &str) -> Result<(), TooLong> {
        self.raw(b"{\"kind\":");
        self.string(kind)?;
        self.raw(b"}");
        Ok(())
    }

    /// For a variant that a later version of the schema crate adds under this
    /// version of ours.
    #[cold]
    fn later(&mut self, text: serde_json::Result<Vec<u8>>) -> Result<(), TooLong> {
        let text = text.map_err(|_| TooLong)?;
        self.room_for(text.len())?;
        self.line.extend_from_slice(&text);
        Ok(())
    }

    #[inline]
    fn strings(&mut self, items: &[String]) -> Result<(), TooLong> {
        self.list(items, |out, item| out.string(item))
    }

    #[inline]
    fn list<T>(
        &mut self,
        items: &[T],
        mut item: impl FnMut(&mut Self, &T) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        self.raw(b"[");
        if let Some((first, rest)) = items.split_first() {
            item(self, first)?;
            for next in rest {
                self.raw(b",");
                item(self, next)?;
                // A long list of empty strings must not outgrow the bound either.
                self.room_for(0)?;
            }
        }
        self.raw(b"]");
        Ok(())
    }

    #[inline]
    fn string(&mut self, value: &str) -> Result<(), TooLong> {
        self.room_for(value.len())?;
        self.raw(b"\"");
        if is_plain(value.as_bytes()) {
            self.line.extend_from_slice(value.as_bytes());
        } else {
            self.escaped(value.as_bytes())?;
        }
        self.raw(b"\"");
        Ok(())
    }

    fn escaped(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut plain_from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if !needs_escape(byte) {
                continue;
            }
            let plain = &bytes[plain_from..at];
            self.room_for(plain.len())?;
            self.line.extend_from_slice(plain);
            plain_from = at + 1;
            match byte {
                b'"' => self.raw(b"\\\""),
                b'\\' => self.raw(b"\\\\"),
                0x08 => self.raw(b"\\b"),
                0x09 => self.raw(b"\\t"),
                0x0A => self.raw(b"\\n"),
                0x0C => self.raw(b"\\f"),
                0x0D => self.raw(b"\\r"),
                _ => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    let [high, low] = [byte >> 4, byte & 0xF].map(|half| HEX[usize::from(half)]);
                    self.raw(&[b'\\', b'u', b'0', b'0', high, low]);
                }
            }
        }
        let plain = &bytes[plain_from..];
        self.room_for(plain.len())?;
        self.line.extend_from_slice(plain);
        Ok(())
    }

    #[inline]
    fn room_for(&self, more: usize) -> Result<(), TooLong> {
        match self.limit.checked_sub(self.line.len()) {
            Some(room) if more <= room => Ok(()),
            _ => Err(TooLong),
        }
    }
}

/// RFC 8259, section 7: quotation mark, reverse solidus, control characters.
#[inline]
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether no byte needs an escape, looked at eight at a time.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    if words.is_empty() {
        return !rest.iter().any(|&byte| needs_escape(byte));
    }
    let mut hits = 0;
    for word in words {
        hits |= escapes_in(u64::from_le_bytes(*word));
    }
    // The rest once more, with bytes that were looked at already.
    if let Some(last) = bytes.last_chunk::<8>() {
        hits |= escapes_in(u64::from_le_bytes(*last));
    }
    hits == 0
}

/// Not zero when one of the eight bytes needs an escape.
///
/// `(x - n) & !x` has the high bit of a byte set when the byte is below `n`; a
/// borrow can set it in the byte above as well, but only where there is a hit.
#[inline]
fn escapes_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
    let control = below(word, 0x20);
    let quote = below(word ^ (ONES * b'"' as u64), 1);
    let backslash = below(word ^ (ONES * b'\\' as u64), 1);
    (control | quote | backslash) & HIGH
}
