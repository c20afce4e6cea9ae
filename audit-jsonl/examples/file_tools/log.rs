//! The log, read again: what it says of this run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use audit_jsonl::CallEvent;

use crate::tools;

/// How many calls of each tool ended in each way.
pub(crate) type Counts = BTreeMap<(String, String), u64>;

/// Of this run alone.
#[derive(Debug, Default)]
pub(crate) struct Reread {
    pub(crate) counts: Counts,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// Reads the whole log. The calls of this run are those with such an id.
pub(crate) fn reread(path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<Reread, String> {
    let failed = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut reread = Reread::default();
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let failed = |what: String| failed(format!("line {number}: {what}"));
        let line = line.map_err(|error| failed(error.to_string()))?;
        let event: CallEvent = serde_json::from_str(&line)
            .map_err(|error| failed(format!("not a record: {error}")))?;
        if is_ours(&event.call_id) {
            let tool = tools::known_or_other(&event.tool_id);
            let key = (tool.to_owned(), event.outcome.kind().to_owned());
            *reread.counts.entry(key).or_default() += 1;
            reread.records += 1;
            reread.bytes += line.len() as u64 + 1;
        }
    }
    Ok(reread)
}
