//! What `audit wrap` sees of the two sides, whatever they send: the same in whatever
//! pieces it comes, what `serde_json` reads where that is JSON, and in bounded memory.
//!
//! The modules are those of the command itself, compiled here once more: it is a
//! binary, and what is in it is nobody's interface.

use audit_jsonl::CallEvent;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::expand::expand;
use crate::wrap::calls::{Calls, Names, is_call};
use crate::wrap::outcome::Texts;
use crate::wrap::scan::Scanner;
use crate::wrap::scan::message::{LONGEST_ID, LONGEST_NAME, Marker, Message};

/// Of an array of messages, which no known server answers.
const MOST_BATCHED: usize = 100;

/// More than is kept of any message.
const MOST_BYTES: usize = 64 * 1024;

/// So much may a scanner take besides what a short input makes it keep.
const MEMORY: u64 = 32 * 1024;

/// Lines that begin with `< ` are the server's, all others the client's, as in the
/// sessions of audit-cli's tests.
pub fn run(data: &[u8]) {
    let text = expand(data, MOST_BYTES);
    let marker = Marker::default();
    let mut sides = [Vec::new(), Vec::new()];
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_server = line.starts_with(b"< ");
        let sent = line.strip_prefix(b"> ").unwrap_or(line);
        let sent = sent.strip_prefix(b"< ").unwrap_or(sent);
        sides[usize::from(is_server)].extend_from_slice(sent);
    }
    for side in &sides {
        check_side(side, &marker, data.len());
    }
    check_calls(&text, &marker);
}

/// The messages of one side, line by line.
fn check_side(side: &[u8], marker: &Marker, input: usize) {
    let mut whole = Vec::new();
    let memory = allocation_counter::measure(|| {
        let mut scanner = Scanner::new(marker.clone());
        let mut rest = side;
        while !rest.is_empty() {
            let (taken, ended) = scanner.line(rest);
            rest = &rest[taken..];
            drop(ended);
        }
        drop(scanner.end());
    });
    let bound = MEMORY + 64 * input as u64;
    assert!(
        memory.bytes_max <= bound,
        "{} bytes at once",
        memory.bytes_max
    );
    let mut scanner = Scanner::new(marker.clone());
    for line in side.split_inclusive(|byte| *byte == b'\n') {
        let messages = match scanner.line(line) {
            (taken, Some(messages)) if taken == line.len() => messages,
            (taken, None) if taken == line.len() => scanner.end(),
            (taken, _) => panic!("a line of {} bytes ended after {taken}", line.len()),
        };
        compare(line, &messages);
        whole.push(format!("{messages:?}"));
    }
    for seed in 1..=3 {
        assert_eq!(whole, in_pieces(side, marker, seed), "in pieces");
    }
}

fn in_pieces(side: &[u8], marker: &Marker, seed: usize) -> Vec<String> {
    let mut scanner = Scanner::new(marker.clone());
    let mut lines = Vec::new();
    let mut length = seed;
    let mut rest = side;
    while !rest.is_empty() {
        length = (length * 7 + 3) % [2, 61, 70_001][seed % 3] + 1;
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        let mut piece = piece;
        while !piece.is_empty() {
            let (taken, ended) = scanner.line(piece);
            assert!(taken > 0, "nothing is taken");
            piece = &piece[taken..];
            lines.extend(ended.map(|messages| format!("{messages:?}")));
        }
    }
    if !side.is_empty() && !side.ends_with(b"\n") {
        lines.push(format!("{:?}", scanner.end()));
    }
    lines
}

/// What stands in a line that is JSON, without names that stand twice.
fn compare(line: &[u8], messages: &[Message]) {
    let Ok(Unique) = serde_json::from_slice(line) else {
        return;
    };
    let Ok(value) = serde_json::from_slice::<Value>(line) else {
        return;
    };
    let (objects, is_odd) = match &value {
        Value::Object(_) => (vec![&value], false),
        Value::Array(items) => (items.iter().filter(|item| item.is_object()).collect(), true),
        _ => (Vec::new(), false),
    };
    assert_eq!(messages.len(), objects.len().min(MOST_BATCHED));
    let raw: Vec<Option<Box<RawValue>>> = match is_odd {
        false => vec![raw_id(line)],
        true => serde_json::from_slice::<Vec<&RawValue>>(line)
            .unwrap_or_default()
            .into_iter()
            .filter(|item| item.get().starts_with('{'))
            .map(|item| raw_id(item.get().as_bytes()))
            .collect(),
    };
    for ((message, value), raw) in messages.iter().zip(objects).zip(raw) {
        assert_eq!(message.is_odd, is_odd);
        compare_message(message, value, raw.as_deref());
    }
}

fn raw_id(object: &[u8]) -> Option<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct WithId {
        id: Option<Box<RawValue>>,
    }
    serde_json::from_slice::<WithId>(object).ok()?.id
}

fn compare_message(message: &Message, value: &Value, raw: Option<&RawValue>) {
    let text = |value: &Value| value.as_str().map(cut_name);
    assert_eq!(message.id.is_some(), value.get("id").is_some());
    if let (Some(id), Some(raw)) = (&message.id, raw) {
        let is_short = raw.get().len() <= LONGEST_ID;
        assert_eq!(id.raw.as_deref(), is_short.then_some(raw.get()));
    }
    assert_eq!(message.method, text(&value["method"]));
    let params = &value["params"];
    assert_eq!(message.params.name, text(&params["name"]));
    assert_eq!(message.params.has_cursor, params.get("cursor").is_some());
    assert_eq!(
        message.params.request_state.is_some(),
        params["requestState"].is_string()
    );
    assert_eq!(
        message.params.task.id.is_some(),
        params["taskId"].is_string()
    );
    assert_eq!(message.result.is_some(), value.get("result").is_some());
    assert_eq!(message.error.is_some(), value.get("error").is_some());
    if let Some(reply) = &message.result {
        let result = &value["result"];
        assert_eq!(reply.is_error, result["isError"] == true);
        assert_eq!(reply.has_content, result.get("content").is_some());
        assert_eq!(reply.result_type, text(&result["resultType"]));
        assert_eq!(reply.has_next_cursor, result.get("nextCursor").is_some());
        let names = |tools: &Vec<Value>| {
            tools
                .iter()
                .filter_map(|tool| text(&tool["name"]))
                .collect()
        };
        let tools: Option<Vec<String>> = result["tools"].as_array().map(names);
        assert_eq!(reply.tools.clone().filter(|_| tools.is_some()), tools);
    }
    if let Some(error) = &message.error {
        // What is no whole number is read by another parser of numbers.
        let code = &value["error"]["code"];
        if !code.is_f64() {
            assert_eq!(error.code, code.as_f64().map(|code| code as i64));
        }
    }
}

/// As much of a name as is kept.
fn cut_name(name: &str) -> String {
    let end = name.len().min(LONGEST_NAME);
    String::from_utf8_lossy(&name.as_bytes()[..end]).into_owned()
}

/// Every call ends once, whatever the pieces.
fn check_calls(text: &[u8], marker: &Marker) {
    let mut seen: Option<Vec<String>> = None;
    for chunk in [usize::MAX, 1, 13] {
        let names = Names {
            command: "server".into(),
            ..Names::default()
        };
        let mut calls = Calls::new(names, Texts(true));
        let mut scanners = [Scanner::new(marker.clone()), Scanner::new(marker.clone())];
        let mut events = Vec::new();
        let mut begun = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let is_server = line.starts_with(b"< ");
            let sent = line.strip_prefix(b"> ").unwrap_or(line);
            let sent = sent.strip_prefix(b"< ").unwrap_or(sent);
            let scanner = &mut scanners[usize::from(is_server)];
            let mut messages = Vec::new();
            for piece in sent.chunks(chunk.min(sent.len()).max(1)) {
                messages.extend(scanner.line(piece).1.into_iter().flatten());
            }
            if !sent.ends_with(b"\n") {
                messages.extend(scanner.end());
            }
            for message in messages {
                begun += usize::from(!is_server && is_call(&message));
                events.extend(if is_server {
                    calls.hear_server(message)
                } else {
                    calls.hear_client(message)
                });
            }
        }
        events.extend(calls.end("client_gone"));
        assert!(calls.end("client_gone").is_empty(), "a call ends twice");
        assert!(events.len() <= begun, "more events than calls");
        let mut told: Vec<String> = events.iter().map(told).collect();
        // Those that never ended stand there in any order when they began at once.
        told.sort();
        match &seen {
            None => seen = Some(told),
            Some(seen) => assert_eq!(seen, &told),
        }
    }
}

/// An event without its id and its times.
fn told(event: &CallEvent) -> String {
    serde_json::to_string(event).expect("an event is JSON");
    let CallEvent {
        tool_id,
        caller_id,
        outcome,
        ..
    } = event;
    format!("{tool_id} {caller_id:?} {outcome:?}")
}

/// Any value in which no object has a name twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("twice"));
            }
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }
}
