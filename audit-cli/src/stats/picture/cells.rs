//! The numbers of a group, as they are shown.

use crate::stats::By;
use crate::stats::groups::{Group, Name};
use crate::table::took;

/// What a column is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Failed,
    Denied,
    Limited,
    Other,
}

/// Which columns there are.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<(&'static str, Kind, Show)>,
}

/// Shows a number of a group; the other one is all calls.
type Show = fn(&Group, &Group) -> String;

impl Columns {
    pub(super) fn new(by: By, all: &Group) -> Self {
        let mut columns = Self {
            columns: Vec::new(),
        };
        columns.add("CALLS", Kind::Other, |group, _| number(group.calls));
        if by == By::Outcome {
            columns.add("SHARE", Kind::Other, |group, all| {
                share(group.calls, all.calls)
            });
        } else {
            columns.add("FAILED", Kind::Failed, |group, _| some(group.failed));
            columns.add("DENIED", Kind::Denied, |group, _| some(group.denied));
            columns.add("LIMITED", Kind::Limited, |group, _| some(group.limited));
            if all.unknown > 0 {
                columns.add("UNKNOWN", Kind::Other, |group, _| some(group.unknown));
            }
        }
        columns.add("P50", Kind::Other, |group, _| {
            took(group.durations.quantile_ms(500))
        });
        columns.add("P95", Kind::Other, |group, _| {
            took(group.durations.quantile_ms(950))
        });
        columns.add("P99", Kind::Other, |group, _| {
            took(group.durations.quantile_ms(990))
        });
        columns.add("MAX", Kind::Other, |group, _| {
            took(group.durations.max_ms())
        });
        columns
    }

    fn add(&mut self, heading: &'static str, kind: Kind, show: Show) {
        self.columns.push((heading, kind, show));
    }

    /// Takes away the column that is missed least; false when all others are gone.
    pub(super) fn drop_one(&mut self) -> bool {
        let least = [
            "P99", "P50", "MAX", "UNKNOWN", "LIMITED", "SHARE", "P95", "DENIED", "FAILED",
        ];
        let mut places = least.iter().filter_map(|name| {
            let mut columns = self.columns.iter();
            columns.position(|(heading, ..)| heading == name)
        });
        let Some(place) = places.next() else {
            return false;
        };
        self.columns.remove(place);
        true
    }

    /// The headings, the groups, and all of them if they are several.
    pub(super) fn rows(&self, groups: &[(Name, Group)], all: &Group) -> Vec<Vec<String>> {
        let mut rows = vec![self.headings()];
        rows.extend(groups.iter().map(|(_, group)| self.numbers(group, all)));
        if groups.len() > 1 {
            rows.push(self.numbers(all, all));
        }
        rows
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn kind(&self, column: usize) -> Kind {
        self.columns[column].1
    }

    fn headings(&self) -> Vec<String> {
        let headings = self.columns.iter().map(|(heading, ..)| *heading);
        headings.map(str::to_owned).collect()
    }

    fn numbers(&self, group: &Group, all: &Group) -> Vec<String> {
        let shown = self.columns.iter().map(|(.., show)| show(group, all));
        shown.collect()
    }
}

/// `1,234,567`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn some(count: u64) -> String {
    match count {
        0 => "-".to_owned(),
        count => number(count),
    }
}

fn share(part: u64, of: u64) -> String {
    // Nothing that is there is shown as nothing.
    let of = u128::from(of.max(1));
    let rounded = (u128::from(part) * 1_000 + of / 2) / of;
    let per_mille = rounded.max(u128::from(part > 0));
    format!("{}.{}%", per_mille / 10, per_mille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (given, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(given), shown);
        }
        assert_eq!(
            (share(1, 3), share(1, 1_000_000), share(7, 7)),
            ("33.3%".into(), "0.1%".into(), "100.0%".into())
        );
    }
}
