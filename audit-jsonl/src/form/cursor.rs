//! A place in a line, and the steps that lead on from it.
//!
//! A step that fails leaves the place at the byte where the form breaks.

use std::collections::HashSet;

use crate::encode::escapes_in;
use crate::form::Text;

/// What should stand where something else does.
pub(super) type Step<T> = Result<T, &'static str>;

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            rest: text.as_bytes(),
        }
    }

    /// How many bytes stand before it.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What stands between two places, each beside an ASCII character.
    #[inline]
    pub(super) fn between(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    #[inline]
    pub(super) fn starts_with<const N: usize>(&self, bytes: &[u8; N]) -> bool {
        self.rest.first_chunk() == Some(bytes)
    }

    /// Whether these bytes stand here; passes over them if so.
    #[inline]
    pub(super) fn passes<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        match self.rest.split_first_chunk::<N>() {
            Some((first, rest)) if first == bytes => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    pub(super) fn expect<const N: usize>(
        &mut self,
        bytes: &[u8; N],
        what: &'static str,
    ) -> Step<()> {
        if self.passes(bytes) {
            return Ok(());
        }
        Err(self.differs(bytes, what))
    }

    #[cold]
    fn differs(&mut self, bytes: &[u8], what: &'static str) -> &'static str {
        let same = self.rest.iter().zip(bytes).take_while(|(a, b)| a == b);
        self.skip(same.count());
        what
    }

    /// A string, from behind its opening quotation mark to behind the other.
    #[inline]
    pub(super) fn text(&mut self) -> Step<Text<'a>> {
        let start = self.at();
        loop {
            let Some(word) = self.rest.first_chunk::<8>() else {
                return self.text_slowly(start);
            };
            let hits = escapes_in(word);
            if hits == 0 {
                self.skip(8);
                continue;
            }
            // The lowest bit that is set is that of a true hit.
            self.skip((hits.trailing_zeros() / 8) as usize);
            if self.peek() != Some(b'"') {
                return self.text_slowly(start);
            }
            let text = self.between(start, self.at());
            self.skip(1);
            return Ok(Text(text));
        }
    }

    #[cold]
    fn text_slowly(&mut self, start: usize) -> Step<Text<'a>> {
        loop {
            match self.peek() {
                None => return Err("the line ends in a string"),
                Some(b'"') => {
                    let text = self.between(start, self.at());
                    self.skip(1);
                    return Ok(Text(text));
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err("a control character that is not escaped"),
                Some(_) => self.skip(1),
            }
        }
    }

    /// An escape that `serde_json` writes: the short one where there is one.
    fn escape(&mut self) -> Step<()> {
        let length = match self.rest {
            [_, b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [
                _,
                b'u',
                b'0',
                b'0',
                b'0',
                b'0'..=b'7' | b'b' | b'e' | b'f',
                ..,
            ]
            | [_, b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err("an escape that is not written so"),
        };
        self.skip(length);
        Ok(())
    }

    /// A number without leading zeros, of at most `most`.
    #[inline]
    pub(super) fn number(&mut self, most: u64) -> Step<u64> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let mut number = 0_u64;
        let mut count = 0;
        for digit in digits {
            let next = number.checked_mul(10);
            match next.and_then(|next| next.checked_add(u64::from(digit - b'0'))) {
                Some(next) => number = next,
                None => return Err("a number that is too large"),
            }
            count += 1;
        }
        if count == 0 {
            return Err("expected a number");
        }
        if count > 1 && self.peek() == Some(b'0') {
            return Err("a number with a zero in front");
        }
        if number > most {
            return Err("a number that is too large");
        }
        self.skip(count);
        Ok(number)
    }

    /// A count that is left out when it is zero.
    pub(super) fn count(&mut self) -> Step<u64> {
        match self.clone().number(u64::MAX) {
            Ok(0) => Err("a count of zero is left out"),
            _ => self.number(u64::MAX),
        }
    }

    #[inline]
    pub(super) fn bool(&mut self) -> Step<bool> {
        if self.passes(b"true") {
            Ok(true)
        } else if self.passes(b"false") {
            Ok(false)
        } else {
            Err("expected true or false")
        }
    }

    /// So many bytes in lower-case hex digits.
    #[inline]
    pub(super) fn hex<const N: usize, const D: usize>(&mut self) -> Step<[u8; N]> {
        let Some((digits, rest)) = self.rest.split_first_chunk::<D>() else {
            return Err(self.no_hex());
        };
        let mut halves = [0; D];
        let mut bad = 0_u8;
        // Without branches, so that the compiler can do many at a time.
        for (half, digit) in halves.iter_mut().zip(digits) {
            let number = digit.wrapping_sub(b'0');
            let letter = digit.wrapping_sub(b'a');
            bad |= u8::from(number > 9) & u8::from(letter > 5);
            *half = if number <= 9 {
                number
            } else {
                letter.wrapping_add(10)
            };
        }
        if bad != 0 {
            return Err(self.no_hex());
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(halves.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        self.rest = rest;
        Ok(bytes)
    }

    #[cold]
    fn no_hex(&mut self) -> &'static str {
        let is_hex = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        self.skip(self.rest.iter().take_while(is_hex).count());
        "expected lower-case hex digits"
    }

    /// A time as `2026-11-20T09:30:00.000000Z`, with the quotation mark after it.
    pub(super) fn time(&mut self) -> Step<&'a str> {
        const FORM: &[u8] = b"0000-00-00T00:00:00.000000Z\"";
        let start = self.at();
        for form in FORM {
            match (form, self.peek()) {
                (b'0', Some(b'0'..=b'9')) => {}
                (form, Some(byte)) if *form == byte && byte != b'0' => {}
                _ => return Err("expected a time as 2026-11-20T09:30:00.000000Z"),
            }
            self.skip(1);
        }
        Ok(self.between(start, self.at() - 1))
    }

    /// Any compact JSON value in which no object has a name twice, and whose
    /// strings are written as `serde_json` writes them.
    pub(super) fn value(&mut self, depth: usize) -> Step<()> {
        if depth == 0 {
            return Err("nested too deeply");
        }
        match self.peek() {
            Some(b'"') => {
                self.skip(1);
                self.text().map(drop)
            }
            Some(b'{') => {
                self.skip(1);
                if self.passes(b"}") {
                    return Ok(());
                }
                let mut names = Names::default();
                loop {
                    self.expect(b"\"", "expected the name of a member")?;
                    self.unknown_member(&mut names, depth)?;
                    if self.passes(b"}") {
                        return Ok(());
                    }
                    self.expect(b",", "expected a comma or the object's end")?;
                }
            }
            Some(b'[') => {
                self.skip(1);
                if self.passes(b"]") {
                    return Ok(());
                }
                loop {
                    self.value(depth - 1)?;
                    if self.passes(b"]") {
                        return Ok(());
                    }
                    self.expect(b",", "expected a comma or the list's end")?;
                }
            }
            Some(b't' | b'f') => self.bool().map(drop),
            Some(b'n') => self.expect(b"null", "expected a value"),
            _ => self.any_number(),
        }
    }

    /// A name, from behind its opening quotation mark, and a value.
    pub(super) fn unknown_member(&mut self, names: &mut Names<'a>, depth: usize) -> Step<()> {
        let before = self.clone();
        let Text(name) = self.text()?;
        if !names.is_new(name) {
            *self = before;
            return Err("a member that stands twice");
        }
        self.expect(b":", "expected a colon")?;
        self.value(depth - 1)
    }

    /// By RFC 8259, section 6.
    fn any_number(&mut self) -> Step<()> {
        self.passes(b"-");
        let digits = |cursor: &mut Self| {
            let count = cursor.rest.iter().take_while(|byte| byte.is_ascii_digit());
            let count = count.count();
            cursor.skip(count);
            if count == 0 {
                Err("expected a value")
            } else {
                Ok(())
            }
        };
        if !self.passes(b"0") {
            digits(self)?;
        }
        if self.passes(b".") {
            digits(self)?;
        }
        if self.passes(b"e") || self.passes(b"E") {
            if !self.passes(b"+") {
                self.passes(b"-");
            }
            digits(self)?;
        }
        Ok(())
    }
}

/// So many names are compared one by one.
const FEW_NAMES: usize = 32;

/// The names of an object's members so far, each as it stands in the line.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    few: Vec<&'a str>,
    many: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(known: &[&'a str]) -> Self {
        Self {
            few: known.to_vec(),
            many: HashSet::new(),
        }
    }

    fn is_new(&mut self, name: &'a str) -> bool {
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < FEW_NAMES {
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }
}
