//! Any event that a program may offer.

use arbitrary::{Result, Unstructured};
use audit_jsonl::{CallEvent, CapProvenance, Outcome, ProvSource};

/// Texts that are hard to write, or mean something.
const TEXTS: [&str; 16] = [
    "",
    "files:read",
    "2026-11-20T09:30:00.000000Z",
    "\"",
    "\\",
    "\n\r\t\u{8}\u{c}",
    "\0\u{1f}\u{7f}",
    "/</script>",
    "é…𝄞",
    "\u{2028}\u{2029}\u{feff}",
    "\u{1b}[31m",
    "audit:log",
    "success",
    "}}\n",
    ",\"chain\":{",
    "a text of a length that needs more than one step of sixteen bytes",
];

/// A text may be repeated so that an event exceeds the bounds of a line.
const REPEATED: [usize; 4] = [100, 2_000, 20_000, 70_000];

/// An event's strings are this long at most, in all.
const MOST_BYTES: usize = 400_000;

pub(crate) fn event(u: &mut Unstructured<'_>) -> Result<CallEvent> {
    let room = &mut { MOST_BYTES };
    let mut event = CallEvent::new(
        text(u, room)?,
        text(u, room)?,
        text(u, room)?,
        number(u)?,
        outcome(u, room)?,
        text(u, room)?,
    );
    let flags: u8 = u.arbitrary()?;
    event = event
        .with_dry_run(flags & 1 != 0)
        .with_secrets_resolved(flags & 2 != 0)
        .with_granted_capabilities(list(u, room, text)?);
    if flags & 4 != 0 {
        event = event.with_caller_id(Some(text(u, room)?));
    }
    if flags & 8 != 0 {
        event = event.with_cursor_page(Some(u.arbitrary()?));
    }
    if flags & 16 != 0 {
        event = event.with_capability_provenance(Some(list(u, room, provenance)?));
    }
    if flags & 32 != 0 {
        event.schema_version = u.arbitrary()?;
    }
    Ok(event)
}

fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=3_u8)? {
        0 => u.arbitrary::<u8>()?.into(),
        1 => u64::MAX,
        2 => 10_u64.saturating_pow(u.int_in_range(0..=20)?),
        _ => u.arbitrary()?,
    })
}

fn text(u: &mut Unstructured<'_>, room: &mut usize) -> Result<String> {
    let text = match u.int_in_range(0..=7_u8)? {
        0..=3 => (*u.choose(&TEXTS)?).to_owned(),
        4..=6 => u.arbitrary::<&str>()?.to_owned(),
        _ => {
            let text = *u.choose(&TEXTS)?;
            let more = u.int_in_range(0..=9)?;
            text.repeat((u.choose(&REPEATED)? + more) / text.len().max(1))
        }
    };
    let text = if text.len() > *room {
        String::new()
    } else {
        text
    };
    *room -= text.len();
    Ok(text)
}

fn list<T>(
    u: &mut Unstructured<'_>,
    room: &mut usize,
    item: fn(&mut Unstructured<'_>, &mut usize) -> Result<T>,
) -> Result<Vec<T>> {
    // Rarely very long, of items that are all made of the same bytes.
    let count = match u.arbitrary::<u8>()? {
        255 => 3_000,
        few => usize::from(few % 4),
    };
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(item(u, room)?);
    }
    Ok(items)
}

fn outcome(u: &mut Unstructured<'_>, room: &mut usize) -> Result<Outcome> {
    Ok(match u.int_in_range(0..=6_u8)? {
        0 => Outcome::Success,
        1 => Outcome::ExecutionFailed {
            code: text(u, room)?,
            retryable: u.arbitrary()?,
        },
        2 => Outcome::InvalidArgs {
            message: text(u, room)?,
        },
        3 => Outcome::CapabilityDenied {
            missing: list(u, room, text)?,
        },
        4 => Outcome::RateLimited {
            retry_after_ms: u.arbitrary()?,
        },
        5 => Outcome::ToolNotFound,
        _ => Outcome::Unknown {
            kind: text(u, room)?,
        },
    })
}

fn provenance(u: &mut Unstructured<'_>, room: &mut usize) -> Result<CapProvenance> {
    Ok(CapProvenance {
        cap: text(u, room)?,
        source: match u.int_in_range(0..=2_u8)? {
            0 => ProvSource::StringAllowList,
            1 => ProvSource::UcanChain {
                issuer_did: text(u, room)?,
                chain_depth: u.arbitrary()?,
            },
            _ => ProvSource::Unknown {
                kind: text(u, room)?,
            },
        },
    })
}
