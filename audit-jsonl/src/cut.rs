//! Shortening an event that is too long for a line.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

use crate::encode::{TooLong, encode_to_front};

/// No string is shortened below so many bytes before list elements go.
const SHORTEST: usize = 64;

/// A list element that went counts for so many bytes besides those of its
/// strings: two quotes and a comma. So one without text counts too.
const ELEMENT: usize = 3;

/// Puts the event at the front of `buffer`, cut if it is longer than `limit`; how long
/// the line is, and how many bytes went.
pub(crate) fn encode_to_fit(
    event: &CallEvent,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<(usize, u64), TooLong> {
    match encode_to_front(event, buffer, limit) {
        Ok(length) => Ok((length, 0)),
        Err(TooLong) => encode_cut(event, buffer, limit),
    }
}

/// Puts the event, so much of it that it fits, at the front of `buffer`; how long
/// the line is, and how many bytes of its strings and lists went.
///
/// Its longest strings are shortened, each to the same length, and end in `…`; if
/// that is not enough, list elements go from the end.
fn encode_cut(
    event: &CallEvent,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<(usize, u64), TooLong> {
    let mut put = |bounds: Bounds| {
        let (event, cut) = bounds.apply(event);
        encode_to_front(&event, buffer, limit).map(|length| (length, cut))
    };
    // Three bytes are the least that an element takes.
    let mut elements = limit / 3;
    if put(Bounds {
        elements,
        string: SHORTEST,
    })
    .is_err()
    {
        elements = largest(elements, |elements| {
            put(Bounds {
                elements,
                string: SHORTEST,
            })
            .is_ok()
        });
    }
    let string = largest(limit, |string| put(Bounds { elements, string }).is_ok());
    put(Bounds { elements, string })
}

/// The largest number below `above` that is good, or 0; what is below a good one
/// is good.
fn largest(above: usize, mut is_good: impl FnMut(usize) -> bool) -> usize {
    let (mut good, mut bad) = (0, above);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if is_good(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// How long a string may be, and a list.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    string: usize,
    elements: usize,
}

impl Bounds {
    /// The event within the bounds, and how many bytes of its strings went,
    /// and of its lists.
    fn apply(self, event: &CallEvent) -> (CallEvent, u64) {
        let mut cut = 0;
        let cut = &mut cut;
        let outcome = match &event.outcome {
            Outcome::ExecutionFailed { code, retryable } => Outcome::ExecutionFailed {
                code: self.string(code, cut),
                retryable: *retryable,
            },
            Outcome::InvalidArgs { message } => Outcome::InvalidArgs {
                message: self.string(message, cut),
            },
            Outcome::CapabilityDenied { missing } => Outcome::CapabilityDenied {
                missing: self.strings(missing, cut),
            },
            Outcome::Unknown { kind } => Outcome::Unknown {
                kind: self.string(kind, cut),
            },
            other => other.clone(),
        };
        let mut short = CallEvent::new(
            self.string(&event.ts, cut),
            self.string(&event.call_id, cut),
            self.string(&event.tool_id, cut),
            event.duration_ms,
            outcome,
            self.string(&event.tier, cut),
        )
        .with_caller_id(
            event
                .caller_id
                .as_ref()
                .map(|caller| self.string(caller, cut)),
        )
        .with_granted_capabilities(self.strings(&event.granted_capabilities, cut))
        .with_dry_run(event.dry_run)
        .with_secrets_resolved(event.secrets_resolved)
        .with_cursor_page(event.cursor_page)
        .with_capability_provenance(
            event
                .capability_provenance
                .as_ref()
                .map(|provenance| self.provenance(provenance, cut)),
        );
        short.schema_version = event.schema_version;
        (short, *cut)
    }

    fn strings(self, items: &[String], cut: &mut u64) -> Vec<String> {
        let (kept, gone) = items.split_at(items.len().min(self.elements));
        *cut += gone
            .iter()
            .map(|item| (item.len() + ELEMENT) as u64)
            .sum::<u64>();
        kept.iter().map(|item| self.string(item, cut)).collect()
    }

    fn provenance(self, items: &[CapProvenance], cut: &mut u64) -> Vec<CapProvenance> {
        let (kept, gone) = items.split_at(items.len().min(self.elements));
        *cut += gone
            .iter()
            .map(|item| (item.cap.len() + text_of(&item.source).len() + ELEMENT) as u64)
            .sum::<u64>();
        kept.iter()
            .map(|item| CapProvenance {
                cap: self.string(&item.cap, cut),
                source: match &item.source {
                    ProvSource::UcanChain {
                        issuer_did,
                        chain_depth,
                    } => ProvSource::UcanChain {
                        issuer_did: self.string(issuer_did, cut),
                        chain_depth: *chain_depth,
                    },
                    ProvSource::Unknown { kind } => ProvSource::Unknown {
                        kind: self.string(kind, cut),
                    },
                    other => other.clone(),
                },
            })
            .collect()
    }

    fn string(self, text: &str, cut: &mut u64) -> String {
        if text.len() <= self.string {
            return text.to_owned();
        }
        let mut kept = self.string.saturating_sub('…'.len_utf8());
        while !text.is_char_boundary(kept) {
            kept -= 1;
        }
        *cut += (text.len() - kept) as u64;
        let mut short = text[..kept].to_owned();
        short.push('…');
        short
    }
}

fn text_of(source: &ProvSource) -> &str {
    match source {
        ProvSource::UcanChain { issuer_did, .. } => issuer_did,
        ProvSource::Unknown { kind } => kind,
        _ => "",
    }
}
