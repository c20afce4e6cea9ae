//! Calls, counted apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::calls::moment::{Bucket, Calendar, Moment, Unit};
use crate::calls::outcome::Sort;
use crate::stats::By;
use crate::stats::durations::Durations;

/// No more groups than this are counted apart, nor names of more bytes together:
/// memory has an end, and whoever names tools and callers chooses how many there
/// are.
const MOST_GROUPS: usize = 1_000_000;
const MOST_BYTES: usize = 256 << 20;

/// How calls of one sort ended, and how long they took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) denied: u64,
    pub(crate) limited: u64,
    /// Nobody here knows how they ended.
    pub(crate) unknown: u64,
    pub(crate) durations: Durations,
}

/// What a group is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    Text(String),
    /// An hour or a day: for people, and for programs.
    Time {
        shown: String,
        exact: String,
    },
    /// Calls whose caller nobody knew, or whose time is none.
    Nobody,
    /// The groups that are not shown, so many.
    Others(usize),
}

#[derive(Debug)]
pub(crate) struct Groups {
    by: By,
    named: HashMap<String, Group>,
    bytes: usize,
    timed: BTreeMap<Bucket, Group>,
    calendar: Calendar,
    nameless: Option<Group>,
}

impl Group {
    pub(crate) fn add(&mut self, sort: Sort, duration_ms: u64) {
        self.calls += 1;
        match sort {
            Sort::Good => {}
            Sort::Failed => self.failed += 1,
            Sort::Denied => self.denied += 1,
            Sort::Limited => self.limited += 1,
            Sort::Other => self.unknown += 1,
        }
        self.durations.add(duration_ms);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.denied += other.denied;
        self.limited += other.limited;
        self.unknown += other.unknown;
        self.durations.merge(&other.durations);
    }

    pub(crate) fn success(&self) -> u64 {
        self.calls - self.failed - self.denied - self.limited - self.unknown
    }
}

impl Groups {
    pub(crate) fn new(by: By) -> Self {
        let unit = match by {
            By::Day => Unit::Day,
            _ => Unit::Hour,
        };
        Self {
            by,
            named: HashMap::new(),
            bytes: 0,
            timed: BTreeMap::new(),
            calendar: Calendar::new(unit),
            nameless: None,
        }
    }

    pub(crate) fn by(&self) -> By {
        self.by
    }

    pub(crate) fn named(&mut self, name: &str) -> Result<&mut Group, String> {
        if !self.named.contains_key(name) {
            self.bytes += name.len();
            if self.named.len() >= MOST_GROUPS || self.bytes > MOST_BYTES {
                return Err(format!(
                    "there are more than {} different names, too many to count apart; \
                     choose among them, as by --tool or --since, or count by something else",
                    self.named.len()
                ));
            }
            self.named.insert(name.to_owned(), Group::default());
        }
        self.named
            .get_mut(name)
            .ok_or_else(|| "a group is gone".to_owned())
    }

    /// The hour or the day of a moment.
    pub(crate) fn at(&mut self, moment: Moment) -> &mut Group {
        let bucket = self.calendar.bucket(moment);
        self.timed.entry(bucket).or_default()
    }

    pub(crate) fn nameless(&mut self) -> &mut Group {
        self.nameless.get_or_insert_default()
    }

    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        for (name, group) in other.named {
            self.named(&name)?.merge(&group);
        }
        for (bucket, group) in other.timed {
            self.timed.entry(bucket).or_default().merge(&group);
        }
        if let Some(group) = other.nameless {
            self.nameless().merge(&group);
        }
        Ok(())
    }

    /// All calls as one group.
    pub(crate) fn all(&self) -> Group {
        let mut all = Group::default();
        let groups = self.named.values().chain(self.timed.values());
        groups
            .chain(&self.nameless)
            .for_each(|group| all.merge(group));
        all
    }

    /// The groups by name, those with the most calls first, or by time; the rest as
    /// one, after so many.
    pub(crate) fn sorted(&self, limit: Option<usize>) -> Vec<(Name, Group)> {
        let own = |name: &String| Name::Text(name.clone());
        let named = self.named.iter().map(|(name, group)| (own(name), group));
        let nameless = self.nameless.iter().map(|group| (Name::Nobody, group));
        let mut groups: Vec<(Name, &Group)> = named.chain(nameless).collect();
        groups.sort_by(|(name, group), (other_name, other)| {
            let key = |group: &Group, name| (Reverse(group.calls), name);
            key(group, name.text()).cmp(&key(other, other_name.text()))
        });
        let timed = self.timed.iter().map(|(bucket, group)| {
            let name = Name::Time {
                shown: self.calendar.name(bucket),
                exact: self.calendar.exact_name(bucket),
            };
            (name, group)
        });
        groups.extend(timed);
        let most = limit.unwrap_or(usize::MAX);
        let (shown, others) = if groups.len() <= most {
            (&groups[..], &[][..])
        } else if self.timed.is_empty() {
            groups.split_at(most)
        } else {
            let (others, shown) = groups.split_at(groups.len() - most);
            (shown, others)
        };
        let mut sorted: Vec<(Name, Group)> = shown
            .iter()
            .map(|(name, group)| (name.clone(), (*group).clone()))
            .collect();
        if !others.is_empty() {
            let mut rest = Group::default();
            others.iter().for_each(|(_, group)| rest.merge(group));
            let rest = (Name::Others(others.len()), rest);
            let at = if self.timed.is_empty() {
                sorted.len()
            } else {
                0
            };
            sorted.insert(at, rest);
        }
        sorted
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Time { exact, .. } => exact,
            Self::Nobody | Self::Others(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Groups {
        let mut groups = Groups::new(By::Tool);
        for name in names {
            groups.named(name).unwrap().add(Sort::Good, 1);
        }
        groups
    }

    #[test]
    fn most_calls_first_and_the_rest_as_one() {
        let mut groups = groups(&["b", "a", "c", "b", "d", "b", "c"]);
        groups.nameless().add(Sort::Failed, 2);
        let sorted = groups.sorted(Some(3));
        let text = |text: &str| Name::Text(text.into());
        let names: Vec<Name> = sorted.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, [text("b"), text("c"), Name::Nobody, Name::Others(2)]);
        let calls: Vec<u64> = sorted.iter().map(|(_, group)| group.calls).collect();
        assert_eq!(calls, [3, 2, 1, 2]);
        assert_eq!(groups.all().calls, 8);
        assert_eq!(groups.all().failed, 1);
    }

    #[test]
    fn too_many_names_are_an_error() {
        let mut groups = Groups::new(By::Caller);
        let error = (0..300).find_map(|nth| {
            let name = format!("{nth}").repeat(1 << 19);
            groups.named(&name).err()
        });
        assert!(error.unwrap().contains("too many to count apart"));
    }
}
