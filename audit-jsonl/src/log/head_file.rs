//! The file beside the log that says where the log ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::chain::{Head, LeafHash, StreamId, seq_of};
use crate::log::files::{Reading, write_whole};
use crate::log::names::FileId;

/// The whole file: one line of this length, filled up with spaces, so that each
/// write covers the one before.
const LENGTH: usize = 384;

/// What the head file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The last line.
    pub(crate) head: Head,
    /// Where it ends in the log.
    pub(crate) size: u64,
    /// The log's file.
    pub(crate) file: FileId,
    /// The start of the machine during which this was written.
    pub(crate) boot: String,
}

impl Record {
    pub(crate) fn read(file: &mut File) -> io::Result<Option<Self>> {
        let mut text = Vec::with_capacity(LENGTH);
        file.seek(SeekFrom::Start(0))?;
        let mut reader = Reading(file).take(LENGTH as u64 + 1);
        reader.read_to_end(&mut text)?;
        Ok(Self::parse(&text))
    }

    pub(crate) fn write(&self, file: &mut File) -> io::Result<()> {
        file.seek(SeekFrom::Start(0))?;
        write_whole(file, &self.to_text())
    }

    /// Cuts off what somebody may have put behind the line.
    pub(crate) fn cut(file: &File) -> io::Result<()> {
        file.set_len(LENGTH as u64)
    }

    fn to_text(&self) -> Vec<u8> {
        let mut text = self.members().to_string();
        // Without the brace that ends the object.
        text.pop();
        let sum = checksum(text.as_bytes());
        text.push_str(&format!(",\"sum\":\"{sum}\"}}"));
        let mut text = text.into_bytes();
        text.resize(LENGTH - 1, b' ');
        text.push(b'\n');
        text
    }

    fn members(&self) -> Value {
        json!({
            "stream": self.head.stream.as_str(),
            "seq": self.head.seq,
            "hash": self.head.hash.to_string(),
            "size": self.size,
            "device": self.file.device,
            "inode": self.file.inode,
            "boot": self.boot,
        })
    }

    /// `None` when the text is none of ours, or not whole.
    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_end();
        let (covered, _) = text.rsplit_once(",\"sum\":")?;
        let value: Value = serde_json::from_str(text).ok()?;
        if value.get("sum")?.as_str()? != checksum(covered.as_bytes()) {
            return None;
        }
        Some(Self {
            head: Head {
                stream: StreamId::parse(value.get("stream")?.as_str()?)?,
                seq: seq_of(&value)?,
                hash: LeafHash::parse(value.get("hash")?.as_str()?)?,
            },
            size: value.get("size")?.as_u64()?,
            file: FileId {
                device: value.get("device")?.as_u64()?,
                inode: value.get("inode")?.as_u64()?,
            },
            boot: value.get("boot")?.as_str()?.to_owned(),
        })
    }
}

/// The first 16 hex digits of the SHA-256.
fn checksum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
