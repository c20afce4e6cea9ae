//! How much of a text fits, in columns of a terminal.

use std::fmt::{Display, Write as _};

use unicode_width::UnicodeWidthChar as _;

use crate::output;
use crate::text;

/// What is shown of a text: its beginning and its end, with an ellipsis between them
/// if something was cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fitted<'a> {
    pub(crate) begin: &'a str,
    pub(crate) is_cut: bool,
    pub(crate) end: &'a str,
    /// How many columns it takes, the ellipsis among them.
    pub(crate) width: usize,
}

impl Fitted<'_> {
    /// As text, with each part made by `paint`.
    pub(crate) fn painted<D: Display>(&self, paint: impl Fn(&str) -> D) -> String {
        let mut text = String::new();
        let push = |text: &mut String, part: &str| {
            if !part.is_empty() {
                let _ = write!(text, "{}", paint(part));
            }
        };
        push(&mut text, self.begin);
        if self.is_cut {
            text.push(ellipsis());
        }
        push(&mut text, self.end);
        text
    }
}

/// How many columns a text takes as it is shown; looked at no further than
/// `most`.
pub(crate) fn width_of(text: &str, most: usize) -> usize {
    fit(text, most).width
}

/// A name that takes at most so many columns. Of one as `server:tool` the beginning is
/// cut, for names of one server have that in common.
pub(crate) fn fit_name(name: &str, most: usize) -> Fitted<'_> {
    let fitted = fit(name, most);
    if fitted.is_cut
        && let Some(colon) = name.find(':')
    {
        let end = &name[colon..];
        let end_width = width_of(end, most);
        // A letter and the ellipsis.
        if end_width + 2 <= most {
            let begin = fit(&name[..colon], most - end_width);
            let width = begin.width + end_width;
            return Fitted {
                end,
                width,
                ..begin
            };
        }
    }
    fitted
}

/// The beginning of a text, as much as takes at most so many columns.
pub(crate) fn fit(text: &str, most: usize) -> Fitted<'_> {
    let (begin, width, is_cut) = beginning(text, most);
    Fitted {
        begin,
        is_cut,
        end: "",
        width,
    }
}

/// The beginning, how many columns it takes with its ellipsis, and whether it has one.
fn beginning(text: &str, most: usize) -> (&str, usize, bool) {
    let mut used = 0;
    // So far the ellipsis fits as well.
    let mut cut_at = (0, 0);
    // Characters without width are no way to fill a line.
    let mut invisible = 0;
    for (at, char) in text.char_indices() {
        if used < most {
            cut_at = (at, used);
        }
        let width = width(char);
        invisible += usize::from(width == 0);
        used += width;
        if used > most || invisible > 64 {
            let (at, used) = cut_at;
            return match most {
                0 => ("", 0, false),
                _ => (&text[..at], used + 1, true),
            };
        }
    }
    (text, used, false)
}

/// By which a cut is shown.
fn ellipsis() -> char {
    if output::speaks_unicode() { '…' } else { '~' }
}

fn width(char: char) -> usize {
    match char {
        ' '..='~' => 1,
        '\n' | '\r' | '\t' => 2,
        char if text::is_hostile(char) => char.escape_unicode().len(),
        char => char.width().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_shown_whole_and_the_rest_is_cut() {
        for (text, most, wanted) in [
            ("abc", 3, ("abc", 3, false)),
            ("abcd", 3, ("ab", 3, true)),
            ("日本語", 6, ("日本語", 6, false)),
            ("日本語", 5, ("日本", 5, true)),
            ("日本語", 4, ("日", 3, true)),
            ("a\u{202e}b", 10, ("a\u{202e}b", 10, false)),
            ("a\u{202e}b", 9, ("a", 2, true)),
            ("\x1b[31m", 10, ("\x1b[31m", 10, false)),
            ("", 0, ("", 0, false)),
            ("a", 0, ("", 0, false)),
            ("a", 1, ("a", 1, false)),
            ("ab", 1, ("", 1, true)),
            ("e\u{301}", 1, ("e\u{301}", 1, false)),
        ] {
            assert_eq!(beginning(text, most), wanted, "{text} {most}");
        }
    }

    #[test]
    fn of_a_name_the_part_that_others_share_is_cut() {
        for (name, most, begin, end, width) in [
            ("server:tool", 11, "server:tool", "", 11),
            ("server:tool", 10, "serv", ":tool", 10),
            ("server:tool", 7, "s", ":tool", 7),
            ("server:tool", 6, "serve", "", 6),
            ("日本語:道具", 10, "日本", ":道具", 10),
            ("a_long_tool", 6, "a_lon", "", 6),
        ] {
            let fitted = fit_name(name, most);
            let parts = (fitted.begin, fitted.end, fitted.width);
            assert_eq!(parts, (begin, end, width), "{name} {most}");
        }
    }

    #[test]
    fn invisible_characters_are_bounded() {
        let text = "a".to_owned() + &"\u{301}".repeat(30_000);
        let fitted = fit(&text, 20);
        assert!(fitted.begin.len() < 200 && fitted.width == 2 && fitted.is_cut);
    }
}
