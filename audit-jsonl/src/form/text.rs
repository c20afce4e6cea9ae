//! Strings as they stand in a line.

use std::borrow::Cow;
use std::iter;

/// A string as it stands in a line, between its quotation marks: with its escapes.
///
/// ```
/// use audit_jsonl::form::Line;
///
/// let line = r#"{"ts":"","call_id":"","tool_id":"a\nb","granted_capabilities":[],"duration_ms":0,"outcome":{"kind":"success"},"tier":"hot","dry_run":false,"schema_version":3,"secrets_resolved":false}"#;
/// let Ok(Line::Record(record)) = Line::parse(line.as_bytes()) else { panic!() };
/// assert_eq!(record.tool_id.raw(), r"a\nb");
/// assert_eq!(record.tool_id.unescaped(), "a\nb");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(pub(crate) &'a str);

impl<'a> Text<'a> {
    /// The bytes of the line. Two strings are the same if these are: there is one
    /// way to write each.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.0
    }

    /// The string itself; borrowed unless something in it is escaped.
    #[must_use]
    pub fn unescaped(&self) -> Cow<'a, str> {
        let Some(first) = self.0.find('\\') else {
            return Cow::Borrowed(self.0);
        };
        let mut text = String::with_capacity(self.0.len());
        text.push_str(&self.0[..first]);
        let mut chars = self.0[first..].chars();
        while let Some(char) = chars.next() {
            text.push(match char {
                '\\' => match chars.next().unwrap_or_default() {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'f' => '\u{C}',
                    'r' => '\r',
                    'u' => {
                        let digits = chars.by_ref().take(4);
                        let code = digits.fold(0, |code, digit| {
                            code * 16 + digit.to_digit(16).unwrap_or_default()
                        });
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    same => same,
                },
                char => char,
            });
        }
        Cow::Owned(text)
    }
}

/// A list of strings as it stands in a line, without its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Texts<'a>(pub(crate) &'a str);

impl<'a> Texts<'a> {
    /// Each string, in order.
    pub fn iter(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let mut rest = self.0;
        iter::from_fn(move || {
            let inside = rest.strip_prefix('"')?;
            let end = end_of_text(inside.as_bytes());
            let text = inside.get(..end)?;
            let after = inside.get(end + 1..).unwrap_or_default();
            rest = after.strip_prefix(',').unwrap_or_default();
            Some(Text(text))
        })
    }
}

/// Where a string ends whose escapes are in form.
fn end_of_text(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match bytes.get(at) {
            None | Some(b'"') => return at.min(bytes.len()),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}
