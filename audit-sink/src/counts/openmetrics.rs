//! The text format of OpenMetrics 1.0.

use std::fmt::Write;
use std::time::Duration;

use super::{Row, Snapshot};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut text = Text(String::new());
    let rows = snapshot.rows();

    text.family("audit_calls", "counter", "Tool calls, by how they ended.");
    for row in rows {
        text.line("audit_calls_total", &by_outcome(row), row.calls);
    }
    for (name, about, is_one) in [
        (
            "audit_failures",
            "Tool calls that ran and failed.",
            Row::is_failure as fn(&Row) -> bool,
        ),
        (
            "audit_denials",
            "Tool calls that were not let run.",
            Row::is_denial,
        ),
    ] {
        text.family(name, "counter", about);
        // Rows of one tool and one caller stand together.
        for group in rows.chunk_by(|a, b| (&a.tool, &a.caller) == (&b.tool, &b.caller)) {
            let count: u64 = group
                .iter()
                .filter(|row| is_one(row))
                .map(|row| row.calls)
                .sum();
            let labels = [
                ("tool", group[0].tool.as_str()),
                ("caller", &group[0].caller),
            ];
            text.line(&format!("{name}_total"), &labels, count);
        }
    }
    let duration = "audit_call_duration_seconds";
    text.family(duration, "summary", "How long tool calls took.");
    for row in rows {
        let labels = by_outcome(row);
        for (quantile, time) in [("0.5", row.p50), ("0.9", row.p90), ("0.99", row.p99)] {
            let [tool, caller, outcome] = labels;
            text.line(
                duration,
                &[tool, caller, outcome, ("quantile", quantile)],
                seconds(time),
            );
        }
        text.line(&format!("{duration}_count"), &labels, row.calls);
        text.line(&format!("{duration}_sum"), &labels, seconds(row.time));
    }
    let about = "Tool calls counted together, for there were too many keys.";
    text.family("audit_folded_calls", "counter", about);
    text.line("audit_folded_calls_total", &[], snapshot.others());
    text.0.push_str("# EOF\n");
    text.0
}

fn by_outcome(row: &Row) -> [(&'static str, &str); 3] {
    [
        ("tool", &row.tool),
        ("caller", &row.caller),
        ("outcome", &row.outcome),
    ]
}

/// To the millisecond, which is what records hold.
fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, about: &str) {
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
        if name.ends_with("_seconds") {
            let _ = writeln!(self.0, "# UNIT {name} seconds");
        }
        let _ = writeln!(self.0, "# HELP {name} {about}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (nth, (label, value)) in labels.iter().enumerate() {
            self.0.push(if nth == 0 { '{' } else { ',' });
            self.0.push_str(label);
            self.0.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        // Writing to a string can't fail.
        let _ = writeln!(self.0, " {value}");
    }
}
