//! The files of the tree: what git tracks, and what it would track if added.

use std::fs;

use anyhow::{Context as _, Result};

use crate::common::{program, root};

pub(crate) struct File {
    /// From the root of the workspace, with `/` between.
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) struct Tree {
    /// The files that are text.
    pub(crate) files: Vec<File>,
}

impl Tree {
    pub(crate) fn read() -> Result<Self> {
        let list = program(
            "git",
            "ls-files -z --cached --others --exclude-standard".split(' '),
        )
        .output()
        .context("the tree is read through git; run this in a git checkout")?;
        let mut files = Vec::new();
        for path in list.split_terminator('\0') {
            let full = root().join(path);
            // Deleted but not yet committed, or a link to nowhere.
            if !full.is_file() {
                continue;
            }
            let bytes = fs::read(&full).with_context(|| format!("can't read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                let path = path.to_owned();
                files.push(File { path, text });
            }
        }
        Ok(Self { files })
    }

    /// The text files whose path ends so.
    pub(crate) fn ending(&self, end: &str) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(end))
    }
}

#[cfg(test)]
impl Tree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).into(),
            text: (*text).into(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }
}
