//! What existing users of this API write compiles, and does what they expect.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use audit_testkit::{RecordingSink, SharedBuf};

/// Whatever they import is named from this crate alone.
mod without_the_trait {
    use audit_jsonl::{DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink};

    #[test]
    fn a_concrete_sink_tells_its_drops_without_the_trait() {
        let sink = JsonLinesAuditSink::new(Box::new(std::io::sink()));
        let drops: u64 = sink.drops();
        assert_eq!(drops, 0);
        assert_eq!(DEFAULT_AUDIT_QUEUE_CAPACITY, 1024);
    }
}

use audit_jsonl::{
    AuditSink, BackpressureStrategy, CallEvent, CapProvenance, DEFAULT_AUDIT_QUEUE_CAPACITY,
    DirectJsonLinesSink, JsonLinesAuditSink, Outcome, ProvSource, SCHEMA_VERSION, now_rfc3339,
};

#[test]
fn a_sink_is_made_over_a_boxed_writer_and_shared_as_a_trait_object() {
    let buf = SharedBuf::new();
    let writer: Box<dyn Write + Send> = Box::new(buf.clone());
    let sink: Arc<dyn AuditSink> = Arc::new(JsonLinesAuditSink::new(writer));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let sink = Arc::clone(&sink);
            thread::spawn(move || sink.on_call(&call(&thread.to_string())))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(sink.drops(), 0);
    drop(sink);
    assert_eq!(buf.lines().len(), 4);
}

#[test]
fn every_constructor_gives_the_sink_itself() {
    let buf = SharedBuf::new();
    let boxed = || -> Box<dyn Write + Send> { Box::new(buf.clone()) };
    let sinks: Vec<JsonLinesAuditSink> = vec![
        JsonLinesAuditSink::new(boxed()),
        JsonLinesAuditSink::new_with_capacity(boxed(), DEFAULT_AUDIT_QUEUE_CAPACITY),
        JsonLinesAuditSink::with_strategy(boxed(), 4, BackpressureStrategy::Block),
        JsonLinesAuditSink::with_strategy(
            boxed(),
            4,
            BackpressureStrategy::FallbackSink(Arc::new(RecordingSink::new())),
        ),
        JsonLinesAuditSink::builder().build(boxed()).unwrap(),
    ];
    for sink in &sinks {
        sink.on_call(&call("1"));
    }
    let count = sinks.len();
    drop(sinks);
    assert_eq!(buf.lines().len(), count);
}

#[test]
fn strategies_are_told_apart_by_a_match() {
    let with = |strategy| JsonLinesAuditSink::with_strategy(Box::new(std::io::sink()), 4, strategy);
    let name = |sink: &dyn AuditSink| match sink.backpressure_strategy() {
        BackpressureStrategy::Drop => "drop",
        BackpressureStrategy::Block => "block",
        BackpressureStrategy::FallbackSink(fallback) => {
            assert_eq!(fallback.drops(), 0);
            "fallback"
        }
        _ => "a later one",
    };
    assert_eq!(name(&with(BackpressureStrategy::Drop)), "drop");
    assert_eq!(name(&with(BackpressureStrategy::default())), "drop");
    assert_eq!(name(&with(BackpressureStrategy::Block)), "block");
    let direct = DirectJsonLinesSink::new(Box::new(std::io::sink()));
    let fallback = BackpressureStrategy::FallbackSink(Arc::new(direct));
    assert_eq!(name(&with(fallback)), "fallback");
}

#[test]
fn outcomes_are_told_apart_by_a_match() {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Success => "success".to_owned(),
        Outcome::ExecutionFailed { code, retryable } => format!("failed {code} {retryable}"),
        Outcome::InvalidArgs { message } => format!("invalid {message}"),
        Outcome::CapabilityDenied { missing } => format!("denied {}", missing.join(",")),
        Outcome::RateLimited { retry_after_ms } => format!("limited {retry_after_ms:?}"),
        Outcome::ToolNotFound => "not found".to_owned(),
        Outcome::Unknown { kind } => format!("unknown {kind}"),
        _ => "a later one".to_owned(),
    };
    let missing = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(word(&Outcome::CapabilityDenied { missing }), "denied a,b");
    assert_eq!(word(&Outcome::ToolNotFound), "not found");
}

#[test]
fn a_sink_of_their_own_may_be_the_fallback() {
    struct Forward(mpsc::Sender<CallEvent>);
    impl AuditSink for Forward {
        fn on_call(&self, event: &CallEvent) {
            drop(self.0.send(event.clone()));
        }
    }

    let (send, receive) = mpsc::channel();
    let fallback = BackpressureStrategy::FallbackSink(Arc::new(Forward(send)));
    let sink = JsonLinesAuditSink::with_strategy(Box::new(std::io::sink()), 4, fallback);
    sink.close(audit_testkit::DEADLINE).unwrap();
    sink.on_call(&call("late"));
    assert_eq!(receive.try_recv().unwrap().call_id, "late");
}

#[test]
fn the_line_is_the_record_as_serde_json_writes_it() {
    let buf = SharedBuf::new();
    let sink = JsonLinesAuditSink::new(Box::new(buf.clone()));
    let event = call("1")
        .with_caller_id(Some("claude-desktop 1.4".into()))
        .with_granted_capabilities(vec!["fs.read".into()])
        .with_capability_provenance(Some(vec![CapProvenance {
            cap: "fs.read".into(),
            source: ProvSource::UcanChain {
                issuer_did: "did:key:z6Mk".into(),
                chain_depth: 1,
            },
        }]));
    assert_eq!(event.schema_version, SCHEMA_VERSION);
    sink.on_call(&event);
    drop(sink);
    assert_eq!(buf.lines(), [serde_json::to_string(&event).unwrap()]);
}

#[test]
fn a_sink_goes_where_any_shared_value_goes() {
    fn check<T: Send + Sync + std::fmt::Debug + 'static>() {}
    check::<JsonLinesAuditSink>();
    check::<DirectJsonLinesSink>();
    check::<audit_jsonl::Builder>();
}

fn call(call_id: &str) -> CallEvent {
    CallEvent::new(
        now_rfc3339(),
        call_id,
        "files:read",
        3,
        Outcome::Success,
        "hot",
    )
}
