//! A state of files, laid down in a directory.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::log::head_file::{Record, Written};
use crate::log::images::history::Line;
use crate::log::names::{FileId, with_suffix};

/// Which file a head is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The one that has the log's name.
    Log,
    /// The first of the others.
    Other,
}

#[derive(Debug, Clone)]
pub(super) enum Shown {
    Nothing,
    Bytes(Vec<u8>),
    Head(Record, Place),
}

#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) log: Option<Vec<u8>>,
    pub(super) others: Vec<(String, Vec<u8>)>,
    pub(super) head: Shown,
    /// What must not be lost.
    pub(super) must: Vec<Line>,
    /// Whether the log must tell that lines are gone, where that is certain.
    pub(super) gone: Option<bool>,
}

impl Image {
    /// Stands for the bytes in the files. Which file the head is about is one of
    /// them; its number in the file system is not.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.log.hash(&mut hasher);
        self.others.hash(&mut hasher);
        match &self.head {
            Shown::Nothing => {}
            Shown::Bytes(bytes) => bytes.hash(&mut hasher),
            Shown::Head(record, place) => {
                let file = FileId {
                    device: 0,
                    inode: 0,
                };
                let record = Record {
                    file,
                    ..record.clone()
                };
                record.to_text().hash(&mut hasher);
                place.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    pub(super) fn lay(&self, directory: &Path) {
        for entry in fs::read_dir(directory).expect("the directory") {
            fs::remove_file(entry.expect("an entry").path()).expect("it goes");
        }
        let log = directory.join("audit.jsonl");
        if let Some(bytes) = &self.log {
            fs::write(&log, bytes).expect("a log");
        }
        for (name, bytes) in &self.others {
            fs::write(directory.join(name), bytes).expect("a file");
        }
        let head = with_suffix(&log, ".head");
        match &self.head {
            Shown::Nothing => {}
            Shown::Bytes(bytes) => fs::write(head, bytes).expect("a head file"),
            Shown::Head(record, place) => {
                let mut record = record.clone();
                let about = match place {
                    Place::Log => log,
                    Place::Other => directory.join(&self.others[0].0),
                };
                // Without the file, it stays about one that is nowhere.
                if let Ok(metadata) = fs::metadata(about) {
                    record.file = FileId::of(&metadata);
                }
                let mut head = File::create(head).expect("a head file");
                Written::write(record, &mut head).expect("a head");
            }
        }
    }
}
