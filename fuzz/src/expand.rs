//! Inputs are small, and much goes wrong only where buffers end: a byte in an input
//! may stand for very many.

use std::borrow::Cow;

/// Stands before a byte that says how many KiB of the byte before it follow.
const MARK: u8 = 0x1D;

/// The input with its marks taken out, and what they stand for put in, as far as so
/// many bytes.
pub(crate) fn expand(data: &[u8], most: usize) -> Cow<'_, [u8]> {
    if !data.contains(&MARK) {
        return Cow::Borrowed(data);
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(data.len());
    let mut rest = data;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != MARK {
            bytes.push(*first);
        } else if let ([count, after @ ..], Some(last)) = (rest, bytes.last().copied()) {
            let wanted = bytes.len() + usize::from(*count) * 1024;
            bytes.resize(wanted.min(most).max(bytes.len()), last);
            rest = after;
        }
    }
    Cow::Owned(bytes)
}
