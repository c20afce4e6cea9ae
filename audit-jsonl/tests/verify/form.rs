//! The form of a line: what the writer writes is in form, and nothing else is.

use std::str;

use audit_jsonl::form::{LONGEST_PLAIN_LINE, Line, Outcome, Source};
use audit_jsonl::{CallEvent, CapProvenance, ProvSource, SCHEMA_VERSION};
use audit_testkit::strategies::{broken_wire_line, call_event, edge_u64, nasty_string, wire_line};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::form_of_chain::form;
use crate::made::Chain;
use crate::support::{event, line_of};

const TIME: &str = "2026-11-20T09:30:00.000000Z";

/// The members of `chain` after the first three.
fn notes() -> impl Strategy<Value = String> {
    let hex = "[0-9a-f]{64}";
    let count = || edge_u64().prop_map(|count| count.max(1));
    let note = |name: &'static str| move |value: String| format!(",\"{name}\":{value}");
    let number = |name| count().prop_map(move |count| note(name)(count.to_string()));
    let time = |name| Just(note(name)(format!("\"{TIME}\"")));
    let told = |name, unit| {
        (count(), hex).prop_map(move |(count, hash)| {
            note(name)(format!("{{\"{unit}\":{count},\"sha256\":\"{hash}\"}}"))
        })
    };
    let gone = (0..u64::MAX, hex)
        .prop_map(|(seq, hash)| format!(",\"gone\":{{\"seq\":{seq},\"hash\":\"{hash}\"}}"));
    let after = ("[0-9a-f]{32}", 0..u64::MAX, hex, nasty_string()).prop_map(
        |(stream, seq, hash, file)| {
            let file = serde_json::to_string(&file).unwrap();
            format!(
                ",\"after\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"hash\":\"{hash}\",\"file\":{file}}}"
            )
        },
    );
    let maybe = |strategy: BoxedStrategy<String>| {
        prop_oneof![3 => Just(String::new()), 1 => strategy].boxed()
    };
    [
        number("lost").boxed(),
        number("elsewhere").boxed(),
        number("cut").boxed(),
        time("opened").boxed(),
        time("closed").boxed(),
        told("plain", "lines").boxed(),
        told("torn", "bytes").boxed(),
        gone.boxed(),
        after.boxed(),
    ]
    .map(maybe)
    .to_vec()
    .prop_map(|notes| notes.concat())
}

pub(crate) fn chained(event: &CallEvent, seq: u64, notes: &str) -> String {
    let mut chain = Chain {
        seq,
        hash: "ab".repeat(32),
        ..Chain::new()
    };
    chain.of(event, notes).trim_end_matches('\n').to_owned()
}

fn parts(line: &[u8]) -> Option<(CallEvent, Option<Map<String, Value>>)> {
    let event = serde_json::from_slice(line).ok()?;
    let value: Value = serde_json::from_slice(line).ok()?;
    Some((
        event,
        value
            .get("chain")
            .and_then(|chain| chain.as_object().cloned()),
    ))
}

/// Whether these are the very bytes for what they say, found out by other means.
fn is_canonical(line: &[u8]) -> bool {
    let Some((event, chain)) = parts(line) else {
        return false;
    };
    let plain = serde_json::to_vec(&event).unwrap();
    match chain {
        None => plain == line,
        Some(chain) => form(line, &plain, &chain).is_ok(),
    }
}

/// Nothing is taken that isn't canonical.
fn holds(line: &[u8]) -> Result<(), TestCaseError> {
    match Line::parse(line) {
        Err(error) => prop_assert!(error.byte <= line.len()),
        Ok(Line::Loose(event)) => {
            let (read, chain) = parts(line).unwrap();
            prop_assert_eq!(event, read);
            prop_assert_eq!(chain, None);
        }
        Ok(Line::Record(record)) => {
            let (read, chain) = parts(line).unwrap();
            prop_assert_eq!(record.chain.is_some(), chain.is_some());
            prop_assert_eq!(record.to_event(), read);
            let is_later = record.schema_version > SCHEMA_VERSION && chain.is_some();
            let sources = record.capability_provenance.unwrap_or_default();
            let mut sources = sources.iter().map(|one| one.source);
            // These may have members that this version doesn't know.
            let is_open = matches!(record.outcome, Outcome::Unknown { .. })
                || sources.any(|source| matches!(source, Source::Unknown { .. }));
            let shown = line.escape_ascii();
            prop_assert!(is_later || is_open || is_canonical(line), "{}", shown);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_the_writer_writes_is_in_form(
        event in call_event(),
        seq in prop_oneof![Just(0), Just(1), edge_u64().prop_map(|seq| seq.min(u64::MAX - 1))],
        notes in notes(),
    ) {
        let plain = serde_json::to_vec(&event).unwrap();
        match Line::parse(&plain) {
            Ok(Line::Record(record)) => {
                prop_assert!(plain.len() <= LONGEST_PLAIN_LINE);
                prop_assert_eq!(record.to_event(), event.clone());
                prop_assert_eq!(record.chain, None);
            }
            // Rarely, of a string that is all escapes: it is more than is read at all.
            Err(error) if plain.len() > LONGEST_PLAIN_LINE => {
                prop_assert_eq!(error.byte, LONGEST_PLAIN_LINE);
            }
            _ => return Err(TestCaseError::fail(plain.escape_ascii().to_string())),
        }

        let line = chained(&event, seq, &notes);
        if line.len() < 61_440 && plain.len() <= 60_416 {
            let Ok(Line::Record(record)) = Line::parse(line.as_bytes()) else {
                return Err(TestCaseError::fail(line));
            };
            prop_assert_eq!(record.to_event(), event);
            let chain = record.chain.unwrap();
            prop_assert_eq!(chain.seq, seq);
            let value: Value = serde_json::from_str(&line).unwrap();
            let value = &value["chain"];
            prop_assert_eq!(value["stream"].as_str(), Some(chain.stream.as_str()));
            let prev = chain.prev.map(|prev| prev.to_string());
            prop_assert_eq!(value["prev"].as_str().map(str::to_owned), prev);
            let counts = [chain.lost, chain.elsewhere, chain.cut];
            let told = ["lost", "elsewhere", "cut"].map(|name| value[name].as_u64().unwrap_or(0));
            prop_assert_eq!(counts, told);
            prop_assert_eq!(value["opened"].as_str(), chain.opened);
            prop_assert_eq!(value["closed"].as_str(), chain.closed);
            prop_assert_eq!(value["plain"]["lines"].as_u64(), chain.plain.map(|told| told.count));
            prop_assert_eq!(value["torn"]["bytes"].as_u64(), chain.torn.map(|told| told.count));
            prop_assert_eq!(value["gone"]["seq"].as_u64(), chain.gone.map(|gone| gone.seq));
            let file = chain.after.map(|after| after.file.unescaped().into_owned());
            prop_assert_eq!(value["after"]["file"].as_str().map(str::to_owned), file);
        }
    }

    #[test]
    fn no_other_form_is_taken(
        event in call_event(),
        seq in 0..3_u64,
        notes in notes(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0..3_u8), 64),
    ) {
        let line = chained(&event, seq, &notes).into_bytes();
        for (at, byte, how) in changes {
            let at = at % line.len();
            let mut changed = line.clone();
            match how {
                0 => changed[at] = byte,
                1 => changed.insert(at, byte),
                _ => drop(changed.remove(at)),
            }
            holds(&changed)?;
        }
    }

    #[test]
    fn plain_lines_of_others_are_records_as_a_reader_sees_them(wire in wire_line()) {
        let line = wire.line.as_bytes();
        if let Ok(parsed) = Line::parse(line) {
            let event = match parsed {
                Line::Record(record) => record.to_event(),
                Line::Loose(event) => event,
            };
            prop_assert_eq!(event, wire.event);
        } else {
            // A member twice, or a carriage return, is all that is refused besides.
            let value: Value = serde_json::from_slice(line).unwrap();
            let compact = serde_json::to_string(&value).unwrap();
            let is_same = compact.len() >= wire.line.split_whitespace().map(str::len).sum();
            prop_assert!(!is_same || wire.line.contains('\r'), "{}", wire.line);
        }
    }

    #[test]
    fn what_is_no_record_is_garbled(broken in broken_wire_line()) {
        let parsed = Line::parse(&broken.line);
        prop_assert!(parsed.is_err(), "{}: {}", broken.what, broken.line.escape_ascii());
    }
}

#[test]
fn every_change_of_one_byte() {
    let event = event(7)
        .with_caller_id(Some("a \"b\" \u{1} é".into()))
        .with_granted_capabilities(vec!["fs.read".into(), "\n".into()])
        .with_cursor_page(Some(10));
    let line = chained(&event, 10, &format!(",\"lost\":10,\"opened\":\"{TIME}\""));
    assert!(is_canonical(line.as_bytes()));
    let mut taken = 0;
    for at in 0..line.len() {
        for byte in 0..=u8::MAX {
            let mut changed = line.clone().into_bytes();
            changed[at] = byte;
            holds(&changed).unwrap();
            taken += u32::from(Line::parse(&changed).is_ok());
        }
        holds(&line.as_bytes()[..at]).unwrap();
        assert!(Line::parse(&line.as_bytes()[..at]).is_err());
    }
    // In strings and numbers much may be changed: the hash alone shows it.
    assert!(taken > 5_000, "{taken}");
}

/// The byte, and what is wrong there.
fn wrong(line: &str) -> (usize, &'static str) {
    let error = Line::parse(line.as_bytes()).unwrap_err();
    (error.byte, error.what)
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let line = chained(&event(1), 1, &format!(",\"lost\":2,\"opened\":\"{TIME}\""));
    let at = |text: &str| line.find(text).unwrap();
    assert!(Line::parse(line.as_bytes()).is_ok());
    for (old, new, further, what) in [
        ("\"lost\":2", "\"lost\":0", 7, "a count of zero is left out"),
        (
            "\"lost\":2",
            "\"lost\":02",
            7,
            "a number with a zero in front",
        ),
        ("\"lost\":2,", "", 0, ""),
        (
            "\"seq\":1",
            "\"seq\":18446744073709551615",
            6,
            "a number that is too large",
        ),
        (
            "\"prev\":\"a",
            "\"prev\":\"A",
            8,
            "expected lower-case hex digits",
        ),
        (
            "2026-11-20T09:30:00.000000Z\"}}",
            "2026-11-20T09:30:00.00000Z\"}}",
            25,
            "expected a time as 2026-11-20T09:30:00.000000Z",
        ),
        ("\"tier\"", " \"tier\"", 0, "expected `tier`"),
        ("\"tier\":\"hot\",", "", 1, "expected `tier`"),
        (
            "\"files:read\"",
            "\"files\\/read\"",
            6,
            "an escape that is not written so",
        ),
        (
            "\"files:read\"",
            "\"\\u0041\"",
            1,
            "an escape that is not written so",
        ),
        (
            "\"files:read\"",
            "\"\t\"",
            1,
            "a control character that is not escaped",
        ),
        (
            "\"dry_run\":false",
            "\"dry_run\":null",
            10,
            "expected true or false",
        ),
        ("}}", "}} ", 2, "expected the line's end"),
        (
            "}}",
            ",\"lost\":1}}",
            0,
            "expected another member of `chain`, in its place, or the end",
        ),
    ] {
        let place = match old {
            "}}" => line.len() - 2,
            old => at(old),
        };
        let changed = format!("{}{new}{}", &line[..place], &line[place + old.len()..]);
        if what.is_empty() {
            assert!(Line::parse(changed.as_bytes()).is_ok());
        } else {
            assert_eq!(wrong(&changed), (place + further, what), "{changed}");
        }
    }
    for (line, what) in [
        ("", "an empty line"),
        ("\u{FEFF}{}", "no JSON"),
        ("{}\r", "a carriage return"),
        ("[]", "no record of a tool call"),
        ("{\"a\":1,\"a\":1}", "a member that stands twice"),
        ("{\"ts\":\"2026", "no JSON"),
        ("{\"a\":1,\"chain\":{", "no JSON"),
        (
            "{\"a\":{\"b\":1,\"\\u0062\":1}}",
            "a member that stands twice",
        ),
    ] {
        assert_eq!(wrong(line).1, what, "{line}");
    }
    assert_eq!(Line::parse(b"{\xFF}").unwrap_err().byte, 1);
}

#[test]
fn lines_of_a_later_version_may_have_more_members() {
    let mut later = event(1);
    later.schema_version = SCHEMA_VERSION + 1;
    let line = chained(&later, 1, "");
    let good = |line: &str| {
        let parsed = Line::parse(line.as_bytes());
        let Ok(Line::Record(record)) = parsed else {
            panic!("{parsed:?}: {line}");
        };
        assert!(record.chain.is_some());
    };
    let put = |before: &str, text: &str| line.replacen(before, &format!("{text}{before}"), 1);
    good(&line);
    let news = "\"news\":[1,-2.5e3,{\"a\":{},\"b\":[]},\"\\n\",null,true]";
    good(&put("\"ts\"", &format!("{news},")));
    good(&put("\"tier\"", &format!("{news},")));
    good(&put(",\"chain\"", &format!(",{news}")));
    good(&put("}}", &format!(",{news},\"more\":1")));
    for bad in [
        put("\"tier\"", "\"news\": 1,"),
        put("\"tier\"", "\"news\":1,\"news\":2,"),
        put("\"tier\"", "\"news\":{\"a\":1,\"a\":2},"),
        put("\"tier\"", "\"news\":01,"),
        put("\"tier\"", "\"news\":,"),
        put("\"tier\"", "\"ts\":\"\","),
        put("\"tier\"", "\"cursor_page\":1,"),
        put("\"tier\"", "\"chain\":1,"),
        put("}}", ",\"news\":1,\"lost\":1"),
        put("}}", ",\"seq\":1"),
        line.replace(",\"tier\":\"hot\"", ""),
        line.clone() + ",",
    ] {
        assert!(Line::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    // The members that are known are read as ever.
    let link = ProvSource::UcanChain {
        issuer_did: "did:key:z6Mk".into(),
        chain_depth: 2,
    };
    let provenance = CapProvenance {
        cap: "x".into(),
        source: link,
    };
    let full = later
        .clone()
        .with_caller_id(Some("caller".into()))
        .with_granted_capabilities(vec!["a".into(), "b:\"c\"".into()])
        .with_cursor_page(Some(7))
        .with_capability_provenance(Some(vec![provenance]));
    let full_line = chained(&full, 1, "").replacen("\"ts\"", "\"news\":[],\"ts\"", 1);
    let Ok(Line::Record(record)) = Line::parse(full_line.as_bytes()) else {
        panic!("{full_line}");
    };
    assert_eq!(record.to_event(), full);
    // As deep as that, and no deeper, however deep it is.
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| {
            let value = open.repeat(depth) + "0" + &close.repeat(depth);
            put(",\"chain\"", &format!(",\"news\":{value}"))
        };
        good(&nested(90));
        assert_eq!(wrong(&nested(9_000)).1, "nested too deeply");
    }
    for (number, is_one) in [
        ("1e-5", true),
        ("0.10E+05", true),
        ("1e+-5", false),
        ("1e", false),
        ("-", false),
        (".5", false),
    ] {
        let line = put("\"tier\"", &format!("\"news\":{number},"));
        assert_eq!(Line::parse(line.as_bytes()).is_ok(), is_one, "{number}");
    }
    // What is wrong is told of what a later version may not say either.
    let line = put("\"tier\"", "\"news\":1,");
    let line = line.replace("\"secrets_resolved\":false", "\"secrets_resolved\":null");
    let place = line.find("null").unwrap();
    assert_eq!(wrong(&line), (place, "expected true or false"));
    // Of this version they may not.
    let now = chained(&event(1), 1, "");
    assert!(Line::parse(now.replace("\"tier\"", "\"news\":1,\"tier\"").as_bytes()).is_err());
    // A plain line may have what it likes.
    let plain = line_of(&later).replace("\"tier\"", "\"news\": 1, \"tier\"");
    assert!(matches!(
        Line::parse(plain.trim_end().as_bytes()),
        Ok(Line::Loose(_))
    ));
}

#[test]
fn how_long_a_plain_line_may_be() {
    for space in ["", " "] {
        let of = |bytes: usize| {
            let line = line_of(&event(1)).replacen(':', &format!(":{space}"), 1);
            let more = "x".repeat(bytes + 1 - line.len());
            line.trim_end()
                .replace("files:read", &format!("files:read{more}"))
        };
        assert!(Line::parse(of(LONGEST_PLAIN_LINE).as_bytes()).is_ok());
        let longer = of(LONGEST_PLAIN_LINE + 1);
        assert_eq!(wrong(&longer).1, "a line of more than 16 MiB");
    }
}

#[test]
fn how_long_a_chained_line_may_be() {
    let of = |bytes: usize, notes: &str| {
        let mut event = event(1);
        let least = line_of(&event).len() - 1;
        event.tool_id += &"x".repeat(bytes - least);
        chained(&event, 1, notes)
    };
    assert!(Line::parse(of(60_416, "").as_bytes()).is_ok());
    assert!(Line::parse(of(60_417, "").as_bytes()).is_err());
    let after = |file: usize| {
        let file = "f".repeat(file);
        let hash = "ab".repeat(32);
        format!(
            ",\"after\":{{\"stream\":\"{}\",\"seq\":1,\"hash\":\"{hash}\",\"file\":\"{file}\"}}",
            &hash[..32]
        )
    };
    let rest = 61_439 - of(60_000, &after(0)).len();
    assert!(Line::parse(of(60_000, &after(rest)).as_bytes()).is_ok());
    assert!(Line::parse(of(60_000, &after(rest + 1)).as_bytes()).is_err());
}
