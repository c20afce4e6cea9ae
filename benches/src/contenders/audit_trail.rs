use std::fs::File;
use std::io::BufWriter;
use std::sync::Mutex;

use audit_jsonl::CallEvent;
use audit_trail::{
    Action, Actor, Chain, FileSink, MonotonicClock, Outcome, Sha256Hasher, SystemClock, Target,
};

use super::text::with_text;
use crate::contender::{Contender, Kind, Recorder};
use crate::written::Form;

pub(crate) const AUDIT_TRAIL: Contender = Contender {
    name: "audit-trail",
    kind: Kind::Peer,
    can_drop: false,
    form: Form::Trail,
    setup: "`Chain` with SHA-256 under a mutex, over its `FileSink`; the event's line as the \
            record's target, caller and tool as its actor and action",
    unequal: "it has no queue: the caller hashes and writes; its records are in a form of its \
              own, with a hash each, about 125 bytes more; up to 8 KiB stay in its buffer until \
              more comes",
    open: |setup| {
        let file = FileSink::open_or_create(setup.path)?;
        let clock = MonotonicClock::new(SystemClock::new());
        let chain = Chain::new(Sha256Hasher::new(), file, clock);
        Ok(Box::new(Trail(Mutex::new(chain))))
    },
};

type FileChain = Chain<Sha256Hasher, FileSink<BufWriter<File>>, MonotonicClock<SystemClock>>;

struct Trail(Mutex<FileChain>);

impl Recorder for Trail {
    fn record(&self, event: &CallEvent) {
        with_text(event, |text| {
            let actor = Actor::new(event.caller_id.as_deref().unwrap_or_default());
            let action = Action::new(&event.tool_id);
            let mut chain = self.0.lock().expect("nobody panics with it");
            chain
                .append(actor, action, Target::new(text), Outcome::Success)
                .expect("the disk takes the record");
        });
    }

    fn close(self: Box<Self>) {
        let mut chain = self.0.into_inner().expect("nobody panics with it");
        chain.flush().expect("the disk takes the records");
    }
}
