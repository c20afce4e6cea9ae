//! The event as the text that loggers take.

use std::cell::RefCell;

use audit_jsonl::CallEvent;

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives the event's line, its line feed included, from a buffer that each thread
/// keeps: what a logger does with it is all that it allocates.
pub(crate) fn with_line<T>(event: &CallEvent, work: impl FnOnce(&str) -> T) -> T {
    LINE.with_borrow_mut(|line| {
        line.clear();
        serde_json::to_writer(&mut *line, event).expect("an event is always JSON");
        line.push(b'\n');
        work(str::from_utf8(line).expect("JSON is UTF-8"))
    })
}

/// The same without the line feed.
pub(crate) fn with_text<T>(event: &CallEvent, work: impl FnOnce(&str) -> T) -> T {
    with_line(event, |line| work(line.trim_end_matches('\n')))
}
