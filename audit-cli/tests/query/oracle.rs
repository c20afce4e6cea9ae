//! Answers compared with those that a few lines of serde give.

use std::collections::BTreeMap;

use audit_jsonl::{CallEvent, Outcome};
use audit_testkit::strategies::call_event;
use jiff::Timestamp;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::made::chained;
use crate::support::{Dir, path_text, run};

fn events(seed: u8, count: usize) -> Vec<CallEvent> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = call_event();
    let next = |_| strategy.new_tree(&mut runner).unwrap().current();
    let mut events: Vec<CallEvent> = (0..count).map(next).collect();
    for (event, nth) in events.iter_mut().zip(0..) {
        event.call_id = format!("{nth}");
        // A few tools only, so that groups have several calls.
        if nth % 3 > 0 {
            event.tool_id = ["files:read", "net:get", "日本\u{202e}"][nth % 5 % 3].into();
        }
    }
    events
}

/// Some lines as another program may write them, with spaces and another order.
fn lines(events: &[CallEvent]) -> String {
    let lines = events.iter().zip(0..).map(|(event, nth)| {
        if nth % 4 == 0 {
            let value = serde_json::to_value(event).unwrap();
            value.to_string().replacen("{", "{ ", 1) + "\n"
        } else {
            serde_json::to_string(event).unwrap() + "\n"
        }
    });
    lines.collect()
}

fn is_success(event: &CallEvent) -> bool {
    event.outcome == Outcome::Success
}

fn moment(event: &CallEvent) -> Option<Timestamp> {
    event.ts.parse().ok()
}

type Choice = (&'static [&'static str], fn(&CallEvent) -> bool);

const CHOICES: &[Choice] = &[
    (&[], |_| true),
    (&["--failed"], |event| !is_success(event)),
    (&["--tool", "files:*"], |event| {
        event.tool_id.starts_with("files:")
    }),
    (&["--tool", "*\u{202e}"], |event| {
        event.tool_id.ends_with('\u{202e}')
    }),
    (&["--caller", "*"], |event| event.caller_id.is_some()),
    (&["--caller", ""], |event| {
        event.caller_id.as_deref().is_none_or(str::is_empty)
    }),
    (&["--outcome", "success,tool_not_found"], |event| {
        matches!(event.outcome, Outcome::Success | Outcome::ToolNotFound)
    }),
    (&["--outcome", "unknown"], |event| {
        matches!(event.outcome, Outcome::Unknown { .. })
    }),
    (&["--capability", "[a-m]*.*"], |event| {
        let fits =
            |name: &String| name.starts_with(|c| ('a'..='m').contains(&c)) && name.contains('.');
        let missing = match &event.outcome {
            Outcome::CapabilityDenied { missing } => &missing[..],
            _ => &[],
        };
        event.granted_capabilities.iter().chain(missing).any(fits)
    }),
    (&["--min-duration", "2s"], |event| {
        event.duration_ms >= 2_000
    }),
    (&["--since", "2026-11-20T09:30:00.5Z"], |event| {
        moment(event) >= Some("2026-11-20T09:30:00.5Z".parse().unwrap())
    }),
    (
        &["--until", "2026-11-20T09:30:00.5Z", "--failed"],
        |event| {
            let until = "2026-11-20T09:30:00.5Z".parse().unwrap();
            moment(event).is_some_and(|moment| moment < until) && !is_success(event)
        },
    ),
];

#[test]
fn queries_find_what_a_plain_look_finds() {
    let events = events(1, 1_500);
    let dir = Dir::new();
    let plain = path_text(&dir.write("plain.jsonl", lines(&events)));
    let chain = dir.path("audit.jsonl");
    // Those that the chain holds whole: it cuts what is longer than a line.
    let short: Vec<CallEvent> = events
        .iter()
        .filter(|event| serde_json::to_string(event).unwrap().len() < 60_000)
        .cloned()
        .collect();
    chained(&chain, &short, Some(1 << 20));
    for (args, is_wanted) in CHOICES {
        for (path, events) in [(&plain, &events), (&path_text(&chain), &short)] {
            let wanted: Vec<&str> = events
                .iter()
                .filter(|event| is_wanted(event))
                .map(|event| event.call_id.as_str())
                .collect();
            let mut all = vec!["query", path, "--format", "jsonl"];
            all.extend(*args);
            let out = run(&all).out;
            let found: Vec<CallEvent> = out
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let found: Vec<&str> = found.iter().map(|event| event.call_id.as_str()).collect();
            assert_eq!(found, wanted, "{args:?}");
        }
    }
}

#[test]
fn counts_are_those_of_a_plain_count() {
    let events = events(2, 3_000);
    let dir = Dir::new();
    let log = path_text(&dir.write("plain.jsonl", lines(&events)));
    type Key = fn(&CallEvent) -> Option<String>;
    let keys: [(&str, Key); 4] = [
        ("tool", |event| Some(event.tool_id.clone())),
        ("caller", |event| event.caller_id.clone()),
        ("outcome", |event| Some(event.outcome.kind().to_owned())),
        ("tier", |event| Some(event.tier.clone())),
    ];
    for (by, key) in keys {
        let mut groups: BTreeMap<Option<String>, Vec<&CallEvent>> = BTreeMap::new();
        for event in &events {
            groups.entry(key(event)).or_default().push(event);
        }
        let (_, out) = run(&["stats", &log, "--by", by, "--format", "json"]).quiet();
        let counted: Value = serde_json::from_str(&out).unwrap();
        agrees(&counted["all"], &events.iter().collect::<Vec<_>>());
        let counted = counted["groups"].as_array().unwrap();
        assert_eq!(counted.len(), groups.len(), "{by}");
        assert!(counted.is_sorted_by_key(|group| std::cmp::Reverse(group["calls"].as_u64())));
        for group in counted {
            let name = group[by].as_str().map(str::to_owned);
            agrees(group, &groups[&name]);
        }
    }
}

fn agrees(counted: &Value, events: &[&CallEvent]) {
    let number = |name: &str| {
        counted[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {counted}"))
    };
    let count = |kinds: &[&str]| {
        events
            .iter()
            .filter(|event| kinds.contains(&event.outcome.kind()))
            .count() as u64
    };
    assert_eq!(number("calls"), events.len() as u64);
    assert_eq!(number("success"), count(&["success"]));
    assert_eq!(
        number("failed"),
        count(&["execution_failed", "invalid_args", "tool_not_found"])
    );
    assert_eq!(number("denied"), count(&["capability_denied"]));
    assert_eq!(number("limited"), count(&["rate_limited"]));
    let mut durations: Vec<u64> = events.iter().map(|event| event.duration_ms).collect();
    durations.sort_unstable();
    for (name, per_mille) in [("p50_ms", 500), ("p95_ms", 950), ("p99_ms", 990)] {
        let exact = durations[(durations.len() * per_mille).div_ceil(1_000) - 1];
        let given = number(name);
        let most = exact.saturating_add(if exact < 2_048 { 0 } else { exact / 1_000 });
        assert!(
            (exact..=most).contains(&given),
            "{name}: {given} for {exact}"
        );
    }
    assert_eq!(number("max_ms"), durations[durations.len() - 1]);
}
