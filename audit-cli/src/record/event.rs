//! An event from a line of JSON, with what is missing filled in.

use audit_jsonl::{CallEvent, SCHEMA_VERSION, now_rfc3339};

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_ignored::Path;

use crate::ids;

/// The name under which logs keep records of their own.
const OWN: &str = "audit:log";

/// In characters.
const LONGEST_NAME: usize = 60;

/// Why a line is no event. It never quotes the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// In bytes, from 1.
    pub(crate) column: usize,
    pub(crate) what: String,
}

impl Bad {
    fn new(column: usize, what: impl Into<String>) -> Self {
        Self {
            column,
            what: what.into(),
        }
    }

    fn of_json(error: &serde_json::Error, longest: usize) -> Self {
        let what = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = what.strip_suffix(&place).unwrap_or(&what);
        // What was filled in stands at the end, beyond what was given.
        Self::new(error.column().clamp(1, longest.max(1)), what)
    }
}

/// Reads a line, and gives `tell` the names of members that nobody knows.
pub(crate) fn parse(line: &[u8], mut tell: impl FnMut(String)) -> Result<CallEvent, Bad> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Bad::new(error.valid_up_to() + 1, "bytes that are not UTF-8"))?;
    let mut unknown = Vec::new();
    // Most lines that lack something lack nothing else.
    let event = read(text, &mut unknown).or_else(|error| match filled_in(text) {
        Ok(Some(filled)) => {
            unknown.clear();
            read(&filled, &mut unknown)
        }
        // That something is missing matters less than that it can't be read.
        Err(worse) if error.is_data() && !worse.is_data() => Err(worse),
        _ => Err(error),
    });
    let event = event.map_err(|error| Bad::of_json(&error, text.len()))?;
    let event = checked(event).map_err(|what| Bad::new(1, what))?;
    unknown.into_iter().for_each(&mut tell);
    Ok(event)
}

fn read(text: &str, unknown: &mut Vec<String>) -> Result<CallEvent, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let event = serde_ignored::deserialize(&mut deserializer, |path| {
        unknown.push(name_of(&path));
    })?;
    deserializer.end()?;
    Ok(event)
}

/// Elements of arrays are all alike. Whoever makes up names only gets so many
/// characters of them told.
fn name_of(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, .. }
        | Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => name_of(parent),
        Path::Map { parent, key } => {
            let mut name = name_of(parent);
            if !name.is_empty() {
                name.push('.');
            }
            match key.char_indices().nth(LONGEST_NAME) {
                Some((end, _)) => name + &key[..end] + "…",
                None => name + key,
            }
        }
    }
}

/// The line with `ts`, `call_id` and `schema_version`, if it lacks any of them.
fn filled_in(text: &str) -> Result<Option<String>, serde_json::Error> {
    let present: Present = serde_json::from_str(text)?;
    let Some(inner) = text.trim_end().strip_suffix('}') else {
        return Ok(None);
    };
    let mut filled = inner.to_owned();
    let mut is_first = inner.trim_start() == "{";
    let mut add = |name: &str, value: &str| {
        if !is_first {
            filled.push(',');
        }
        is_first = false;
        filled += &format!("\"{name}\":{value}");
    };
    if !present.ts.0 {
        add("ts", &format!("\"{}\"", now_rfc3339()));
    }
    if !present.call_id.0 {
        add("call_id", &format!("\"{}\"", ids::call_id()));
    }
    if !present.schema_version.0 {
        add("schema_version", &SCHEMA_VERSION.to_string());
    }
    let is_filled = filled.len() > inner.len();
    filled.push('}');
    Ok(is_filled.then_some(filled))
}

/// Which of the members that can be filled in are there.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Present {
    ts: Seen,
    call_id: Seen,
    schema_version: Seen,
}

#[derive(Default)]
struct Seen(bool);

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// What the types can't say.
fn checked(mut event: CallEvent) -> Result<CallEvent, String> {
    let moment: jiff::Timestamp = event.ts.parse().map_err(
        |_| "member `ts` must be a time as RFC 3339 has it, like 2026-11-20T09:30:00.000000Z",
    )?;
    if !event.ts.ends_with('Z') {
        event.ts = moment.to_string();
    }
    if !(1..=SCHEMA_VERSION).contains(&event.schema_version) {
        return Err(format!(
            "member `schema_version` must be from 1 to {SCHEMA_VERSION}"
        ));
    }
    if event.tool_id == OWN {
        return Err(format!("member `tool_id` is {OWN}, which is the log's own"));
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = r#""tool_id":"t","granted_capabilities":[],"duration_ms":1,"outcome":{"kind":"success"},"tier":"hot","dry_run":false"#;

    fn parse_all(line: &str) -> (Result<CallEvent, Bad>, Vec<String>) {
        let mut unknown = Vec::new();
        let event = parse(line.as_bytes(), |name| unknown.push(name));
        (event, unknown)
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let (event, unknown) = parse_all(&format!("{{{REST}}} \r"));
        let event = event.unwrap();
        assert_eq!((event.ts.len(), event.call_id.len()), (27, 26));
        assert_eq!((event.schema_version, unknown.len()), (SCHEMA_VERSION, 0));
        let given = r#""ts":"2026-11-20T09:30:00Z","call_id":"7","schema_version":2"#;
        let event = parse_all(&format!("{{{given},{REST}}}")).0.unwrap();
        assert_eq!(
            (&*event.ts, &*event.call_id, event.schema_version),
            ("2026-11-20T09:30:00Z", "7", 2)
        );
        let line = format!(r#"{{"ts":"2026-11-20T09:30:00.5+02:00",{REST}}}"#);
        assert_eq!(parse_all(&line).0.unwrap().ts, "2026-11-20T07:30:00.5Z");
    }

    #[test]
    fn unknown_members_are_named_wherever_they_stand() {
        let line = format!(
            r#"{{"user":{{"a":1}},{},"capability_provenance":[{{"cap":"a","why":1,"source":{{"kind":"string_allow_list","by":2}}}}]}}"#,
            REST.replace(
                r#""kind":"success""#,
                r#""kind":"success","code":"a","x":[1]"#
            )
        );
        let (event, mut unknown) = parse_all(&line);
        event.unwrap();
        unknown.sort();
        assert_eq!(
            unknown,
            [
                "capability_provenance.source.by",
                "capability_provenance.why",
                "outcome.code",
                "outcome.x",
                "user"
            ]
        );
        let (_, unknown) = parse_all(&format!("{{{REST},\"{}\":1,\"5\":2}}", "é".repeat(100)));
        assert_eq!(unknown, [format!("{}…", "é".repeat(60)), "5".into()]);
    }

    #[test]
    fn what_is_no_event_is_told_with_its_column() {
        let with = |more: &str| format!("{{{more},{REST}}}");
        for (line, column, what) in [
            ("{".to_owned(), 1, "EOF while parsing an object"),
            ("{}".into(), 2, "missing field `tool_id`"),
            ("[1]".into(), 1, "expected a record: an object"),
            ("nonsense".into(), 2, "expected ident"),
            (format!("{{{REST}}} {{}}"), 117, "trailing characters"),
            (format!("{{{REST},}}"), 116, "trailing comma"),
            (with("\"ts\":\"noon\""), 1, "member `ts` must be a time"),
            (with("\"ts\":null"), 10, "member `ts` must be a string"),
            (with("\"schema_version\":4"), 1, "from 1 to 3"),
            (REST.into(), 9, "expected a record: an object"),
            (
                with("\"tool_id\":1"),
                12,
                "member `tool_id` must be a string",
            ),
            (
                format!("{{{}}}", REST.replace("\"t\"", "\"audit:log\"")),
                1,
                "the log's own",
            ),
            (
                format!("{{{REST},{REST}}}"),
                128,
                "duplicate field `tool_id`",
            ),
        ] {
            let bad = parse_all(&line).0.unwrap_err();
            assert!(bad.what.contains(what), "{line}: {bad:?}");
            assert_eq!(bad.column, column, "{line}: {bad:?}");
        }
        let bad = parse(b"{\"a\":\"\xff\"}", |_| ()).unwrap_err();
        assert_eq!((bad.column, &*bad.what), (7, "bytes that are not UTF-8"));
    }

    #[test]
    fn nothing_of_a_line_is_quoted() {
        for secret in ["\"hunter2\"", "[\"hunter2\"]", "{\"hunter2\":1}"] {
            for name in ["tool_id", "duration_ms", "outcome", "granted_capabilities"] {
                let line = format!("{{\"{name}\":{secret}}}");
                if let Err(bad) = parse_all(&line).0 {
                    assert!(!bad.what.contains("hunter2"), "{line}: {bad:?}");
                }
            }
        }
    }
}
