//! Counts for programs.

use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::output::Output;
use crate::query;
use crate::stats::groups::{Group, Name};
use crate::stats::{By, Counted};
use crate::text;

/// One object: all calls, and the groups.
pub(super) fn json(
    counted: &Counted,
    limit: Option<usize>,
    output: &mut Output,
) -> Result<(), Failure> {
    let by = column(counted.groups.by());
    let groups = counted
        .groups
        .sorted(limit)
        .into_iter()
        .map(|(name, group)| {
            let mut object = Map::new();
            match name {
                Name::Text(text) => object.insert(by.into(), text.into()),
                Name::Time { exact, .. } => object.insert(by.into(), exact.into()),
                Name::Nobody => object.insert(by.into(), Value::Null),
                Name::Others(count) => object.insert("others".into(), count.into()),
            };
            object.extend(values(&group));
            Value::Object(object)
        });
    let groups: Vec<Value> = groups.collect();
    let span = counted.timeline.span();
    let all = json!({
        "first_ts": span.map(|(first, _)| first.timestamp().to_string()),
        "last_ts": span.map(|(_, last)| last.timestamp().to_string()),
        "damaged_lines": counted.damaged_lines,
        "all": values(&counted.groups.all()),
        "groups": groups,
    });
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    if output.is_terminal() {
        text = String::from_utf8_lossy(&text::harmless_json(text.as_bytes())).into_owned();
    }
    output.line(text)
}

/// A line for each group.
pub(super) fn csv(
    counted: &Counted,
    limit: Option<usize>,
    output: &mut Output,
) -> Result<(), Failure> {
    let groups = counted.groups.sorted(limit);
    let heading = numbers(&Group::default());
    let heading = heading.iter().map(|(name, _)| (*name).to_owned());
    record(column(counted.groups.by()), heading, output)?;
    for (name, group) in groups {
        let name = match name {
            Name::Text(text) => text,
            Name::Time { exact, .. } => exact,
            Name::Nobody => String::new(),
            Name::Others(1) => "1 other".to_owned(),
            Name::Others(count) => format!("{count} others"),
        };
        let numbers = numbers(&group);
        let numbers = numbers.iter().map(|(_, number)| number.to_string());
        record(&name, numbers, output)?;
    }
    Ok(())
}

fn record(
    name: &str,
    rest: impl Iterator<Item = String>,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory doesn't fail.
    writer
        .write_record([name.to_owned()].into_iter().chain(rest))
        .ok();
    let bytes = writer.into_inner().unwrap_or_default();
    if output.is_terminal() {
        return output.bytes(&query::csv::shown(&bytes));
    }
    output.bytes(&bytes)
}

/// What the groups are called by.
pub(super) fn column(by: By) -> &'static str {
    match by {
        By::Tool => "tool",
        By::Caller => "caller",
        By::Outcome => "outcome",
        By::Tier => "tier",
        By::Hour => "hour",
        By::Day => "day",
    }
}

fn numbers(group: &Group) -> [(&'static str, u64); 10] {
    let durations = &group.durations;
    [
        ("calls", group.calls),
        ("success", group.success()),
        ("failed", group.failed),
        ("denied", group.denied),
        ("limited", group.limited),
        ("unknown", group.unknown),
        ("p50_ms", durations.quantile_ms(500)),
        ("p95_ms", durations.quantile_ms(950)),
        ("p99_ms", durations.quantile_ms(990)),
        ("max_ms", durations.max_ms()),
    ]
}

fn values(group: &Group) -> Map<String, Value> {
    let numbers = numbers(group).into_iter();
    numbers
        .map(|(name, number)| (name.to_owned(), number.into()))
        .collect()
}
