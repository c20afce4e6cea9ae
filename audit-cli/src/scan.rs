//! Reads logs on all cores, and hands on what is found in their order.

mod damage;
mod pool;
mod stream;

use audit_jsonl::{Entry, LogFiles, LogLine, LogReader};

use crate::calls::Call;
use crate::exit::Failure;
use crate::input::Input;
pub(crate) use crate::scan::damage::{Damages, Noted};

/// A part of a log that one thread reads, in bytes: small enough that what is found
/// in some of them is held easily, large enough that opening its file doesn't count.
const PART_BYTES: u64 = 2 << 20;

/// Looks at calls, on one thread.
pub(crate) trait Visitor: Send {
    /// What is found in a part of a log.
    type Found: Default + Send;

    /// Looks at one; whether it put something into `found`.
    fn visit(
        &mut self,
        call: &Call<'_>,
        line: &LogLine<'_>,
        found: &mut Self::Found,
    ) -> Result<bool, Failure>;
}

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Enough,
}

/// In which order logs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    /// What is found in a part still comes oldest first: it is for `take` to turn
    /// around.
    NewestFirst,
}

/// Shows every call to some visitor. `take` gets what they found, part after part
/// in order, while others are still read; it may say that this is enough.
pub(crate) fn scan<V: Visitor>(
    inputs: &[Input],
    order: Order,
    make: impl Fn() -> V + Sync,
    mut take: impl FnMut(V::Found) -> Result<Flow, Failure>,
) -> Result<(Vec<V>, Damages), Failure> {
    let mut visitors = Vec::new();
    let mut damages = Damages::new(order);
    let mut inputs: Vec<&Input> = inputs.iter().collect();
    if order == Order::NewestFirst {
        inputs.reverse();
    }
    for input in inputs {
        let flow = match input {
            Input::Log(log) => {
                let parts = split(log, order)?;
                pool::run(parts, &make, &mut take, &mut damages, &mut visitors)?
            }
            Input::Stream(stream) if order == Order::NewestFirst => {
                let spooled = stream::spool(stream)?;
                let parts = split(spooled.log(), order)?;
                damages.call(spooled.path(), stream.name());
                pool::run(parts, &make, &mut take, &mut damages, &mut visitors)?
            }
            Input::Stream(stream) => {
                let mut visitor = make();
                damages.of_stream(stream.name());
                let flow = stream::read(stream, &mut visitor, &mut take, &mut damages)?;
                visitors.push(visitor);
                flow
            }
        };
        if flow == Flow::Enough {
            break;
        }
    }
    damages.end();
    Ok((visitors, damages))
}

fn split(log: &LogFiles, order: Order) -> Result<Vec<LogReader>, Failure> {
    let parts = log.total_len().div_ceil(PART_BYTES).max(1);
    let parts = usize::try_from(parts).unwrap_or(usize::MAX);
    let mut parts = LogReader::split(log, parts)?;
    if order == Order::NewestFirst {
        parts.reverse();
    }
    Ok(parts)
}

/// Shows one entry to a visitor.
fn look_at<V: Visitor>(
    entry: &Entry<'_>,
    visitor: &mut V,
    found: &mut V::Found,
    damages: &mut Noted,
) -> Result<bool, Failure> {
    match entry {
        Entry::Line(line) => match Call::of(line) {
            Ok(Some(call)) => visitor.visit(&call, line, found),
            Ok(None) => Ok(false),
            Err(error) => {
                damages.note(line.position(), error.reason);
                Ok(false)
            }
        },
        Entry::Damage(damage) => {
            damages.note_damage(damage);
            Ok(false)
        }
        _ => Ok(false),
    }
}
