//! Lines that can't be read: noted where they are met, told in their order.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use audit_jsonl::{self, DamageKind, Position};

use crate::input::{DAMAGE_TOLD, Damage};
use crate::scan::Order;

/// What one part of a log has of them.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    first: Vec<One>,
    /// How many there are besides.
    more: u64,
}

#[derive(Debug)]
struct One {
    path: Option<PathBuf>,
    line: Option<u64>,
    byte: u64,
    what: String,
}

impl Noted {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn note(&mut self, position: Position<'_>, what: String) {
        // No more than these are ever told.
        if self.first.len() as u64 >= DAMAGE_TOLD {
            self.more += 1;
            return;
        }
        self.first.push(One {
            path: position.path.map(Path::to_owned),
            line: position.line,
            byte: position.byte,
            what,
        });
    }

    pub(crate) fn note_damage(&mut self, damage: &audit_jsonl::Damage<'_>) {
        let what = match damage.kind() {
            DamageKind::FileGone => damage.kind().to_string(),
            DamageKind::Unfinished if is_being_written(damage) => return,
            kind => format!("{kind}, {} bytes", damage.len()),
        };
        self.note(damage.position(), what);
    }
}

/// Whether somebody has written on since.
fn is_being_written(damage: &audit_jsonl::Damage<'_>) -> bool {
    let position = damage.position();
    let seen = position.byte + damage.len();
    let length = position.path.and_then(|path| fs::metadata(path).ok());
    length.is_some_and(|metadata| metadata.len() > seen)
}

/// Tells of them.
#[derive(Debug)]
pub(crate) struct Damages {
    told: Damage,
    lines: LineNumbers,
    order: Order,
    stream: Option<String>,
    names: HashMap<PathBuf, String>,
}

impl Damages {
    pub(crate) fn new(order: Order) -> Self {
        Self {
            told: Damage::default(),
            lines: LineNumbers::default(),
            order,
            stream: None,
            names: HashMap::new(),
        }
    }

    /// What has no path has this name from here on.
    pub(crate) fn of_stream(&mut self, name: String) {
        self.stream = Some(name);
    }

    /// What is told of that file is told by this name.
    pub(crate) fn call(&mut self, path: &Path, name: String) {
        self.names.insert(path.to_owned(), name);
    }

    pub(crate) fn tell(&mut self, noted: Noted) {
        for one in noted.first {
            let line = match (one.line, &one.path) {
                (None, Some(path)) if self.told.is_told() && self.order == Order::OldestFirst => {
                    self.lines.of(path, one.byte)
                }
                (line, _) => line,
            };
            let name = match &one.path {
                Some(path) => match self.names.get(path) {
                    Some(name) => name.clone(),
                    None => path.display().to_string(),
                },
                None => self.stream.clone().unwrap_or_default(),
            };
            self.told.line(&name, line, one.byte, &one.what);
        }
        self.told.more(noted.more);
    }

    pub(crate) fn end(&self) {
        self.told.end();
    }

    /// How many there were.
    pub(crate) fn lines(&self) -> u64 {
        self.told.lines()
    }
}

/// Finds out which line of a file begins at a byte: parts of a file don't know what
/// stands before them.
#[derive(Debug, Default)]
struct LineNumbers {
    path: PathBuf,
    file: Option<File>,
    byte: u64,
    line: u64,
}

impl LineNumbers {
    fn of(&mut self, path: &Path, byte: u64) -> Option<u64> {
        if self.path != path || self.byte > byte {
            self.path = path.to_owned();
            self.file = File::open(path).ok();
            (self.byte, self.line) = (0, 1);
        }
        let mut between = self.file.as_mut()?.take(byte - self.byte);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = between.read(&mut buffer).ok()?;
            if read == 0 {
                break;
            }
            self.byte += read as u64;
            self.line += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        }
        // Somebody has cut the file, or put another there.
        (self.byte == byte).then_some(self.line)
    }
}
