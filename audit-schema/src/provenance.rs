use serde::de::{Deserializer, Error, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};

use crate::reading::{Kinded, Members, Shape, Slot, next_name, shape, skip};

/// One granted capability and where it came from:
/// `{"cap":"fs.read","source":{"kind":"string_allow_list"}}`. Since version 3.
///
/// ```
/// use audit_schema::{CapProvenance, ProvSource};
///
/// let read = CapProvenance { cap: "fs.read".into(), source: ProvSource::StringAllowList };
/// assert_eq!(
///     serde_json::to_string(&read)?,
///     r#"{"cap":"fs.read","source":{"kind":"string_allow_list"}}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CapProvenance {
    /// The capability, as in
    /// [`granted_capabilities`](crate::CallEvent::granted_capabilities).
    pub cap: String,
    /// Where it came from.
    pub source: ProvSource,
}

/// Where a granted capability came from.
///
/// On the wire an object whose `kind` says which, in snake case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProvSource {
    /// The operator's list of allowed capabilities:
    /// `{"kind":"string_allow_list"}`. Since version 3.
    StringAllowList,

    /// A link of a UCAN delegation chain:
    /// `{"kind":"ucan_chain","issuer_did":"did:key:z6Mk…","chain_depth":1}`. Since
    /// version 3.
    UcanChain {
        /// The DID of the link's issuer (`iss`).
        issuer_did: String,
        /// How far the link is from the root, which is `0`.
        chain_depth: u8,
    },

    /// A kind that this version of the library doesn't know, written by a later
    /// one: `{"kind":"…"}`. Its other members are not kept.
    #[serde(untagged)]
    Unknown {
        /// The kind as it stood there.
        kind: String,
    },
}

impl ProvSource {
    /// The `kind` as it stands on the wire, as `"ucan_chain"`; that of
    /// [`Unknown`](Self::Unknown) is whatever stood there.
    ///
    /// ```
    /// use audit_schema::ProvSource;
    ///
    /// assert_eq!(ProvSource::StringAllowList.kind(), "string_allow_list");
    /// ```
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::StringAllowList => "string_allow_list",
            Self::UcanChain { .. } => "ucan_chain",
            Self::Unknown { kind } => kind,
        }
    }
}

impl<'de> Deserialize<'de> for ProvSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape(deserializer)
    }
}

impl Kinded for ProvSource {
    const EXPECTED: &'static str = "a source: an object with a member `kind`";

    const KINDS: &'static [(&'static str, &'static [&'static str])] = &[
        ("string_allow_list", &[]),
        ("ucan_chain", &["issuer_did", "chain_depth"]),
    ];

    fn from_members<E: Error>(kind: &str, members: &mut Members) -> Result<Self, E> {
        Ok(match kind {
            "string_allow_list" => Self::StringAllowList,
            "ucan_chain" => Self::UcanChain {
                issuer_did: members.get("issuer_did")?,
                chain_depth: members.get("chain_depth")?,
            },
            _ => Self::Unknown { kind: kind.into() },
        })
    }
}

impl<'de> Deserialize<'de> for CapProvenance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape(deserializer)
    }
}

impl Shape for CapProvenance {
    const EXPECTED: &'static str = "an object with the members `cap` and `source`";

    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut cap = Slot::new("cap");
        let mut source = Slot::new("source");
        while let Some(name) = next_name(&mut map, &["cap", "source"])? {
            match name {
                "cap" => cap.read(&mut map)?,
                "source" => source.read_nested(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        Ok(Self {
            cap: cap.required()?,
            source: source.required()?,
        })
    }
}

/// The whole of a record's provenance, as it is read.
#[derive(Default)]
pub(crate) struct Provenance(pub(crate) Option<Vec<CapProvenance>>);

impl<'de> Deserialize<'de> for Provenance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape(deserializer)
    }
}

impl Shape for Provenance {
    const EXPECTED: &'static str = "the capability_provenance: an array or null";

    fn from_array<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = seq.next_element()? {
            entries.push(entry);
        }
        Ok(Self(Some(entries)))
    }

    fn from_null<E: Error>() -> Result<Self, E> {
        Ok(Self::default())
    }
}
