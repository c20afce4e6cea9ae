//! The same sink behind a pointer: a method that is not forwarded shows as a
//! broken clause.

use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use super::{CallsBack, Dies, Harness, Overflows, Reads, Refuses, Stalls};

/// A harness that opens the sink of another as `Box<dyn AuditSink>`.
#[derive(Debug, Clone, Copy)]
pub struct Boxed<H>(
    /// The other harness.
    pub H,
);

/// A harness that opens the sink of another as `Arc<dyn AuditSink>`.
#[derive(Debug, Clone, Copy)]
pub struct Shared<H>(
    /// The other harness.
    pub H,
);

macro_rules! form {
    ($form:ident, $pointer:ident) => {
        // A method that fell back to its default here would lose the harness's own.
        #[deny(clippy::missing_trait_methods)]
        impl<H: Harness> Harness for $form<H> {
            type Sink = $pointer<dyn AuditSink>;

            fn open(&self) -> Self::Sink {
                $pointer::new(self.0.open())
            }

            fn fallen_back(&self) -> Vec<CallEvent> {
                self.0.fallen_back()
            }

            fn deadline(&self) -> Duration {
                self.0.deadline()
            }
        }

        #[deny(clippy::missing_trait_methods)]
        impl<H: Reads> Reads for $form<H> {
            fn recorded(&self) -> Vec<CallEvent> {
                self.0.recorded()
            }

            fn keeps(&self, event: &CallEvent) -> bool {
                self.0.keeps(event)
            }
        }

        impl<H: Stalls> Stalls for $form<H> {
            fn stall(&self) {
                self.0.stall();
            }

            fn resume(&self) {
                self.0.resume();
            }
        }

        impl<H: Overflows> Overflows for $form<H> {
            fn overflow(&self) -> usize {
                self.0.overflow()
            }
        }

        impl<H: Refuses> Refuses for $form<H> {
            fn refuse(&self) {
                self.0.refuse();
            }

            fn heal(&self) {
                self.0.heal();
            }
        }

        impl<H: Dies> Dies for $form<H> {
            fn die(&self) {
                self.0.die();
            }
        }

        impl<H: CallsBack> CallsBack for $form<H> {
            fn call_back(&self, hook: Arc<dyn Fn() + Send + Sync>) {
                self.0.call_back(hook);
            }
        }
    };
}

form!(Boxed, Box);
form!(Shared, Arc);
