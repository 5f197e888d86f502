//! The id of a realm in feed messages.

use core::fmt;

use sha2::{Digest, Sha256};

/// A realm's id on the wire: the first 16 bytes of SHA-256 over `"realm\0"` and the issuer (`iss`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealmId([u8; 16]);

impl RealmId {
    /// The id of the realm with this issuer, compared byte by byte as in RFC 7519 §4.1.1.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        let digest: [u8; 32] = Sha256::new().chain_update(b"realm\0").chain_update(issuer.as_bytes()).finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }

    /// Takes the 16 bytes of an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for RealmId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RealmId(")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        formatter.write_str(")")
    }
}
