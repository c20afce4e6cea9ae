//! As much of Markdown as the checks need: where code is, headings, links.

use std::collections::BTreeSet;

use crate::tree::File;

pub(crate) struct Markdown<'a> {
    pub(crate) path: &'a str,
    /// The text with spaces in place of all code, so that places stay.
    prose: String,
    pub(crate) code: Vec<Code>,
    /// What a link after `#` may name.
    pub(crate) anchors: BTreeSet<String>,
}

/// A span of code, or one line of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) target: String,
}

impl<'a> Markdown<'a> {
    pub(crate) fn parse(file: &'a File) -> Self {
        let mut page = Self {
            path: &file.path,
            prose: String::with_capacity(file.text.len()),
            code: Vec::new(),
            anchors: BTreeSet::new(),
        };
        let mut fence: Option<&str> = None;
        // Spans of code may go on in the next line, but not in the next paragraph.
        let mut paragraph = String::new();
        let mut begun = 1;
        let mut continued = false;
        for (number, line) in file.lines() {
            let text = line.trim_start();
            let marks = fence_marks(text);
            let is_code = match fence {
                Some(open) => {
                    let closes = marks.starts_with(open) && text.trim_end() == marks;
                    if closes {
                        fence = None;
                    }
                    !closes
                }
                None => {
                    if !marks.is_empty() {
                        fence = Some(marks);
                    }
                    // An item of an inner list is indented as much.
                    let is_item = text.starts_with(['-', '*', '+']);
                    line.starts_with("    ") && paragraph.is_empty() && !is_item
                }
            };
            if !is_code && marks.is_empty() && !text.is_empty() && !text.starts_with('#') {
                if paragraph.is_empty() {
                    begun = number;
                }
                paragraph.push_str(line);
                paragraph.push('\n');
                continued = false;
                continue;
            }
            page.paragraph(&paragraph, begun);
            paragraph.clear();
            if is_code {
                page.code_line(number, text, continued);
                continued = text.ends_with('\\');
                page.prose.push('\n');
            } else {
                continued = false;
                page.paragraph(&format!("{line}\n"), number);
                if text.starts_with('#') && marks.is_empty() {
                    page.heading(text);
                }
            }
        }
        page.paragraph(&paragraph, begun);
        page.named_anchors();
        page
    }

    /// Adds lines of text, the code in them apart.
    fn paragraph(&mut self, text: &str, first_line: usize) {
        let mut rest = text;
        while let Some(at) = rest.find('`') {
            let (before, code) = rest.split_at(at);
            self.prose.push_str(before);
            let ticks = code.len() - code.trim_start_matches('`').len();
            let Some(length) = closing_ticks(&code[ticks..], ticks) else {
                self.prose.push_str(&code[..ticks]);
                rest = &code[ticks..];
                continue;
            };
            let inner = &code[ticks..ticks + length];
            let whole = &code[..length + 2 * ticks];
            let earlier = text.len() - code.len();
            self.code.push(Code {
                line: first_line + text[..earlier].matches('\n').count(),
                text: inner.replace('\n', " "),
            });
            let blank = |letter: char| if letter == '\n' { '\n' } else { ' ' };
            self.prose.extend(whole.chars().map(blank));
            rest = &code[whole.len()..];
        }
        self.prose.push_str(rest);
    }

    fn code_line(&mut self, line: usize, text: &str, continued: bool) {
        match self.code.last_mut() {
            Some(last) if continued => {
                last.text.pop();
                last.text.push_str(text);
            }
            _ => self.code.push(Code {
                line,
                text: text.to_owned(),
            }),
        }
    }

    /// The name under which a site shows a heading: GitHub's rules.
    fn heading(&mut self, line: &str) {
        let text = line.trim_matches(['#', ' ']);
        let mut shown = String::new();
        // Of a link, its text counts alone.
        let mut rest = text;
        while let Some(at) = rest.find("](") {
            shown.push_str(&rest[..at]);
            rest = rest[at..].split_once(')').map_or("", |(_, after)| after);
        }
        shown.push_str(rest);
        let name: String = shown
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let mut unique = name.clone();
        let mut again = 0;
        while !self.anchors.insert(unique) {
            again += 1;
            unique = format!("{name}-{again}");
        }
    }

    fn named_anchors(&mut self) {
        for mark in ["id=\"", "name=\""] {
            for (at, _) in self.prose.match_indices(mark) {
                let rest = &self.prose[at + mark.len()..];
                if let Some((name, _)) = rest.split_once('"') {
                    self.anchors.insert(name.to_owned());
                }
            }
        }
    }

    /// Where its links and images lead: `[…](…)`, `[…]: …` and HTML's.
    pub(crate) fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        let mut add = |at: usize, target: &str| {
            links.push(Link {
                line: 1 + self.prose[..at].matches('\n').count(),
                target: target.to_owned(),
            });
        };
        for (at, _) in self.prose.match_indices("](") {
            let rest = self.prose[at + 2..].trim_start();
            let target = match rest.strip_prefix('<') {
                Some(rest) => rest.split('>').next(),
                None => rest
                    .split(|end: char| end == ')' || end.is_whitespace())
                    .next(),
            };
            add(at, target.unwrap_or_default());
        }
        for mark in ["href=\"", "src=\""] {
            for (at, _) in self.prose.match_indices(mark) {
                let rest = &self.prose[at + mark.len()..];
                add(at, rest.split('"').next().unwrap_or_default());
            }
        }
        let mut at = 0;
        for line in self.prose.split_inclusive('\n') {
            let text = line.trim();
            if text.starts_with('[')
                && !text.starts_with("[^")
                && let Some((_, target)) = text.split_once("]: ")
            {
                add(at, target.split_whitespace().next().unwrap_or_default());
            }
            at += line.len();
        }
        links
    }
}

/// The marks that open or close a block of code, if the line begins with such.
fn fence_marks(text: &str) -> &str {
    for mark in ['`', '~'] {
        let marks = text.len() - text.trim_start_matches(mark).len();
        // Marks again later in the line make it a span of code.
        if marks >= 3 && !text[marks..].contains(mark) {
            return &text[..marks];
        }
    }
    ""
}

/// Where as many ticks stand, no more and no fewer.
fn closing_ticks(text: &str, ticks: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`') {
        let at = from + at;
        let run = text[at..].len() - text[at..].trim_start_matches('`').len();
        if run == ticks {
            return Some(at);
        }
        from = at + run;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File {
            path: "a.md".into(),
            text: text.into(),
        }
    }

    fn links(text: &str) -> Vec<(usize, String)> {
        let file = file(text);
        let links = Markdown::parse(&file).links();
        links
            .into_iter()
            .map(|link| (link.line, link.target))
            .collect()
    }

    fn code(text: &str) -> Vec<(usize, String)> {
        let file = file(text);
        let code = Markdown::parse(&file).code;
        code.into_iter()
            .map(|code| (code.line, code.text))
            .collect()
    }

    #[test]
    fn links_of_every_form_are_found() {
        assert_eq!(
            links("a [b](c.md) d\n![e\nf](g.png \"h\")"),
            [(1, "c.md".into()), (3, "g.png".into())]
        );
        assert_eq!(links("[b]: <c.md>\n"), [(1, "<c.md>".into())]);
        assert_eq!(
            links("<a href=\"c.md\"> [x](<d e.md>)"),
            [(1, "d e.md".into()), (1, "c.md".into())]
        );
    }

    #[test]
    fn links_in_code_are_none() {
        assert_eq!(
            links("`[b](c)` ``[`b`](c)``\n```text\n[b](c)\n```\n\n    [b](c)\n"),
            []
        );
        assert_eq!(links("~~~~\n~~~\n[b](c)\n~~~~\n[d](e)"), [(5, "e".into())]);
    }

    #[test]
    fn code_is_found_in_spans_and_blocks() {
        assert_eq!(
            code("a `b\nc` d\n\n```sh\ne \\\n  f\ng\n```\n\n    h\n"),
            [
                (1, "b c".into()),
                (5, "e f".into()),
                (7, "g".into()),
                (10, "h".into())
            ]
        );
    }

    #[test]
    fn headings_are_named_as_sites_name_them() {
        let file = file(
            "# The `audit-x` crate: why?\n## [One](a.md) two ##\n## One two\n```\n# no\n```\n\
             <a id=\"own\"></a>\n",
        );
        let anchors = Markdown::parse(&file).anchors;
        // The code of a heading counts too.
        let expected = ["one-two", "one-two-1", "own", "the-audit-x-crate-why"];
        assert_eq!(anchors.into_iter().collect::<Vec<_>>(), expected);
    }
}
