//! What a sink keeps per thread.

use std::cell::Cell;

use crate::sync::thread_local;

/// A buffer for a line that has grown beyond this is given back to the allocator.
pub(crate) const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITER_OF: Cell<usize> = const { Cell::new(0) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The thread's buffer to encode a line in, with whatever it held last; a fresh
/// one when the thread is ending or the buffer is in use further up the stack.
#[inline]
pub(crate) fn take_buffer() -> Vec<u8> {
    BUFFER.try_with(Cell::take).unwrap_or_default()
}

#[inline]
pub(crate) fn give_back_buffer(buffer: Vec<u8>) {
    if buffer.capacity() <= KEPT_BYTES {
        // On a thread that is ending, the buffer is simply freed.
        drop(BUFFER.try_with(|kept| kept.replace(buffer)));
    }
}

/// Says that this thread is the writer of the sink with that identity.
pub(crate) fn become_writer_of(sink: usize) {
    WRITER_OF.with(|of| of.set(sink));
}

/// Whether this thread is the writer of the sink with that identity.
#[inline]
pub(crate) fn is_writer_of(sink: usize) -> bool {
    WRITER_OF.with(Cell::get) == sink
}

/// Whether this thread is the writer of any sink.
pub(crate) fn is_a_writer() -> bool {
    WRITER_OF.with(Cell::get) != 0
}

/// Calls `work`, unless this thread stands in as many such calls already: sinks
/// that are each other's fallback would call one another without end.
pub(crate) fn nested<T>(work: impl FnOnce() -> T) -> Option<T> {
    const DEEPEST: u32 = 8;

    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.with(|depth| depth.set(depth.get() - 1));
        }
    }

    if DEPTH.with(Cell::get) == DEEPEST {
        return None;
    }
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let _leave = Leave;
    Some(work())
}
