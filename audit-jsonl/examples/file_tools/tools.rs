//! The tools: what can be asked about the files below a root.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

/// Tools that take a whole file refuse a larger one.
pub(crate) const LARGEST_FILE: u64 = 256 * 1024;

const NAMES_A_PAGE: usize = 100;

/// What the runtime knows of a tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) id: &'static str,
    pub(crate) tier: &'static str,
    /// The capabilities that a caller must have.
    pub(crate) needs: &'static [&'static str],
    /// The arguments that it takes; `page` alone may be left out.
    takes: &'static [&'static str],
    pub(crate) run: fn(&Root, &Args<'_>) -> io::Result<Reply>,
}

#[rustfmt::skip]
pub(crate) const TOOLS: [Tool; 4] = [
    Tool { id: "files:list", tier: "hot", needs: &["fs.list"], takes: &["path", "page"], run: list },
    Tool { id: "files:stat", tier: "hot", needs: &["fs.list"], takes: &["path"], run: stat },
    Tool { id: "files:read", tier: "warm", needs: &["fs.read"], takes: &["path"], run: read },
    Tool { id: "files:search", tier: "cold", needs: &["fs.read", "fs.search"], takes: &["path", "text"], run: search },
];

pub(crate) fn find(id: &str) -> Option<&'static Tool> {
    const { &TOOLS }.iter().find(|tool| tool.id == id)
}

/// The tool's name; that of one that doesn't exist may be anything, and is redacted in
/// the log.
pub(crate) fn known_or_other(id: &str) -> &str {
    find(id).map_or("other", |tool| tool.id)
}

/// What a tool gives back, and which page of a longer result it is.
pub(crate) type Reply = (Value, Page);
pub(crate) type Page = Option<u32>;

fn list(root: &Root, args: &Args<'_>) -> io::Result<Reply> {
    let page = args.page.unwrap_or(1);
    let skipped = (page as usize - 1).saturating_mul(NAMES_A_PAGE);
    let entries = fs::read_dir(root.resolve(args.path)?)?;
    let mut names = Vec::new();
    for entry in entries.skip(skipped).take(NAMES_A_PAGE) {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok((json!(names), Some(page)))
}

fn stat(root: &Root, args: &Args<'_>) -> io::Result<Reply> {
    let metadata = fs::metadata(root.resolve(args.path)?)?;
    let result = json!({ "bytes": metadata.len(), "directory": metadata.is_dir() });
    Ok((result, None))
}

fn read(root: &Root, args: &Args<'_>) -> io::Result<Reply> {
    Ok((root.text(args.path)?.into(), None))
}

fn search(root: &Root, args: &Args<'_>) -> io::Result<Reply> {
    let text = root.text(args.path)?;
    let lines = (1..).zip(text.lines());
    let found = lines.filter(|(_, line)| line.contains(args.text));
    let found: Vec<usize> = found.map(|(number, _)| number).collect();
    Ok((json!(found), None))
}

/// Whether the same call may succeed later.
pub(crate) fn is_retryable(kind: ErrorKind) -> bool {
    use ErrorKind::{Interrupted, ResourceBusy, TimedOut, WouldBlock};
    matches!(kind, Interrupted | ResourceBusy | TimedOut | WouldBlock)
}

/// The arguments of a call, found to be what its tool takes.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    /// Relative, and without `..`.
    path: &'a Path,
    /// Empty for tools that don't take it.
    text: &'a str,
    page: Option<u32>,
}

impl<'a> Args<'a> {
    /// What is wrong is told without the value, which belongs to the caller.
    pub(crate) fn parse(tool: &Tool, args: &'a Value) -> Result<Self, String> {
        let args = args.as_object().ok_or("the arguments must be an object")?;
        if args.keys().any(|name| !tool.takes.contains(&name.as_str())) {
            return Err(format!("{} takes only {}", tool.id, tool.takes.join(", ")));
        }
        let string = |name: &str| match args.get(name) {
            _ if !tool.takes.contains(&name) => Ok(""),
            None => Err(format!("{name}: missing")),
            Some(value) => value
                .as_str()
                .ok_or_else(|| format!("{name}: must be a string")),
        };
        let path = Path::new(string("path")?);
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path.components().all(inside) {
            return Err("path: must be relative to the root, and without ..".into());
        }
        let text = string("text")?;
        let page = args.get("page").map(|page| {
            let number = page.as_u64().and_then(|page| u32::try_from(page).ok());
            number
                .filter(|&page| page > 0)
                .ok_or("page: must be a number from 1")
        });
        Ok(Self {
            path,
            text,
            page: page.transpose()?,
        })
    }
}

/// The directory beyond which no tool sees.
#[derive(Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// The error names the path.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let root = fs::canonicalize(path).map_err(failed)?;
        if !root.is_dir() {
            return Err(format!("{}: not a directory", path.display()));
        }
        Ok(Self(root))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a path really leads.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let real = fs::canonicalize(self.0.join(path))?;
        if real.starts_with(&self.0) {
            Ok(real)
        } else {
            let reason = "a link leads out of the root";
            Err(io::Error::new(ErrorKind::PermissionDenied, reason))
        }
    }

    fn text(&self, path: &Path) -> io::Result<String> {
        let path = self.resolve(path)?;
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        // To open a pipe or a device may wait without end, or do something.
        if !metadata.is_file() {
            return Err(ErrorKind::Unsupported.into());
        }
        if metadata.len() > LARGEST_FILE {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let mut text = String::new();
        // No more than it said: what claims to be empty, as much below `/proc`
        // does, may never end.
        File::open(&path)?
            .take(metadata.len())
            .read_to_string(&mut text)?;
        Ok(text)
    }
}
