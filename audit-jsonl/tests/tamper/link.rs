//! What a line is, taken by itself; made of the schema's types, `serde_json` and
//! SHA-256, apart from the verifier.

use audit_jsonl::CallEvent;
use serde_json::{Map, Value};

use crate::form::{form, leaf_hash};
use crate::tree::Tree;

/// A chained line.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) hash: String,
    pub(crate) chain: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Line {
    Link(Link),
    Plain,
    Garbled,
}

impl Line {
    /// Of a line without its line feed.
    pub(crate) fn read(body: &[u8]) -> Self {
        Self::try_read(body).unwrap_or(Self::Garbled)
    }

    pub(crate) fn link(&self) -> Option<&Link> {
        match self {
            Self::Link(link) => Some(link),
            _ => None,
        }
    }

    fn try_read(body: &[u8]) -> Option<Self> {
        if body.contains(&b'\r') {
            return None;
        }
        // It refuses a name that stands twice.
        let tree: Tree = serde_json::from_slice(body).ok()?;
        let event: CallEvent = serde_json::from_slice(body).ok()?;
        let value: Value = serde_json::from_slice(body).ok()?;
        let Some(chain) = value.as_object()?.get("chain") else {
            return Some(Self::Plain);
        };
        let chain = chain.as_object()?;
        let plain = tree.without("chain");
        let is_ours =
            plain.without_what_a_kind_adds().to_string() == serde_json::to_string(&event).unwrap();
        if !is_ours || tree.to_string().as_bytes() != body {
            return None;
        }
        let (stream, seq) = (chain.get("stream")?.as_str()?, chain.get("seq")?.as_u64()?);
        form(body, plain.to_string().as_bytes(), chain).ok()?;
        Some(Self::Link(Link {
            stream: stream.to_owned(),
            seq,
            hash: leaf_hash(body),
            chain: chain.clone(),
        }))
    }
}

/// Where the next line of a stream goes; links lines as a writer does, or as a forger
/// would.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    /// None before the first.
    pub(crate) prev: Option<String>,
}

impl Tip {
    /// `event` as the next line, its line feed included; `notes` is what follows
    /// `prev`, each with a comma before it.
    pub(crate) fn link(&mut self, event: &CallEvent, notes: &str) -> Vec<u8> {
        let event = serde_json::to_string(event).unwrap();
        let Self { stream, seq, prev } = &*self;
        let prev = prev
            .as_ref()
            .map_or(String::new(), |prev| format!(",\"prev\":\"{prev}\""));
        let open = event.strip_suffix('}').unwrap();
        let line =
            format!("{open},\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq}{prev}{notes}}}}}");
        self.seq += 1;
        self.prev = Some(leaf_hash(line.as_bytes()));
        (line + "\n").into_bytes()
    }
}
