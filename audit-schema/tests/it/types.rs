//! What the types can be used for, checked by the compiler.

use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe};

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Any thread may hold one, keep it as long as it likes, compare it and use it as
/// a key.
fn is_a_plain_value<T>()
where
    T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static,
    T: Clone + Debug + Eq + Hash + Serialize + DeserializeOwned,
{
}

#[test]
fn every_type_is_a_plain_value() {
    is_a_plain_value::<CallEvent>();
    is_a_plain_value::<Outcome>();
    is_a_plain_value::<CapProvenance>();
    is_a_plain_value::<ProvSource>();
}

#[test]
fn a_text_is_given_as_whatever_becomes_a_string() {
    let from_str = CallEvent::new("ts", "id", "tool", 1, Outcome::Success, "hot");
    let from_string = CallEvent::new(
        String::from("ts"),
        Box::<str>::from("id"),
        std::borrow::Cow::from("tool"),
        1,
        Outcome::Success,
        'h'.to_string() + "ot",
    );
    assert_eq!(from_str, from_string);
}
