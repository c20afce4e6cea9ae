//! A change at random.

use crate::expect::Change;
use crate::logs::{Log, Part};
use crate::support::Random;
use crate::{bytes, files, lines, placed};

/// One of those that the small logs get all of.
pub(crate) fn change(log: &Log, random: &mut Random) -> Change {
    let mut below = |limit: usize| random.below(limit as u64) as usize;
    let line = below(log.lines.len());
    let file = log.lines[line].file;
    let end = log.range(file).end;
    let places = lines::places(log);
    let place = places[below(places.len())];
    match below(32) {
        0..10 => {
            let at = below(log.files[file].bytes.len());
            let byte = log.files[file].bytes[at];
            let value = match below(3) {
                0 => byte ^ (1 << below(8)),
                1 => b"\n\0\"\\ ,:}{09fZ\r\x80"[below(15)],
                _ => below(256) as u8,
            };
            bytes::one(log, file, at, if value == byte { byte ^ 1 } else { value })
        }
        10..12 => lines::deleted(log, line, line + 1),
        12 => lines::deleted(log, line, line + 1 + below((end - line).min(20))),
        13 => lines::doubled(log, line),
        14 | 15 => lines::forged(log, line),
        16..18 => match below(log.lines.len()) {
            other if other < line => lines::swapped(log, other, line),
            other if other > line => lines::swapped(log, line, other),
            _ => lines::doubled(log, line),
        },
        18..20 => placed::moved(log, line, place),
        20..22 => placed::replayed(log, line, place),
        22 => placed::stranger(log, place),
        23 => placed::plain(log, place),
        24 | 25 => placed::continued(log, place),
        26 if log.files.len() > 1 => files::removed(log, file),
        27 if below(10) == 0 => files::copied(log, file),
        28 => files::cut(log, file, below(log.files[file].bytes.len())),
        _ => {
            let to = line + below((end - line).min(5));
            files::spliced(log, (line, below(400)), (to, below(400)))
        }
    }
}

/// Some changes one upon the other, of which nobody knows how they are to be called.
pub(crate) fn damage(log: &Log, random: &mut Random) -> Vec<Part> {
    let mut files = change(log, random).files;
    for _ in 0..random.below(3) {
        let nth = random.below(files.len() as u64) as usize;
        let bytes = &mut files[nth].bytes;
        let mut place = || random.below(bytes.len() as u64 + 1) as usize;
        let (one, other) = (place(), place());
        let (from, to) = (one.min(other), one.max(other));
        match random.below(5) {
            0 if from < bytes.len() => bytes[from] = random.below(256) as u8,
            1 => bytes.truncate(to),
            2 => drop(bytes.drain(from..to.min(from + 1000))),
            3 => bytes.extend_from_within(from..to),
            _ => {
                // Whole lines, in another order.
                let mut lines: Vec<Vec<u8>> = bytes
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                if !lines.is_empty() {
                    let middle = random.below(lines.len() as u64) as usize;
                    lines.rotate_left(middle);
                }
                *bytes = lines.concat();
            }
        }
    }
    files
}
