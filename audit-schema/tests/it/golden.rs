//! Records of every version of the schema are read for ever: see
//! `tests/golden/README.md`.

mod expected;

use std::collections::BTreeSet;
use std::path::Path;

use audit_schema::CallEvent;

/// The lines of a golden file and what they say.
struct Golden {
    path: &'static str,
    lines: &'static str,
    events: Vec<CallEvent>,
}

macro_rules! golden {
    ($path:literal, $events:expr) => {
        Golden {
            path: $path,
            lines: include_str!(concat!("../golden/", $path)),
            events: $events,
        }
    };
}

fn all() -> Vec<Golden> {
    vec![
        golden!("v1/outcomes.jsonl", expected::v1_outcomes()),
        golden!("v1/before-secrets.jsonl", expected::v1_before_secrets()),
        golden!("v1/strings.jsonl", expected::v1_strings()),
        golden!("v2/pages.jsonl", expected::v2_pages()),
        golden!("v3/provenance.jsonl", expected::v3_provenance()),
        golden!("v3/outcomes.jsonl", expected::v3_outcomes()),
        golden!("v3/edges.jsonl", expected::v3_edges()),
    ]
}

/// Every line of every file, with where it stands.
pub(crate) fn lines() -> impl Iterator<Item = (String, &'static str)> {
    all().into_iter().flat_map(|golden| {
        let lines = golden.lines.lines().enumerate();
        lines.map(move |(at, line)| (format!("{}:{}", golden.path, at + 1), line))
    })
}

#[test]
fn every_line_reads_as_what_it_says() {
    for golden in all() {
        let path = golden.path;
        assert_eq!(golden.lines.lines().count(), golden.events.len(), "{path}");
        for (at, (line, event)) in golden.lines.lines().zip(&golden.events).enumerate() {
            let read: CallEvent = serde_json::from_str(line).unwrap();
            assert_eq!(&read, event, "{path}:{}", at + 1);
        }
    }
}

#[test]
fn every_line_is_written_again_byte_for_byte() {
    for (place, line) in lines() {
        let event: CallEvent = serde_json::from_str(line).unwrap();
        let written = serde_json::to_string(&event).unwrap();
        if place.starts_with("v1/before-secrets.jsonl") {
            let without = written.replace(r#","secrets_resolved":false"#, "");
            assert_eq!(without, line, "{place}");
        } else {
            assert_eq!(written, line, "{place}");
        }
    }
}

#[test]
fn no_file_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut there = BTreeSet::new();
    for version in folder.read_dir().unwrap() {
        let version = version.unwrap().path();
        if version.is_dir() {
            for file in version.read_dir().unwrap() {
                there.insert(file.unwrap().path());
            }
        }
    }
    let read: BTreeSet<_> = all()
        .iter()
        .map(|golden| folder.join(golden.path))
        .collect();
    assert_eq!(there, read);
}

#[test]
fn every_kind_occurs() {
    let text: String = lines().map(|(_, line)| line).collect();
    for kind in [
        "success",
        "execution_failed",
        "invalid_args",
        "capability_denied",
        "rate_limited",
        "tool_not_found",
        "string_allow_list",
        "ucan_chain",
    ] {
        assert!(text.contains(&format!(r#"{{"kind":"{kind}""#)), "{kind}");
    }
}
