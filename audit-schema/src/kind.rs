//! Reading of objects that say by `kind` what they are.
//!
//! Serde's derive can't keep the name of a kind it doesn't know, and lets a
//! member of such a kind fail the whole line. Here a member is only looked at
//! once the kind is known, wherever in the object `kind` stands.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A type that is read from the members that its kind has.
pub(crate) trait Kinded: Sized {
    /// The members that any kind has.
    const MEMBERS: &'static [&'static str];

    /// The value of that kind; members that the kind lacks are left alone.
    fn from_members<E: Error>(kind: &str, members: &mut Members) -> Result<Self, E>;
}

/// The members of an object, but for its `kind`.
pub(crate) struct Members {
    kind: String,
    found: Vec<(&'static str, Member)>,
}

/// What a member of any kind of object may be.
enum Member {
    Null,
    Bool(bool),
    Number(u64),
    String(String),
    Strings(Vec<String>),
    Other,
}

impl Members {
    pub(crate) fn deserialize<'de, D, T>(
        deserializer: D,
        expecting: &'static str,
    ) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: Kinded,
    {
        deserializer.deserialize_map(KindedVisitor {
            expecting,
            target: PhantomData,
        })
    }

    pub(crate) fn string<E: Error>(&mut self, name: &'static str) -> Result<String, E> {
        match self.take(name)? {
            Member::String(value) => Ok(value),
            _ => Err(self.wrong(name, "a string")),
        }
    }

    pub(crate) fn bool<E: Error>(&mut self, name: &'static str) -> Result<bool, E> {
        match self.take(name)? {
            Member::Bool(value) => Ok(value),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    pub(crate) fn strings<E: Error>(&mut self, name: &'static str) -> Result<Vec<String>, E> {
        match self.take(name)? {
            Member::Strings(value) => Ok(value),
            _ => Err(self.wrong(name, "an array of strings")),
        }
    }

    pub(crate) fn optional_u64<E: Error>(&mut self, name: &'static str) -> Result<Option<u64>, E> {
        match self.take(name)? {
            Member::Null => Ok(None),
            Member::Number(value) => Ok(Some(value)),
            _ => Err(self.wrong(name, "null or an integer from 0 to 2^64 - 1")),
        }
    }

    pub(crate) fn u8<E: Error>(&mut self, name: &'static str) -> Result<u8, E> {
        match self.take(name)? {
            Member::Number(value) => {
                u8::try_from(value).map_err(|_| self.wrong(name, "an integer from 0 to 255"))
            }
            _ => Err(self.wrong(name, "an integer from 0 to 255")),
        }
    }

    fn take<E: Error>(&mut self, name: &'static str) -> Result<Member, E> {
        match self.found.iter().position(|(found, _)| *found == name) {
            Some(at) => Ok(self.found.swap_remove(at).1),
            None => Err(E::custom(format_args!(
                "kind `{}` lacks its member `{name}`",
                self.kind
            ))),
        }
    }

    fn wrong<E: Error>(&self, name: &str, expected: &str) -> E {
        E::custom(format_args!(
            "kind `{}`: member `{name}` must be {expected}",
            self.kind
        ))
    }
}

struct KindedVisitor<T> {
    expecting: &'static str,
    target: PhantomData<T>,
}

impl<'de, T: Kinded> Visitor<'de> for KindedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: an object with a member `kind`", self.expecting)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut kind: Option<String> = None;
        let mut found: Vec<(&'static str, Member)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "kind" {
                if kind.replace(map.next_value()?).is_some() {
                    return Err(A::Error::duplicate_field("kind"));
                }
            } else if let Some(known) = T::MEMBERS.iter().find(|member| **member == name) {
                if found.iter().any(|(earlier, _)| earlier == known) {
                    return Err(A::Error::duplicate_field(known));
                }
                found.push((known, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field("kind"))?;
        let mut members = Members { kind, found };
        let kind = members.kind.clone();
        T::from_members(&kind, &mut members)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        Member::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Member, E> {
        Ok(Member::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Member, E> {
        Ok(Member::Number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Member, E> {
        Ok(u64::try_from(value).map_or(Member::Other, Member::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Member, E> {
        Ok(Member::String(value.into()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Member, E> {
        Ok(Member::String(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member, A::Error> {
        let mut strings = Some(Vec::new());
        while let Some(item) = seq.next_element::<Item>()? {
            match (&mut strings, item) {
                (Some(strings), Item(Some(item))) => strings.push(item),
                _ => strings = None,
            }
        }
        Ok(strings.map_or(Member::Other, Member::Strings))
    }
}

/// An item of an array: a string, or anything else as `None`.
struct Item(Option<String>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Member::deserialize(deserializer)? {
            Member::String(value) => Some(value),
            _ => None,
        }))
    }
}
