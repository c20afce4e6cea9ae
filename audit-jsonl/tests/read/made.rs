//! Lines and files that no writer of ours makes on demand, made by hand.

use std::path::{Path, PathBuf};

use audit_jsonl::AuditSink;
use audit_testkit::DEADLINE;

use crate::support::{Dir, builder, close, event, event_of, line_of};

/// A stream's name that ends in a number.
pub(crate) fn stream(number: u64) -> String {
    format!("{number:08x}{:024x}", 0xABCD)
}

/// A chained line, its line feed included, that names a line before it which never
/// was.
pub(crate) fn link(stream: &str, seq: u64, more: &str) -> String {
    let event = line_of(&event(seq));
    let event = event.strip_suffix("}\n").unwrap();
    let prev = match seq {
        0 => String::new(),
        _ => format!(",\"prev\":\"{}\"", "ab".repeat(32)),
    };
    format!("{event},\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq}{prev}{more}}}}}\n")
}

pub(crate) fn links(stream: &str, seqs: impl IntoIterator<Item = u64>) -> String {
    seqs.into_iter().map(|seq| link(stream, seq, "")).collect()
}

/// `after`, of a stream that replaces another.
pub(crate) fn after(stream: &str, seq: u64, file: &str) -> String {
    let hash = "cd".repeat(32);
    format!(
        ",\"after\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"hash\":\"{hash}\",\"file\":\"{file}\"}}"
    )
}

/// The name that rotation gives.
pub(crate) fn rotated(stream: &str, first_seq: u64) -> String {
    format!("audit-{}-{first_seq:020}.jsonl", &stream[..8])
}

/// A log of so many calls in a number of files, as a writer of ours leaves it.
pub(crate) fn rotated_log(calls: u64) -> (Dir, PathBuf) {
    let (dir, path) = Dir::with_log();
    let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
    for number in 0..calls {
        sink.on_call(&event_of(number, 5_000));
        // Each a batch of its own, so that files are about as long as they may be.
        sink.flush(DEADLINE).unwrap();
    }
    close(&sink);
    (dir, path)
}

pub(crate) fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
