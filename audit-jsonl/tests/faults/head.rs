//! The head file, as the format describes it, to be read and to be forged.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const LENGTH: usize = 384;

/// What a head file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) hash: String,
    pub(crate) size: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) boot: String,
}

pub(crate) fn path_of(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

impl Head {
    /// `None` when there is none, or it isn't whole.
    pub(crate) fn read(log: &Path) -> Option<Self> {
        let text = fs::read_to_string(path_of(log)).ok()?;
        let text = text.trim_end();
        let (covered, _) = text.rsplit_once(",\"sum\":")?;
        let value: Value = serde_json::from_str(text).ok()?;
        let text_of = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let number_of = |name: &str| value.get(name)?.as_u64();
        (text_of("sum")? == checksum(covered)).then_some(())?;
        Some(Self {
            stream: text_of("stream")?,
            seq: number_of("seq")?,
            hash: text_of("hash")?,
            size: number_of("size")?,
            device: number_of("device")?,
            inode: number_of("inode")?,
            boot: text_of("boot")?,
        })
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = json!({
            "stream": self.stream,
            "seq": self.seq,
            "hash": self.hash,
            "size": self.size,
            "device": self.device,
            "inode": self.inode,
            "boot": self.boot,
        })
        .to_string();
        text.pop();
        let sum = checksum(&text);
        text.push_str(&format!(",\"sum\":\"{sum}\"}}"));
        let mut text = text.into_bytes();
        text.resize(LENGTH - 1, b' ');
        text.push(b'\n');
        text
    }

    /// The same, as written before the machine was started.
    pub(crate) fn of_another_boot(&self) -> Self {
        Self {
            boot: "00000000-0000-4000-8000-000000000000".into(),
            ..self.clone()
        }
    }

    pub(crate) fn write(&self, log: &Path) {
        fs::write(path_of(log), self.text()).expect("a head file");
    }
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
