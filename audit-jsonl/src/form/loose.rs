//! Plain lines that another program has written: records, whatever their spacing.

use std::collections::HashSet;
use std::fmt;

use audit_schema::CallEvent;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::form::FormError;

/// Says that a line is none of a later version.
pub(super) const NOT_LATER: &str = "no line of a later version";

/// A plain line; `error` says where it departs from the form of the library, for
/// a line that has a member `chain`.
pub(super) fn read(text: &str, error: FormError) -> Result<CallEvent, FormError> {
    // The column counts bytes, from 1.
    let failed = |failure: &serde_json::Error, what| FormError {
        byte: failure.column().saturating_sub(1).min(text.len()),
        what,
    };
    if text.is_empty() {
        return Err(FormError {
            byte: 0,
            what: "an empty line",
        });
    }
    if text.contains('\r') {
        return Err(FormError {
            byte: text.find('\r').unwrap_or_default(),
            what: "a carriage return",
        });
    }
    match serde_json::from_str::<Names>(text) {
        Ok(Names { has_chain: true }) => return Err(error),
        Ok(_) => {}
        // What is nearly a chained line is told of more exactly.
        Err(_) if is_nearly_chained(text) => return Err(error),
        Err(failure) if failure.is_data() => {
            return Err(failed(&failure, "a member that stands twice"));
        }
        Err(failure) => return Err(failed(&failure, "no JSON")),
    }
    serde_json::from_str(text).map_err(|failure| failed(&failure, "no record of a tool call"))
}

fn is_nearly_chained(text: &str) -> bool {
    text.starts_with("{\"ts\":\"") && text.contains(",\"chain\":{")
}

/// Reads any value, and fails when an object in it has a name twice.
struct Names {
    has_chain: bool,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = HashSet::new();
        let mut has_chain = false;
        while let Some(name) = map.next_key::<String>()? {
            has_chain |= name == "chain";
            if !names.insert(name) {
                return Err(A::Error::custom("twice"));
            }
            map.next_value::<Names>()?;
        }
        Ok(Names { has_chain })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        while seq.next_element::<Names>()?.is_some() {}
        Ok(Names { has_chain: false })
    }

    fn visit_unit<E: Error>(self) -> Result<Names, E> {
        Ok(Names { has_chain: false })
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Names, E> {
        self.visit_unit()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Names, E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Names, E> {
        self.visit_unit()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Names, E> {
        self.visit_unit()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Names, E> {
        self.visit_unit()
    }
}
