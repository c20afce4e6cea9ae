//! Bars and lines made of characters.

/// What they are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pen {
    unicode: bool,
}

/// A bar in two parts, and how many columns it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bar {
    pub(crate) good: String,
    pub(crate) rest: String,
    pub(crate) width: usize,
}

const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_HEIGHTS: [char; 8] = ['.', '.', ':', ':', '|', '|', '#', '#'];

impl Pen {
    pub(crate) fn new(unicode: bool) -> Self {
        Self { unicode }
    }

    /// A bar as long as its share of `most`, of which `good` is the first part.
    /// Nothing but 0 is no bar at all.
    pub(crate) fn bar(self, good: u64, all: u64, most: u64, width: usize) -> Bar {
        if all == 0 || most == 0 || width == 0 {
            return Bar::default();
        }
        if !self.unicode {
            let all_columns = (scale(all, most, width)).max(1);
            let good_columns = scale(good, all, all_columns);
            return Bar {
                good: "#".repeat(good_columns),
                rest: "-".repeat(all_columns - good_columns),
                width: all_columns,
            };
        }
        let eighths = scale(all, most, width * 8).max(1);
        // The whole columns are divided; the last one, which isn't whole, belongs
        // to whatever comes last.
        let (whole, part) = (eighths / 8, eighths % 8);
        let good_columns = if good == all {
            whole
        } else {
            scale(good, all, whole)
        };
        let mut good_part = "█".repeat(good_columns);
        let mut rest = "▒".repeat(whole - good_columns);
        if part > 0 {
            let end = if good == all || whole == 0 && good > 0 {
                &mut good_part
            } else {
                &mut rest
            };
            if end.is_empty() && good < all && whole > 0 {
                end.push('▒');
            } else if good == all || whole == 0 {
                end.push(EIGHTHS[part - 1]);
            } else if part >= 4 {
                end.push('▒');
            }
        }
        let width = good_part.chars().count() + rest.chars().count();
        Bar {
            good: good_part,
            rest,
            width,
        }
    }

    /// A column for each value, as high as its share of the highest.
    pub(crate) fn sparkline(self, values: impl Iterator<Item = u64> + Clone) -> String {
        let most = values.clone().max().unwrap_or(0).max(1);
        let heights = if self.unicode { HEIGHTS } else { ASCII_HEIGHTS };
        let height = |value: u64| match value {
            0 => ' ',
            value => heights[(scale(value, most, 8)).clamp(1, 8) - 1],
        };
        values.map(height).collect()
    }
}

/// `of * value / most`, rounded.
fn scale(value: u64, most: u64, of: usize) -> usize {
    let most = u128::from(most);
    ((u128::from(value) * of as u128 + most / 2) / most.max(1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(pen: Pen, good: u64, all: u64) -> String {
        let bar = pen.bar(good, all, 100, 10);
        assert!(bar.width <= 10);
        assert_eq!(
            bar.width,
            bar.good.chars().count() + bar.rest.chars().count()
        );
        format!("{}|{}", bar.good, bar.rest)
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        let (blocks, ascii) = (Pen::new(true), Pen::new(false));
        for (good, all, wanted, in_ascii) in [
            (0, 0, "|", "|"),
            (1, 1, "▏|", "#|"),
            (0, 1, "|▏", "|-"),
            (100, 100, "██████████|", "##########|"),
            (50, 100, "█████|▒▒▒▒▒", "#####|-----"),
            (0, 100, "|▒▒▒▒▒▒▒▒▒▒", "|----------"),
            (55, 55, "█████▌|", "######|"),
            (30, 36, "███|▒", "###|-"),
        ] {
            assert_eq!(drawn(blocks, good, all), wanted, "{good} of {all}");
            assert_eq!(drawn(ascii, good, all), in_ascii, "{good} of {all}");
        }
        let most = Pen::new(true).bar(u64::MAX, u64::MAX, u64::MAX, 200);
        assert_eq!(most.width, 200);
    }

    #[test]
    fn lines_are_as_high_as_their_share() {
        let values = [0, 1, 25, 50, 75, 100].into_iter();
        assert_eq!(Pen::new(true).sparkline(values.clone()), " ▁▂▄▆█");
        assert_eq!(Pen::new(false).sparkline(values), " ..:|#");
        assert_eq!(Pen::new(true).sparkline(std::iter::empty()), "");
    }
}
