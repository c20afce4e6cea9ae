use serde::{Deserialize, Deserializer, Serialize};

use crate::kind::{Kinded, Members};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl<'de> Deserialize<'de> for ProvSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer, "a capability's source")
    }
}

impl Kinded for ProvSource {
    const MEMBERS: &'static [&'static str] = &["issuer_did", "chain_depth"];

    fn from_members<E: serde::de::Error>(kind: &str, members: &mut Members) -> Result<Self, E> {
        Ok(match kind {
            "string_allow_list" => Self::StringAllowList,
            "ucan_chain" => Self::UcanChain {
                issuer_did: members.string("issuer_did")?,
                chain_depth: members.u8("chain_depth")?,
            },
            _ => Self::Unknown { kind: kind.into() },
        })
    }
}
