//! The file beside the log that says where the log ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chain::{Head, StreamId, hex, seq_of};
use crate::leaf::LeafHash;
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
        Ok(Self::parse(&Self::text_of(file)?))
    }

    /// Whether it is about that file. Devices may have other numbers after a start
    /// of the machine; `boot` is the one that runs now.
    pub(crate) fn is_about(&self, file: FileId, boot: &str) -> bool {
        let same_device = self.file.device == file.device || self.boot != boot;
        same_device && self.file.inode == file.inode
    }

    fn text_of(file: &mut File) -> io::Result<Vec<u8>> {
        let mut text = vec![0; LENGTH + 1];
        let mut length = 0;
        file.seek(SeekFrom::Start(0))?;
        // A whole line comes at once, and what may stand behind it with it.
        while length < LENGTH {
            match Reading(file).read(&mut text[length..])? {
                0 => break,
                more => length += more,
            }
        }
        text.truncate(length);
        Ok(text)
    }

    /// Cuts off what somebody may have put behind the line.
    pub(crate) fn cut(file: &File) -> io::Result<()> {
        file.set_len(LENGTH as u64)
    }

    pub(crate) fn to_text(&self) -> Vec<u8> {
        let Head { stream, seq, hash } = &self.head;
        let FileId { device, inode } = &self.file;
        // The machine may name its start by any text.
        let boot = Value::from(self.boot.as_str());
        let size = self.size;
        let mut text = format!(
            "{{\"boot\":{boot},\"device\":{device},\"hash\":\"{hash}\",\"inode\":{inode},\
             \"seq\":{seq},\"size\":{size},\"stream\":\"{stream}\""
        )
        .into_bytes();
        let sum = checksum(&text);
        text.extend_from_slice(b",\"sum\":\"");
        text.extend_from_slice(&sum);
        text.extend_from_slice(b"\"}");
        text.resize(LENGTH - 1, b' ');
        text.push(b'\n');
        text
    }

    /// `None` when the text is none of ours, or not whole.
    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_end();
        let (covered, _) = text.rsplit_once(",\"sum\":")?;
        let value: Value = serde_json::from_str(text).ok()?;
        if value.get("sum")?.as_str()?.as_bytes() != checksum(covered.as_bytes()) {
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

/// A record as it stands in the file. To find that it still stands there takes a
/// fraction of the time that reading it takes.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) record: Record,
    text: Vec<u8>,
}

impl Written {
    pub(crate) fn write(record: Record, file: &mut File) -> io::Result<Self> {
        let text = record.to_text();
        file.seek(SeekFrom::Start(0))?;
        write_whole(file, &text)?;
        Ok(Self { record, text })
    }

    /// As [`Record::read`], with what stood there before.
    pub(crate) fn read(file: &mut File, before: Option<&Self>) -> io::Result<Option<Self>> {
        let text = Record::text_of(file)?;
        let record = match before {
            Some(before) if before.text == text => Some(before.record.clone()),
            _ => Record::parse(&text),
        };
        Ok(record.map(|record| Self { record, text }))
    }
}

/// The first 16 hex digits of the SHA-256.
fn checksum(bytes: &[u8]) -> [u8; 16] {
    let digest = Sha256::digest(bytes);
    let first = digest.first_chunk::<8>();
    hex(first.unwrap_or(&[0; 8]))
}
