//! Changes of a log, each as the input says: what a careless or a hostile hand does.

use arbitrary::{Result, Unstructured};
use serde_json::Value;

use crate::lines::{Line, body, lines};
use crate::logs::{Part, Tip, event};

/// So many changes at most, one upon the other.
const MOST: usize = 5;

/// Names that files are moved to, some of which mean something.
const NAMES: [&str; 6] = [
    "audit.jsonl",
    "audit-00000000-00000000000000000000.jsonl",
    "audit-00000000-00000000000000000007.jsonl.1",
    "audit-0a0a0a0a-00000000000000000001.jsonl",
    "audit.jsonl.1",
    "other.jsonl",
];

/// Bytes that mean something to a parser.
const BYTES: &[u8] = b"\n\0\"\\ ,:}{[]09afZ\r\x80\xff1";

/// Changes some files, if there are any.
pub(crate) fn mutate(u: &mut Unstructured<'_>, parts: &mut Vec<Part>) -> Result<()> {
    for _ in 0..u.int_in_range(0..=MOST)? {
        if parts.is_empty() {
            return Ok(());
        }
        let nth = u.choose_index(parts.len())?;
        match u.int_in_range(0..=24_u8)? {
            0..=5 => change_bytes(u, &mut parts[nth].bytes)?,
            6 => {
                let bytes = &mut parts[nth].bytes;
                let to = u.int_in_range(0..=bytes.len())?;
                bytes.truncate(to);
            }
            7..=18 => change_lines(u, parts, nth)?,
            19 => drop(parts.remove(nth)),
            20 => {
                let name = (*u.choose(&NAMES)?).to_owned();
                if !parts.iter().any(|part| part.name == name) {
                    parts[nth].name = name;
                }
            }
            21 => {
                let name = (*u.choose(&NAMES)?).to_owned();
                if !parts.iter().any(|part| part.name == name) {
                    let bytes = parts[nth].bytes.clone();
                    parts.push(Part { name, bytes });
                }
            }
            22 => {
                let other = u.choose_index(parts.len())?;
                let bytes = parts[nth].bytes.clone();
                parts[nth].bytes = std::mem::replace(&mut parts[other].bytes, bytes);
            }
            23 => {
                let zeros = u.int_in_range(1..=40_usize)?;
                let length = parts[nth].bytes.len() + zeros;
                parts[nth].bytes.resize(length, 0);
            }
            _ => {
                let length = u.int_in_range(0..=60_usize)?.min(u.len());
                let more = u.bytes(length)?;
                parts[nth].bytes.extend_from_slice(more);
            }
        }
    }
    Ok(())
}

fn change_bytes(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let at = u.choose_index(bytes.len())?;
    match u.int_in_range(0..=5_u8)? {
        0 => bytes[at] ^= 1 << u.int_in_range(0..=7_u8)?,
        1 => bytes[at] = *u.choose(BYTES)?,
        2 => bytes[at] = u.arbitrary()?,
        3 => bytes.insert(at, *u.choose(BYTES)?),
        4 => drop(bytes.remove(at)),
        _ => {
            let to = u.int_in_range(at..=bytes.len())?;
            drop(bytes.drain(at..to));
        }
    }
    Ok(())
}

/// Whole lines of a file, or what stands in one.
fn change_lines(u: &mut Unstructured<'_>, parts: &mut [Part], nth: usize) -> Result<()> {
    let mut own: Vec<Vec<u8>> = lines(&parts[nth].bytes).map(<[u8]>::to_vec).collect();
    if own.is_empty() {
        return Ok(());
    }
    let at = u.choose_index(own.len())?;
    match u.int_in_range(0..=8_u8)? {
        0 => drop(own.remove(at)),
        1 => own.insert(at, own[at].clone()),
        2 => {
            let other = u.choose_index(own.len())?;
            own.swap(at, other);
        }
        3 => {
            // From another file.
            let from = u.choose_index(parts.len())?;
            let theirs: Vec<&[u8]> = lines(&parts[from].bytes).collect();
            if !theirs.is_empty() {
                own.insert(at, theirs[u.choose_index(theirs.len())?].to_vec());
            }
        }
        4 => own.insert(at, (event(u.arbitrary()?, 30) + "\n").into_bytes()),
        5 => {
            // A forged line, with a good link to the one before.
            let before = own[..at].iter().rev().find_map(|line| tip_after(line));
            let mut tip = before.unwrap_or_else(|| Tip::new(1));
            own.insert(at, tip.link(&event(u.arbitrary()?, 30), ""));
        }
        6 => {
            // Another event with the same link.
            if let Some(changed) = with_event(&own[at], &event(u.arbitrary()?, 30)) {
                own[at] = changed;
            }
        }
        7 => {
            // All that follows is linked anew.
            let last = own[..=at].iter().rev().find_map(|line| tip_after(line));
            let Some(mut tip) = last else { return Ok(()) };
            for line in &mut own[at + 1..] {
                if let Some(linked) = relinked(line, &mut tip) {
                    *line = linked;
                }
            }
        }
        _ => {
            // Another number, which fits the line or doesn't.
            if let Some(link) = Line::read(body(&own[at])).link() {
                let number = match u.int_in_range(0..=3_u8)? {
                    0 => link.seq.saturating_add(1),
                    1 => link.seq.saturating_sub(1),
                    2 => u64::MAX - 1,
                    _ => u.arbitrary::<u8>()?.into(),
                };
                let text = String::from_utf8_lossy(&own[at]).into_owned();
                let (old, new) = (format!("\"seq\":{}", link.seq), format!("\"seq\":{number}"));
                own[at] = text.replacen(&old, &new, 1).into_bytes();
            }
        }
    }
    parts[nth].bytes = own.concat();
    Ok(())
}

/// Where the line after that one would go.
fn tip_after(line: &[u8]) -> Option<Tip> {
    let link = Line::read(body(line)).link()?;
    Some(Tip {
        stream: link.stream,
        seq: link.seq.checked_add(1)?,
        prev: Some(link.hash),
    })
}

/// The line with another event before its `chain`.
fn with_event(line: &[u8], event: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, chain) = text.rsplit_once(",\"chain\":")?;
    let open = event.strip_suffix('}')?;
    Some(format!("{open},\"chain\":{chain}").into_bytes())
}

/// The line as one that follows `tip`, with what else it tells.
fn relinked(line: &[u8], tip: &mut Tip) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body(line)).ok()?;
    let (event, _) = text.rsplit_once(",\"chain\":")?;
    let link = Line::read(body(line)).link()?;
    if link.stream != tip.stream {
        return None;
    }
    let plain = match link.chain.get("plain") {
        Some(told @ Value::Object(_)) => format!(",\"plain\":{told}"),
        _ => String::new(),
    };
    Some(tip.link(&format!("{event}}}"), &plain))
}
