//! Requests of the client that have no answer yet.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::wrap::calls::Call;
use crate::wrap::scan::message::Mark;

/// So many are kept track of.
const MOST: usize = 10_000;

/// A request, as far as its answer matters.
#[derive(Debug)]
pub(crate) enum Request {
    Call(Call),
    /// A page of the server's tools.
    Tools {
        is_first: bool,
    },
    TaskResult(Mark),
    /// How a task is, or that it end.
    Task(Mark),
    /// Kept, so that its answer isn't taken for that of a call with the same id.
    Other,
}

/// By id; under one that is used twice, the first is answered first.
#[derive(Debug, Default)]
pub(crate) struct Open {
    requests: HashMap<Mark, VecDeque<Numbered>>,
    next: u64,
    count: usize,
    cancelled: Vec<(Instant, Mark)>,
}

#[derive(Debug)]
struct Numbered {
    number: u64,
    request: Request,
    is_cancelled: bool,
}

impl Open {
    /// Adds a request. If there are too many, the oldest goes: its call, if it was
    /// one.
    pub(crate) fn add(&mut self, id: Mark, request: Request) -> Option<Call> {
        let oldest = if self.count >= MOST {
            self.take_oldest()
        } else {
            None
        };
        self.count += 1;
        self.next += 1;
        self.requests.entry(id).or_default().push_back(Numbered {
            number: self.next,
            request,
            is_cancelled: false,
        });
        match oldest {
            Some(Request::Call(call)) => Some(call),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, id: Mark) -> Option<Request> {
        let queue = self.requests.get_mut(&id)?;
        let first = queue.pop_front()?;
        if queue.is_empty() {
            self.requests.remove(&id);
        }
        self.count -= 1;
        Some(first.request)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.cancelled.is_empty()
    }

    pub(crate) fn cancel(&mut self, id: Mark) {
        let queue = self.requests.get_mut(&id).into_iter().flatten();
        for request in queue {
            request.is_cancelled = true;
        }
        if self.requests.contains_key(&id) && self.cancelled.len() < MOST {
            self.cancelled.push((Instant::now(), id));
        }
    }

    /// Takes the calls that were cancelled so long ago.
    pub(crate) fn overdue(&mut self, now: Instant, grace: Duration) -> Vec<Call> {
        let mut calls = Vec::new();
        let due = |at: &Instant| now.saturating_duration_since(*at) >= grace;
        let ids: Vec<Mark> = self
            .cancelled
            .extract_if(.., |(at, _)| due(at))
            .map(|(_, id)| id)
            .collect();
        for id in ids {
            let is_cancelled = |open: &Self| {
                let queue = open.requests.get(&id);
                queue
                    .and_then(|queue| queue.front())
                    .is_some_and(|first| first.is_cancelled)
            };
            while is_cancelled(self) {
                if let Some(Request::Call(call)) = self.take(id) {
                    calls.push(call);
                }
            }
        }
        calls
    }

    /// Takes all calls, each with whether it was cancelled.
    pub(crate) fn end(&mut self) -> Vec<(Call, bool)> {
        self.count = 0;
        self.cancelled.clear();
        let requests = std::mem::take(&mut self.requests);
        let calls = requests.into_values().flatten();
        calls
            .filter_map(|request| match request.request {
                Request::Call(call) => Some((call, request.is_cancelled)),
                _ => None,
            })
            .collect()
    }

    fn take_oldest(&mut self) -> Option<Request> {
        let first = |queue: &VecDeque<Numbered>| queue.front().map(|first| first.number);
        let oldest = self.requests.iter().min_by_key(|(_, queue)| first(queue));
        let id = oldest.map(|(id, _)| *id)?;
        self.take(id)
    }
}
