//! How much of a text fits, in columns of a terminal.

use unicode_width::UnicodeWidthChar as _;

use crate::output;
use crate::text;

/// How many columns a text takes as it is shown; looked at no further than
/// `most`.
pub(crate) fn width_of(text: &str, most: usize) -> usize {
    let (_, used, _) = fit(text, most);
    used
}

/// The beginning of a text that takes at most so many columns, how many it takes,
/// and whether it was cut: then an ellipsis is among them.
pub(crate) fn fit(text: &str, most: usize) -> (&str, usize, bool) {
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
pub(crate) fn ellipsis() -> char {
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
            assert_eq!(fit(text, most), wanted, "{text} {most}");
        }
    }

    #[test]
    fn invisible_characters_are_bounded() {
        let text = "a".to_owned() + &"\u{301}".repeat(30_000);
        let (shown, used, is_cut) = fit(&text, 20);
        assert!(shown.len() < 200 && used == 2 && is_cut);
    }
}
