//! The chain over the lines of a log, checked as `docs/log-format.md` has it.
//!
//! A line that was changed, taken out or put in breaks it. Lines cut from the end
//! don't, nor does a chain that somebody made anew: against that, keep the head
//! somewhere else.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Follows the chain from line to line.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// How many chained lines there were.
    pub(crate) lines: u64,
    /// The last of them: its number, and its leaf hash.
    pub(crate) head: Option<(u64, String)>,
    /// Over the plain lines since then, as another program may have written.
    plain: Option<Sha256>,
}

impl Chain {
    /// The next line, without its line feed; an error if it doesn't belong there.
    pub(crate) fn follow(&mut self, line: &str) -> Result<(), String> {
        let record: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let chain = &record["chain"];
        let Some(seq) = chain["seq"].as_u64() else {
            let plain = self.plain.get_or_insert_default();
            plain.update(line);
            plain.update("\n");
            return Ok(());
        };
        // The file may be the last of several, so the first link may lead out of it.
        if let Some((last, hash)) = &self.head
            && (seq, chain["prev"].as_str()) != (last + 1, Some(hash))
        {
            return Err(format!(
                "line {seq} of the chain doesn't link to line {last}"
            ));
        }
        if self.plain.take().map(hex).as_deref() != chain["plain"]["sha256"].as_str() {
            return Err(format!(
                "what stands before line {seq} of the chain is not what it says"
            ));
        }
        self.head = Some((seq, hex(Sha256::new_with_prefix([0]).chain_update(line))));
        self.lines += 1;
        Ok(())
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
