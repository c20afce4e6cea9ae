//! Patterns of names.

use std::str::FromStr;

/// More names than this are no pattern that somebody typed.
const MOST_ALTERNATIVES: usize = 256;

/// No deeper do braces stand in each other: each level costs stack.
const DEEPEST: usize = 64;

/// A pattern that a whole name must fit: `*` is any characters, `?` one of them,
/// `[abc]`, `[a-z]` and `[!abc]` one of a set, `{read,write}` one of several; a
/// backslash takes the meaning from what follows. Upper and lower case differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    alternatives: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    Begins(String),
    Ends(String),
    Any(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// Whether a name fits.
    pub(crate) fn fits(&self, name: &str) -> bool {
        self.alternatives.iter().any(|pattern| pattern.fits(name))
    }

    /// Whether the empty name is one of those that it names, and not only fits.
    pub(crate) fn names_nobody(&self) -> bool {
        let is_empty =
            |pattern: &Pattern| matches!(pattern, Pattern::Exactly(name) if name.is_empty());
        self.alternatives.iter().any(is_empty)
    }
}

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut parser = Parser {
            chars: &chars,
            at: 0,
            depth: 0,
        };
        let alternatives = parser.sequence()?;
        Ok(Self {
            alternatives: alternatives.into_iter().map(Pattern::of).collect(),
        })
    }
}

impl Pattern {
    fn of(tokens: Vec<Token>) -> Self {
        let literal = |tokens: &[Token]| -> Option<String> {
            let chars = tokens.iter().map(|token| match token {
                Token::Char(char) => Some(*char),
                _ => None,
            });
            chars.collect()
        };
        let simple = match &tokens[..] {
            [Token::Many, rest @ ..] => literal(rest).map(Self::Ends),
            [rest @ .., Token::Many] => literal(rest).map(Self::Begins),
            all => literal(all).map(Self::Exactly),
        };
        simple.unwrap_or(Self::Any(tokens))
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exactly(text) => name == text,
            Self::Begins(text) => name.starts_with(text),
            Self::Ends(text) => name.ends_with(text),
            Self::Any(tokens) => fits(tokens, name),
        }
    }
}

/// Goes back to the last `*` alone: what an earlier one took, a later one can
/// take as well.
fn fits(tokens: &[Token], name: &str) -> bool {
    let mut token = 0;
    let mut rest = name.chars();
    let mut star = None;
    loop {
        let before = rest.clone();
        match (tokens.get(token), rest.next()) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                token += 1;
                rest = before.clone();
                star = Some((token, before));
            }
            (Some(one), Some(char)) if one.takes(char) => token += 1,
            _ => {
                let Some((after_star, begin)) = &mut star else {
                    return false;
                };
                if begin.next().is_none() {
                    return false;
                }
                token = *after_star;
                rest = begin.clone();
            }
        }
    }
}

impl Token {
    fn takes(&self, char: char) -> bool {
        match self {
            Self::Char(own) => *own == char,
            Self::One => true,
            Self::Many => false,
            Self::Set { ranges, negated } => {
                let mut ranges = ranges.iter();
                ranges.any(|(low, high)| (*low..=*high).contains(&char)) != *negated
            }
        }
    }
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    /// Inside of so many braces.
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let char = self.chars.get(self.at).copied();
        self.at += 1;
        char
    }

    /// All that a pattern stands for, up to its end, or to a comma or a brace if it
    /// is inside of braces.
    fn sequence(&mut self) -> Result<Vec<Vec<Token>>, String> {
        let inside = self.depth > 0;
        let mut all: Vec<Vec<Token>> = vec![Vec::new()];
        loop {
            let char = match self.next() {
                None if inside => return Err("the pattern has `{` without `}`".into()),
                None => return Ok(all),
                Some(',' | '}') if inside => {
                    self.at -= 1;
                    return Ok(all);
                }
                Some('{') => {
                    let choices = self.choices()?;
                    let both = |before: &Vec<Token>, choice: &Vec<Token>| {
                        before.iter().chain(choice).cloned().collect()
                    };
                    if all.len() * choices.len() > MOST_ALTERNATIVES {
                        return Err(format!(
                            "the pattern stands for more than {MOST_ALTERNATIVES} others"
                        ));
                    }
                    all = all
                        .iter()
                        .flat_map(|before| choices.iter().map(move |choice| both(before, choice)))
                        .collect();
                    continue;
                }
                Some(char) => char,
            };
            let token = match char {
                '*' => Token::Many,
                '?' => Token::One,
                '[' => self.set()?,
                '\\' => Token::Char(self.next().ok_or("the pattern ends in a backslash")?),
                char => Token::Char(char),
            };
            for tokens in &mut all {
                // Two in a row are one.
                if token != Token::Many || tokens.last() != Some(&Token::Many) {
                    tokens.push(token.clone());
                }
            }
        }
    }

    /// From behind `{` to behind `}`.
    fn choices(&mut self) -> Result<Vec<Vec<Token>>, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!(
                "the pattern has more than {DEEPEST} braces in each other"
            ));
        }
        let mut choices = Vec::new();
        loop {
            choices.extend(self.sequence()?);
            if self.next() == Some('}') {
                self.depth -= 1;
                return Ok(choices);
            }
        }
    }

    /// From behind `[` to behind `]`, which may stand first as itself.
    fn set(&mut self) -> Result<Token, String> {
        let open = || "the pattern has `[` without `]`".to_owned();
        let negated = matches!(self.chars.get(self.at), Some('!' | '^'));
        self.at += usize::from(negated);
        let mut ranges = Vec::new();
        loop {
            let low = match self.next().ok_or_else(open)? {
                ']' if !ranges.is_empty() => return Ok(Token::Set { ranges, negated }),
                '\\' => self.next().ok_or_else(open)?,
                char => char,
            };
            let high = match self.chars.get(self.at..self.at + 2) {
                Some(['-', high]) if *high != ']' => {
                    self.at += 2;
                    *high
                }
                _ => low,
            };
            if high < low {
                return Err(format!("the range `{low}-{high}` in the pattern is empty"));
            }
            ranges.push((low, high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_must_fit() {
        for (pattern, fitting, others) in [
            (
                "files:read",
                &["files:read"][..],
                &["files:reads", "xfiles:read", ""][..],
            ),
            (
                "files:*",
                &["files:", "files:a/b:c"],
                &["file:", "Files:read"],
            ),
            ("*:read", &["a:read", ":read"], &["a:reader"]),
            ("*", &["", "a\nb", "日本"], &[]),
            (
                "a*b*c",
                &["abc", "aXbXbXc", "abbcc"],
                &["ab", "acb", "abcX"],
            ),
            ("***a**", &["a", "bab"], &["b"]),
            ("f?o", &["foo", "füo", "f日o", "f\no"], &["fo", "fooo"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "-x"]),
            ("[!a-c]x", &["dx", "éx"], &["ax", "x"]),
            ("[]x]", &["]", "x"], &["[", ""]),
            ("[a-]", &["a", "-"], &["b"]),
            ("{read,write}", &["read", "write"], &["rea", "readwrite"]),
            (
                "fs.{r*,w{rite,x}}",
                &["fs.r", "fs.rd", "fs.write", "fs.wx"],
                &["fs.w"],
            ),
            ("{,a}b", &["b", "ab"], &["a"]),
            (r"\*\{a", &["*{a"], &["x{a"]),
            (r"[\]]", &["]"], &["\\"]),
            ("a,b", &["a,b"], &["a"]),
            ("", &[""], &["a"]),
        ] {
            let glob: Glob = pattern.parse().unwrap();
            for name in fitting {
                assert!(glob.fits(name), "{pattern} {name}");
            }
            for name in others {
                assert!(!glob.fits(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, told) in [
            ("[a", "`[` without `]`"),
            ("[", "`[` without `]`"),
            ("{a,b", "`{` without `}`"),
            ("a\\", "ends in a backslash"),
            ("[z-a]", "`z-a`"),
            (&"{a,b}".repeat(9), "more than 256"),
            (&"{".repeat(100_000), "more than 64 braces"),
        ] {
            let error = pattern.parse::<Glob>().unwrap_err();
            assert!(error.contains(told), "{pattern}: {error}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        let glob: Glob = "*a".repeat(30).parse().unwrap();
        let name = "a".repeat(29) + &"b".repeat(60_000);
        assert!(!glob.fits(&name));
    }
}
