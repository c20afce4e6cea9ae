//! Doc comments, made fit for readers who don't know Rust.

/// The text without examples, later sections and links, its paragraphs on one
/// line each.
pub(crate) fn clean(lines: &[String]) -> String {
    let mut paragraphs: Vec<String> = vec![String::new()];
    let mut in_example = false;
    for line in lines {
        let line = line.trim();
        if line.starts_with("```") {
            in_example = !in_example;
            // What leads to an example goes with it.
            if in_example {
                while paragraphs.last().is_some_and(String::is_empty) {
                    paragraphs.pop();
                }
                paragraphs.pop_if(|last| last.ends_with(':'));
                paragraphs.push(String::new());
            }
        } else if in_example {
        } else if line.starts_with("# ") {
            break;
        } else if line.is_empty() {
            paragraphs.push(String::new());
        } else if let Some(last) = paragraphs.last_mut() {
            if !last.is_empty() {
                last.push(if line.starts_with(['-', '*', '|']) {
                    '\n'
                } else {
                    ' '
                });
            }
            last.push_str(line);
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    without_links(&paragraphs.join("\n\n"))
}

/// Keeps the text of each link, and the address of those that lead to a site.
fn without_links(text: &str) -> String {
    let mut cleaned = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[']) {
        cleaned.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match code_end(rest) {
            Some(end) => {
                cleaned.push_str(&rest[..end]);
                end
            }
            None => match link(rest) {
                Some((shown, end)) => {
                    cleaned.push_str(&shown);
                    end
                }
                None => {
                    cleaned.push_str(&rest[..1]);
                    1
                }
            },
        };
        rest = &rest[taken..];
    }
    cleaned + rest
}

/// Where the code that the text begins with ends.
fn code_end(text: &str) -> Option<usize> {
    let ticks = text.len() - text.trim_start_matches('`').len();
    if ticks == 0 {
        return None;
    }
    let close = text[ticks..].find(&text[..ticks])?;
    Some(close + 2 * ticks)
}

/// What to show of the link that the text begins with, and where it ends.
fn link(text: &str) -> Option<(String, usize)> {
    let mut at = 1;
    while !text[at..].starts_with(']') {
        at += match code_end(&text[at..]) {
            Some(end) => end,
            None => text[at..].chars().next()?.len_utf8(),
        };
    }
    let shown = &text[1..at];
    let after = &text[at + 1..];
    if let Some(target) = after.strip_prefix('(') {
        let close = target.find(')')?;
        let target = &target[..close];
        let end = at + 1 + close + 2;
        if target.starts_with("http") {
            return Some((format!("{shown} ({target})"), end));
        }
        Some((shown.into(), end))
    } else if let Some(reference) = after.strip_prefix('[') {
        Some((shown.into(), at + 1 + reference.find(']')? + 2))
    } else if shown.starts_with('`') && shown.ends_with('`') {
        Some((shown.into(), at + 1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    fn check(doc: &str, expected: &str) {
        let lines: Vec<String> = doc.lines().map(String::from).collect();
        assert_eq!(clean(&lines), expected, "{doc}");
    }

    #[test]
    fn links_go_and_their_text_stays() {
        check(" See [`SCHEMA_VERSION`].", "See `SCHEMA_VERSION`.");
        check(" In [`caps`](crate::CallEvent::caps)!", "In `caps`!");
        check(
            " The [form](https://a.example/x) of it",
            "The form (https://a.example/x) of it",
        );
        check(" [that one][other] there", "that one there");
    }

    #[test]
    fn brackets_in_code_and_text_stay() {
        check(
            " As `[\"fs.read\"]` or [1, 2].",
            "As `[\"fs.read\"]` or [1, 2].",
        );
        check(
            " As ``[`x`]`` and a lone ` and [",
            "As ``[`x`]`` and a lone ` and [",
        );
    }

    #[test]
    fn lines_of_a_paragraph_become_one() {
        check(
            " One\n two.\n\n Three.\n - a\n - b",
            "One two.\n\nThree.\n- a\n- b",
        );
    }

    #[test]
    fn examples_and_later_sections_go() {
        check(
            " First.\n\n Made by `new`:\n\n ```\n let x = [`y`];\n ```\n\n Last.\n\n # Errors\n\n None.",
            "First.\n\nLast.",
        );
    }
}
