//! Counts for people: a table with bars, calls over time, and how long they took.

mod cells;
mod grid;
mod histogram;

use anstyle::Style;

use crate::calls::moment::Clock;
use crate::exit::Failure;
use crate::output::{self, BAD, BOLD, CAREFUL, DIM, GOOD, Output, Palette, USUAL_WIDTH};
use crate::stats::bars::Pen;
use crate::stats::groups::{Group, Name};
use crate::stats::picture::cells::{Columns, Kind, number};
use crate::stats::picture::grid::Cell;
use crate::stats::timeline::Timeline;
use crate::stats::{By, Counted, report};
use crate::table::{fit, fit_name};
use crate::text;

/// So many groups are shown, unless it is said how many.
const USUAL_GROUPS: usize = 20;

/// No more bars than this stand side by side.
const MOST_STEPS: usize = 72;

pub(super) fn print(
    counted: &Counted,
    limit: Option<usize>,
    output: &mut Output,
) -> Result<(), Failure> {
    let all = counted.groups.all();
    let limit = match counted.groups.by() {
        By::Hour | By::Day => limit,
        _ => Some(limit.unwrap_or(USUAL_GROUPS)),
    };
    let picture = Picture {
        palette: output.palette(),
        pen: Pen::new(output::speaks_unicode()),
        width: output.width(),
    };
    picture.summary(&all, &counted.timeline, output)?;
    if all.calls == 0 {
        return Ok(());
    }
    picture.table(
        &counted.groups.sorted(limit),
        &all,
        counted.groups.by(),
        output,
    )?;
    picture.over_time(&counted.timeline, output)?;
    histogram::print(&picture, &all.durations, output)
}

/// Of a name, so much is shown on any terminal.
const LEAST_NAME: usize = 8;

struct Picture {
    palette: Palette,
    pen: Pen,
    width: Option<usize>,
}

impl Picture {
    fn drawn_width(&self) -> usize {
        self.width.unwrap_or(USUAL_WIDTH)
    }

    fn summary(
        &self,
        all: &Group,
        timeline: &Timeline,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let calls = if all.calls == 1 { "call" } else { "calls" };
        let mut line = format!("{} {calls}", number(all.calls));
        if let Some((first, last)) = timeline.span() {
            let mut clock = Clock::new();
            // Without milliseconds.
            let mut shown = |moment| {
                let mut shown = clock.show(moment);
                shown.truncate(shown.len() - 4);
                shown
            };
            let (first, last) = (shown(first), shown(last));
            line.push_str(", ");
            line.push_str(&first);
            if last != first {
                // The day is said once.
                let is_same_day = first.get(..11) == last.get(..11);
                let last = if is_same_day { &last[11..] } else { &last };
                line.push_str(" to ");
                line.push_str(last);
            }
        }
        output.line(self.palette.paint(BOLD, line))
    }

    fn table(
        &self,
        groups: &[(Name, Group)],
        all: &Group,
        by: By,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut columns = Columns::new(by, all);
        let mut rows = columns.rows(groups, all);
        let names: Vec<String> = groups.iter().map(|(name, _)| name_of(name, by)).collect();
        let mut numbers = width_of(&rows);
        // A narrow terminal shows fewer columns, and those whole.
        while self
            .width
            .is_some_and(|width| width < LEAST_NAME + numbers + columns.len())
            && columns.drop_one()
        {
            rows = columns.rows(groups, all);
            numbers = width_of(&rows);
        }
        let heading = report::column(by).to_uppercase();
        let longest = names.iter().map(|name| fit(name, 1_000).width).max();
        let longest = longest.unwrap_or(0).max(heading.len()).max("all".len());
        let layout = Layout::new(self.width, longest, numbers, columns.len());

        let most = groups.iter().map(|(_, group)| group.calls).max();
        let mut cells: Vec<Vec<Cell>> = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            let group = nth.checked_sub(1).and_then(|nth| groups.get(nth));
            let mut line = vec![match (group, nth) {
                (Some((name, _)), _) => self.name(name, &names[nth - 1], layout.name),
                (None, 0) => self.bold_cell(&heading),
                (None, _) => self.bold_cell("all"),
            }];
            for (column, text) in row.iter().enumerate() {
                let painted = match group {
                    Some(_) => self.number(text, columns.kind(column)),
                    None => self.bold(text),
                };
                line.push(Cell {
                    text: painted,
                    width: text.len(),
                    is_right: true,
                });
                if column == 0 && layout.bar > 0 {
                    let bar =
                        group.map(|(_, group)| self.bar(group, most.unwrap_or(0), layout.bar));
                    line.push(bar.unwrap_or_default());
                }
            }
            cells.push(line);
        }
        output.line("")?;
        grid::print(&cells, layout.gap, output)
    }

    fn name(&self, name: &Name, text: &str, width: usize) -> Cell {
        let fitted = fit_name(text, width);
        let text = fitted.painted(|part| match name {
            Name::Text(_) => text::shown(part, &self.palette).into_owned(),
            Name::Time { .. } => part.to_owned(),
            Name::Nobody | Name::Others(_) => self.palette.paint(DIM, part).to_string(),
        });
        Cell {
            text,
            width: fitted.width,
            is_right: false,
        }
    }

    fn bold_cell(&self, text: &str) -> Cell {
        Cell {
            text: self.bold(text),
            width: text.len(),
            is_right: false,
        }
    }

    fn bold(&self, text: &str) -> String {
        self.palette.paint(BOLD, text).to_string()
    }

    fn number(&self, text: &str, kind: Kind) -> String {
        let style = match kind {
            _ if text == "-" => DIM,
            Kind::Failed => BAD,
            Kind::Denied | Kind::Limited => CAREFUL,
            Kind::Other => Style::new(),
        };
        self.palette.paint(style, text).to_string()
    }

    fn bar(&self, group: &Group, most: u64, width: usize) -> Cell {
        let bar = self.pen.bar(group.success(), group.calls, most, width);
        let part = |style, part: String| match part.is_empty() {
            true => part,
            false => self.palette.paint(style, part).to_string(),
        };
        Cell {
            text: part(GOOD, bar.good) + &part(BAD, bar.rest),
            width: bar.width,
            is_right: false,
        }
    }

    /// Nothing when all was within one step.
    fn over_time(&self, timeline: &Timeline, output: &mut Output) -> Result<(), Failure> {
        const LABEL: usize = "no success  ".len();
        let room = self
            .drawn_width()
            .saturating_sub(LABEL + "  most 1,000,000".len());
        let Some(steps) = timeline.steps(room.clamp(10, MOST_STEPS)) else {
            return Ok(());
        };
        if steps.calls.len() < 2 {
            return Ok(());
        }
        output.line("")?;
        let step = match steps.seconds {
            seconds @ 0..60 => format!("{seconds} s"),
            seconds @ 60..3_600 => format!("{} min", seconds / 60),
            seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
            86_400 => "1 day".to_owned(),
            seconds => format!("{} days", seconds / 86_400),
        };
        let heading = self.bold("OVER TIME");
        output.line(format_args!("{heading}  {step} a column"))?;
        let calls = steps.calls.iter();
        let all = calls.clone().map(|calls| calls.all);
        let not_good = calls.map(|calls| calls.not_good);
        for (label, style, values) in [
            ("calls", GOOD, all.collect::<Vec<u64>>()),
            ("no success", BAD, not_good.collect()),
        ] {
            let most = values.iter().max().copied().unwrap_or(0);
            if most > 0 {
                let line = self.pen.sparkline(values.into_iter());
                let line = self.palette.paint(style, line);
                output.line(format_args!("{label:<LABEL$}{line}  most {}", number(most)))?;
            }
        }
        Ok(())
    }
}

fn name_of(name: &Name, by: By) -> String {
    match name {
        Name::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Name::Text(text) => text.clone(),
        Name::Time { shown, .. } => shown.clone(),
        Name::Nobody if by == By::Caller => "(nobody knows)".to_owned(),
        Name::Nobody => "(no time)".to_owned(),
        Name::Others(1) => "1 other".to_owned(),
        Name::Others(count) => format!("{} others", number(*count as u64)),
    }
}

/// All columns of numbers together, without gaps.
fn width_of(rows: &[Vec<String>]) -> usize {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| row[column].len()).max();
    (0..columns).filter_map(widest).sum()
}

/// How wide what is.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    name: usize,
    bar: usize,
    gap: usize,
}

impl Layout {
    /// For names of that width and columns of numbers of that width together.
    fn new(width: Option<usize>, name: usize, numbers: usize, columns: usize) -> Self {
        let Some(width) = width else {
            return Self {
                name,
                bar: 20,
                gap: 2,
            };
        };
        let left = |gap: usize| width.saturating_sub(numbers + (columns + 1) * gap);
        // A long name gives way to a bar of a few columns.
        for (gap, least_name, least_bar) in
            [(2, 40, 8), (2, 24, 8), (1, 24, 8), (1, 20, 6), (1, 14, 4)]
        {
            let name = name.min(least_name);
            if left(gap) >= name + least_bar {
                let bar = left(gap) - name;
                return Self {
                    name,
                    bar: bar.min(40),
                    gap,
                };
            }
        }
        let name = name.min((left(1) + 1).max(LEAST_NAME));
        Self {
            name,
            bar: 0,
            gap: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bars_share_what_numbers_leave() {
        for (width, name, numbers, wanted) in [
            (None, 300, 50, (300, 20, 2)),
            (Some(120), 12, 50, (12, 40, 2)),
            (Some(120), 300, 50, (40, 12, 2)),
            (Some(80), 12, 46, (12, 13, 1)),
            (Some(80), 12, 42, (12, 8, 2)),
            (Some(80), 30, 50, (14, 7, 1)),
            (Some(60), 30, 50, (8, 0, 1)),
        ] {
            let layout = Layout::new(width, name, numbers, 8);
            assert_eq!(
                (layout.name, layout.bar, layout.gap),
                wanted,
                "{width:?} {name} {numbers}"
            );
        }
    }
}
