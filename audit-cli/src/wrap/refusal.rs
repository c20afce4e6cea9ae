//! Calls that are answered in the server's place, for the log can't be written.

use std::sync::mpsc::SyncSender;

use crate::wrap::scan::message::Message;

/// So much of a line is held back until it is known what it is.
const LONGEST_HELD: usize = 1024 * 1024;

/// Of the range that JSON-RPC leaves to implementations, and MCP gives no meaning.
const CODE: i64 = -32010;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Refuse,
}

/// The line that is held back, or what became of its beginning.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Of a line that was too long to be held.
    decided: Option<Verdict>,
    answers: SyncSender<String>,
}

impl Held {
    pub(crate) fn new(answers: SyncSender<String>) -> Self {
        Self {
            bytes: Vec::new(),
            decided: None,
            answers,
        }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        if self.decided != Some(Verdict::Refuse) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// In the midst of a line: what may go on, of one that is too long to be held.
    pub(crate) fn when_long(
        &mut self,
        so_far: &Message,
        is_good: impl FnOnce() -> bool,
    ) -> Option<Vec<u8>> {
        if self.decided.is_none() && self.bytes.len() > LONGEST_HELD {
            // A method that has not come by now may still be that of a call.
            let is_answer = so_far.result.is_some() || so_far.error.is_some();
            let may_be_call = match so_far.method.as_deref() {
                Some(method) => method == "tools/call",
                None => !is_answer,
            };
            self.decided = Some(if may_be_call && !is_good() {
                Verdict::Refuse
            } else {
                Verdict::Pass
            });
        }
        match self.decided? {
            Verdict::Pass => Some(self.take()),
            Verdict::Refuse => {
                self.bytes = Vec::new();
                None
            }
        }
    }

    /// At the end of a line.
    pub(crate) fn verdict(&mut self, has_calls: bool, is_good: impl FnOnce() -> bool) -> Verdict {
        let verdict = match self.decided.take() {
            Some(verdict) => verdict,
            None if has_calls && !is_good() => Verdict::Refuse,
            None => Verdict::Pass,
        };
        if verdict == Verdict::Refuse {
            self.bytes.clear();
        }
        verdict
    }

    pub(crate) fn refuse(&self, answer: String) {
        // Without the thread that writes them, the process is about to end.
        self.answers.send(answer).ok();
    }
}

/// The answer to a request that is refused; `None` to one that can't be answered.
pub(crate) fn answer_to(message: &Message) -> Option<String> {
    let id = message.id.as_ref()?.raw.as_deref()?;
    Some(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{CODE},\"message\":\
         \"the call was not made: its record can't be written\"}}}}\n"
    ))
}
