//! Names with `*` and `?` in them.

/// A pattern: `*` stands for any characters, also none; `?` for one; anything else
/// for itself.
#[derive(Debug, Clone)]
pub(crate) struct Glob(Box<str>);

impl Glob {
    pub(crate) fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into().into())
    }

    /// In time that grows with the product of the lengths, never faster.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut name) = (self.0.chars(), name.chars());
        // Where to go on when what stands after the last `*` doesn't fit: with one
        // character more under the `*`. An earlier `*` need never be tried again.
        let mut again = None;
        loop {
            let (before, ahead) = (pattern.clone(), name.clone());
            match (pattern.next(), name.next()) {
                (Some('*'), _) => {
                    name = ahead;
                    again = Some((before, name.clone()));
                    continue;
                }
                (Some('?'), Some(_)) => continue,
                (Some(wanted), Some(found)) if wanted == found => continue,
                (None, None) => return true,
                _ => {}
            }
            let Some((star, mut rest)) = again.take() else {
                return false;
            };
            if rest.next().is_none() {
                return false;
            }
            pattern = star.clone();
            pattern.next();
            name = rest.clone();
            again = Some((star, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "files:read", true),
            ("files:*", "files:", true),
            ("files:*", "files", false),
            ("*:read", "files:read", true),
            ("*:read", "files:reads", false),
            ("f*s:?ead", "files:read", true),
            ("a*b*c", "abcbc", true),
            ("a*b*c", "abcb", false),
            ("**a**", "bab", true),
            ("?", "é", true),
            ("?", "", false),
            ("FILES:*", "files:read", false),
            ("[a-z]", "b", false),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(name),
                fits,
                "{pattern:?} {name:?}"
            );
        }
    }

    /// The meaning, in its plainest form, which takes for ever on long patterns.
    fn plainly(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|at| plainly(rest, &name[at..])),
            [first, rest @ ..] => match name {
                [found, after @ ..] => (*first == '?' || first == found) && plainly(rest, after),
                [] => false,
            },
        }
    }

    proptest! {
        #[test]
        fn as_it_is_meant(pattern in "[ab*?]{0,8}", name in "[abc]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = plainly(&chars(&pattern), &chars(&name));
            prop_assert_eq!(Glob::new(pattern).matches(&name), expected);
        }
    }
}
