//! Looks at the bytes that pass, line by line, and keeps of each message what the
//! record needs. Its memory is bounded, whatever the length of a line.
//!
//! A line counts if it is one JSON value, as lenient as the most lenient server:
//! any bytes may stand in a string, and NaN for a number.

mod field;
pub(crate) mod message;
mod raw;

use memchr::{memchr, memchr3};

use crate::wrap::scan::field::{DEEPEST, Keep, Kept, Key, LONGEST_KEY};
use crate::wrap::scan::message::{Marker, Marking, Message};
use crate::wrap::scan::raw::Raw;

/// Brackets deeper than this are counted, and no longer told from braces.
const MOST_LEVELS: usize = 1024;

/// What stands for what is no letter, as in [`char::REPLACEMENT_CHARACTER`].
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// Of an array of messages, which no known server answers.
const MOST_BATCHED: usize = 100;

/// Reads one direction.
#[derive(Debug)]
pub(crate) struct Scanner {
    marker: Marker,
    state: State,
    /// Whether each open level is an object.
    objects: Vec<bool>,
    /// Levels beyond [`MOST_LEVELS`].
    deeper: u64,
    /// The keys that lead to where we are, as far as they matter.
    path: [Key; DEEPEST],
    /// How deep the first key stands that doesn't matter, nor what is in its value;
    /// 0 if there is none.
    dead: usize,
    /// 1 in an array of messages.
    base: usize,
    has_bom: bool,
    text: Vec<u8>,
    /// How much of a string is to be kept in `text`; `None` for nothing.
    room: Option<usize>,
    /// The first half of a letter that is written as two escapes.
    half: Option<u32>,
    marking: Option<Marking>,
    raw: Option<Raw>,
    /// The byte in hand is the last of `raw`.
    raw_ends: bool,
    message: Message,
    messages: Vec<Message>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a line, in a byte order mark of which so much was there.
    Start(u8),
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After `{`.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    /// Beyond [`MOST_LEVELS`].
    Deep,
    String(Part),
    Escape(Part),
    Unicode(Part, u8, u32),
    Scalar,
    /// The line's value is complete.
    Done,
    /// The line is no JSON.
    Skip,
}

/// What a string is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Key,
    Value,
    /// Beyond [`MOST_LEVELS`].
    Deep,
}

impl Scanner {
    /// Both directions of one proxy share a marker.
    pub(crate) fn new(marker: Marker) -> Self {
        Self {
            marker,
            state: State::Start(0),
            objects: Vec::new(),
            deeper: 0,
            path: [Key::Other; DEEPEST],
            dead: 0,
            base: 0,
            has_bom: false,
            text: Vec::new(),
            room: None,
            half: None,
            marking: None,
            raw: None,
            raw_ends: false,
            message: Message::default(),
            messages: Vec::new(),
        }
    }

    /// Looks at bytes up to the end of a line. How many those were, and if the line
    /// has ended, its messages: none if it was something else.
    pub(crate) fn line(&mut self, bytes: &[u8]) -> (usize, Option<Vec<Message>>) {
        let mut at = 0;
        while at < bytes.len() {
            let step = self.step(&bytes[at..]);
            if let Some(raw) = &mut self.raw {
                raw.add(&bytes[at..at + step]);
                if self.raw_ends {
                    self.end_raw();
                }
            }
            at += step;
            if bytes[at - 1] == b'\n' {
                return (at, Some(self.end()));
            }
        }
        (at, None)
    }

    /// The line ends here, also without a line feed.
    pub(crate) fn end(&mut self) -> Vec<Message> {
        if self.state == State::Scalar {
            self.value_ended(false);
        }
        let messages = std::mem::take(&mut self.messages);
        let is_complete = self.state == State::Done;
        *self = Self::new(self.marker.clone());
        if is_complete { messages } else { Vec::new() }
    }

    /// The messages of a line whose value is complete, but not the line: who reads
    /// values and not lines answers now.
    pub(crate) fn complete(&mut self) -> Vec<Message> {
        if self.state == State::Done {
            std::mem::take(&mut self.messages)
        } else {
            Vec::new()
        }
    }

    /// What is known of the message so far.
    pub(crate) fn so_far(&self) -> &Message {
        &self.message
    }

    /// Takes one piece of the bytes, at least one byte; none beyond a line feed.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let byte = bytes[0];
        if byte == b'\n' {
            if !matches!(self.state, State::Done | State::Scalar) {
                self.state = State::Skip;
            }
            return 1;
        }
        match self.state {
            State::Skip => memchr(b'\n', bytes).unwrap_or(bytes.len()),
            State::String(part) => self.string(part, bytes),
            State::Escape(part) => self.escape(part, byte),
            State::Unicode(part, digits, value) => self.unicode(part, digits, value, byte),
            State::Deep => self.deep(byte),
            State::Scalar => match bytes.iter().position(|byte| !is_scalar(*byte)) {
                None => bytes.len(),
                Some(0) => {
                    self.value_ended(false);
                    self.end_raw_of_scalar();
                    self.between(byte)
                }
                Some(length) => length,
            },
            _ => self.between(byte),
        }
    }

    /// A byte that is in no token.
    fn between(&mut self, byte: u8) -> usize {
        if matches!(byte, b' ' | b'\t' | b'\r') {
            return 1;
        }
        match (self.state, byte) {
            (State::Start(0), 0xEF) => self.state = State::Start(1),
            (State::Start(1), 0xBB) => self.state = State::Start(2),
            (State::Start(2), 0xBF) => {
                self.has_bom = true;
                self.state = State::Value;
            }
            (State::KeyOrEnd | State::Key, b'"') => self.key_begins(),
            (State::Colon, b':') => self.state = State::Value,
            (State::ValueOrEnd | State::CommaOrEnd, b']') => self.close(false),
            (State::KeyOrEnd | State::CommaOrEnd, b'}') => self.close(true),
            (State::CommaOrEnd, b',') => {
                let in_object = self.objects.last() == Some(&true);
                self.state = if in_object { State::Key } else { State::Value };
            }
            (State::Start(0) | State::Value | State::ValueOrEnd, _) => self.value_begins(byte),
            _ => self.state = State::Skip,
        }
        1
    }

    fn value_begins(&mut self, byte: u8) {
        let keep = self.keep_of_value();
        if let Keep::Raw(most) = keep {
            self.raw = Some(Raw::new(self.objects.len(), most, &self.marker));
        }
        match byte {
            b'{' | b'[' => self.open(byte == b'{'),
            b'"' => {
                self.text.clear();
                (self.room, self.marking) = match keep {
                    Keep::Text(most) => (Some(most), None),
                    Keep::Mark => (Some(0), Some(self.marker.begin())),
                    // The two sides may escape its letters differently.
                    Keep::Raw(_) => (Some(0), Some(self.marker.begin())),
                    Keep::Nothing => (None, None),
                };
                self.state = State::String(Part::Value);
            }
            _ if is_scalar(byte) => self.state = State::Scalar,
            _ => self.state = State::Skip,
        }
    }

    fn keep_of_value(&mut self) -> Keep {
        let level = self.objects.len();
        if self.raw.is_some() || level <= self.base || level - self.base > DEEPEST {
            return Keep::Nothing;
        }
        let depth = level - self.base;
        if (1..=depth).contains(&self.dead) {
            return Keep::Nothing;
        }
        if self.objects.last() == Some(&false) {
            self.path[depth - 1] = Key::Item;
        }
        field::begin(&mut self.message, &self.path[..depth])
    }

    fn key_begins(&mut self) {
        self.text.clear();
        self.marking = None;
        self.room = None;
        let depth = self.objects.len() - self.base;
        if self.dead >= depth {
            self.dead = 0;
        }
        if self.dead == 0 && (1..=DEEPEST).contains(&depth) {
            self.room = Some(LONGEST_KEY);
        }
        self.state = State::String(Part::Key);
    }

    fn open(&mut self, is_object: bool) {
        if self.objects.is_empty() && !is_object {
            self.base = 1;
        }
        if self.objects.len() == MOST_LEVELS {
            self.deeper = 1;
            self.state = State::Deep;
            return;
        }
        self.objects.push(is_object);
        self.state = if is_object {
            State::KeyOrEnd
        } else {
            State::ValueOrEnd
        };
    }

    fn close(&mut self, is_object: bool) {
        if self.objects.pop() != Some(is_object) {
            self.state = State::Skip;
            return;
        }
        if self.dead > self.objects.len().saturating_sub(self.base) {
            self.dead = 0;
        }
        self.raw_ends = self.ends_raw();
        self.value_ended(is_object);
    }

    /// Beyond the levels that are known one by one.
    fn deep(&mut self, byte: u8) -> usize {
        match byte {
            b'{' | b'[' => self.deeper += 1,
            b'}' | b']' => self.deeper -= 1,
            b'"' => {
                self.room = None;
                self.state = State::String(Part::Deep);
            }
            _ => {}
        }
        if self.deeper == 0 {
            self.value_ended(false);
        }
        1
    }

    /// A value is complete.
    fn value_ended(&mut self, is_object: bool) {
        let level = self.objects.len();
        self.state = if level > 0 {
            State::CommaOrEnd
        } else {
            State::Done
        };
        if is_object && level == self.base && self.messages.len() < MOST_BATCHED {
            let mut message = std::mem::take(&mut self.message);
            message.is_odd = self.base > 0 || self.has_bom;
            self.messages.push(message);
        }
    }

    /// Whether the value that ends here is the one whose text is kept.
    fn ends_raw(&self) -> bool {
        let level = self.objects.len();
        self.raw.as_ref().is_some_and(|raw| raw.level == level)
    }

    fn end_raw_of_scalar(&mut self) {
        if self.ends_raw() {
            self.end_raw();
        }
    }

    fn end_raw(&mut self) {
        self.raw_ends = false;
        if let Some(raw) = self.raw.take() {
            self.keep(Kept::Raw(raw.end()));
        }
    }

    fn keep(&mut self, kept: Kept) {
        let depth = self.objects.len().saturating_sub(self.base).min(DEEPEST);
        field::end(&mut self.message, &self.path[..depth], kept);
    }

    /// Takes bytes of a string, up to its end or the next escape.
    fn string(&mut self, part: Part, bytes: &[u8]) -> usize {
        let has_room = self.room.is_some_and(|most| self.text.len() < most);
        let length = if has_room || self.marking.is_some() {
            up_to_special(bytes)
        } else {
            up_to_end(bytes)
        };
        if length > 0 {
            self.add(&bytes[..length]);
            return length;
        }
        if bytes[0] == b'\\' {
            self.state = State::Escape(part);
            return 1;
        }
        match part {
            Part::Key => self.key_ended(),
            Part::Value => self.string_ended(),
            Part::Deep => self.state = State::Deep,
        }
        1
    }

    fn key_ended(&mut self) {
        self.add(b"");
        if self.room.is_some() {
            let depth = self.objects.len() - self.base;
            let key = Key::of(&self.text);
            self.path[depth - 1] = key;
            if key == Key::Other {
                self.dead = depth;
            }
        }
        self.state = State::Colon;
    }

    fn string_ended(&mut self) {
        self.add(b"");
        self.raw_ends = self.ends_raw();
        if let Some(marking) = self.marking.take() {
            match self.raw.as_mut().filter(|_| self.raw_ends) {
                Some(raw) => raw.string = Some(marking),
                None => self.keep(Kept::Mark(marking.end())),
            }
        } else if self.room.is_some() {
            let text = String::from_utf8_lossy(&self.text).into_owned();
            self.keep(Kept::Text(text));
        }
        self.value_ended(false);
    }

    /// Adds bytes to the string that is kept.
    fn add(&mut self, bytes: &[u8]) {
        if self.half.take().is_some() {
            self.put(REPLACEMENT);
        }
        self.put(bytes);
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(marking) = &mut self.marking {
            marking.add(bytes);
        } else if let Some(most) = self.room {
            let room = most.saturating_sub(self.text.len());
            self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn escape(&mut self, part: Part, byte: u8) -> usize {
        self.state = State::String(part);
        match byte {
            b'u' if self.room.is_some() => self.state = State::Unicode(part, 0, 0),
            b'n' => self.add(b"\n"),
            b't' => self.add(b"\t"),
            b'r' => self.add(b"\r"),
            b'b' => self.add(b"\x08"),
            b'f' => self.add(b"\x0C"),
            other => self.add(&[other]),
        }
        1
    }

    /// Four digits, of which `digits` are there. Half of a pair without the other is
    /// replaced: that text is looked at, or compared with itself.
    fn unicode(&mut self, part: Part, digits: u8, value: u32, byte: u8) -> usize {
        let Some(digit) = char::from(byte).to_digit(16) else {
            self.state = State::Skip;
            return 1;
        };
        let value = value << 4 | digit;
        if digits < 3 {
            self.state = State::Unicode(part, digits + 1, value);
            return 1;
        }
        self.state = State::String(part);
        let value = match (self.half, value) {
            (Some(high), 0xDC00..=0xDFFF) => {
                self.half = None;
                0x10000 + ((high - 0xD800) << 10) + (value - 0xDC00)
            }
            _ => value,
        };
        match char::from_u32(value) {
            Some(letter) => self.add(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            None if value < 0xDC00 => {
                self.add(b"");
                self.half = Some(value);
            }
            None => self.add(REPLACEMENT),
        }
        1
    }
}

/// The bytes before the next that means something in a string. Escapes often stand so
/// close that a search with a longer stride only begins and ends.
fn up_to_special(bytes: &[u8]) -> usize {
    const CLOSE: usize = 16;
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n');
    let (close, rest) = bytes.split_at(bytes.len().min(CLOSE));
    if let Some(at) = close.iter().position(is_special) {
        return at;
    }
    CLOSE.min(bytes.len()) + memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len())
}

/// The bytes before the end of a string, past escapes that are complete.
fn up_to_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += up_to_special(&bytes[at..]);
        match bytes[at..] {
            [b'\\', next, ..] if next != b'\n' => at += 2,
            _ => return at,
        }
    }
}

/// Of a number, or of a word such as `true`.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
