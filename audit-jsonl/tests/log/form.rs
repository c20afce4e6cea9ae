//! The bytes that a chained line must have.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The members of `chain`, in their order.
const MEMBERS: [&str; 12] = [
    "stream",
    "seq",
    "prev",
    "lost",
    "elsewhere",
    "cut",
    "opened",
    "closed",
    "plain",
    "torn",
    "gone",
    "after",
];

/// Whether a chained line has the very bytes that it must have.
pub(crate) fn form(body: &[u8], plain: &[u8], chain: &Map<String, Value>) -> Result<(), String> {
    for name in chain.keys() {
        if !MEMBERS.contains(&name.as_str()) {
            return Err(format!("`chain` has a member `{name}`"));
        }
    }
    let mut expected = plain.strip_suffix(b"}").unwrap().to_vec();
    expected.extend_from_slice(b",\"chain\":{");
    for (nth, name) in MEMBERS
        .iter()
        .filter(|name| chain.contains_key(**name))
        .enumerate()
    {
        let value = &chain[*name];
        if nth > 0 {
            expected.push(b',');
        }
        let value = member(name, value).ok_or_else(|| format!("`{name}` is {value}"))?;
        expected.extend_from_slice(format!("\"{name}\":{value}").as_bytes());
    }
    expected.extend_from_slice(b"}}");
    if chain.contains_key("prev") != (chain["seq"] != 0) {
        return Err("`prev` stands on every line but the first".into());
    }
    if expected != body {
        let [expected, body] = [&expected, body].map(String::from_utf8_lossy);
        return Err(format!("\n{body}\nshould be\n{expected}"));
    }
    Ok(())
}

/// The text of a member's value, if it may have that value.
fn member(name: &str, value: &Value) -> Option<String> {
    let count = |value: &Value| value.as_u64().filter(|count| *count > 0);
    let hex = |value: &Value, digits| value.as_str().is_some_and(|text| is_hex(text, digits));
    let good = match name {
        "stream" => hex(value, 32),
        "seq" => value.is_u64(),
        "prev" => hex(value, 64),
        "lost" | "elsewhere" | "cut" => count(value).is_some(),
        "opened" | "closed" => value.as_str().is_some_and(is_time),
        "plain" | "torn" => {
            let unit = if name == "plain" { "lines" } else { "bytes" };
            let (unit_value, hash) = (value.get(unit)?, value.get("sha256")?);
            let text = format!("{{\"{unit}\":{unit_value},\"sha256\":{hash}}}");
            return (count(unit_value).is_some() && hex(hash, 64)).then_some(text);
        }
        "gone" => {
            let (seq, hash) = (value.get("seq")?, value.get("hash")?);
            let text = format!("{{\"seq\":{seq},\"hash\":{hash}}}");
            return (seq.is_u64() && hex(hash, 64)).then_some(text);
        }
        "after" => {
            let [stream, seq, hash, file] =
                ["stream", "seq", "hash", "file"].map(|name| value.get(name));
            let (stream, seq, hash, file) = (stream?, seq?, hash?, file?);
            let good = hex(stream, 32) && seq.is_u64() && hex(hash, 64) && file.is_string();
            let text =
                format!("{{\"stream\":{stream},\"seq\":{seq},\"hash\":{hash},\"file\":{file}}}");
            return good.then_some(text);
        }
        _ => false,
    };
    good.then(|| value.to_string())
}

pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// As `2026-11-20T09:30:00.000000Z`.
fn is_time(text: &str) -> bool {
    let form: String = text
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    form == "0000-00-00T00:00:00.000000Z"
}

pub(crate) fn leaf_hash(body: &[u8]) -> String {
    sha256(&[&[0], body].concat())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
