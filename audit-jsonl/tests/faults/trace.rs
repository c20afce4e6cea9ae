//! What `strace -f -y` wrote, read for what must not be done after a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A call on one of the log's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    thread: String,
    pub(crate) name: String,
    /// Files are numbered as they appear, and keep their number when they are
    /// renamed.
    pub(crate) file: usize,
    /// The error's name, if it failed.
    pub(crate) error: Option<String>,
}

/// The writes to a log's files and the syncs of them, in order. The head file and
/// what is moved aside are left out.
pub(crate) fn calls(trace: &str, log: &Path) -> Vec<Call> {
    let mut files = Files {
        stem: log.with_extension("").display().to_string(),
        ..Files::default()
    };
    let mut begun: BTreeMap<String, (String, Option<usize>)> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let (thread, rest) = (thread.to_owned(), rest.trim_start());
        let (text, file) = if rest.starts_with("<... ") {
            let Some((beginning, file)) = begun.remove(&thread) else {
                continue;
            };
            let end = rest.split_once("resumed>").map_or("", |(_, end)| end);
            (beginning + end, file)
        } else {
            // By the name that it had when the call was made.
            let file = files.of_call(rest);
            if let Some(beginning) = rest.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, (beginning.to_owned(), file));
                continue;
            }
            (rest.to_owned(), file)
        };
        let error = text.rsplit_once(") = -1 ").map(|(_, error)| {
            let name = error.split(' ').next();
            name.unwrap_or_default().to_owned()
        });
        let name = text.split('(').next().unwrap_or_default().to_owned();
        if error.is_none() {
            files.note(&name, &text);
        }
        if let Some(file) = file {
            calls.push(Call {
                thread,
                name,
                file,
                error,
            });
        }
    }
    calls
}

#[derive(Default)]
struct Files {
    /// What the names of all files of the log begin with.
    stem: String,
    numbers: BTreeMap<String, usize>,
    next: usize,
}

impl Files {
    /// The file of a call that writes or syncs.
    fn of_call(&mut self, text: &str) -> Option<usize> {
        let (name, arguments) = text.split_once('(')?;
        if !["write", "fdatasync", "fsync"].contains(&name) {
            return None;
        }
        let (_, path) = arguments.split_once('<')?;
        let (path, _) = path.split_once('>')?;
        let rest = path.strip_prefix(&self.stem)?;
        let is_chain = !["head", "torn", "damaged"]
            .iter()
            .any(|other| rest.contains(other));
        is_chain.then(|| self.number(path))
    }

    fn number(&mut self, path: &str) -> usize {
        *self.numbers.entry(path.to_owned()).or_insert_with(|| {
            self.next += 1;
            self.next
        })
    }

    /// Follows names.
    fn note(&mut self, name: &str, text: &str) {
        let mut paths = text.split('"').skip(1).step_by(2);
        match (name, paths.next(), paths.next()) {
            ("rename", Some(from), Some(to)) => {
                let number = self.number(from);
                self.numbers.remove(from);
                self.numbers.insert(to.to_owned(), number);
            }
            ("unlink", Some(path), _) => {
                self.numbers.remove(path);
            }
            _ => {}
        }
    }
}

/// Where a writer syncs a file, or writes to it, on which its sync or its write
/// has failed. Who opens the log, which is the thread that is seen first, is no
/// writer: it opens a file anew each time.
pub(crate) fn broken_rules(calls: &[Call]) -> Vec<String> {
    let mut spoilt: BTreeMap<(&str, usize), &Call> = BTreeMap::new();
    let mut written = BTreeSet::new();
    let mut problems = Vec::new();
    let opens = calls.first().map(|call| call.thread.clone());
    for call in calls {
        if Some(&call.thread) == opens.as_ref() {
            continue;
        }
        let key = (call.thread.as_str(), call.file);
        if let Some(failed) = spoilt.get(&key) {
            problems.push(format!("{call:?} after {failed:?}"));
        }
        let is_write = call.name == "write";
        match call.error.as_deref() {
            None if is_write => {
                written.insert(call.file);
            }
            None | Some("EINTR") => {}
            // A full disk says nothing of the file, and in an empty one nothing
            // can be lost.
            Some("ENOSPC" | "EDQUOT") if is_write => {}
            Some(_) if is_write && !written.contains(&call.file) => {}
            Some(_) => {
                spoilt.entry(key).or_insert(call);
            }
        }
    }
    problems
}
