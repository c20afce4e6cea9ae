//! What cargo-llvm-cov tells: for each file, how often each line ran.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::coverage::parts;

/// A file, and how often each of its lines ran.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// From the root of the workspace.
    path: String,
    runs: BTreeMap<u32, u64>,
}

/// The records of a report, of which a file may have several.
pub(crate) fn parse(text: &str, root: &Path) -> Result<Vec<Source>> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut path = String::new();
    for line in text.lines() {
        if let Some(file) = line.strip_prefix("SF:") {
            let file = Path::new(file);
            path = file
                .strip_prefix(root)
                .unwrap_or(file)
                .to_string_lossy()
                .replace('\\', "/");
        } else if let Some(data) = line.strip_prefix("DA:") {
            let numbers = data.split_once(',').and_then(|(line, runs)| {
                Some((line.parse::<u32>().ok()?, runs.parse::<u64>().ok()?))
            });
            let (line, runs) =
                numbers.with_context(|| format!("`{data}` of {path} is no line and its runs"))?;
            let source = sources.entry(path.clone()).or_insert_with(|| Source {
                path: path.clone(),
                ..Source::default()
            });
            *source.runs.entry(line).or_default() += runs;
        }
    }
    Ok(sources.into_values().collect())
}

impl Source {
    pub(crate) fn part(&self) -> Option<&'static str> {
        parts::of(&self.path)
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.part().is_some()
    }

    pub(crate) fn lines(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn covered(&self) -> usize {
        self.runs.values().filter(|runs| **runs > 0).count()
    }

    /// The lines that nothing ran, as ranges; nothing when there is none.
    pub(crate) fn missing(&self) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut goes_on = false;
        for (&line, &runs) in &self.runs {
            match ranges.last_mut() {
                _ if runs > 0 => {}
                Some((_, last)) if goes_on => *last = line,
                _ => ranges.push((line, line)),
            }
            goes_on = runs == 0;
        }
        if ranges.is_empty() {
            return String::new();
        }
        let range = |(first, last): &(u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        let ranges: Vec<String> = ranges.iter().map(range).collect();
        format!("{}: {}\n", self.path, ranges.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_nothing_ran_are_told_as_ranges() {
        // A line between two of a range that is no code has no runs of its own.
        let text = "SF:/r/audit-sink/src/call.rs\nDA:1,1\nDA:2,0\nDA:4,0\nDA:5,2\nDA:9,0\n\
                    LF:5\nLH:2\nend_of_record\n";
        let sources = parse(text, Path::new("/r")).unwrap();
        let [source] = &sources[..] else {
            panic!("{sources:?}")
        };
        assert_eq!((source.lines(), source.covered()), (5, 2));
        assert_eq!(source.missing(), "audit-sink/src/call.rs: 2-4, 9\n");
        assert_eq!(source.part(), Some("audit-sink"));
    }

    #[test]
    fn a_file_that_is_told_of_twice_is_one() {
        let text = "SF:/r/a.rs\nDA:1,0\nend_of_record\nSF:/r/a.rs\nDA:1,2\nend_of_record\n";
        let sources = parse(text, Path::new("/r")).unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].covered(), 1);
        assert!(!sources[0].is_ours());
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        assert!(parse("SF:/r/a.rs\nDA:1,often\n", Path::new("/r")).is_err());
    }
}
