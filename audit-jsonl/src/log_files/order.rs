//! The order in which the files of a log are to be read: that of their first
//! links.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::chain::StreamId;
use crate::log::names;
use crate::log::tail;
use crate::log_files::{First, LogFile, LogFiles};
use crate::read_error::ReadError;

/// Where a file belongs. Compared from the top down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Plain lines from before the log had a chain: by the time of the first.
    BeforeAll(String),
    InStream {
        stream: usize,
        first_seq: u64,
        /// How far it reaches, where others begin with the same line.
        last_seq: Option<u64>,
    },
    /// An active file without a link yet.
    Last,
}

/// Puts the files in order.
pub(super) fn put_in_order(log: &mut LogFiles) -> Result<(), ReadError> {
    let streams = ranks(&log.files);
    let rank_by_name = |file: &LogFile| {
        let name = file.rotated?;
        let streams = streams.iter().filter(|(stream, _)| name.is_of(stream));
        // Several may begin as the name says.
        let rank = streams.map(|(_, rank)| *rank).min()?;
        Some((rank, name.first_seq))
    };
    let mut placed: Vec<(Place, LogFile)> = Vec::with_capacity(log.files.len());
    for file in log.files.drain(..) {
        let place = match &file.first {
            Some(First { head, .. }) => Place::InStream {
                stream: streams[&head.stream],
                first_seq: head.seq,
                last_seq: None,
            },
            None if file.is_active => Place::Last,
            None => match rank_by_name(&file) {
                Some((stream, first_seq)) => Place::InStream {
                    stream,
                    first_seq,
                    last_seq: None,
                },
                None => Place::BeforeAll(file.first_ts.clone().unwrap_or_default()),
            },
        };
        placed.push((place, file));
    }
    placed.sort_by(by_place);
    for at in 1..placed.len() {
        if placed[at - 1].0.begins_with(&placed[at].0) {
            measure(&mut placed[at - 1])?;
            measure(&mut placed[at])?;
        }
    }
    placed.sort_by(by_place);
    log.files = placed.into_iter().map(|(_, file)| file).collect();
    if log.head_path.is_none() {
        name_after_last(log);
    }
    Ok(())
}

fn by_place(one: &(Place, LogFile), other: &(Place, LogFile)) -> Ordering {
    // Names only where nothing else is left, so that the order is always the same.
    (&one.0, &one.1.path).cmp(&(&other.0, &other.1.path))
}

impl Place {
    fn begins_with(&self, other: &Self) -> bool {
        let begin = |place: &Self| match place {
            Self::InStream {
                stream, first_seq, ..
            } => Some((*stream, *first_seq)),
            Self::BeforeAll(_) | Self::Last => None,
        };
        begin(self).is_some() && begin(self) == begin(other)
    }
}

/// Finds out how far a file reaches.
fn measure((place, file): &mut (Place, LogFile)) -> Result<(), ReadError> {
    if let Place::InStream { last_seq, .. } = place
        && file.first.is_some()
        && last_seq.is_none()
        && let Some(mut opened) = file.open()?
    {
        let last = tail::last_link(&mut opened, file.len).map_err(ReadError::io(&file.path))?;
        *last_seq = last.map(|(head, _)| head.seq);
    }
    Ok(())
}

/// The order of the streams: one that replaces another comes after it. Those that
/// have nothing to do with each other come by time, that of the active file last.
fn ranks(files: &[LogFile]) -> HashMap<StreamId, usize> {
    let mut replaces: HashMap<StreamId, StreamId> = HashMap::new();
    let mut begun: HashMap<StreamId, &str> = HashMap::new();
    let mut of_active = None;
    for file in files {
        let Some(first) = &file.first else {
            continue;
        };
        let stream = first.head.stream;
        if let Some(after) = first.after {
            replaces.entry(stream).or_insert(after);
        }
        let ts = begun.entry(stream).or_insert(&first.ts);
        *ts = (*ts).min(&first.ts);
        if file.is_active {
            of_active = Some(stream);
        }
    }
    // The first of its family, and how many steps that is.
    let ancestry = |stream: StreamId| {
        let (mut first, mut depth) = (stream, 0);
        while let Some(&before) = replaces.get(&first)
            && depth < replaces.len()
        {
            first = before;
            depth += 1;
        }
        (first, depth)
    };
    let family_of_active = of_active.map(|stream| ancestry(stream).0);
    let mut family_begun: HashMap<StreamId, &str> = HashMap::new();
    for (&stream, &ts) in &begun {
        let begun = family_begun.entry(ancestry(stream).0).or_insert(ts);
        *begun = (*begun).min(ts);
    }
    let mut streams: Vec<StreamId> = begun.keys().copied().collect();
    streams.sort_by_cached_key(|&stream| {
        let (family, depth) = ancestry(stream);
        let is_last = Some(family) == family_of_active;
        let (family_begun, begun) = (family_begun[&family], begun[&stream]);
        let names = (family.as_str().to_owned(), stream.as_str().to_owned());
        (is_last, family_begun, names.0, depth, begun, names.1)
    });
    streams.into_iter().zip(0..).collect()
}

/// Files that were given without their log: the last one stands for it. It is
/// active unless its name is that of a rotated file or of one set aside.
fn name_after_last(log: &mut LogFiles) {
    let Some(last) = log.files.last_mut() else {
        return;
    };
    log.path.clone_from(&last.path);
    let name = last.path.file_name().unwrap_or_default();
    let text = name.to_string_lossy();
    let is_aside = [".torn-", ".damaged-", ".spoilt"]
        .iter()
        .any(|part| text.contains(part));
    last.is_active = !is_aside && names::log_of_rotated(name).is_none();
}
