//! Texts of errors, for whoever asked for them: cut, and without what looks like
//! somebody's data.

/// What stays of a text, in bytes.
const LONGEST: usize = 160;

/// What stands for what was left out.
const GONE: &str = "…";

/// The first line of a text, without what is quoted and without words that hold
/// digits or look like paths, addresses, settings or secrets.
pub(crate) fn redact(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut quote = None;
    let mut words: Vec<&str> = Vec::new();
    let mut length = 0;
    for word in line.unwrap_or_default().split_whitespace() {
        let was_quoted = quote.is_some();
        quote = quote_after(quote, word);
        let gone = was_quoted || quote.is_some() || looks_like_data(word);
        let word = if gone { GONE } else { word };
        if gone && words.last() == Some(&GONE) {
            continue;
        }
        length += word.len() + 1;
        if length > LONGEST {
            words.push(GONE);
            break;
        }
        words.push(word);
    }
    words.join(" ")
}

/// The quotation mark that is open after a word, if one is.
fn quote_after(mut open: Option<char>, word: &str) -> Option<char> {
    let mut before = ' ';
    for letter in word.chars() {
        match open {
            Some(mark) if mark == letter => open = None,
            Some(_) => {}
            // Not the apostrophe of `can't`.
            None if matches!(letter, '"' | '\'' | '`') && !before.is_alphanumeric() => {
                open = Some(letter);
            }
            None => {}
        }
        before = letter;
    }
    open
}

fn looks_like_data(word: &str) -> bool {
    const MARKS: &str = "/\\@=\"`<>{}[]&%$#~|_";
    let is_quoted = word.trim_matches('(').starts_with('\'');
    is_quoted
        || word.len() > 24
        || word.chars().any(|letter| {
            letter.is_ascii_digit()
                || letter.is_control()
                || !letter.is_ascii()
                || MARKS.contains(letter)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_data_is_left_out() {
        for (text, left) in [
            ("Permission denied", "Permission denied"),
            ("can't open '/etc/a b' now", "can't open … now"),
            ("no such file: /srv/x, open", "no such file: … open"),
            (
                "token sk-abc123 for ann@example.org is bad",
                "token … for … is bad",
            ),
            ("password=hunter2", "…"),
            ("the `secret word` \"and more\" end", "the … end"),
            ("an open 'quote never ends", "an open …"),
            ("\n  first line\nsecond", "first line"),
            ("", ""),
        ] {
            assert_eq!(redact(text), left, "{text}");
        }
    }

    #[test]
    fn texts_are_cut() {
        let text = redact(&"word ".repeat(1000));
        assert!(text.len() <= LONGEST + GONE.len() + 1, "{text}");
        assert!(text.ends_with(GONE));
    }
}
