//! Whether a chained log holds what was recorded, and its links hold. By itself, so that
//! our code doesn't judge our code.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::written::wrong;

/// Checks a log that one writer wrote, from the first line to the last: events that all
/// have that line, each linked, and the record of the log's end. The events' leaf hashes.
pub(crate) fn check(path: &Path, line: &[u8]) -> io::Result<Vec<String>> {
    let Some(event) = line.strip_suffix(b"}\n") else {
        return wrong("an event is an object");
    };
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let mut line = Vec::new();
    let mut stream = String::new();
    let mut hashes: Vec<String> = Vec::new();
    let mut is_closed = false;
    while file.read_until(b'\n', &mut line)? > 0 {
        if is_closed {
            return wrong("a line stands after the record of the log's end");
        }
        if line.pop() != Some(b'\n') {
            return wrong("a line is not whole");
        }
        let seq = hashes.len() as u64;
        let link = if seq == 0 {
            stream = stream_of(&line)?;
            format!(",\"chain\":{{\"stream\":\"{stream}\",\"seq\":0,")
        } else {
            let prev = &hashes[hashes.len() - 1];
            format!(",\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"prev\":\"{prev}\"")
        };
        if let Some(found) = line.strip_prefix(event) {
            // What else a first line has, such as the time; and what was lost.
            match found.strip_prefix(link.as_bytes()) {
                Some(b"}}") => {}
                Some(rest) if seq == 0 || rest.starts_with(b",\"lost\":") => {}
                _ => return wrong("a line doesn't link"),
            }
        } else {
            let text = String::from_utf8_lossy(&line);
            is_closed = text.contains(&link) && text.contains("\"closed\":\"");
            if !is_closed {
                return wrong("a line is neither the event's nor the end");
            }
        }
        let digest = Sha256::new()
            .chain_update([0])
            .chain_update(&line)
            .finalize();
        hashes.push(hex(&digest));
        line.clear();
    }
    let head: Value = serde_json::from_slice(&fs::read(head_path(path))?)?;
    if head["seq"] != hashes.len() as u64 - 1
        || hashes.last().is_none_or(|last| head["hash"] != **last)
    {
        return wrong("the head doesn't name the last line");
    }
    if !is_closed {
        return wrong("the record of the log's end is missing");
    }
    hashes.pop();
    Ok(hashes)
}

pub(crate) fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

fn stream_of(line: &[u8]) -> io::Result<String> {
    let line: Value = serde_json::from_slice(line)?;
    match line["chain"]["stream"].as_str() {
        Some(stream) => Ok(stream.to_owned()),
        None => wrong("a line names no stream"),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)])
        .collect()
}
