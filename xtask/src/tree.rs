//! The files of the tree: what git tracks, and what it would track if added.

use std::collections::BTreeSet;
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
    /// Every file and every directory.
    pub(crate) paths: BTreeSet<String>,
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
        let mut paths = Vec::new();
        for path in list.split_terminator('\0') {
            let full = root().join(path);
            // Deleted but not yet committed, or a link to nowhere.
            if !full.is_file() {
                continue;
            }
            paths.push(path.to_owned());
            let bytes = fs::read(&full).with_context(|| format!("can't read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                let path = path.to_owned();
                files.push(File { path, text });
            }
        }
        Ok(Self::new(files, paths))
    }

    fn new(files: Vec<File>, mut paths: Vec<String>) -> Self {
        paths.push(String::new());
        let with_parents = paths.iter().flat_map(|path| {
            let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
            parents.chain([path.as_str()]).map(String::from)
        });
        Self {
            paths: with_parents.collect(),
            files,
        }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The text files whose path ends so.
    pub(crate) fn ending(&self, end: &str) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(end))
    }
}

impl File {
    /// Its lines, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

#[cfg(test)]
impl Tree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).into(),
            text: (*text).into(),
        };
        Self::new(
            files.iter().map(file).collect(),
            files.iter().map(|(path, _)| (*path).into()).collect(),
        )
    }
}
