//! Reading of objects, member by member.
//!
//! Serde's derive falls short of what this crate promises: it can't keep the
//! name of a kind that it doesn't know, and lets a member of such a kind fail the
//! whole line; it reads an array as if it were an object; and when a member has
//! the wrong type, it quotes what it found, but doesn't say where.

mod value;

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

pub(crate) use self::value::{FromValue, Value};

/// A type that is read from an object or from an array.
pub(crate) trait Shape: Sized {
    /// What it is, to stand after "expected".
    const EXPECTED: &'static str;

    fn from_object<'de, A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &Self::EXPECTED))
    }

    fn from_array<'de, A: SeqAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &Self::EXPECTED))
    }

    fn from_null<E: Error>() -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Unit, &Self::EXPECTED))
    }
}

pub(crate) fn shape<'de, T: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ShapeVisitor(PhantomData))
}

struct ShapeVisitor<T>(PhantomData<T>);

impl<'de, T: Shape> Visitor<'de> for ShapeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::from_array(seq)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        T::from_null()
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        T::from_null()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        shape(deserializer)
    }

    // The defaults of these quote the value, and a record is sensitive.

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("boolean"), &self))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// One member of an object, read at most once.
pub(crate) struct Slot<T> {
    name: &'static str,
    value: Option<T>,
}

impl<T> Slot<T> {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, value: None }
    }

    /// Reads a plain value.
    pub(crate) fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error>
    where
        T: FromValue,
    {
        let value = T::from_value(map.next_value()?);
        self.fill(value.ok_or_else(|| {
            A::Error::custom(format_args!(
                "member `{}` must be {}",
                self.name,
                T::EXPECTED
            ))
        })?)
    }

    /// Reads what has members of its own.
    pub(crate) fn read_nested<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
    ) -> Result<(), A::Error>
    where
        T: Deserialize<'de>,
    {
        self.fill(map.next_value()?)
    }

    fn fill<E: Error>(&mut self, value: T) -> Result<(), E> {
        match self.value.replace(value) {
            None => Ok(()),
            Some(_) => Err(E::duplicate_field(self.name)),
        }
    }

    pub(crate) fn required<E: Error>(self) -> Result<T, E> {
        self.value.ok_or_else(|| E::missing_field(self.name))
    }

    pub(crate) fn or_default(self) -> T
    where
        T: Default,
    {
        self.value.unwrap_or_default()
    }
}

/// The name of the next member, if it is one of those; another one is `""`.
pub(crate) fn next_name<'de, A: MapAccess<'de>>(
    map: &mut A,
    names: &[&'static str],
) -> Result<Option<&'static str>, A::Error> {
    map.next_key_seed(Find(|name: &str| {
        let known = names.iter().find(|known| **known == name);
        known.copied().unwrap_or_default()
    }))
}

pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// What a function makes of a string, which is not copied for it.
struct Find<F>(F);

impl<'de, R, F: FnOnce(&str) -> R> DeserializeSeed<'de> for Find<F> {
    type Value = R;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<R, F: FnOnce(&str) -> R> Visitor<'_> for Find<F> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<R, E> {
        Ok((self.0)(name))
    }
}

/// A type that says by `kind` which members it has.
pub(crate) trait Kinded: Sized {
    /// See [`Shape::EXPECTED`].
    const EXPECTED: &'static str;

    /// The kinds that are known, each with its members.
    const KINDS: &'static [(&'static str, &'static [&'static str])];

    /// The value of that kind, known or not.
    fn from_members<E: Error>(kind: &str, members: &mut Members) -> Result<Self, E>;
}

/// The members of an object, but for its `kind`.
pub(crate) struct Members {
    kind: String,
    found: Vec<(&'static str, Value)>,
}

impl<T: Kinded> Shape for T {
    const EXPECTED: &'static str = <T as Kinded>::EXPECTED;

    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut kind: Slot<String> = Slot::new("kind");
        let mut found: Vec<(&'static str, Value)> = Vec::new();
        while let Some(member) = map.next_key_seed(Find(|name: &str| {
            Member::find::<T>(name, kind.value.as_deref())
        }))? {
            match member {
                Member::Kind => kind.read(&mut map)?,
                Member::Wanted(name) => {
                    let value = map.next_value()?;
                    match found.iter_mut().find(|(earlier, _)| *earlier == name) {
                        None => found.push((name, value)),
                        Some((_, earlier)) => *earlier = Value::Twice,
                    }
                }
                Member::Other => skip(&mut map)?,
            }
        }
        let mut members = Members {
            kind: kind.required()?,
            found,
        };
        let kind = members.kind.clone();
        T::from_members(&kind, &mut members)
    }
}

enum Member {
    Kind,
    Wanted(&'static str),
    Other,
}

impl Member {
    /// Once the kind is known, only its own members are wanted. Before that, any
    /// that some kind has; they are looked at later.
    fn find<T: Kinded>(name: &str, kind: Option<&str>) -> Self {
        if name == "kind" {
            return Self::Kind;
        }
        let kinds = T::KINDS
            .iter()
            .filter(|(known, _)| kind.is_none_or(|kind| kind == *known));
        let mut members = kinds.flat_map(|(_, members)| *members);
        match members.find(|member| **member == name) {
            Some(member) => Self::Wanted(member),
            None => Self::Other,
        }
    }
}

impl Members {
    pub(crate) fn get<T: FromValue, E: Error>(&mut self, name: &'static str) -> Result<T, E> {
        let at = self.found.iter().position(|(found, _)| *found == name);
        let value = match at.map(|at| self.found.swap_remove(at).1) {
            Some(Value::Twice) => return Err(E::duplicate_field(name)),
            Some(value) => value,
            None => {
                return Err(E::custom(format_args!(
                    "kind `{}` lacks its member `{name}`",
                    self.kind
                )));
            }
        };
        T::from_value(value).ok_or_else(|| {
            E::custom(format_args!(
                "kind `{}`: member `{name}` must be {}",
                self.kind,
                T::EXPECTED
            ))
        })
    }
}
