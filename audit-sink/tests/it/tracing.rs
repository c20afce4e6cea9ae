//! A `tracing` event for each call.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use audit_sink::schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, TracingSink};
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::event;

type Fields = BTreeMap<&'static str, String>;

/// Keeps events, each with its level and target among the fields.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Fields>>>);

struct Written<'a>(&'a mut Fields);

impl Visit for Written<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        fields.insert("level", event.metadata().level().to_string());
        fields.insert("target", event.metadata().target().into());
        event.record(&mut Written(&mut fields));
        self.0.lock().push(fields);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields that one event is emitted with.
fn emitted(event: &CallEvent) -> Fields {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || TracingSink::new().on_call(event));
    let mut events = kept.0.lock();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn has_a_field_for_each_of_the_record() {
    let event = event("7")
        .with_caller_id(Some("editor".into()))
        .with_granted_capabilities(vec!["fs.read".into()])
        .with_capability_provenance(Some(vec![]))
        .with_cursor_page(Some(3))
        .with_dry_run(true);
    let fields = emitted(&event);
    let expected = [
        ("call_id", "7"),
        ("caller_id", "editor"),
        ("capability_provenance", "[]"),
        ("cursor_page", "3"),
        ("dry_run", "true"),
        ("duration_ms", "12"),
        ("granted_capabilities", "[\"fs.read\"]"),
        ("level", "INFO"),
        ("outcome", "success"),
        ("secrets_resolved", "false"),
        ("target", "audit"),
        ("tier", "hot"),
        ("tool_id", "files:read"),
        ("ts", "2026-11-20T09:30:00.000000Z"),
    ];
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(fields, expected);
}

#[test]
fn an_outcome_has_its_level_and_its_details() {
    let of = |outcome: Outcome| {
        let mut event = event("1");
        event.outcome = outcome;
        emitted(&event)
    };
    let failed = of(Outcome::ExecutionFailed {
        code: "ENOENT".into(),
        retryable: true,
    });
    assert_eq!(
        (&*failed["level"], &*failed["code"], &*failed["retryable"]),
        ("WARN", "ENOENT", "true")
    );
    let invalid = of(Outcome::InvalidArgs {
        message: "path: missing".into(),
    });
    assert_eq!(invalid["args_message"], "path: missing");
    let denied = of(Outcome::CapabilityDenied {
        missing: vec!["fs.write".into()],
    });
    assert_eq!(denied["missing"], "[\"fs.write\"]");
    let limited = of(Outcome::RateLimited {
        retry_after_ms: Some(9),
    });
    assert_eq!(limited["retry_after_ms"], "9");
    let absent = of(Outcome::RateLimited {
        retry_after_ms: None,
    });
    assert!(!absent.contains_key("retry_after_ms") && !absent.contains_key("caller_id"));
}
