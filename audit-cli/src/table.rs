//! Calls as rows for people, in columns that fit the terminal.

mod fit;
mod row;

use std::fmt::Write as _;

use self::fit::width_of;
pub(crate) use self::fit::{fit, fit_name};
pub(crate) use self::row::{Row, Rows, took};
use crate::exit::Failure;
use crate::output::{BOLD, DIM, Output, Palette};
use crate::text;

/// Between columns.
const GAP: usize = 2;

/// A name or a detail that is longer doesn't widen its column; it is cut on a
/// terminal, and pushes the rest of its row aside elsewhere.
const WIDEST: usize = 48;

/// Fewer columns than this tell nothing.
const NARROWEST: usize = 8;

const HEADINGS: [&str; COLUMNS] = [
    "TIME", "OUTCOME", "TOOL", "CALLER", "TOOK", "DETAIL", "CALL ID",
];
const COLUMNS: usize = 7;
const TIME: usize = 0;
const OUTCOME: usize = 1;
const TOOL: usize = 2;
const CALLER: usize = 3;
const TOOK: usize = 4;
const DETAIL: usize = 5;
const CALL_ID: usize = 6;

/// `2026-11-20 18:12:57`, without its milliseconds.
const SHORT_TIME: usize = 19;

/// How wide each column is.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    palette: Palette,
    /// Those of the terminal; `None` where nothing is to be cut.
    width: Option<usize>,
    /// 0 for a column that isn't shown.
    widths: [usize; COLUMNS],
    line: String,
}

impl Table {
    /// Columns that suit these rows, and what comes after them more or less.
    pub(crate) fn new(output: &Output, rows: &[Row]) -> Self {
        let mut table = Self {
            palette: output.palette(),
            width: output.width(),
            widths: [0; COLUMNS],
            line: String::new(),
        };
        table.measure(rows);
        table
    }

    /// Makes room for rows that come later. What nothing is cut in only widens.
    pub(crate) fn widen(&mut self, rows: &[Row]) {
        let before = self.widths;
        if self.width.is_none() {
            self.measure(rows);
            for (width, before) in self.widths.iter_mut().zip(before) {
                *width = (*width).max(before);
            }
        }
    }

    fn measure(&mut self, rows: &[Row]) {
        let mut wanted = HEADINGS.map(str::len);
        for row in rows {
            for (column, wanted) in wanted.iter_mut().enumerate() {
                let cell = row.cell(column);
                *wanted = (*wanted).max(width_of(cell, WIDEST));
            }
        }
        if rows.iter().all(|row| row.cell(DETAIL).is_empty()) {
            wanted[DETAIL] = 0;
        }
        let Some(width) = self.width else {
            self.widths = wanted;
            return;
        };
        if width < 100 {
            wanted[TIME] = wanted[TIME].min(SHORT_TIME);
        }
        // On a narrow terminal the tool and how it ended are told before all else.
        for column in [CALLER, TOOK, TIME] {
            if least_of(&wanted) > width {
                wanted[column] = 0;
            }
        }
        // What is never cut, then names, then details, then what is shown whole or
        // not at all.
        let mut left = width;
        for column in [TIME, OUTCOME, TOOK] {
            self.widths[column] = wanted[column];
            if wanted[column] > 0 {
                left = left.saturating_sub(wanted[column] + GAP);
            }
        }
        let reserve = match wanted[DETAIL] {
            0 => 0,
            detail => detail.min(NARROWEST) + GAP,
        };
        let for_names = left.saturating_sub(reserve);
        let (tool, caller) = match wanted[CALLER] {
            0 => (wanted[TOOL].min(for_names.max(NARROWEST)).min(left), 0),
            caller => share(for_names, wanted[TOOL], caller),
        };
        self.widths[TOOL] = tool;
        self.widths[CALLER] = caller;
        let between = if caller == 0 { 0 } else { GAP };
        left = left.saturating_sub(tool + caller + between);
        let mut columns = [(DETAIL, NARROWEST), (CALL_ID, wanted[CALL_ID])].into_iter();
        columns.all(|(column, least)| {
            if wanted[column] == 0 {
                return true;
            }
            let room = left.saturating_sub(GAP);
            let fits = room >= least.min(wanted[column]);
            if fits {
                self.widths[column] = wanted[column].min(room);
                left -= self.widths[column] + GAP;
            }
            fits
        });
    }

    /// The line above the rows.
    pub(crate) fn heading(&mut self, output: &mut Output) -> Result<(), Failure> {
        let mut line = String::new();
        for (column, heading) in HEADINGS.iter().enumerate() {
            let width = self.widths[column];
            if width == 0 {
                continue;
            }
            if column == TOOK {
                let _ = write!(line, "{heading:>width$}  ");
            } else {
                let _ = write!(line, "{heading:<width$}  ");
            }
        }
        output.line(self.palette.paint(BOLD, line.trim_end()))
    }

    pub(crate) fn row(&mut self, row: &Row, output: &mut Output) -> Result<(), Failure> {
        self.line.clear();
        let mut pending = 0;
        for column in 0..COLUMNS {
            let width = self.widths[column];
            if width == 0 {
                continue;
            }
            let cell = row.cell(column);
            let is_whole = self.width.is_none();
            let most = if is_whole { usize::MAX } else { width };
            let fitted = match column {
                TIME if width == SHORT_TIME => fit(cell.get(..SHORT_TIME).unwrap_or(cell), most),
                TOOL => fit_name(cell, most),
                _ => fit(cell, most),
            };
            if column == TOOK {
                pending += width.saturating_sub(fitted.width);
            }
            if fitted.width > 0 {
                self.line.extend(std::iter::repeat_n(' ', pending));
                pending = 0;
            }
            let style = match column {
                OUTCOME => row.style(),
                TIME | CALL_ID => DIM,
                _ => anstyle::Style::new(),
            };
            let palette = &self.palette;
            let paint = |part: &str| palette.paint(style, text::shown(part, palette)).to_string();
            self.line.push_str(&fitted.painted(paint));
            if column == TOOK {
                pending += GAP;
            } else {
                pending += width.saturating_sub(fitted.width) + GAP;
            }
        }
        output.line(&self.line)
    }
}

/// How many columns a row takes at least, without details and the like.
fn least_of(wanted: &[usize; COLUMNS]) -> usize {
    let names = [TOOL, CALLER].map(|column| wanted[column].min(NARROWEST));
    let others = [TIME, OUTCOME, TOOK].map(|column| wanted[column]);
    let shown = names.iter().chain(&others).filter(|width| **width > 0);
    shown
        .map(|width| width + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

/// Divides the room for two columns: what one doesn't need, the other may have.
fn share(room: usize, one: usize, other: usize) -> (usize, usize) {
    let room = room.saturating_sub(GAP).max(2 * NARROWEST);
    if one + other <= room {
        return (one, other);
    }
    let half = room / 2;
    if one <= half {
        (one, room - one)
    } else if other <= half {
        (room - other, other)
    } else {
        (room - half, half)
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn names_share_their_room() {
        assert_eq!(share(100, 12, 9), (12, 9));
        assert_eq!(share(42, 30, 30), (20, 20));
        assert_eq!(share(42, 10, 40), (10, 30));
        assert_eq!(share(42, 40, 10), (30, 10));
        assert_eq!(share(3, 40, 40), (8, 8));
    }
}
