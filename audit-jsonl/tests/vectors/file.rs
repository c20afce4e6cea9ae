//! The files of a vector.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::form::leaf_hash;
use crate::head_file::Head;

pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors")
}

/// What can be told of a directory without judging it.
pub(crate) struct State {
    /// Of each file of the log, each line's leaf hash, or null where a line is no link.
    pub(crate) leaves: BTreeMap<String, Vec<Option<String>>>,
    /// `SEQ:HASH` as the head file says.
    pub(crate) head: Option<String>,
    pub(crate) has_head_file: bool,
}

impl State {
    pub(crate) fn of(dir: &Path) -> Self {
        let mut leaves = BTreeMap::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.contains(".jsonl.") {
                let text = fs::read(&path).unwrap();
                let lines = text.split_inclusive(|byte| *byte == b'\n');
                leaves.insert(
                    name,
                    lines
                        .filter_map(|line| line.strip_suffix(b"\n"))
                        .map(leaf)
                        .collect(),
                );
            }
        }
        let log = dir.join("audit.jsonl");
        let head = Head::read(&log)
            .map(|head| format!("{}:{}", head["seq"], head["hash"].as_str().unwrap()));
        let has_head_file = Head::path(&log).exists();
        Self {
            leaves,
            head,
            has_head_file,
        }
    }
}

fn leaf(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("chain").map(|_| leaf_hash(body))
}

/// Writes into the head file, if there is a whole one, what the machine has to do with.
pub(crate) fn place_head(log: &Path, this_boot: bool, this_file: bool) {
    if Head::read(log).is_none() {
        return;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Head::edit(log, "boot", if this_boot { boot.trim() } else { "another" });
    let metadata = fs::metadata(log).ok().filter(|_| this_file);
    let (device, inode) = metadata.map_or((0, 0), |metadata| (metadata.dev(), metadata.ino()));
    Head::edit(log, "device", device);
    Head::edit(log, "inode", inode);
}

/// As above, of no machine.
pub(crate) fn take_machine_out(log: &Path) {
    if Head::read(log).is_some() {
        for (member, value) in [
            ("boot", Value::from("")),
            ("device", 0.into()),
            ("inode", 0.into()),
        ] {
            Head::edit(log, member, value);
        }
    }
}
