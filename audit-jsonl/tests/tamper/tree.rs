//! JSON with its members in the order in which they stand, each name once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Leaf(Value),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// The kinds that the schema has.
const KINDS: [&str; 8] = [
    "success",
    "execution_failed",
    "invalid_args",
    "capability_denied",
    "rate_limited",
    "tool_not_found",
    "string_allow_list",
    "ucan_chain",
];

impl Tree {
    pub(crate) fn without(&self, name: &str) -> Self {
        match self {
            Self::Object(members) => {
                let mut members = members.clone();
                members.retain(|(member, _)| member != name);
                Self::Object(members)
            }
            other => other.clone(),
        }
    }

    /// Of what says its kind, and that kind is none of the schema's, the kind alone.
    pub(crate) fn without_what_a_kind_adds(&self) -> Self {
        match self {
            Self::Leaf(_) => self.clone(),
            Self::Array(items) => {
                Self::Array(items.iter().map(Self::without_what_a_kind_adds).collect())
            }
            Self::Object(members) => {
                let known = match members.first() {
                    Some((name, Self::Leaf(Value::String(kind)))) if name == "kind" => {
                        KINDS.contains(&kind.as_str())
                    }
                    _ => true,
                };
                let kept = if known { members.len() } else { 1 };
                let members = members[..kept].iter();
                let keep =
                    |(name, tree): &(String, Self)| (name.clone(), tree.without_what_a_kind_adds());
                Self::Object(members.map(keep).collect())
            }
        }
    }
}

/// Compact, with the escapes of `serde_json`.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(value) => write!(f, "{value}"),
            Self::Array(items) => {
                f.write_str("[")?;
                for (nth, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if nth > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (nth, (name, tree)) in members.iter().enumerate() {
                    let comma = if nth > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{tree}", Value::from(name.as_str()))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members: Vec<(String, Tree)> = Vec::new();
        while let Some((name, tree)) = map.next_entry::<String, Tree>()? {
            if members.iter().any(|(earlier, _)| *earlier == name) {
                return Err(A::Error::custom("a name stands there twice"));
            }
            members.push((name, tree));
        }
        Ok(Tree::Object(members))
    }
}
