//! A reference, a box or a shared pointer to a sink is a sink.

use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;

use crate::{AuditSink, BackpressureStrategy, FlushError, Health};

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        // A method that fell back to its default here would lose the sink's own.
        #[deny(clippy::missing_trait_methods)]
        impl<S: AuditSink + ?Sized> AuditSink for $pointer {
            fn on_call(&self, event: &CallEvent) {
                (**self).on_call(event);
            }

            fn drops(&self) -> u64 {
                (**self).drops()
            }

            fn backpressure_strategy(&self) -> BackpressureStrategy {
                (**self).backpressure_strategy()
            }

            fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
                (**self).flush(timeout)
            }

            fn health(&self) -> Health {
                (**self).health()
            }
        }
    )+};
}

forward!(&S, Box<S>, Arc<S>);
