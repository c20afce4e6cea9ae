//! The house rules for sources, on tokens: a word in a string or a comment is
//! no code.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::common::Problems;
use crate::tree::File;

const MOST_LINES: usize = 500;

pub(crate) fn check(file: &File, problems: &mut Problems) {
    let lines: Vec<&str> = file.text.lines().collect();
    if lines.len() > MOST_LINES {
        problems.push(
            format!("{}:{}", file.path, lines.len()),
            format!("more than {MOST_LINES} lines; split the file by what it is about"),
        );
    }
    let tokens = match file.text.parse::<TokenStream>() {
        Ok(tokens) => tokens,
        Err(error) => {
            let line = error.span().start().line;
            let place = format!("{}:{line}", file.path);
            problems.push(place, format!("can't be read as Rust: {error}"));
            return;
        }
    };
    let is_test = |part: &str| matches!(part, "tests" | "tests.rs");
    let in_tests = file.path.split('/').any(is_test);
    Checker {
        path: &file.path,
        lines,
        problems,
    }
    .tokens(tokens, in_tests);
}

struct Checker<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn tell(&mut self, at: Span, problem: &str) {
        let place = format!("{}:{}", self.path, at.start().line);
        self.problems.push(place, problem);
    }

    fn tokens(&mut self, tokens: TokenStream, in_tests: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // An attribute of a test holds up to the next block in braces, or to a
        // semicolon.
        let mut next_is_test = false;
        for (at, token) in tokens.iter().enumerate() {
            let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
            let after = tokens.get(at + 1);
            match token {
                TokenTree::Group(group) if is_attribute(group, before(1), before(2)) => {
                    next_is_test |= is_of_test(group);
                    self.attribute(group);
                }
                TokenTree::Group(group) => {
                    let braces = group.delimiter() == Delimiter::Brace;
                    self.tokens(group.stream(), in_tests || next_is_test && braces);
                    next_is_test &= !braces;
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => next_is_test = false,
                TokenTree::Ident(name)
                    if (name == "todo" || name == "unimplemented") && is_punct(after, '!') =>
                {
                    self.tell(name.span(), "is not finished; do what is to be done");
                }
                TokenTree::Ident(name) if name == "sleep" && in_tests => {
                    let called = matches!(after, Some(TokenTree::Group(_)));
                    let defined = is_ident(before(1), "fn");
                    if called && !defined && !self.has_comment(name.span()) {
                        self.tell(
                            name.span(),
                            "a test sleeps; wait for what it waits for, or say in a comment \
                             here or above why it must",
                        );
                    }
                }
                _ => {}
            }
        }
    }

    fn attribute(&mut self, group: &Group) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let arguments = match tokens.get(at + 1) {
                Some(TokenTree::Group(group)) => Some(group),
                _ => None,
            };
            match (token, arguments) {
                (TokenTree::Ident(name), _) if name == "ignore" && at == 0 => {
                    self.tell(
                        name.span(),
                        "a test that is ignored tests nothing; mend it or remove it",
                    );
                }
                (TokenTree::Ident(name), Some(arguments))
                    if name == "allow" || name == "expect" =>
                {
                    let mut words = arguments.stream().into_iter();
                    if !words.any(|word| is_ident(Some(&word), "reason")) {
                        self.tell(
                            name.span(),
                            "relaxes a lint without `reason = \"…\"`; say why",
                        );
                    }
                }
                // `cfg_attr` has attributes inside.
                (TokenTree::Group(inner), _) => self.attribute(inner),
                _ => {}
            }
        }
    }

    /// Whether a comment stands in the same line or in the one before.
    fn has_comment(&self, at: Span) -> bool {
        let line = at.start().line - 1;
        let same = self
            .lines
            .get(line)
            .is_some_and(|line| line.contains("// "));
        let above = line.checked_sub(1).and_then(|above| self.lines.get(above));
        same || above.is_some_and(|above| above.trim_start().starts_with("// "))
    }
}

/// Whether a group is what stands after `#` or `#!`.
fn is_attribute(group: &Group, before: Option<&TokenTree>, earlier: Option<&TokenTree>) -> bool {
    group.delimiter() == Delimiter::Bracket
        && (is_punct(before, '#') || is_punct(before, '!') && is_punct(earlier, '#'))
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`.
fn is_of_test(attribute: &Group) -> bool {
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(cfg), TokenTree::Group(group)] if cfg == "cfg" => asks_for_test(group),
        [.., last] => is_ident(Some(last), "test"),
        [] => false,
    }
}

/// Whether a condition, or one inside it, is `test`; `not(test)` isn't.
fn asks_for_test(condition: &Group) -> bool {
    let tokens: Vec<TokenTree> = condition.stream().into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(inner) => {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            !is_ident(before, "not") && asks_for_test(inner)
        }
        token => is_ident(Some(token), "test"),
    })
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> String {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        let mut problems = Problems::default();
        check(&file, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn what_keeps_the_rules_passes() {
        for text in [
            "#[expect(clippy::x, reason = \"y\")] fn f() {}",
            "// todo!() #[ignore]\nconst X: &str = \"todo!() #[allow(x)]\";",
            "fn f() { thread::sleep(pause) }",
            "#[test] fn f() {\n// The pause is what is tested.\nthread::sleep(pause) }",
            "#[cfg(test)] mod t { fn f() { sleep(x); // why\n } fn sleep(x: u8) {} }",
            "#[cfg(test)] mod t; fn f() { sleep(x) }",
            "#[cfg(not(test))] fn f() { sleep(x) }",
        ] {
            assert_eq!(problems("src/a.rs", text), "", "{text}");
        }
    }

    #[test]
    fn each_rule_is_checked() {
        for (text, told) in [
            (
                "\n#[allow(dead_code)] fn f() {}",
                "src/a.rs:2: relaxes a lint",
            ),
            ("#![expect(x)]", "relaxes a lint"),
            ("#[cfg_attr(unix, allow(x))] fn f() {}", "relaxes a lint"),
            (
                "macro_rules! m { () => { #[allow(x)] fn f() {} } }",
                "relaxes a lint",
            ),
            (
                "#[test]\n#[ignore] fn f() {}",
                "src/a.rs:2: a test that is ignored",
            ),
            ("#[ignore = \"slow\"] fn f() {}", "a test that is ignored"),
            ("fn f() { todo!() }", "is not finished"),
            (
                "fn f() { if x { unimplemented!(\"y\") } }",
                "is not finished",
            ),
            (
                "#[test] fn f() {\n\n if x { std::thread::sleep(y) } }",
                "src/a.rs:3: a test sleeps",
            ),
            (
                "#[cfg(test)] mod t { fn f() { sleep(y) } }",
                "a test sleeps",
            ),
            (
                "#[cfg(all(unix, test))] mod t { fn f() { sleep(y) } }",
                "a test sleeps",
            ),
            ("fn f( {", "can't be read as Rust"),
        ] {
            let problems = problems("src/a.rs", text);
            assert!(problems.contains(told), "{text}: {problems}");
        }
    }

    #[test]
    fn files_of_tests_are_tests() {
        let text = "fn f() { thread::sleep(x) }";
        for path in ["audit-x/tests/it/main.rs", "xtask/src/schema/tests.rs"] {
            assert!(problems(path, text).contains("a test sleeps"), "{path}");
        }
    }

    #[test]
    fn long_files_are_told() {
        assert_eq!(problems("a.rs", &"\n".repeat(500)), "");
        assert!(problems("a.rs", &"\n".repeat(501)).contains("a.rs:501: more than 500 lines"));
    }
}
