//! The reference sink with some of its methods replaced.

use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy, FlushError, Health};

use crate::bench::{Bench, CAPACITY};
use crate::queued::Queued;
use crate::verdict::Broken;

pub(crate) struct Spoilt {
    inner: Queued,
    pub(crate) on_call: OnCall,
    pub(crate) drops: Box<dyn Fn(&Queued) -> u64 + Send + Sync>,
    pub(crate) strategy: BackpressureStrategy,
    pub(crate) flush: Flush,
    pub(crate) health: Box<dyn Fn(&Queued) -> Health + Send + Sync>,
    pub(crate) when_dropped: Box<dyn Fn() + Send + Sync>,
}

type OnCall = Box<dyn Fn(&Queued, &CallEvent) + Send + Sync>;
type Flush = Box<dyn Fn(&Queued, Duration) -> Result<(), FlushError> + Send + Sync>;

/// The reference sink with that strategy, spoilt by `spoil`.
pub(crate) fn spoilt(
    strategy: BackpressureStrategy,
    spoil: impl Fn(&mut Spoilt) + Clone + Send + Sync + 'static,
) -> Broken<Spoilt> {
    Broken::new(move || {
        let (strategy, spoil) = (strategy.clone(), spoil.clone());
        Bench::new(move |destination, _| {
            let inner = Queued::open(destination.writer(), CAPACITY, strategy.clone());
            let mut sink = Spoilt::over(inner, strategy.clone());
            spoil(&mut sink);
            sink
        })
    })
}

impl Spoilt {
    pub(crate) fn over(inner: Queued, strategy: BackpressureStrategy) -> Self {
        Self {
            inner,
            on_call: Box::new(AuditSink::on_call),
            drops: Box::new(AuditSink::drops),
            strategy,
            flush: Box::new(AuditSink::flush),
            health: Box::new(AuditSink::health),
            when_dropped: Box::new(|| {}),
        }
    }
}

impl AuditSink for Spoilt {
    fn on_call(&self, event: &CallEvent) {
        (self.on_call)(&self.inner, event);
    }

    fn drops(&self) -> u64 {
        (self.drops)(&self.inner)
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.strategy.clone()
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        (self.flush)(&self.inner, timeout)
    }

    fn health(&self) -> Health {
        (self.health)(&self.inner)
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        (self.when_dropped)();
    }
}
