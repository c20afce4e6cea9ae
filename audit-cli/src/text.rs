//! Text from a log, made harmless for a terminal.
//!
//! Whoever names a tool or a caller chooses what stands in the log. Control
//! characters would move the cursor or worse, and those that change the direction
//! of writing, or can't be seen, would make a line read as another.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::output::{DIM, Palette};

/// Whether a character is shown by its number instead.
pub(crate) fn is_hostile(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Marks, embeddings and isolates of the direction.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Ends of lines that no line feed is.
        | '\u{2028}' | '\u{2029}'
        // Invisible, so that two names look the same: the soft hyphen, fillers, spaces
        // without width. Not the joiners, which emoji and some scripts need.
        | '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'
        | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{ffa0}'
        // The byte-order mark and annotations; tags and selectors, with which text can
        // be hidden.
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with hostile characters as `\u{202e}`, or `\n`, `\r`, `\t`.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    // Most are plain ASCII, which a look at bytes tells.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push(&mut safe, c);
    }
    Cow::Owned(safe)
}

fn push(safe: &mut String, c: char) {
    match c {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        c if is_hostile(c) => safe.extend(c.escape_unicode()),
        c => safe.push(c),
    }
}

/// As [`neutral`], with what was replaced dimmed where there is colour, so that it
/// isn't taken for text that stood there.
pub(crate) fn shown<'a>(text: &'a str, palette: &Palette) -> Cow<'a, str> {
    let safe = neutral(text);
    if matches!(safe, Cow::Borrowed(_)) || !palette.is_on() {
        return safe;
    }
    let mut shown = String::with_capacity(safe.len() + 32);
    for c in text.chars() {
        if is_hostile(c) {
            let mut escaped = String::new();
            push(&mut escaped, c);
            // Writing to a string doesn't fail.
            let _ = write!(shown, "{}", palette.paint(DIM, escaped));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A line of JSON with the hostile characters in its strings as `\u202e`: the same
/// value, written otherwise. For terminals alone, as the bytes are the log's.
pub(crate) fn harmless_json(line: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Cow::Owned(neutral(&String::from_utf8_lossy(line)).into_owned().into());
    };
    // Whitespace may stand between members.
    let is_hostile = |c| is_hostile(c) && !matches!(c, '\t' | '\n' | '\r');
    if !text.contains(is_hostile) {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe.into())
}

/// A message of ours that may name what strangers have named; its line feeds stay.
pub(crate) struct Message<'a>(pub(crate) &'a str);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.split('\n');
        f.write_str(&neutral(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| write!(f, "\n{}", neutral(line)))
    }
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_the_text_is_shown_by_its_number() {
        for (text, wanted) in [
            ("files:read", "files:read"),
            ("読み取り ✓ é", "読み取り ✓ é"),
            ("a\x1b[31mb", "a\\u{1b}[31mb"),
            ("a\r\n\tb\x7f", "a\\r\\n\\tb\\u{7f}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("\u{2066}\u{2069}\u{200f}", "\\u{2066}\\u{2069}\\u{200f}"),
            ("\u{feff}\u{2028}\u{e0041}", "\\u{feff}\\u{2028}\\u{e0041}"),
            ("a\u{200b}d\u{ad}a\u{3164}", "a\\u{200b}d\\u{ad}a\\u{3164}"),
            (
                "👩\u{200d}🚀 می\u{200c}خواهم",
                "👩\u{200d}🚀 می\u{200c}خواهم",
            ),
        ] {
            assert_eq!(neutral(text), wanted);
            assert_eq!(shown(text, &Palette::plain()), wanted);
        }
    }

    #[test]
    fn what_was_replaced_is_dim_where_there_is_colour() {
        assert_eq!(shown("ab", &Palette::coloured()), "ab");
        assert_eq!(
            shown("a\x1bb", &Palette::coloured()),
            "a\x1b[2m\\u{1b}\x1b[0mb"
        );
    }

    #[test]
    fn harmless_json_has_the_same_value() {
        for text in ["a", "\u{9b}31m", "x\u{202e}y\u{7f}", "\u{e0041}", "日本"] {
            let line = serde_json::to_string(&[text]).unwrap();
            let safe = harmless_json(line.as_bytes());
            assert!(!std::str::from_utf8(&safe).unwrap().contains(is_hostile));
            let back: [String; 1] = serde_json::from_slice(&safe).unwrap();
            assert_eq!(back, [text]);
        }
        assert_eq!(&*harmless_json(b"\xff\x1b"), "\u{fffd}\\u{1b}".as_bytes());
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, wanted) in [(0, "0"), (999, "999"), (1_000, "1,000")] {
            assert_eq!(grouped(number), wanted);
        }
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(Message("a\x07\nb").to_string(), "a\\u{7}\nb");
    }
}
