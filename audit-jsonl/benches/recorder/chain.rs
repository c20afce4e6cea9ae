//! Whether a chained log holds what was recorded, and its links hold.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::event;

/// A chained line is the event's line and a link of about 140 bytes.
pub(crate) const LINE_BYTES: usize = 660;

/// Checks a log of so many events and the record of its end, from the first line
/// to the last; the leaf hash of each.
pub(crate) fn check(path: &Path, events: u64) -> io::Result<Vec<String>> {
    let event = event::line();
    let event = event.strip_suffix(b"}\n").expect("an event is an object");
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let mut line = Vec::new();
    let mut stream = String::new();
    let mut hashes: Vec<String> = Vec::with_capacity(events as usize + 1);
    while file.read_until(b'\n', &mut line)? > 0 {
        assert_eq!(line.pop(), Some(b'\n'), "every line is whole");
        let seq = hashes.len() as u64;
        let link = if seq == 0 {
            stream = stream_of(&line);
            format!(",\"chain\":{{\"stream\":\"{stream}\",\"seq\":0,\"opened\":\"")
        } else {
            let prev = &hashes[hashes.len() - 1];
            format!(",\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"prev\":\"{prev}\"")
        };
        if seq < events {
            assert!(line.starts_with(event), "every line is the event's");
            let found = &line[event.len()..];
            assert!(found.starts_with(link.as_bytes()), "line {seq} links");
            // What else a first line has, such as the time.
            let is_short = seq == 0 || &found[link.len()..] == b"}}";
            assert!(is_short, "line {seq} has nothing but its link");
        } else {
            let text = String::from_utf8_lossy(&line);
            assert!(text.contains(&link), "the last line links");
            assert!(text.contains("\"closed\":\""), "the last line is the end");
        }
        let digest = Sha256::new()
            .chain_update([0])
            .chain_update(&line)
            .finalize();
        hashes.push(hex(&digest));
        line.clear();
    }
    assert_eq!(hashes.len() as u64, events + 1, "every event is in the log");
    let head: Value = serde_json::from_slice(&fs::read(head_path(path))?)?;
    assert_eq!(head["seq"], events, "the head names the last line");
    assert_eq!(head["hash"], hashes[hashes.len() - 1], "the head is right");
    Ok(hashes)
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    fs::remove_file(head_path(path))
}

fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

fn stream_of(line: &[u8]) -> String {
    let line: Value = serde_json::from_slice(line).expect("a line is JSON");
    let stream = line["chain"]["stream"].as_str();
    stream.expect("a line names its stream").to_owned()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)])
        .collect()
}
