//! What is kept of a message: hardly anything, whatever its length.

use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};

/// Of a name that somebody chose; longer ones are cut.
pub(crate) const LONGEST_NAME: usize = 256;
/// Of the text of an error.
pub(crate) const LONGEST_TEXT: usize = 2048;
/// Of an `id` as it stands there, for answers of our own.
pub(crate) const LONGEST_ID: usize = 1024;
/// Of a list of tools.
const MOST_TOOLS: usize = 10_000;

/// A JSON text, known again when it comes a second time, however long it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    hash: u64,
    bytes: u64,
}

/// Makes the marks of one proxy; those of two can't be compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marker(RandomState);

impl Marker {
    pub(crate) fn begin(&self) -> Marking {
        Marking {
            hasher: self.0.build_hasher(),
            bytes: 0,
        }
    }
}

/// A mark in the making.
#[derive(Debug)]
pub(crate) struct Marking {
    hasher: DefaultHasher,
    bytes: u64,
}

impl Marking {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        // Byte by byte the same, in whatever pieces they come.
        for byte in bytes {
            self.hasher.write_u8(*byte);
        }
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn end(&self) -> Mark {
        Mark {
            hash: self.hasher.finish(),
            bytes: self.bytes,
        }
    }
}

/// The `id` of a message: `1` and `"1"` are two, `"e"` and `"\u0065"` are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) mark: Mark,
    /// As it stood there; `None` if it was too long to be kept.
    pub(crate) raw: Option<String>,
}

/// A message of either side, as far as the record of calls needs it.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) id: Option<Id>,
    pub(crate) method: Option<String>,
    pub(crate) params: Params,
    pub(crate) result: Option<Reply>,
    pub(crate) error: Option<RpcError>,
    /// It stood in an array with others or after a byte order mark, which hardly a
    /// server reads.
    pub(crate) is_odd: bool,
}

/// Of the `params` of a request or a notification.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) name: Option<String>,
    pub(crate) request_state: Option<Mark>,
    pub(crate) has_input_responses: bool,
    pub(crate) has_cursor: bool,
    /// Of `notifications/cancelled`.
    pub(crate) request_id: Option<Mark>,
    pub(crate) task: Task,
    /// Of `notifications/tasks`: how the task ended stands inside.
    pub(crate) of_task: Option<Box<Reply>>,
    pub(crate) client: Peer,
}

/// What a client or a server calls itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

/// A task, as messages name it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Task {
    pub(crate) id: Option<Mark>,
    pub(crate) status: Option<String>,
}

/// Of a `result`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Reply {
    pub(crate) is_error: bool,
    pub(crate) has_content: bool,
    pub(crate) text: String,
    pub(crate) result_type: Option<String>,
    pub(crate) request_state: Option<Mark>,
    pub(crate) task: Task,
    pub(crate) server: Peer,
    pub(crate) tools: Option<Vec<String>>,
    pub(crate) has_next_cursor: bool,
    /// Inside of it: of a task that has ended.
    pub(crate) of_task: Option<Box<Reply>>,
    pub(crate) error: Option<RpcError>,
}

/// Of an `error`.
#[derive(Debug, Default, Clone)]
pub(crate) struct RpcError {
    pub(crate) code: Option<i64>,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
    /// Of the client's capabilities, those that were lacking.
    pub(crate) required: Vec<&'static str>,
}

impl RpcError {
    /// It says nothing, as `null` does.
    pub(crate) fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_empty()
    }
}

impl Reply {
    pub(crate) fn add_tool(&mut self, name: String) {
        let tools = self.tools.get_or_insert_default();
        if tools.len() < MOST_TOOLS {
            tools.push(name);
        } else {
            // So it doesn't pass for a full list.
            self.has_next_cursor = true;
        }
    }

    pub(crate) fn add_text(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        let mut end = self.text.len().min(LONGEST_TEXT);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.truncate(end);
    }
}
