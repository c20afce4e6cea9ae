use std::ops::Range;

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

/// A small event that says where it comes from: `caller` and `nth` together are
/// its `call_id`, which no other event of a test has.
pub(super) fn numbered(caller: usize, nth: usize) -> CallEvent {
    event(&format!("{caller}-{nth}"))
}

/// The caller and the number of a [`numbered`] event.
pub(super) fn number(event: &CallEvent) -> Option<(usize, usize)> {
    let (caller, nth) = event.call_id.split_once('-')?;
    Some((caller.parse().ok()?, nth.parse().ok()?))
}

/// `each` numbered events for each of the callers.
pub(super) fn batches(callers: Range<usize>, each: usize) -> Vec<Vec<CallEvent>> {
    let batch = |caller| (0..each).map(|nth| numbered(caller, nth)).collect();
    callers.map(batch).collect()
}

/// An ordinary event.
pub(super) fn event(call_id: &str) -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00.000000Z",
        call_id,
        "files:read",
        12,
        Outcome::Success,
        "hot",
    )
}

/// Events that break what was only tried with ordinary ones, each with a few
/// words about it: empty strings, a mebibyte, control characters, what JSON,
/// JavaScript and terminals stumble over, the largest numbers, every kind of
/// outcome and provenance. The largest come last.
///
/// No two are equal, and each has a `call_id` of its own but for the one whose
/// oddity that is.
#[must_use]
pub fn hostile_events() -> Vec<(&'static str, CallEvent)> {
    let mut events = Vec::new();
    for (what, text) in [
        ("a quote and a backslash", "\"quoted\" \\ \\\" \\u0000 \\n"),
        ("line ends", "a\nb\r\nc\rd\n"),
        ("every control character", CONTROL),
        ("a delete and C1 controls", "\u{7f}\u{80}\u{85}\u{9b}31m"),
        ("ANSI escapes", "\u{1b}[2J\u{1b}]0;title\u{7}"),
        ("line separators", "a\u{2028}b\u{2029}c"),
        ("bidi controls", "\u{202e}gpj.exe\u{202c}\u{2066}\u{2069}"),
        ("a byte-order mark", "\u{feff}text"),
        ("non-characters", "\u{fffe}\u{ffff}\u{10ffff}"),
        ("characters beyond 16 bits", "🦀👩‍👩‍👧‍👦𝕏"),
        ("combining characters", "e\u{301}\u{327} ≠ é\u{327}"),
        ("a record within", r#"{"kind":"success","seq":0}"#),
        ("markup", "</script><!-- ]]> & é &amp;"),
        ("spaces alone", " \t\u{a0}\u{3000} "),
    ] {
        events.push((what, everywhere(what, text)));
    }
    for (call_id, outcome) in OUTCOMES.into_iter().zip(outcomes()) {
        events.push((call_id, with_outcome(call_id, outcome)));
    }

    let mut empty = CallEvent::new("", "", "", 0, Outcome::Success, "");
    events.push(("nothing in it", empty.clone()));
    empty.caller_id = Some(String::new());
    empty.capability_provenance = Some(Vec::new());
    events.push(("empty strings and lists", empty));
    let mut numbers = event("the largest numbers")
        .with_cursor_page(Some(u32::MAX))
        .with_dry_run(true)
        .with_secrets_resolved(true);
    numbers.duration_ms = u64::MAX;
    numbers.outcome = Outcome::RateLimited {
        retry_after_ms: Some(u64::MAX),
    };
    numbers.schema_version = u32::MAX;
    events.push(("the largest numbers", numbers));
    let mut early = event("an early version").with_cursor_page(Some(0));
    early.schema_version = 1;
    events.push(("an early version", early));
    let mut timeless = event("no time");
    timeless.ts = "the day before yesterday".into();
    events.push(("a ts that is no time", timeless));
    // A call_id that an event above has already.
    let twice = event("no time").with_dry_run(true);
    events.push(("a call_id that isn't unique", twice));

    let many = vec!["fs.read".to_owned(); 5_000];
    let listed = event("long lists")
        .with_capability_provenance(Some(many.iter().cloned().map(allowed).collect()))
        .with_granted_capabilities(many);
    events.push(("long lists", listed));
    for (what, unit) in [
        ("a mebibyte of text", "x"),
        ("a mebibyte of quotes", "\""),
        ("a mebibyte of three-byte characters", "\u{2028}"),
        ("a mebibyte of control characters", "\u{1}"),
    ] {
        let mut huge = event(what);
        huge.caller_id = Some(unit.repeat(MEBIBYTE / unit.len()));
        events.push((what, huge));
    }
    events
}

const MEBIBYTE: usize = 1024 * 1024;

const CONTROL: &str = "\0\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{f}\
                       \u{10}\u{11}\u{12}\u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{1a}\u{1b}\
                       \u{1c}\u{1d}\u{1e}\u{1f}";

/// What the [`outcomes`] are, in the same order.
const OUTCOMES: [&str; 12] = [
    "a success",
    "a failure that may pass",
    "a failure without a code",
    "wrong arguments",
    "denied",
    "denied for nothing",
    "limited, nobody knows how long",
    "limited for no time",
    "no such tool",
    "an outcome of a later version",
    "an outcome without a name",
    "an outcome with a hostile name",
];

fn outcomes() -> [Outcome; 12] {
    [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: "EIO".into(),
            retryable: true,
        },
        Outcome::ExecutionFailed {
            code: String::new(),
            retryable: false,
        },
        Outcome::InvalidArgs {
            message: "path: missing".into(),
        },
        Outcome::CapabilityDenied {
            missing: vec!["fs.write".into(), String::new()],
        },
        Outcome::CapabilityDenied {
            missing: Vec::new(),
        },
        Outcome::RateLimited {
            retry_after_ms: None,
        },
        Outcome::RateLimited {
            retry_after_ms: Some(0),
        },
        Outcome::ToolNotFound,
        Outcome::Unknown {
            kind: "deferred".into(),
        },
        Outcome::Unknown {
            kind: String::new(),
        },
        Outcome::Unknown {
            kind: "\",\"seq\":0,\n\u{2028}".into(),
        },
    ]
}

fn with_outcome(call_id: &str, outcome: Outcome) -> CallEvent {
    let mut event = event(call_id);
    event.outcome = outcome;
    event
}

fn allowed(cap: String) -> CapProvenance {
    CapProvenance {
        cap,
        source: ProvSource::StringAllowList,
    }
}

/// An event that has `text` wherever an event has text.
fn everywhere(what: &str, text: &str) -> CallEvent {
    let sources = [
        ProvSource::StringAllowList,
        ProvSource::UcanChain {
            issuer_did: text.into(),
            chain_depth: u8::MAX,
        },
        ProvSource::Unknown { kind: text.into() },
    ];
    let provenance = sources.map(|source| CapProvenance {
        cap: text.into(),
        source,
    });
    CallEvent::new(
        text,
        format!("{what}: {text}"),
        text,
        1,
        Outcome::InvalidArgs {
            message: text.into(),
        },
        text,
    )
    .with_caller_id(Some(text.into()))
    .with_granted_capabilities(vec![text.into(), text.into()])
    .with_capability_provenance(Some(provenance.into()))
}
