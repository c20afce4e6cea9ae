//! Both verifiers take the same lines for records, whatever stands in them.

use audit_testkit::strategies::{broken_wire_line, lone_surrogate_line, wire_line};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::differential::assert_same;
use crate::link::Tip;
use crate::logs::{ACTIVE, Part, events};
use crate::ours::Ours;
use crate::python::Python;
use crate::support::{number_of, skip};

const CHAIN: &str = ",\"chain\":{\"stream\":\"00000000000000000000000000000000\",\"seq\":0}}";

/// A log of that line alone, as it is and with a `chain`.
fn compare(python: &mut Python, ours: &mut Ours, line: &[u8]) {
    let mut chained = line.to_vec();
    if chained.last() == Some(&b'}') {
        chained.pop();
    }
    chained.extend_from_slice(CHAIN.as_bytes());
    for line in [line, &chained] {
        let bytes = [line, b"\n"].concat();
        let part = Part {
            name: ACTIVE.into(),
            bytes,
        };
        assert_same(python, ours, &[part], &[]);
    }
}

#[test]
fn of_any_line() {
    let Some(mut python) = Python::start() else {
        return skip("there is no python3");
    };
    let mut ours = Ours::new();
    let mut runner = TestRunner::deterministic();
    let (good, broken, lone) = (wire_line(), broken_wire_line(), lone_surrogate_line());
    for _ in 0..number_of("AUDIT_TAMPER_COMPARED", 1800) / 10 {
        let line = good.new_tree(&mut runner).unwrap().current();
        compare(&mut python, &mut ours, line.line.as_bytes());
        let line = broken.new_tree(&mut runner).unwrap().current();
        compare(&mut python, &mut ours, &line.line);
        let line = lone.new_tree(&mut runner).unwrap().current();
        compare(&mut python, &mut ours, &line.line);
    }
}

/// A text in a chained line, and what may stand there instead, in form or not.
const EDITS: &[(&str, &[&str])] = &[
    (
        "\"schema_version\":3",
        &[
            "\"schema_version\":4",
            "\"schema_version\":4294967295",
            "\"schema_version\":4294967296",
            "\"schema_version\":1",
            "\"schema_version\":03",
            "\"schema_version\":3.0",
            "\"schema_version\":4,\"new\":[1,{\"a\":-1.5e3}]",
            "\"new\":{},\"schema_version\":4",
            "\"schema_version\":4,\"new\":1,\"new\":2",
            "\"schema_version\":4,\"new\": 1",
            "\"schema_version\":4,\"new\":{\"a\":1,\"a\":2}",
            "\"schema_version\":3,\"new\":1",
            "\"schema_version\":4,\"new\":\"\\u0041\\/\\u00ff\"",
            "\"schema_version\":4,\"n\\u0065w\":1",
            "\"schema_version\":4,\"new\":01",
            "\"schema_version\":4,\"new\":1e999",
        ],
    ),
    (
        "\"schema_version\":3,\"secrets_resolved\":false",
        &[
            "\"schema_version\":4,\"secrets_resolved\":false,\"z\":null",
            "\"secrets_resolved\":false,\"schema_version\":4",
            "\"schema_version\":4",
        ],
    ),
    (
        "{\"kind\":\"success\"}",
        &[
            "{\"kind\":\"rate_limited\"}",
            "{\"kind\":\"execution_failed\"}",
            "{\"kind\":\"later\"}",
            "{\"kind\":\"later\",\"a\":[1.50,\"x\"],\"b\":{}}",
            "{\"kind\":\"later\",\"a\":1,\"a\":2}",
            "{\"a\":1,\"kind\":\"later\"}",
            "{\"kind\":\"later\",\"a\": 1}",
            "{}",
            "\"success\"",
            "{\"kind\":\"success\",\"a\":1}",
            "{\"kind\":\"rate_limited\",\"retry_after_ms\":18446744073709551615}",
            "{\"kind\":\"rate_limited\",\"retry_after_ms\":18446744073709551616}",
            "{\"kind\":\"execution_failed\",\"retryable\":true,\"code\":\"\"}",
            "{\"kind\":\"execution_failed\",\"code\":\"\",\"retryable\":true}",
            "{\"kind\":\"later\",\"kind\":\"later\"}",
            "{\"kind\":\"later\",\"a\":\"\\u00e9\"}",
            "{\"kind\":\"later\",\"a\":\"\\ud800\"}",
            "{\"kind\":\"later\",\"a\":\"\\/\"}",
        ],
    ),
    (
        "\"dry_run\":false",
        &[
            "\"dry_run\":0",
            "\"dry_run\":null",
            "\"dry_run\": false",
            "\"dry_run\":false,\"dry_run\":false",
        ],
    ),
    (
        "\"tier\":\"hot\"",
        &[
            "\"tier\":\"h\\u006ft\"",
            "\"tier\":\"\\u001f\"",
            "\"tier\":\"\\u001F\"",
            "\"tier\":\"\\u000a\"",
            "\"tier\":\"\\n\\b\\f\\t\\r\"",
            "\"tier\":\"\\/\"",
            "\"tier\":\"/\u{7f}\u{2028}\"",
            "\"tier\":\"\u{feff}\"",
            "\"tier\":\"\t\"",
        ],
    ),
    (
        "\"granted_capabilities\":[]",
        &[
            "\"granted_capabilities\":[1]",
            "\"granted_capabilities\":null",
            "\"granted_capabilities\":[\"a\",\"b\"]",
            "\"granted_capabilities\":[\"a\", \"b\"]",
            "\"granted_capabilities\":[\"a\",]",
        ],
    ),
    (
        "\"seq\":1,",
        &[
            "\"seq\":01,",
            "\"seq\":1.0,",
            "\"seq\":18446744073709551615,",
            "\"seq\":18446744073709551616,",
            "\"seq\":-0,",
            "\"seq\":0,",
        ],
    ),
    (
        "}}\n",
        &[
            ",\"lost\":0}}\n",
            ",\"lost\":1}}\n",
            ",\"lost\":1,\"lost\":1}}\n",
            ",\"cut\":1,\"lost\":1}}\n",
            ",\"gone\":{\"seq\":18446744073709551615,\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}\n",
            ",\"gone\":{\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"seq\":1}}}\n",
            ",\"after\":{\"stream\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"seq\":18446744073709551615,\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"file\":\"\"}}}\n",
            ",\"torn\":{\"bytes\":18446744073709551615,\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}\n",
            ",\"plain\":{\"lines\":1,\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}\n",
            ",\"later\":1}}\n",
            ",\"opened\":\"2026-11-20T09:30:00.000000Z\"}}\n",
            ",\"opened\":\"2026-11-20T09:30:00Z\"}}\n",
            ",\"opened\":\"2026-99-99T99:99:99.000000Z\"}}\n",
            ",\"opened\":\"٢026-11-20T09:30:00.000000Z\"}}\n",
            ",\"gone\":{\"seq\":1}}}\n",
            ",\"plain\":{\"lines\":0,\"sha256\":\"\"}}}\n",
            "},\"later\":1}\n",
            "}} \n",
            "}}\r\n",
            "}}}\n",
            "}\n",
        ],
    ),
];

#[test]
fn of_lines_that_a_later_version_may_write_or_nobody() {
    let Some(mut python) = Python::start() else {
        return skip("there is no python3");
    };
    let mut ours = Ours::new();
    let mut tip = Tip {
        stream: "a".repeat(32),
        seq: 0,
        prev: None,
    };
    let mut plain = events().remove(5);
    plain.outcome = audit_jsonl::Outcome::Success;
    let first = String::from_utf8(tip.link(&plain, "")).unwrap();
    let second = String::from_utf8(tip.link(&plain, "")).unwrap();
    let later = second.replacen("\"schema_version\":3", "\"schema_version\":4", 1);
    for second in [&second, &later] {
        for (text, edits) in EDITS {
            for edit in *edits {
                let line = second.replacen(text, edit, 1);
                let bytes = [first.as_bytes(), line.as_bytes()].concat();
                let part = Part {
                    name: ACTIVE.into(),
                    bytes,
                };
                assert_same(&mut python, &mut ours, &[part], &[]);
            }
        }
    }
    // As long as they may be, and longer.
    for more in 0..3 {
        for (bytes, notes) in [(60_415, ""), (61_440 - 250, "")] {
            let mut event = plain.clone();
            let short = serde_json::to_string(&event).unwrap().len();
            event.tool_id += &"x".repeat(bytes + more - short);
            let mut tip = Tip {
                stream: "a".repeat(32),
                seq: 0,
                prev: None,
            };
            let part = Part {
                name: ACTIVE.into(),
                bytes: tip.link(&event, notes),
            };
            assert_same(&mut python, &mut ours, &[part], &[]);
        }
    }
}
