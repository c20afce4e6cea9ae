//! Calls made up from what stands below a root: the n-th call is always the same,
//! as long as the files are.

use std::fs;

use serde_json::{Value, json};

use crate::callers::Caller;
use crate::runtime::Call;
use crate::tools::{LARGEST_FILE, Root};

/// The walk finds no more than this.
const MOST_TARGETS: usize = 10_000;

/// Directories that the walk stays out of: large, and nobody's work.
const PASSED_OVER: [&str; 3] = [".git", "target", "node_modules"];

/// One call in so many is an odd one.
const ODD_EVERY: u64 = 25;

/// Every so many calls, so many come from the assistant, all at once.
const BURST_EVERY: u64 = 2_000;
const BURST_FROM: u64 = 100;
const BURST: u64 = 80;

const WORDS: [&str; 6] = ["audit", "error", "the", "return", "fn ", "http"];

#[derive(Debug)]
pub(crate) struct Workload {
    targets: Vec<Target>,
    editor: Caller,
    indexer: Caller,
    assistant: Caller,
}

/// Something below the root, or the root itself.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    path: String,
    is_directory: bool,
}

impl Workload {
    pub(crate) fn below(root: &Root) -> Self {
        Self {
            targets: walk(root),
            editor: Caller::editor(),
            indexer: Caller::indexer(),
            assistant: Caller::assistant(),
        }
    }

    pub(crate) fn directories(&self) -> u64 {
        let targets = self.targets.iter();
        targets.filter(|target| target.is_directory).count() as u64
    }

    pub(crate) fn files(&self) -> u64 {
        self.targets.len() as u64 - self.directories()
    }

    /// The n-th call.
    pub(crate) fn call(&self, n: u64) -> Call<'_> {
        if (BURST_FROM..BURST_FROM + BURST).contains(&(n % BURST_EVERY)) {
            return self.about_target(n, &self.assistant);
        }
        if n % ODD_EVERY == ODD_EVERY - 1 {
            return self.odd(n / ODD_EVERY);
        }
        let dice = mixed(n);
        let caller = if dice.is_multiple_of(4) {
            &self.indexer
        } else {
            &self.editor
        };
        let call = self.about_target(n, caller);
        Call {
            dry_run: (dice >> 32).is_multiple_of(20),
            ..call
        }
    }

    /// Goes round all targets again and again, with four questions to each.
    fn about_target<'a>(&self, n: u64, caller: &'a Caller) -> Call<'a> {
        let target = &self.targets[(n / 4) as usize % self.targets.len()];
        let path = target.path.as_str();
        let word = WORDS[mixed(n / 4) as usize % WORDS.len()];
        let (tool, args) = match (n % 4, target.is_directory) {
            (0, true) => ("files:list", json!({ "path": path })),
            (1, true) => ("files:list", json!({ "path": path, "page": 2 })),
            (_, true) | (0, _) => ("files:stat", json!({ "path": path })),
            (1, _) => ("files:read", json!({ "path": path })),
            (_, _) => ("files:search", json!({ "path": path, "text": word })),
        };
        call(caller, tool, args)
    }

    /// Calls as they come from those who guess.
    fn odd(&self, n: u64) -> Call<'_> {
        let (editor, indexer) = (&self.editor, &self.indexer);
        let (caller, tool, args) = match n % 8 {
            0 => (editor, "files:write", json!({ "path": "new.txt" })),
            1 => (editor, "files:read", json!({ "path": "no-such-file-4e1f" })),
            2 => (editor, "files:search", json!({ "path": "." })),
            3 => (
                indexer,
                "files:search",
                json!({ "path": ".", "text": "key" }),
            ),
            4 => (
                editor,
                "files:list",
                json!({ "path": ".", "page": "first" }),
            ),
            5 => (indexer, "files:read", json!({ "path": "." })),
            6 => (editor, "files:read", json!({ "path": "../../etc/passwd" })),
            _ => (
                indexer,
                "shell:run --password=s3cr3t-41f7",
                json!({ "command": "ls" }),
            ),
        };
        call(caller, tool, args)
    }
}

fn call<'a>(caller: &'a Caller, tool: &'static str, args: Value) -> Call<'a> {
    Call {
        caller,
        tool,
        args,
        dry_run: false,
    }
}

/// The root and what stands below it, links and special files too. It follows no
/// link, so it comes to an end.
///
/// Left out are large files, the insides of `PASSED_OVER`, and names that are not
/// UTF-8, which an argument in JSON can't hold.
fn walk(root: &Root) -> Vec<Target> {
    let mut targets = vec![Target {
        path: ".".into(),
        is_directory: true,
    }];
    let mut ahead = vec![String::new()];
    while let Some(directory) = ahead.pop() {
        // One that can't be read stands among the targets: to list it fails.
        let entries = fs::read_dir(root.path().join(&directory));
        for entry in entries.into_iter().flatten().flatten() {
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata())
            else {
                continue;
            };
            let is_directory = metadata.is_dir();
            if is_directory && PASSED_OVER.contains(&name.as_str())
                || !is_directory && metadata.len() > LARGEST_FILE
                || targets.len() == MOST_TARGETS
            {
                continue;
            }
            let path = format!("{directory}{name}");
            if is_directory {
                ahead.push(format!("{path}/"));
            }
            targets.push(Target { path, is_directory });
        }
    }
    targets.sort_unstable();
    targets
}

/// Spreads small numbers over all of 64 bits (the finalizer of `SplitMix64`).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
