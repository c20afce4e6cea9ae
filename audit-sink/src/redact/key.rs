use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// A shorter key could be found by trying.
const LEAST_BYTES: usize = 16;

/// How much of the hash is kept: 128 bits tell any two values apart.
const KEPT_BYTES: usize = 16;

/// A secret key, by which values become hashes: HMAC-SHA-256.
///
/// Who has the key can tell whether a record is about a value that he knows, by
/// hashing it anew; nobody can go back from a hash to the value. Without the key,
/// even guesses can't be checked.
///
/// ```
/// use audit_sink::redact::HashKey;
///
/// let key = HashKey::new(b"0123456789abcdef")?;
/// assert_eq!(key.hash("ada"), key.hash("ada"));
/// assert_ne!(key.hash("ada"), key.hash("bob"));
/// assert_eq!(key.hash("ada"), "hmac:83eeb38e004a295359bde4b0760bb271");
/// assert_eq!(format!("{key:?}"), "HashKey(..)");
/// # Ok::<(), audit_sink::redact::KeyError>(())
/// ```
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A key of 16 bytes or more; best 32 random ones.
    ///
    /// # Errors
    ///
    /// It is shorter.
    pub fn new(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() < LEAST_BYTES {
            return Err(KeyError { bytes: key.len() });
        }
        // An HMAC takes keys of any length.
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| KeyError { bytes: key.len() })
    }

    /// What stands in a record for that value: `hmac:` and the first 16 bytes of its
    /// HMAC-SHA-256, in hexadecimal.
    #[must_use]
    pub fn hash(&self, value: &str) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut mac = self.0.clone();
        mac.update(value.as_bytes());
        let mut text = String::from("hmac:");
        for byte in mac.finalize().into_bytes().iter().take(KEPT_BYTES) {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }
}

/// Prints nothing of the key.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// The key is too short to keep anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the key has {bytes} bytes: it must have at least {LEAST_BYTES}")]
pub struct KeyError {
    bytes: usize,
}
