//! A directory for the files of one input, in memory where there is such a place.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::logs::Part;

pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("audit-fuzz-{}-{nth}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory for the input's files");
        Self(dir)
    }

    /// With these files in it.
    pub(crate) fn with(parts: &[Part]) -> Self {
        let dir = Self::new();
        for part in parts {
            fs::write(dir.path(&part.name), &part.bytes).expect("a file of the input");
        }
        dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What is in it now, by name.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let entries = fs::read_dir(&self.0).expect("the directory of the input");
        let mut parts: Vec<Part> = entries
            .map(|entry| {
                let entry = entry.expect("an entry of the directory");
                Part {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    bytes: fs::read(entry.path()).expect("a file of the directory"),
                }
            })
            .collect();
        parts.sort_by(|a, b| a.name.cmp(&b.name));
        parts
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // What is left is a few KiB in a directory that the machine empties.
        fs::remove_dir_all(&self.0).ok();
    }
}
