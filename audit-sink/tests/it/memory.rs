//! The ring of the latest events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use audit_sink::schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use audit_sink::{AuditSink, MemorySink, Query};

use crate::{event, failed, ids};

fn offer(memory: &MemorySink, count: usize) {
    for nth in 0..count {
        memory.on_call(&event(&nth.to_string()));
    }
}

#[test]
fn the_newest_come_first() {
    let memory = MemorySink::new();
    assert!(memory.recent(5).is_empty());
    offer(&memory, 4);
    assert_eq!(ids(&memory.recent(2)), ["3", "2"]);
    assert_eq!(ids(&memory.recent(usize::MAX)), ["3", "2", "1", "0"]);
    assert!(memory.recent(0).is_empty());
}

#[test]
fn the_oldest_go_when_it_is_full() {
    let memory = MemorySink::with_capacity(200);
    offer(&memory, 1_000);
    assert_eq!(
        (memory.count(), memory.total(), memory.capacity()),
        (200, 1_000, 200)
    );
    let all = memory.recent(usize::MAX);
    assert_eq!(all.len(), 200);
    assert_eq!((&*all[0].call_id, &*all[199].call_id), ("999", "800"));
    assert_eq!(memory.drops(), 0, "what falls out was recorded");
}

#[test]
fn it_holds_128_at_least_and_10_000_by_default() {
    let least = MemorySink::with_capacity(0);
    offer(&least, 200);
    assert_eq!((least.count(), least.capacity()), (128, 128));
    let usual = MemorySink::new();
    offer(&usual, 10_001);
    assert_eq!((usual.count(), usual.capacity()), (10_000, 10_000));
}

#[test]
fn it_is_bounded_in_bytes_too() {
    let memory = MemorySink::with_capacities(10_000, 0);
    let large = |id: &str| event(id).with_caller_id(Some("x".repeat(20_000)));
    for id in ["1", "2", "3", "4", "5"] {
        memory.on_call(&large(id));
    }
    assert_eq!(ids(&memory.recent(9)), ["5", "4", "3"]);
    let huge = event("6").with_granted_capabilities(vec!["y".repeat(40_000); 2]);
    memory.on_call(&huge);
    assert_eq!(memory.drops(), 1, "larger than the ring");
    assert_eq!((memory.count(), memory.total()), (3, 5));
    // Small ones push the large ones out, one by one.
    offer(&memory, 30);
    assert!(memory.count() > 30, "{}", memory.count());
}

/// Whichever member of an event is long: it counts with all its bytes.
#[test]
fn every_string_counts() {
    fn long() -> String {
        "x".repeat(20_000)
    }
    fn from(cap: String, source: ProvSource) -> Option<Vec<CapProvenance>> {
        Some(vec![CapProvenance { cap, source }])
    }
    let lengthen: [fn(&mut CallEvent); 13] = [
        |event| event.ts = long(),
        |event| event.call_id = long(),
        |event| event.tool_id = long(),
        |event| event.caller_id = Some(long()),
        |event| event.tier = long(),
        |event| event.granted_capabilities = vec![long()],
        |event| event.outcome = failed(&long()),
        |event| event.outcome = Outcome::InvalidArgs { message: long() },
        |event| event.outcome = Outcome::Unknown { kind: long() },
        |event| {
            let missing = vec![long()];
            event.outcome = Outcome::CapabilityDenied { missing };
        },
        |event| event.capability_provenance = from(long(), ProvSource::StringAllowList),
        |event| {
            let source = ProvSource::Unknown { kind: long() };
            event.capability_provenance = from(String::new(), source);
        },
        |event| {
            let source = ProvSource::UcanChain {
                issuer_did: long(),
                chain_depth: 1,
            };
            event.capability_provenance = from(String::new(), source);
        },
    ];
    for (nth, lengthen) in lengthen.iter().enumerate() {
        let mut large = event("1");
        lengthen(&mut large);
        let memory = MemorySink::with_capacities(10_000, 0);
        for _ in 0..5 {
            memory.on_call(&large);
        }
        assert_eq!((memory.count(), memory.drops()), (3, 0), "the {nth}th");
    }
}

#[test]
fn clones_and_dropped_clones_share_it() {
    let memory = MemorySink::new();
    let clone = memory.clone();
    clone.on_call(&event("1"));
    drop(clone);
    assert_eq!(ids(&memory.recent(1)), ["1"]);
}

#[test]
fn queries_select() {
    let memory = MemorySink::new();
    let call = |id: &str, tool: &str, caller: Option<&str>, outcome, second: u32| {
        let ts = format!("2026-11-20T09:30:{second:02}Z");
        let event = CallEvent::new(ts, id, tool, 1, outcome, "hot");
        memory.on_call(&event.with_caller_id(caller.map(Into::into)));
    };
    call("1", "files:read", Some("editor 1"), Outcome::Success, 1);
    call(
        "2",
        "files:list",
        Some("editor 2"),
        Outcome::ToolNotFound,
        2,
    );
    call("3", "shell:run", None, Outcome::Success, 3);
    call("4", "files:read", Some("indexer"), Outcome::Success, 4);
    memory.on_call(&CallEvent::new(
        "noon",
        "5",
        "files:read",
        1,
        Outcome::Success,
        "hot",
    ));

    // 2026-11-20T09:30:00Z and some seconds.
    let at = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_167_000 + second);
    let query = Query::new;
    for (query, found) in [
        (query(), &["5", "4", "3", "2", "1"][..]),
        (query().tool("files:read"), &["5", "4", "1"]),
        (query().tool("files:*"), &["5", "4", "2", "1"]),
        (query().tool("read"), &[]),
        (query().caller("editor ?"), &["2", "1"]),
        (query().caller("*"), &["4", "2", "1"]),
        (query().outcome("tool_not_found"), &["2"]),
        (query().since(at(2)), &["4", "3", "2"]),
        (query().until(at(3)), &["2", "1"]),
        (query().since(at(2)).until(at(4)), &["3", "2"]),
        (
            query().tool("files:*").caller("editor*").outcome("success"),
            &["1"],
        ),
        (query().tool("files:*").limit(2), &["5", "4"]),
        (
            query().outcome("success").until(at(60)).limit(2),
            &["4", "3"],
        ),
    ] {
        assert_eq!(ids(&memory.query(&query)), found, "{query:?}");
    }
}

#[test]
fn a_sparse_query_finds_what_is_far_back() {
    let memory = MemorySink::new();
    let mut rare = event("rare");
    rare.tool_id = "bank:pay".into();
    memory.on_call(&rare);
    offer(&memory, 3_000);
    let found = memory.query(&Query::new().tool("bank:*").limit(1));
    assert_eq!(ids(&found), ["rare"]);
}

#[test]
fn what_readers_see_is_in_order_while_calls_are_recorded() {
    let memory = MemorySink::with_capacity(500);
    let done = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let (memory, done) = (memory.clone(), Arc::clone(&done));
        move || {
            offer(&memory, 20_000);
            done.store(true, Ordering::Release);
        }
    });
    let mut looks = 0;
    while !done.load(Ordering::Acquire) || looks == 0 {
        let seen = memory.recent(usize::MAX);
        let numbers: Vec<u64> = seen
            .iter()
            .map(|event| event.call_id.parse().unwrap())
            .collect();
        assert!(numbers.len() <= 500);
        assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
        looks += 1;
    }
    writer.join().unwrap();
    assert_eq!(memory.total(), 20_000);
}
