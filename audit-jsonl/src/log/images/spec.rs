//! All states that a crash may leave, in few words each.

use crate::log::head_file::Record;
use crate::log::images::history::{History, Line, Part};
use crate::log::images::lay::{Image, Place, Shown};

const BLOCK: usize = 4_096;

/// What the head file holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum HeadOf {
    Nobody,
    Empty,
    Nul,
    /// The first half of one head and the second of the one before.
    Torn,
    /// What was written after that batch.
    Batch(usize),
    /// What was written when the file was begun.
    Begun,
    /// What was written last about the file before.
    Before,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Spec {
    /// A process died: the log's first bytes.
    Killed { end: usize, head: HeadOf },
    /// The power went: the log's first bytes, then NUL bytes.
    Cut {
        end: usize,
        nul: usize,
        head: HeadOf,
    },
    /// The power went, and the log's blocks got to the disk in another order: there
    /// are NUL bytes in its midst.
    Hole {
        from: usize,
        to: usize,
        head: HeadOf,
    },
    /// A rotation is under way: the new file's first bytes (`None`: there is no
    /// file), then NUL bytes.
    Rotating {
        end: Option<usize>,
        nul: usize,
        head: HeadOf,
        same_boot: bool,
    },
    /// A sync has failed, after which so many lines were known to be on disk. Of
    /// the old file the first bytes are left, and the new one's first bytes.
    Spoilt {
        synced: usize,
        old: usize,
        end: Option<usize>,
        nul: usize,
        begun: bool,
    },
}

pub(super) fn all(history: &History) -> Vec<Spec> {
    let mut specs = Vec::new();
    killed(&history.old, &mut specs);
    cut(&history.old, &mut specs);
    holes(&history.old, &mut specs);
    rotating(&history.new, &mut specs);
    spoilt(&history.old, &mut specs);
    specs
}

/// Between two batches the head says one or the other.
fn killed(part: &Part, specs: &mut Vec<Spec>) {
    for end in 0..=part.bytes.len() {
        let before = part
            .heads
            .iter()
            .rposition(|head| head.size as usize <= end);
        let earlier = before.and_then(|at| at.checked_sub(1));
        let at_end = before.is_some_and(|at| part.heads[at].size as usize == end);
        match before {
            None => specs.extend([HeadOf::Empty].map(|head| Spec::Killed { end, head })),
            Some(at) => {
                let head = HeadOf::Batch(at);
                specs.push(Spec::Killed { end, head });
            }
        }
        if let (Some(at), true) = (earlier, at_end) {
            let head = HeadOf::Batch(at);
            specs.push(Spec::Killed { end, head });
        }
    }
}

fn heads(part: &Part) -> Vec<HeadOf> {
    let written = (0..part.heads.len()).map(HeadOf::Batch);
    let others = [HeadOf::Nobody, HeadOf::Empty, HeadOf::Nul, HeadOf::Torn];
    written.chain(others).collect()
}

fn cut(part: &Part, specs: &mut Vec<Spec>) {
    let size = part.bytes.len();
    for head in heads(part) {
        for end in 0..=size {
            // Nothing, all that was allocated, or a whole block.
            for nul in [0, size - end, BLOCK - end % BLOCK] {
                specs.push(Spec::Cut { end, nul, head });
            }
        }
        let some = part.lines.len() / 2;
        for end in [
            0,
            part.lines[some].end,
            part.lines[some].end + 9,
            size - 1,
            size,
        ] {
            specs.extend((1..=BLOCK).map(|nul| Spec::Cut { end, nul, head }));
        }
    }
}

fn holes(part: &Part, specs: &mut Vec<Spec>) {
    let size = part.bytes.len();
    for head in (0..part.heads.len()).map(HeadOf::Batch) {
        for from in 0..size {
            for to in [from + 1, from + (size - from) / 2, size - 1] {
                if from < to && to < size {
                    specs.push(Spec::Hole { from, to, head });
                }
            }
        }
    }
}

fn rotating(part: &Part, specs: &mut Vec<Spec>) {
    for same_boot in [true, false] {
        specs.push(Spec::Rotating {
            end: None,
            nul: 0,
            head: HeadOf::Before,
            same_boot,
        });
        for end in 0..=part.bytes.len() {
            let mut heads = vec![HeadOf::Before, HeadOf::Begun];
            if same_boot {
                // What is in the head file is never ahead of the log.
                let is_there = |head: &Record| head.size as usize <= end;
                let last = part.heads.iter().rposition(is_there).map(HeadOf::Batch);
                heads = last.map_or(heads, |last| vec![last]);
            } else {
                heads.extend((0..part.heads.len()).map(HeadOf::Batch));
            }
            for head in heads {
                let nul_tails = [0, part.bytes.len() - end, BLOCK - end % BLOCK];
                for nul in nul_tails {
                    if nul == 0 || !same_boot {
                        specs.push(Spec::Rotating {
                            end: Some(end),
                            nul,
                            head,
                            same_boot,
                        });
                    }
                }
            }
        }
    }
}

fn spoilt(part: &Part, specs: &mut Vec<Spec>) {
    let last = part.lines.len() - 1;
    for synced in [0, last / 2, last] {
        let from = start_of(part, synced);
        for old in [
            from,
            (from + part.bytes.len()) / 2,
            part.bytes.len() - 1,
            part.bytes.len(),
        ] {
            let new = part.bytes.len() - from;
            let ends = std::iter::once(None).chain((0..=new).map(Some));
            for end in ends {
                for begun in [false, true] {
                    for nul in [0, 100] {
                        if end.is_none() && (begun || nul > 0) {
                            continue;
                        }
                        specs.push(Spec::Spoilt {
                            synced,
                            old,
                            end,
                            nul,
                            begun,
                        });
                    }
                }
            }
        }
    }
}

fn start_of(part: &Part, line: usize) -> usize {
    line.checked_sub(1)
        .map_or(0, |before| part.lines[before].end)
}

impl Spec {
    pub(super) fn image(&self, history: &History) -> Image {
        match *self {
            Self::Killed { end, head } => {
                let part = &history.old;
                image_of(part, end, 0, shown(part, head, true), None)
            }
            Self::Cut { end, nul, head } => {
                let part = &history.old;
                let known = match head {
                    HeadOf::Batch(at) => Some(&part.heads[at]),
                    _ => None,
                };
                image_of(part, end, nul, shown(part, head, false), known)
            }
            Self::Hole { from, to, head } => {
                let part = &history.old;
                let known = match head {
                    HeadOf::Batch(at) => Some(&part.heads[at]),
                    _ => None,
                };
                let mut image = image_of(part, from, 0, shown(part, head, false), known);
                let mut log = part.bytes.clone();
                log[from..to].fill(0);
                image.log = Some(log);
                image
            }
            Self::Rotating {
                end,
                nul,
                head,
                same_boot,
            } => rotating_image(history, end, nul, head, same_boot),
            Self::Spoilt {
                synced,
                old,
                end,
                nul,
                begun,
            } => spoilt_image(history, synced, old, end, nul, begun),
        }
    }
}

fn image_of(part: &Part, end: usize, nul: usize, head: Shown, known: Option<&Record>) -> Image {
    let must = whole_lines(part, end);
    let gone = known.map_or(0, |head| head.head.seq + 1) > must.len() as u64;
    Image {
        log: Some(with_nul(&part.bytes[..end], nul)),
        others: Vec::new(),
        head,
        must,
        gone: Some(gone),
    }
}

fn rotating_image(
    history: &History,
    end: Option<usize>,
    nul: usize,
    head: HeadOf,
    same_boot: bool,
) -> Image {
    let (old, new) = (&history.old, &history.new);
    let last = old.heads.last().expect("a head");
    let (head, place) = match head {
        HeadOf::Before => (last.clone(), Place::Other),
        HeadOf::Begun => {
            let size = 0;
            let head = Record {
                size,
                ..last.clone()
            };
            (head, Place::Log)
        }
        HeadOf::Batch(at) => (new.heads[at].clone(), Place::Log),
        _ => unreachable!("heads of a rotation are whole"),
    };
    let mut must = old.lines.clone();
    if let Some(end) = end {
        must.extend(whole_lines(new, end));
    }
    let gone = head.head.seq + 1 > must.len() as u64;
    let head = if same_boot {
        head
    } else {
        of_another_boot(&head)
    };
    Image {
        log: end.map(|end| with_nul(&new.bytes[..end], nul)),
        others: vec![(history.rotated_name.clone(), old.bytes.clone())],
        head: Shown::Head(head, place),
        must,
        gone: Some(gone),
    }
}

fn spoilt_image(
    history: &History,
    synced: usize,
    old: usize,
    end: Option<usize>,
    nul: usize,
    begun: bool,
) -> Image {
    let part = &history.old;
    let from = start_of(part, synced);
    let last = part.heads.last().expect("a head");
    let carried = part.bytes.len() - from;
    let (head, place) = if begun {
        let size = carried as u64;
        let head = Record {
            size,
            ..last.clone()
        };
        (head, Place::Log)
    } else {
        (last.clone(), Place::Other)
    };
    let in_old = whole_lines(part, old);
    let in_new = end.map_or(Vec::new(), |end| whole_lines(part, from + end));
    let must = if in_new.len() > in_old.len() {
        in_new
    } else {
        in_old
    };
    let gone = must.len() < part.lines.len();
    Image {
        log: end.map(|end| with_nul(&part.bytes[from..from + end], nul)),
        others: vec![(history.rotated_name.clone(), part.bytes[..old].to_vec())],
        head: Shown::Head(of_another_boot(&head), place),
        must,
        gone: Some(gone),
    }
}

fn whole_lines(part: &Part, end: usize) -> Vec<Line> {
    part.lines
        .iter()
        .filter(|line| line.end <= end)
        .cloned()
        .collect()
}

fn with_nul(bytes: &[u8], nul: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len() + nul, 0);
    bytes
}

fn shown(part: &Part, head: HeadOf, same_boot: bool) -> Shown {
    match head {
        HeadOf::Nobody => Shown::Nothing,
        HeadOf::Empty => Shown::Bytes(Vec::new()),
        HeadOf::Nul => Shown::Bytes(vec![0; 384]),
        HeadOf::Torn => {
            let (last, before) = (part.heads.len() - 1, part.heads.len() - 2);
            let (mut torn, second) = (part.heads[last].to_text(), part.heads[before].to_text());
            torn[192..].copy_from_slice(&second[192..]);
            Shown::Bytes(torn)
        }
        HeadOf::Batch(at) if same_boot => Shown::Head(part.heads[at].clone(), Place::Log),
        HeadOf::Batch(at) => Shown::Head(of_another_boot(&part.heads[at]), Place::Log),
        HeadOf::Begun | HeadOf::Before => unreachable!("of a rotation"),
    }
}

/// As written before the machine was started.
fn of_another_boot(record: &Record) -> Record {
    Record {
        boot: "00000000-0000-4000-8000-000000000000".into(),
        ..record.clone()
    }
}
