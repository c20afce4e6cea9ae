//! Names for calls that nobody has named.

use std::sync::LazyLock;

use audit_sink::Ulids;

/// A ULID: unique, and later ones of this process sort behind earlier ones.
pub(crate) fn call_id() -> String {
    static IDS: LazyLock<Ulids> = LazyLock::new(Ulids::new);
    IDS.generate()
}
