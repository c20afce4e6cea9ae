//! How many calls took how long.

use crate::exit::Failure;
use crate::output::{NAME, Output};
use crate::stats::durations::Durations;
use crate::stats::picture::Picture;
use crate::stats::picture::cells::number;
use crate::table::took;

/// With more rows, each is ten times as wide as the one before.
const MOST_ROWS: usize = 16;

/// From some duration up to the next one, and the calls that took so long.
type Row = (u64, u64, u64);

pub(super) fn print(
    picture: &Picture,
    durations: &Durations,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut rows = rows(durations, &[1, 2, 5]);
    if rows.len() > MOST_ROWS {
        rows = self::rows(durations, &[1]);
    }
    let label = |(from, to, _): &Row| match to - from {
        1 => took(*from),
        _ => format!("{} to {}", took(*from), took(*to)),
    };
    let labels: Vec<String> = rows.iter().map(label).collect();
    let counts: Vec<String> = rows.iter().map(|(.., calls)| number(*calls)).collect();
    let widest = |texts: &[String], least: &str| {
        let widths = texts.iter().map(String::len);
        widths.max().unwrap_or(0).max(least.len())
    };
    let (left, right) = (widest(&labels, "TOOK"), widest(&counts, "CALLS"));
    let room = picture
        .drawn_width()
        .saturating_sub(left + right + 4)
        .min(60);
    output.line("")?;
    output.line(picture.bold(&format!("{:<left$}  {:>right$}", "TOOK", "CALLS")))?;
    let most = rows.iter().map(|(.., calls)| *calls).max().unwrap_or(0);
    for ((row, label), count) in rows.iter().zip(&labels).zip(&counts) {
        let bar = picture.pen.bar(row.2, row.2, most, room);
        let bar = picture.palette.paint(NAME, bar.good);
        let line = format!("{label:<left$}  {count:>right$}  {bar}");
        output.line(line.trim_end())?;
    }
    Ok(())
}

/// Rows that begin at the steps of each power of ten, from the first with calls to
/// the last.
fn rows(durations: &Durations, steps: &[u64]) -> Vec<Row> {
    let powers = (0..20).map_while(|power| 10_u64.checked_pow(power));
    let edges = powers.flat_map(|power| {
        steps
            .iter()
            .filter_map(move |step| power.checked_mul(*step))
    });
    let mut edges: Vec<u64> = [0].into_iter().chain(edges).collect();
    edges.push(u64::MAX);
    let rows = edges.windows(2).map(|edge| {
        let (from, to) = (edge[0], edge[1]);
        let calls = match to {
            u64::MAX => durations.calls_from(from),
            to => durations.calls_between(from, to),
        };
        (from, to, calls)
    });
    let rows: Vec<Row> = rows.collect();
    let has_calls = |row: &Row| row.2 > 0;
    let first = rows.iter().position(has_calls).unwrap_or(0);
    let last = rows.iter().rposition(has_calls).unwrap_or(0);
    rows[first..=last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_all_calls() {
        let mut durations = Durations::default();
        let all = [3, 4, 5, 99, 100, 101, 1_999, 2_000, 70_000];
        all.iter().for_each(|ms| durations.add(*ms));
        let rows = rows(&durations, &[1, 2, 5]);
        assert_eq!(rows[..3], [(2, 5, 2), (5, 10, 1), (10, 20, 0)]);
        assert_eq!(rows.last(), Some(&(50_000, 100_000, 1)));
        assert_eq!(rows.iter().map(|row| row.2).sum::<u64>(), 9);
        durations.add(u64::MAX);
        let rows = self::rows(&durations, &[1]);
        assert_eq!(rows.iter().map(|row| row.2).sum::<u64>(), 10);
        assert_eq!(self::rows(&Durations::default(), &[1]).len(), 1);
    }
}
