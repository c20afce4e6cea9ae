//! Those who wait for a sync.

use std::sync::Arc;
use std::time::Duration;

use super::support::{Arrivals, assert_adds_up, spawn};
use super::{AWAKE, DOZING, IMPATIENT, check};
use crate::chain::StreamId;
use crate::leaf::LeafHash;
use crate::queue::{Fates, Limits, Mark, Queue, Turn, WhenFull};
use crate::sync::Instant;
use crate::sync::coins::{Timer, Timers};
use crate::sync::thread::JoinHandle;
use crate::{CommitError, Receipt};

const LONG: Duration = Duration::from_secs(1);

fn queue(events: usize) -> Arc<Queue> {
    Arc::new(Queue::new(Limits {
        events,
        bytes: 4096,
    }))
}

/// As the sink does it.
fn commit(queue: &Queue) -> Result<Receipt, CommitError> {
    let deadline = Instant::now().checked_add(LONG);
    let commit = queue.begin_commit();
    let mark = Mark { cut: 0, commit };
    queue.offer(b"{}\n", mark, WhenFull::Wait(Some(LONG)));
    let id = commit.expect("it isn't forked");
    let result = queue.end_commit(id, LONG, deadline);
    if let Ok(receipt) = &result {
        assert_eq!(receipt.seq, id);
    }
    result
}

/// Names the commit, so that its owner knows it.
fn receipt(seq: u64) -> Receipt {
    Receipt {
        stream: StreamId::from_digits([b'0'; 32]),
        seq,
        hash: LeafHash::of(b"{}"),
    }
}

/// Writes and syncs, and calls the queue in the order in which the writer of a chained
/// log does. It dies in its `dies_in`th segment.
fn write_all(queue: &Arc<Queue>, dies_in: Option<u64>) -> JoinHandle<()> {
    write_all_to(queue, &Arrivals::new(), dies_in)
}

fn write_all_to(queue: &Arc<Queue>, arrivals: &Arrivals, dies_in: Option<u64>) -> JoinHandle<()> {
    let (queue, arrivals) = (Arc::clone(queue), arrivals.clone());
    spawn(move || {
        let mut segments = 0;
        loop {
            match queue.take(None) {
                Turn::End => break,
                Turn::Reopen => queue.reopened(Ok(())),
                Turn::Due => unreachable!("nothing is due"),
                Turn::Write(segment) => {
                    segments += 1;
                    if dies_in == Some(segments) {
                        queue.fail("it died");
                        queue.lose_in_hand();
                        break;
                    }
                    arrivals.add(segment.events);
                    let ids: Vec<u64> = segment.commits().collect();
                    let (events, bytes) = (segment.events, segment.bytes().len());
                    let fates = Fates {
                        written: events,
                        ..Fates::default()
                    };
                    queue.settle(segment, bytes, fates, &[]);
                    queue.resolve_commits(ids.into_iter().map(|id| (id, Ok(receipt(id)))));
                }
            }
        }
        for segment in queue.shut() {
            let lost = segment.commits().collect::<Vec<_>>().into_iter();
            queue.resolve_commits(lost.map(|id| (id, Err(CommitError::NotRecorded))));
            let events = segment.events;
            queue.settle(segment, 0, Fates::dropped(events), &[0..events]);
        }
        queue.writer_gone();
    })
}

/// Each gets its own receipt; the writer waits for the second when there were two
/// the last time.
#[test]
fn by_two_threads() {
    check(2, DOZING, || {
        let queue = queue(8);
        let writer = write_all(&queue, None);
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || commit(&queue)
        });
        commit(&queue).expect("nothing fails");
        other
            .join()
            .expect("it doesn't panic")
            .expect("nothing fails");
        queue.close(LONG).expect("no deadline comes");
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_eq!((counters.written, counters.queued), (2, 0));
    });
}

/// For room too.
#[test]
fn in_a_queue_of_one() {
    check(3, AWAKE, || {
        let queue = queue(1);
        let writer = write_all(&queue, None);
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || commit(&queue)
        });
        commit(&queue).expect("nothing fails");
        other
            .join()
            .expect("it doesn't panic")
            .expect("nothing fails");
        queue.close(LONG).expect("no deadline comes");
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_eq!((counters.written, counters.queued), (2, 0));
    });
}

/// Each gets a receipt, or hears that it wasn't recorded, and both are true.
#[test]
fn beside_a_dying_writer() {
    check(3, AWAKE, || {
        let queue = queue(8);
        let writer = write_all(&queue, Some(1));
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || commit(&queue)
        });
        assert_eq!(commit(&queue), Err(CommitError::NotRecorded));
        let other = other.join().expect("it doesn't panic");
        assert_eq!(other, Err(CommitError::NotRecorded));
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.dropped, counters.queued), (2, 0));
    });
}

/// Who gives up leaves nothing behind.
#[test]
fn until_a_deadline() {
    check(2, IMPATIENT, || {
        let queue = queue(1);
        let writer = write_all(&queue, None);
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || commit(&queue)
        });
        let mine = commit(&queue);
        let other = other.join().expect("it doesn't panic");
        queue.stop_accepting();
        drop(queue.flush(LONG));
        drop(queue.close(LONG));
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.offered, counters.queued), (2, 0));
        let receipts = u64::from(mine.is_ok()) + u64::from(other.is_ok());
        assert!(
            receipts <= counters.written,
            "{mine:?} {other:?} {counters:?}"
        );
    });
}

/// A line is written although nobody waits for it any more, and the last time there
/// were more.
#[test]
fn that_was_given_up() {
    let timers = Timers {
        parks: Timer::Fires,
        deadlines: Timer::Fires,
    };
    check(3, timers, || {
        let (queue, arrivals) = (queue(8), Arrivals::new());
        let begin = |_| {
            let commit = queue.begin_commit();
            queue.offer(b"{}\n", Mark { cut: 0, commit }, WhenFull::Drop);
            commit.expect("it isn't forked")
        };
        let together = [0, 1].map(begin);
        let writer = write_all_to(&queue, &arrivals, None);
        for id in together {
            drop(queue.end_commit(id, LONG, Instant::now().checked_add(LONG)));
        }
        // Whether the writer was faster is all the same.
        drop(commit(&queue));
        arrivals.wait_for(3);
        drop(queue.close(LONG));
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.written, counters.queued), (3, 0));
    });
}

/// Each of them gets one result, some after a deadline.
#[cfg(audit_shuttle)]
#[test]
fn by_many() {
    check(0, IMPATIENT, || {
        let queue = queue(3);
        let writer = write_all(&queue, None);
        let commits = |_| {
            let queue = Arc::clone(&queue);
            spawn(move || {
                let results = [commit(&queue), commit(&queue), commit(&queue)];
                results.iter().filter(|result| result.is_ok()).count() as u64
            })
        };
        let committers: Vec<_> = (0..5).map(commits).collect();
        let receipts = committers
            .into_iter()
            .map(|committer| committer.join().expect("it doesn't panic"))
            .sum::<u64>();
        drop(queue.close(LONG));
        writer.join().expect("it doesn't panic");
        let counters = queue.counters();
        assert_adds_up(&counters);
        assert_eq!(counters.offered, 15);
        assert!(receipts <= counters.written, "{receipts} {counters:?}");
    });
}
