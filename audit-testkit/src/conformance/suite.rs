/// Makes a `#[test]` of each clause that applies, for each form of the sink.
///
/// It takes the name of the module to put them in, an expression that makes a
/// [`Harness`](crate::conformance::Harness), evaluated anew in each test, and the
/// abilities of that harness (see [`conformance`](crate::conformance)). The tests
/// are called `name::form::clause`, as
/// `direct::boxed::clause_04_no_silent_loss`, the forms being `plain`, `boxed` and
/// `shared`.
///
/// ```
/// use audit_schema::CallEvent;
/// use audit_testkit::conformance::{Harness, Reads};
/// use audit_testkit::{RecordingSink, conformance_suite};
///
/// #[derive(Default)]
/// struct Recording(RecordingSink);
///
/// impl Harness for Recording {
///     type Sink = RecordingSink;
///     fn open(&self) -> RecordingSink {
///         self.0.clone()
///     }
/// }
///
/// impl Reads for Recording {
///     fn recorded(&self) -> Vec<CallEvent> {
///         self.0.events()
///     }
/// }
///
/// conformance_suite!(recording, Recording::default(), [reads]);
/// # fn main() {}
/// ```
///
/// An ability that isn't listed makes no test, so nothing shows as passed that
/// wasn't tested. One that is listed and not implemented doesn't compile, nor does
/// one that is misspelt:
///
/// ```compile_fail
/// # use audit_schema::CallEvent;
/// # use audit_testkit::conformance::{Harness, Reads};
/// # use audit_testkit::{RecordingSink, conformance_suite};
/// #
/// # #[derive(Default)]
/// # struct Recording(RecordingSink);
/// #
/// # impl Harness for Recording {
/// #     type Sink = RecordingSink;
/// #     fn open(&self) -> RecordingSink {
/// #         self.0.clone()
/// #     }
/// # }
/// #
/// # impl Reads for Recording {
/// #     fn recorded(&self) -> Vec<CallEvent> {
/// #         self.0.events()
/// #     }
/// # }
/// #
/// conformance_suite!(recording, Recording::default(), [raeds]);
/// # fn main() {}
/// ```
///
/// The expression sees what is in scope around the macro, but for local names in a
/// function: call the macro in a module.
#[macro_export]
macro_rules! conformance_suite {
    ($name:ident, $harness:expr, [$($ability:ident),* $(,)?] $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need none of them")]
            use super::*;

            mod plain {
                #[allow(unused_imports, reason = "the expression may need none of them")]
                use super::*;
                $crate::__conformance_tests!($harness; always);
                $($crate::__conformance_tests!($harness; $ability);)*
            }

            mod boxed {
                #[allow(unused_imports, reason = "the expression may need none of them")]
                use super::*;
                $crate::__conformance_tests!($crate::conformance::Boxed($harness); always);
                $($crate::__conformance_tests!($crate::conformance::Boxed($harness); $ability);)*
            }

            mod shared {
                #[allow(unused_imports, reason = "the expression may need none of them")]
                use super::*;
                $crate::__conformance_tests!($crate::conformance::Shared($harness); always);
                $($crate::__conformance_tests!($crate::conformance::Shared($harness); $ability);)*
            }
        }
    };
}

/// The tests of one ability.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (@ $harness:expr; $($clause:ident)+) => {$(
        #[test]
        fn $clause() {
            $crate::conformance::$clause(&$harness);
        }
    )+};
    ($harness:expr; always) => {
        $crate::__conformance_tests! { @ $harness;
            clause_01_threads
            clause_02_no_panic
            clause_07_drops_only_grow
            clause_13_any_caller_on_an_ending_thread
            clause_13_any_caller_in_a_panic_hook
            clause_13_any_caller_while_unwinding
        }
    };
    ($harness:expr; reads) => {
        $crate::__conformance_tests! { @ $harness;
            clause_04_no_silent_loss
            clause_04_no_silent_loss_from_any_caller
            clause_05_order
            clause_06_fidelity
            clause_08_flush_reaches_the_destination
            clause_11_dropping_delivers
        }
    };
    ($harness:expr; stalls) => {
        $crate::__conformance_tests! { @ $harness;
            clause_03_no_waiting
            clause_08_flush_is_honest_while_stalled
            clause_09_flush_is_bounded
        }
    };
    ($harness:expr; overflows) => {
        $crate::__conformance_tests! { @ $harness;
            clause_03_no_waiting_when_full
            clause_04_no_silent_loss_when_full
            clause_05_order_when_full
            clause_07_drops_only_grow_when_full
        }
    };
    ($harness:expr; refuses) => {
        $crate::__conformance_tests! { @ $harness;
            clause_04_no_silent_loss_when_refused
            clause_10_health_is_honest
        }
    };
    ($harness:expr; dies) => {
        $crate::__conformance_tests! { @ $harness;
            clause_12_dying_is_survived
        }
    };
    ($harness:expr; calls_back) => {
        $crate::__conformance_tests! { @ $harness;
            clause_13_any_caller_inside_the_destination
        }
    };
    ($harness:expr; $unknown:ident) => {
        ::core::compile_error!(::core::concat!(
            "`",
            ::core::stringify!($unknown),
            "` is no ability of a harness; there are reads, stalls, overflows, refuses, dies, \
             calls_back"
        ));
    };
}
