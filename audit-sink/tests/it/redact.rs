//! Taking out what no sink may see.

mod patterns;

use audit_sink::redact::{Action, HashKey, Pattern};
use audit_sink::schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use audit_sink::{AuditSink, MemorySink, Redact, Tee};

use crate::event;

fn key() -> HashKey {
    HashKey::new(b"a key of more than 16 bytes").unwrap()
}

/// The one event that comes out for the one that goes in.
fn redacted(
    rules: impl FnOnce(Redact<MemorySink>) -> Redact<MemorySink>,
    event: &CallEvent,
) -> CallEvent {
    let memory = MemorySink::new();
    let redact = rules(Redact::new(memory.clone()));
    redact.on_call(event);
    let out = CallEvent::clone(&memory.recent(1)[0]);
    assert_eq!(redact.redacted(), u64::from(out != *event));
    out
}

fn invalid(message: impl Into<String>) -> CallEvent {
    let mut event = event("1");
    event.outcome = Outcome::InvalidArgs {
        message: message.into(),
    };
    event
}

fn message(event: &CallEvent) -> &str {
    match &event.outcome {
        Outcome::InvalidArgs { message } => message,
        other => panic!("{other:?}"),
    }
}

fn from_ucan(issuer: &str) -> CapProvenance {
    let source = ProvSource::UcanChain {
        issuer_did: issuer.into(),
        chain_depth: 2,
    };
    CapProvenance {
        cap: "fs.read".into(),
        source,
    }
}

#[test]
fn without_rules_nothing_changes() {
    let event = invalid("password=hunter2").with_caller_id(Some("ada@example.org".into()));
    assert_eq!(redacted(|redact| redact, &event), event);
}

#[test]
fn each_field_by_each_action() {
    let base = event("1")
        .with_caller_id(Some("ada".into()))
        .with_capability_provenance(Some(vec![from_ucan("did:key:z6Mk")]));
    let hash = |value: &str| key().hash(value);

    let caller = |action| redacted(|redact| redact.caller_id(action), &base).caller_id;
    assert_eq!(caller(Action::Drop), None);
    assert_eq!(caller(Action::Mask).as_deref(), Some("[redacted]"));
    assert_eq!(caller(Action::Hash(key())), Some(hash("ada")));
    let nobody = redacted(|redact| redact.caller_id(Action::Mask), &event("1"));
    assert_eq!(nobody.caller_id, None);

    let issuer = |action| {
        let out = redacted(|redact| redact.provenance_issuers(action), &base);
        out.capability_provenance
    };
    assert_eq!(issuer(Action::Drop), Some(vec![from_ucan("")]));
    assert_eq!(issuer(Action::Mask), Some(vec![from_ucan("[redacted]")]));
    let hashed = from_ucan(&hash("did:key:z6Mk"));
    assert_eq!(issuer(Action::Hash(key())), Some(vec![hashed]));

    let text = |action| {
        let out = redacted(
            |redact| redact.invalid_args_message(action),
            &invalid("path: /x"),
        );
        message(&out).to_owned()
    };
    assert_eq!(text(Action::Drop), "");
    assert_eq!(text(Action::Mask), "[redacted]");
    assert_eq!(text(Action::Hash(key())), hash("path: /x"));

    let code = |action| {
        let mut event = event("1");
        event.outcome = Outcome::ExecutionFailed {
            code: "E1".into(),
            retryable: true,
        };
        redacted(|redact| redact.execution_failed_code(action), &event).outcome
    };
    let failed = |code: String| Outcome::ExecutionFailed {
        code,
        retryable: true,
    };
    assert_eq!(code(Action::Drop), failed(String::new()));
    assert_eq!(code(Action::Mask), failed("[redacted]".into()));
    assert_eq!(code(Action::Hash(key())), failed(hash("E1")));
}

#[test]
fn equal_values_have_equal_hashes_under_one_key_alone() {
    let other = HashKey::new(b"another key of 16 bytes").unwrap();
    assert_eq!(key().hash("ada"), key().hash("ada"));
    assert_ne!(key().hash("ada"), key().hash("Ada"));
    assert_ne!(key().hash("ada"), other.hash("ada"));
    let hash = key().hash("ada");
    assert!(hash.starts_with("hmac:") && hash.len() == "hmac:".len() + 32);
}

#[test]
fn a_hash_is_the_one_of_the_rfc() {
    // RFC 4231, test case 6: a key of 131 bytes.
    let key = HashKey::new(&[0xaa; 131]).unwrap();
    let hash = key.hash("Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(hash, "hmac:60e431591ee0b67f0d8a26aacbf5b77f");
}

#[test]
fn a_short_key_is_refused() {
    let error = HashKey::new(b"fifteen bytes..").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key has 15 bytes: it must have at least 16"
    );
}

#[test]
fn patterns_look_into_every_text_of_a_caller() {
    let mail = "x@example.org";
    let masked = "[redacted:email]";
    let rules = |redact: Redact<MemorySink>| redact.patterns([Pattern::Email], Action::Mask);
    let mut all = event(mail)
        .with_caller_id(Some(format!("ada <{mail}>")))
        .with_granted_capabilities(vec!["fs.read".into(), format!("mail:{mail}")])
        .with_capability_provenance(Some(vec![
            from_ucan(&format!("did:mailto:{mail}")),
            CapProvenance {
                cap: mail.into(),
                source: ProvSource::Unknown { kind: mail.into() },
            },
        ]));
    all.tool_id = format!("mail:{mail}");
    all.outcome = Outcome::CapabilityDenied {
        missing: vec![mail.into(), "ok".into()],
    };
    let out = redacted(rules, &all);
    assert_eq!(out.caller_id, Some(format!("ada <{masked}>")));
    assert_eq!(
        out.granted_capabilities,
        ["fs.read".into(), format!("mail:{masked}")]
    );
    let sources = out.capability_provenance.unwrap();
    assert_eq!(sources[0], from_ucan(&format!("did:mailto:{masked}")));
    let unknown = ProvSource::Unknown {
        kind: masked.into(),
    };
    assert_eq!(
        sources[1],
        CapProvenance {
            cap: masked.into(),
            source: unknown
        }
    );
    assert_eq!(out.tool_id, format!("mail:{masked}"));
    assert_eq!(
        out.outcome,
        Outcome::CapabilityDenied {
            missing: vec![masked.into(), "ok".into()]
        }
    );
    assert_eq!(out.call_id, mail, "ids are never changed");

    for (outcome, expected) in [
        (
            Outcome::ExecutionFailed {
                code: mail.into(),
                retryable: true,
            },
            Outcome::ExecutionFailed {
                code: masked.into(),
                retryable: true,
            },
        ),
        (
            Outcome::Unknown { kind: mail.into() },
            Outcome::Unknown {
                kind: masked.into(),
            },
        ),
    ] {
        let mut event = event("1");
        event.outcome = outcome;
        assert_eq!(redacted(rules, &event).outcome, expected);
    }
}

#[test]
fn matches_may_be_dropped_and_hashed_too() {
    let text = invalid("from a@example.org to b@example.org");
    let with = |action| {
        let out = redacted(|redact| redact.patterns([Pattern::Email], action), &text);
        message(&out).to_owned()
    };
    assert_eq!(with(Action::Drop), "from  to ");
    let (a, b) = (key().hash("a@example.org"), key().hash("b@example.org"));
    assert_eq!(with(Action::Hash(key())), format!("from {a} to {b}"));
}

#[test]
fn nothing_is_found_in_what_was_just_put_there_and_overlaps_leave_nothing() {
    let rules = |redact: Redact<MemorySink>| {
        let redact = redact.patterns(Pattern::ALL, Action::Hash(key()));
        redact
            .own_pattern("mac", "hmac|[0-9a-f]{8}", Action::Mask)
            .unwrap()
    };
    // An address inside a cookie, a token inside an assignment.
    let out = redacted(rules, &invalid("Cookie: id=ada@example.org"));
    let hash = key().hash("id=ada@example.org");
    assert_eq!(message(&out), format!("Cookie: {hash}"));
    let out = redacted(rules, &invalid("secret=sk-abcdefghijklmnopqrstuv/more"));
    let hash = key().hash("sk-abcdefghijklmnopqrstuv/more");
    assert_eq!(message(&out), format!("secret={hash}"));
}

#[test]
fn a_rule_for_a_field_goes_before_the_patterns() {
    let event = event("1").with_caller_id(Some("ada@example.org".into()));
    let out = redacted(
        |redact| {
            let redact = redact.patterns([Pattern::Email], Action::Mask);
            redact.caller_id(Action::Hash(key()))
        },
        &event,
    );
    assert_eq!(out.caller_id, Some(key().hash("ada@example.org")));
}

#[test]
fn patterns_of_your_own() {
    let own =
        |pattern: &str| Redact::new(MemorySink::new()).own_pattern("own", pattern, Action::Mask);
    let out = redacted(
        |redact| {
            redact
                .own_pattern("order", "order (?<secret>[0-9]+)", Action::Mask)
                .unwrap()
        },
        &invalid("order 66 failed"),
    );
    assert_eq!(message(&out), "order [redacted:order] failed");
    let unreadable = own("(").unwrap_err().to_string();
    assert!(
        unreadable.starts_with("the pattern can't be read: "),
        "{unreadable}"
    );
    let empty = own("a*").unwrap_err().to_string();
    assert!(empty.contains("matches the empty string"), "{empty}");
}

#[test]
fn what_stands_side_by_side_is_replaced_each_by_itself() {
    let out = redacted(
        |redact| {
            let redact = redact.own_pattern("order", "#[0-9]+", Action::Mask);
            let redact = redact.unwrap().own_pattern("name", "@[a-z]+", Action::Mask);
            redact.unwrap()
        },
        &invalid("#66@ada"),
    );
    assert_eq!(message(&out), "[redacted:order][redacted:name]");
}

/// And such an event doesn't count as redacted, which `redacted` looks at.
#[test]
fn a_secret_of_no_length_changes_nothing() {
    let event = invalid("order  failed");
    let pattern = "order (?<secret>[0-9]*)";
    let out = redacted(
        |redact| redact.own_pattern("order", pattern, Action::Mask).unwrap(),
        &event,
    );
    assert_eq!(out, event);
}

#[test]
fn every_sink_behind_it_sees_the_same() {
    let (one, other) = (MemorySink::new(), MemorySink::new());
    let tee = Tee::new()
        .required("one", one.clone())
        .required("other", other.clone());
    let redact = Redact::new(tee).patterns(Pattern::ALL, Action::Mask);
    redact.on_call(&invalid("password=hunter2"));
    for memory in [one, other] {
        assert_eq!(message(&memory.recent(1)[0]), "password=[redacted:key]");
    }
}
