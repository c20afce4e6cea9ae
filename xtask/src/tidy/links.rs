//! Links lead somewhere: to a file of the tree, and to a heading in it.

use crate::common::Problems;
use crate::tidy::markdown::{Link, Markdown};
use crate::tree::Tree;

pub(crate) fn check(pages: &[Markdown<'_>], tree: &Tree, problems: &mut Problems) {
    for page in pages {
        for link in page.links() {
            if let Err(problem) = follow(page, &link, pages, tree) {
                let place = format!("{}:{}", page.path, link.line);
                problems.push(place, format!("the link to `{}` {problem}", link.target));
            }
        }
    }
}

fn follow(
    page: &Markdown<'_>,
    link: &Link,
    pages: &[Markdown<'_>],
    tree: &Tree,
) -> Result<(), String> {
    let target = link.target.trim_matches(['<', '>']);
    if ["http://", "https://", "mailto:"]
        .iter()
        .any(|site| target.starts_with(site))
    {
        return Ok(());
    }
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (target, None),
    };
    let path = if file.is_empty() {
        page.path.to_owned()
    } else {
        let path = resolve(page.path, &file.replace("%20", " "))
            .ok_or("leads out of the tree; link to something inside it, or to a site")?;
        if !tree.paths.contains(&path) {
            return Err(format!(
                "leads to {path}, which git doesn't have; correct it"
            ));
        }
        path
    };
    match (anchor, pages.iter().find(|page| page.path == path)) {
        (Some(anchor), Some(page)) if !page.anchors.contains(anchor) => Err(format!(
            "names no heading of {path}; it has: {}",
            page.anchors.iter().cloned().collect::<Vec<_>>().join(", ")
        )),
        _ => Ok(()),
    }
}

/// A path relative to the page, as one from the root.
fn resolve(page: &str, link: &str) -> Option<String> {
    if link.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(link: &str) -> String {
        let readme = format!("# A readme\n\n[x]({link})\n");
        let tree = Tree::of(&[("sub/README.md", &readme), ("docs/log.md", "## Its form\n")]);
        let pages: Vec<Markdown<'_>> = tree.ending(".md").map(Markdown::parse).collect();
        let mut problems = Problems::default();
        check(&pages, &tree, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for link in [
            "../docs/log.md",
            "../docs/log.md#its-form",
            "../docs/",
            "..",
            "#a-readme",
            "https://example.org/x#y",
        ] {
            assert_eq!(problems(link), "");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_told() {
        for (link, told) in [
            (
                "docs/log.md",
                "sub/README.md:3: the link to `docs/log.md` leads to sub/docs/log.md",
            ),
            ("../docs/Log.md", "which git doesn't have"),
            (
                "../docs/log.md#form",
                "names no heading of docs/log.md; it has: its-form",
            ),
            ("#its-form", "names no heading of sub/README.md"),
            ("../../x.md", "leads out of the tree"),
            ("/docs/log.md", "leads out of the tree"),
        ] {
            let problems = problems(link);
            assert!(problems.contains(told), "{link}: {problems}");
        }
    }
}
