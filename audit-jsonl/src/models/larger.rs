//! More threads and more events than can be gone through one by one.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use audit_sink::{AuditSink as _, BackpressureStrategy};
use shuttle::rand::{Rng as _, thread_rng};

use super::support::{Arrivals, Dying, Ending, Ids, assert_adds_up, event, spawn};
use super::{AWAKE, IMPATIENT, check};
use crate::{CloseError, JsonLinesAuditSink};

const LONG: Duration = Duration::from_secs(1);
const CALLERS: usize = 4;
const EVENTS: usize = 5;

/// Takes some of what it is given, or nothing, or fails.
#[derive(Debug)]
struct Moody {
    taken: Ids,
    /// A line that it has begun to take.
    begun: Vec<u8>,
}

impl Write for Moody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match thread_rng().gen_range(0..4) {
            0 => return Err(io::ErrorKind::Interrupted.into()),
            1 => return Err(io::ErrorKind::StorageFull.into()),
            _ => {}
        }
        let taken = thread_rng().gen_range(1..=bytes.len());
        self.begun.extend_from_slice(&bytes[..taken]);
        if let Some(end) = self.begun.iter().rposition(|&byte| byte == b'\n') {
            let lines: Vec<u8> = self.begun.drain(..=end).collect();
            self.taken.write_all(&lines)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a case of the model is made.
struct Case {
    sink: Arc<JsonLinesAuditSink>,
    taken: Ids,
    elsewhere: Ids,
    ended: Arrivals,
    /// Its destination may die.
    mortal: bool,
}

impl Case {
    fn any() -> Self {
        let mut random = thread_rng();
        let (taken, elsewhere) = (Ids::default(), Ids::default());
        let mortal = random.gen_ratio(1, 3);
        let destination: Box<dyn Write + Send> = if mortal {
            Box::new(Dying {
                taken: taken.clone(),
                writes: random.gen_range(0..6),
            })
        } else {
            Box::new(Moody {
                taken: taken.clone(),
                begun: Vec::new(),
            })
        };
        let strategy = match random.gen_range(0..3) {
            0 => BackpressureStrategy::Drop,
            1 => BackpressureStrategy::Block,
            _ => BackpressureStrategy::FallbackSink(Arc::new(elsewhere.clone())),
        };
        let mut builder = JsonLinesAuditSink::builder()
            .capacity(random.gen_range(1..=6))
            .strategy(strategy);
        if random.r#gen() {
            builder = builder.block_timeout(LONG);
        }
        let ended = Arrivals::new();
        let destination = Box::new(Ending {
            destination,
            ended: ended.clone(),
        });
        let sink = builder.build(destination).expect("threads can be had");
        Self {
            sink: Arc::new(sink),
            taken,
            elsewhere,
            ended,
            mortal,
        }
    }

    /// Nothing is counted twice or not at all, nor out of its caller's order.
    fn check(&self) {
        self.ended.wait_for(1);
        let counters = self.sink.counters();
        assert_adds_up(&counters);
        let offered = (CALLERS * EVENTS) as u64;
        assert_eq!(counters.offered, offered);
        assert_eq!((counters.queued, counters.blocked), (0, 0));
        assert_eq!(counters.fallen_back, self.elsewhere.len());
        let taken = self.taken.get();
        for caller in 0..CALLERS {
            let prefix = format!("{caller}:");
            let own: Vec<_> = taken.iter().filter(|id| id.starts_with(&prefix)).collect();
            assert!(own.is_sorted(), "{taken:?}");
        }
        let mut all = [taken, self.elsewhere.get()].concat();
        all.sort();
        let unlike = all.windows(2).all(|two| two[0] != two[1]);
        assert!(unlike, "{all:?}");
        let known = counters.written + counters.fallen_back;
        // A destination that dies may have taken what nobody knows of.
        assert!(
            known == all.len() as u64 || self.mortal,
            "{all:?} {counters:?}"
        );
    }
}

fn callers(sink: &Arc<JsonLinesAuditSink>) -> Vec<crate::sync::thread::JoinHandle<()>> {
    let call = |caller: usize| {
        let sink = Arc::clone(sink);
        spawn(move || {
            for number in 0..EVENTS {
                sink.on_call(&event(&format!("{caller}:{number}")));
            }
        })
    };
    (0..CALLERS).map(call).collect()
}

/// Callers, one who flushes and looks, and one who closes at any time.
#[test]
fn callers_beside_all_others() {
    check(0, AWAKE, || {
        let case = Case::any();
        let callers = callers(&case.sink);
        let other = spawn({
            let sink = Arc::clone(&case.sink);
            move || {
                assert_adds_up(&sink.counters());
                // Whether it can depends on what comes in between.
                drop(sink.flush(LONG));
                drop(sink.reopen(LONG));
                assert_adds_up(&sink.counters());
                drop(sink.health());
            }
        });
        let closed = case.sink.close(LONG);
        for caller in callers {
            caller.join().expect("it doesn't panic");
        }
        other.join().expect("it doesn't panic");
        case.check();
        match closed {
            Ok(_) => {}
            Err(CloseError::Lost { .. }) => assert!(case.mortal),
            Err(error) => panic!("{error}"),
        }
    });
}

/// The same with deadlines that come.
#[test]
fn callers_in_a_hurry() {
    check(0, IMPATIENT, || {
        let case = Case::any();
        let callers = callers(&case.sink);
        let other = spawn({
            let sink = Arc::clone(&case.sink);
            move || {
                drop(sink.flush(LONG));
                drop(sink.reopen(LONG));
                assert_adds_up(&sink.counters());
            }
        });
        drop(case.sink.close(LONG));
        for caller in callers {
            caller.join().expect("it doesn't panic");
        }
        other.join().expect("it doesn't panic");
        case.check();
    });
}
