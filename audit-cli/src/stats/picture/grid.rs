//! Cells in columns. Not by a crate: those that measure coloured text bring a
//! dozen others.

use crate::exit::Failure;
use crate::output::Output;

/// A text with its colours, and how many columns of the terminal it takes.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) width: usize,
    pub(super) is_right: bool,
}

/// Prints rows of as many cells each, so far apart; columns are as wide as their
/// widest cell.
pub(super) fn print(rows: &[Vec<Cell>], gap: usize, output: &mut Output) -> Result<(), Failure> {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| row[column].width).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    for row in rows {
        let mut line = String::new();
        // Spaces at the end of a line are left out.
        let mut pending = 0;
        for (cell, width) in row.iter().zip(&widths) {
            let room = width - cell.width;
            let (before, after) = if cell.is_right { (room, 0) } else { (0, room) };
            pending += before;
            if cell.width > 0 {
                line.extend(std::iter::repeat_n(' ', pending));
                line.push_str(&cell.text);
                pending = 0;
            }
            pending += after + gap;
        }
        output.line(line)?;
    }
    Ok(())
}
